package bot

import (
	"time"

	"qiuzhen/retrieval"
)

// Channel is what a way of talking to readers can do; the replies are made to fit.
type Channel struct {
	Name    string // web, telegram, wechat, terminal
	Push    bool   // can send to a reader who has not just asked
	Alerts  bool   // who subscribes here is sent broadcasts
	Buttons bool   // shows Choices as buttons; otherwise the reply says which words to send
	Pages   bool   // the size of its letters is ours to change
	Groups  bool   // has chats of several people
	Edits   bool   // a question may be edited, and its reply replaced
	Most    int    // bytes of a text, beyond which it is cut; 0: it is not
}

// Message is what somebody sent over a channel.
type Message struct {
	Via       Channel
	Reader    string // the channel's name for who sent it
	Text      string
	Update    string // the platform's number of what brought it: brought again it gets the same reply; empty: it is not brought again
	About     int64  // the reply whose button was pressed; 0: what was said last
	Group     string // the channel's name for the group that it was sent to; empty: to us alone
	Delete    bool   // the channel has asked already whether all there is of the reader is to be deleted: it is
	Addressed bool   // in a group: it calls us by name or answers us
	// At is when it was written, by the channel's clock; it may have waited for us for hours since. Zero: now.
	At time.Time
}

// written is when a message was written.
func (m Message) written(now time.Time) time.Time { return asOf(m.At, now) }

// asOf is a channel's time: never after now, whatever its clock says; now when it tells none.
func asOf(at, now time.Time) time.Time {
	if at.IsZero() || at.After(now) {
		return now
	}
	return at
}

// Reader is somebody who talks to us over a channel, with all that is kept of them.
type Reader struct {
	ID      int64
	Channel string
	Name    string // the channel's
	Memory  Memory
	Wishes  Wishes
	Had     Wishes    // as they were read: only what a turn has changed of them is written
	Blocked bool      // by the staff, for abuse
	Gone    bool      // blocked us, or left the channel: nothing is sent
	Waits   bool      // for something that they asked to be told
	Due     bool      // some of that has been answered since
	Read    time.Time // when that was, by the store's clock: who is forgotten afterwards is not written again; zero: it does not matter
}

// MemberOf is the name that somebody has in a group: what they say there is a conversation of its own, so that nothing of theirs gets into
// the group. Who deletes their data deletes it in every group.
func MemberOf(group, person string) string { return group + memberMark + person }

const memberMark = "\n"

// Wishes are how a reader wants to be talked to, and what they want to be sent.
type Wishes struct {
	Slow  bool          `json:"slow,omitempty"`  // one step a message
	Large bool          `json:"large,omitempty"` // larger letters, where they are ours to change
	Auto  bool          `json:"auto,omitempty"`  // of a group: rumours are answered without being asked
	Sent  *Subscription `json:"sent,omitempty"`  // nil: nothing
}

// Subscription is what a reader agreed to be sent, in which words and when.
type Subscription struct {
	County  string    `json:"county,omitempty"` // GB/T 2260; empty: all
	Topics  []string  `json:"topics,omitempty"` // knowledge.Topic; none: all
	Age     string    `json:"age,omitempty"`    // 老人, 成人, 学生; empty: not told
	Wording string    `json:"wording"`          // what was agreed to
	At      time.Time `json:"at"`
}

// Turn is what one message changed, kept in one transaction.
type Turn struct {
	Reader   Reader    // with its memory and wishes as they are now
	Answered *Answered // nil: nothing was concluded
	Filed    string    // a question for the experts, masked; empty: none
	Agreed   bool      // wants to be told when the question of About is answered, or the one filed last
	Enough   bool      // wants to be told nothing any more, whatever they agreed to before
	About    int64     // the reply that Agreed and Feedback are about; 0: the last one
	Feedback *Feedback
	Told     []int64 // questions whose answers the reply tells
	Update   string  // of the inbox, which keeps Reply until it is sent; empty: none
	Reply    *Kept   // its Answer is numbered when it is kept
}

// Answered is the record of one reply: for reports, for corrections, and gone after 30 days.
type Answered struct {
	At       time.Time
	Message  string // masked
	Decision retrieval.Decision
	Urgent   string // class of the danger seen; empty: none
	Live     string // kind of current fact; empty: none
	Shown    []Shown
	Took     time.Duration
}

// Shown is a version that a reply quoted, or offered.
type Shown struct {
	retrieval.Ref
	Score  float64
	Quoted bool
}

// Feedback is what a reader thought of a reply.
type Feedback struct {
	Answer int64 // 0: the last reply
	Useful bool
	Reason string // of one that was not; empty: not told
}

// Said is a reply as it is remembered.
type Said struct {
	Message string  // what it answered, masked; empty when that was another's
	Shown   []Shown // in the order shown
	Filed   bool    // its question went to the experts
}

// Due is the answer to a question whose reader wants to be told.
type Due struct {
	Reader   Reader
	Question int64
	Words    string // of the question, masked
	Entry    retrieval.Ref
	Missed   bool // sending it failed too often
}

// Forgotten counts what was deleted of a reader.
type Forgotten struct {
	Messages, Opinions, Questions, Subscriptions, Updates int
}
