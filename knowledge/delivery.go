package knowledge

// DeliveryCount is how many deliveries of a broadcast are in a state.
type DeliveryCount struct {
	Channel string
	County  string // GB/T 2260; empty: not told
	State   string // waiting, claimed, postponed, sent, failed
	Reason  string // of failed ones
	N       int64
}

// DeliveryDelay is how long deliveries took from the fan-out, in seconds.
type DeliveryDelay struct {
	Channel  string
	P50, P95 float64
}
