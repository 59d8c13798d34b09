package bot

import "time"

// Update is something that a channel delivered and that is stored until it is dealt with.
type Update struct {
	Channel  string
	ID       string // the platform's: the same update delivered again has the same
	Chat     string // updates of one chat are dealt with in the order of their arrival
	Payload  []byte // as it came
	Received time.Time
	Token    int64 // of the claim; who lost it to another worker cannot finish
}
