package broadcast

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qiuzhen/knowledge"
)

// Sender puts messages into one channel. It is called from several goroutines, obeys ctx, and neither retries nor paces: Worker does.
// Its errors hold no secret and nothing of the message.
type Sender interface {
	Capabilities() Capabilities
	// Send returns nil when the platform took the message for good, and else a *RetryError, ErrGone, a *PermanentError or a *NotTakenError when
	// it said so and did not take it. Any other error leaves open whether it did: Worker tries again later with the same key.
	Send(ctx context.Context, m Message) (Receipt, error)
}

// Capabilities are what a channel can do.
type Capabilities struct {
	Channel      string        // as in Delivery.Channel
	Rate         float64       // messages a second over all nodes; 0: as fast as it goes
	PerRecipient time.Duration // the least time between two messages to one recipient
	Window       time.Duration // how long after their last words a recipient may be written to; 0: always
	MaxChars     int           // of a text, as the platform counts
	Idempotent   bool          // the platform drops a second message of the same key
	Mass         bool          // a recipient stands for many, such as a tag of WeChat's
	OwnAddress   bool          // each recipient has an address of its own: that one is not reached says nothing of the others
}

// Message is one text to one recipient.
type Message struct {
	Delivery knowledge.Delivery
	Text     string
	Short    string    // of channels with a second, bounded form (texts named CHANNEL_template); else empty
	Key      string    // the same for every try of this delivery, and of no other: at most 64 letters, digits and -
	Exercise bool      // the text says so in its first line
	Urgent   bool      // sent whatever the hour
	Expires  time.Time // of no use from then on
	Heard    time.Time // when the recipient last wrote to us; zero: never, or not known
	Now      time.Time // by the database's clock, which the nodes share: what is signed is signed with it; zero: not known
}

// Receipt is what the platform called the message.
type Receipt struct{ ID string }

// RetryError is the platform's wish to be left alone for a time (429 and the like). The message was not taken.
type RetryError struct {
	After     time.Duration
	Recipient bool // it is about this recipient only; else the whole channel is silent so long, on all nodes
	Node      bool // it is this node's own wish: no other node is silent for it
}

func (e *RetryError) Error() string { return fmt.Sprintf("asked to wait for %v", e.After) }

// ErrGone is that the recipient cannot be reached any more: blocked us, left, closed the account. It ends the subscription.
var ErrGone = errors.New("recipient is gone")

// NotTakenError is a message that was certainly not taken and may be later: the platform answered no for now, a setting has to be mended first, or
// nothing was written to it.
type NotTakenError struct {
	Err    error
	Reason string // for the staff, while the message waits; empty: the platform's no
}

func (e *NotTakenError) Error() string { return e.Err.Error() }

func (e *NotTakenError) Unwrap() error { return e.Err }

// PermanentError is a message that was not taken and never will be, whoever tries and whatever is mended: too long, a window that is over.
type PermanentError struct{ Reason string } // a few words for the report

func (e *PermanentError) Error() string { return "refused for good: " + e.Reason }

// Key names a delivery to platforms that drop repeats.
func Key(d knowledge.Delivery) string { return fmt.Sprintf("qiuzhen-%d-%d", d.Broadcast, d.N) }
