package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// Update is something that a channel delivered and that is stored until it is dealt with.
type Update struct {
	Channel  string
	ID       string // the platform's: the same update delivered again has the same
	Chat     string // updates of one chat are dealt with in the order of their arrival, but for those in the lane Danger
	Payload  []byte // as it came, less the numbers of phones and persons
	Received time.Time
	Token    int64 // of the claim; who lost it to another worker cannot finish
	Lane     Lane
}

// Lane is how an update waits for its turn.
type Lane int16

// The lanes.
const (
	Words  Lane = iota // in the order of arrival
	Slow               // takes seconds to read: a few at once, so that words do not wait behind it
	Danger             // before all others, and never shed
)

var hasLink = regexp.MustCompile(`(?i)https?://|www\.`)

// LaneOf is the lane of a message: of its words, and of the picture or speech that came with it.
func LaneOf(words string, media bool) Lane {
	switch {
	case patternDanger(words) != nil:
		return Danger
	case media || hasLink.MatchString(words):
		return Slow
	}
	return Words
}

// DangerReply is the reply to a message that speaks of a danger where nothing else can be done for it: patterns see it, and nothing is asked of a model
// or a database. False when they see none.
func DangerReply(words string) (Reply, bool) {
	u := patternDanger(words)
	if u == nil {
		return Reply{}, false
	}
	return dangerReply(u), true
}

// DangerLine is what that reply says; empty when there is none.
func DangerLine(words string) string {
	reply, _ := DangerReply(words)
	return reply.Text
}

// Refused is what a message is answered with that is refused, or that something of ours failed at: the line, unless it speaks of a danger. Whatever
// refuses or fails says this.
func Refused(words, line string) string { return cmp.Or(DangerLine(words), line) }

// Kept is a reply as it waits to be sent, stored with the turn that made it.
type Kept struct {
	Text     string          `json:"text,omitempty"`
	Choices  []Choice        `json:"choices,omitempty"`
	Answer   int64           `json:"answer,omitempty"`
	Answered []retrieval.Ref `json:"answered,omitempty"`
	Offered  []retrieval.Ref `json:"offered,omitempty"`
	Told     []retrieval.Ref `json:"told,omitempty"`
	// What a page shows beside the text.
	Decision retrieval.Decision `json:"decision,omitempty"`
	Void     retrieval.Void     `json:"void,omitempty"`
	Number   string             `json:"number,omitempty"` // to call
	Live     bool               `json:"live,omitempty"`   // it says where a current fact is to be had
	Large    bool               `json:"large,omitempty"`
}

// Trace is with what a message was answered, for when it is edited. What it names is hashed by the channel.
type Trace struct {
	Message, Words [16]byte
	Reply          int // our message; 0: none that could be edited
	At             time.Time
}

// Exchange is a question and its reply as a page shows them again, to whichever node the reader comes.
type Exchange struct {
	N     int64  // grows with each of a reader's
	Asked string // masked
	Reply Kept
}

// ErrAnswered means that the update has been answered meanwhile, by another process that was thought dead.
var ErrAnswered = errors.New("the update has been answered")

// keeping makes a turn keep the reply to an update for another try.
func (m Message) keeping(t Turn, r Reply) Turn {
	if t.Update = m.Update; m.Update != "" {
		kept := r.Kept()
		t.Reply = &kept
	}
	return t
}

// Kept is a reply as it is kept.
func (r Reply) Kept() Kept {
	k := Kept{Text: r.Text, Choices: r.Choices, Answer: r.Answer, Answered: refs(r.Answers), Offered: refs(r.Candidates), Told: r.Told,
		Decision: r.Decision, Void: r.Void, Live: r.Live != nil, Large: r.Wishes.Large}
	if r.Urgent != nil {
		k.Number = r.Urgent.Number
	}
	return k
}

// Reply is what was kept, to be given again.
func (k Kept) Reply() Reply {
	r := Reply{Text: k.Text, Choices: k.Choices, Answer: k.Answer, Told: k.Told, Wishes: Wishes{Large: k.Large},
		Result: retrieval.Result{Decision: k.Decision, Void: k.Void, Answers: matches(k.Answered), Candidates: matches(k.Offered)}}
	if k.Number != "" {
		r.Urgent = &retrieval.Urgent{Number: k.Number}
	}
	if k.Live {
		r.Live = &retrieval.Live{}
	}
	return r
}

// before is the reply to an update that was answered before and perhaps not sent. What was withdrawn since is not said any more.
func (d *Desk) before(ctx context.Context, m Message) (Reply, bool, error) {
	if m.Update == "" {
		return Reply{}, false, nil
	}
	k, ok, err := d.Store.Kept(ctx, m.Via.Name, m.Update)
	if err != nil {
		return Reply{}, false, fmt.Errorf("a reply of before: %w", err)
	}
	if !ok {
		return Reply{}, false, nil
	}
	now, err := d.Current(ctx, k)
	if err != nil {
		return Reply{}, false, fmt.Errorf("a reply of before: %w", err)
	}
	return now[0].Reply(), true, nil
}

// Shown are the versions that a reply quotes, offers or tells.
func (k Kept) Shown() []retrieval.Ref { return slices.Concat(k.Answered, k.Offered, k.Told) }

// Current are replies that were kept as they may be shown now: GoneLine stands where one answers with or offers what is not served any more. What to do
// in a danger stays, with its number, and so does where a current fact is to be had; what the reader waited for is looked up by itself. One that has
// changed shows fewer versions than before. They are looked up at once.
func (d *Desk) Current(ctx context.Context, kept ...Kept) ([]Kept, error) {
	var shown []retrieval.Ref
	for _, k := range kept {
		shown = append(shown, k.Shown()...)
	}
	if len(shown) == 0 {
		return kept, nil
	}
	stored, err := d.Engine.Answerer.Load(ctx, shown)
	if err != nil {
		return nil, err
	}
	served := map[retrieval.Ref]bool{}
	for _, s := range stored {
		served[retrieval.Ref{ID: s.ID, Version: s.Version}] = true
	}
	out := slices.Clone(kept)
	for i, k := range out {
		out[i] = k.without(func(ref retrieval.Ref) bool { return !served[ref] })
	}
	return out, nil
}

func matches(refs []retrieval.Ref) (out []retrieval.Match) {
	for _, ref := range refs {
		out = append(out, retrieval.Match{Stored: retrieval.Stored{Entry: knowledge.Entry{ID: ref.ID}, Version: ref.Version}})
	}
	return out
}
