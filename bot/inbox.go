package bot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// Update is something that a channel delivered and that is stored until it is dealt with.
type Update struct {
	Channel  string
	ID       string // the platform's: the same update delivered again has the same
	Chat     string // updates of one chat are dealt with in the order of their arrival, but for those in the lane Danger
	Payload  []byte // as it came
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

// DangerLine is what a message that speaks of a danger is answered with where nothing else can be done for it; empty when it speaks of none.
func DangerLine(words string) string {
	if u := patternDanger(words); u != nil {
		return dangerReply(u).Text
	}
	return ""
}

// Kept is a reply as it waits to be sent, stored with the turn that made it.
type Kept struct {
	Text     string          `json:"text,omitempty"`
	Choices  []Choice        `json:"choices,omitempty"`
	Answer   int64           `json:"answer,omitempty"`
	Answered []retrieval.Ref `json:"answered,omitempty"`
	Offered  []retrieval.Ref `json:"offered,omitempty"`
}

// ErrAnswered means that the update has been answered meanwhile, by another process that was thought dead.
var ErrAnswered = errors.New("the update has been answered")

// keeping makes a turn keep the reply to an update for another try.
func (m Message) keeping(t Turn, r Reply) Turn {
	if t.Update = m.Update; m.Update != "" {
		kept := r.kept()
		t.Reply = &kept
	}
	return t
}

func (r Reply) kept() Kept {
	return Kept{Text: r.Text, Choices: r.Choices, Answer: r.Answer, Answered: refs(r.Answers), Offered: refs(r.Candidates)}
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
	r := Reply{Text: k.Text, Choices: k.Choices, Answer: k.Answer, Result: retrieval.Result{Answers: matches(k.Answered), Candidates: matches(k.Offered)}}
	if !d.served(ctx, r) {
		return gone(), true, nil
	}
	return r, true, nil
}

func matches(refs []retrieval.Ref) (out []retrieval.Match) {
	for _, ref := range refs {
		out = append(out, retrieval.Match{Stored: retrieval.Stored{Entry: knowledge.Entry{ID: ref.ID}, Version: ref.Version}})
	}
	return out
}
