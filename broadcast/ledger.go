package broadcast

import (
	"context"
	"time"

	"qiuzhen/knowledge"
)

// Ledger holds the deliveries; *postgres.Ledger does. All of its times are spans or of the database's clock, which the nodes share: a node
// whose own clock steps does nothing wrong.
type Ledger interface {
	// Look tells what is being sent on a channel at the moment.
	Look(ctx context.Context, channel string) (Outlook, error)
	// Texts are what a broadcast says on each channel. They never change once it is being sent.
	Texts(ctx context.Context, broadcast int64) (map[string]string, error)
	// Turn records what became of deliveries and claims others, in one transaction.
	Turn(ctx context.Context, t Turn) ([]Claimed, error)
}

// Pace shares a channel's rate among the nodes; *postgres.Ledger does.
type Pace interface {
	// Reserve takes the channel's next n slots, so far apart, and tells how long it is until the first.
	Reserve(ctx context.Context, channel string, n int, apart time.Duration) (time.Duration, error)
	// Apart takes a recipient's turn when the last one was taken so long ago, by whichever node, and tells else how long to wait.
	Apart(ctx context.Context, channel, recipient string, apart time.Duration) (time.Duration, error)
	// Silence keeps the channel silent on all nodes.
	Silence(ctx context.Context, channel string, d time.Duration) error
}

// What lies further ahead than this was written by a clock that was set back since: it counts as past.
const (
	LongestLease = 2 * time.Minute              // no worker asks for more
	LongestWait  = 24*time.Hour + 5*time.Minute // of what is postponed: no outcome asks for more than a day
)

// Outlook is what a worker looks at before it claims and before it sends.
type Outlook struct {
	Now    time.Time     // the database's
	Orders []Order       // broadcasts in state sending that have not expired
	Wait   time.Duration // until the next slot of the channel
	Silent time.Duration // the platform asked for it
}

// Turn is what a worker tells and asks.
type Turn struct {
	Channel string
	Settled []Outcome
	// what is claimed: up to Want deliveries of the broadcast, first those that are due for another try, then those numbered above After
	Want      int
	Broadcast int64
	After     int64
	Due       bool          // look for due ones, that fell due within DueSince: the entries of older ones may be dead (see migrations/00021)
	DueSince  time.Duration // 0: whenever
	Lease     time.Duration
}

// Claimed is a delivery that is the worker's until its lease ends.
type Claimed struct {
	knowledge.Delivery
	Heard  time.Time // see Message
	Fresh  bool      // never claimed before
	Deaths int       // claims of it that ended with no word of their worker
	Lost   bool      // the recipient was forgotten meanwhile: there is nobody to send to
	Left   string    // why an Alert is for the recipient no more; empty: it is
}

// End is how a try ended.
type End string

// The ends, as the ledger calls them.
const (
	Sent      End = "sent"
	Failed    End = "failed"
	Postponed End = "postponed"
)

// Outcome is what became of a delivery.
type Outcome struct {
	knowledge.Delivery
	End     End
	Unclear bool          // it may have reached the recipient all the same
	Untried bool          // counts as no try
	Gone    bool          // of Failed: ends the subscription
	Heard   time.Time     // as it was claimed: who wrote to us since is not gone
	After   time.Duration // of Postponed: the next try; at most a day
	Reason  string
	Receipt string
}
