package bottest

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/retrieval"
)

// Desk is what a channel asks for replies: the desk of the suite is one.
type Desk interface {
	Handle(ctx context.Context, m bot.Message) (bot.Reply, error)
}

// Channel is a channel under test, from the platform's payload to what the platform shows.
type Channel interface {
	// Can is what the channel declares in its messages (bot.Message.Via).
	Can() bot.Channel
	// Send delivers what somebody did, as the platform would, and returns what is said in answer, once all of it has been said; nothing
	// for silence. Several messages that one reply was split into are one Seen.
	Send(t testing.TB, s Sent) []Seen
}

// Sent is what somebody does: writes a message, or presses a button.
type Sent struct {
	Reader    string // a name like 甲; the channel makes an id of it
	Group     string // empty: to us alone
	Addressed bool   // in a group: names us, or answers us
	Text      string
	Press     *Press // instead of Text, on channels with buttons
}

// Press is a button: its label, under which reply of the conversation (of the same Group, or of the same Reader without one), counted from 0.
type Press struct {
	Reply int
	Label string
}

// Seen is a reply as the reader sees it.
type Seen struct {
	Text    string   // its words; spaces and line breaks are not compared
	Choices []string // labels of its buttons
}

// Conversation is a case: turns and what must be so at the end.
type Conversation struct {
	Name  string
	Turns []Turn
	// KeptOut must be nowhere in what is stored at the end.
	KeptOut []string `json:"kept_out"`
	// Kept must be, as the JSON of a Store; other stores are not looked into.
	Kept []string
	// Needs are what the channel must be able to do: groups, buttons, pages, push, alerts, edits; with "no-" before it, must not.
	Needs []string
}

// Turn is one message, or press, and the reply to it.
type Turn struct {
	// What happens first.
	After    string // time that passes: 31m; otherwise 7s
	Publish  string // an entry that answers all questions filed so far
	Withdraw string // an entry
	Block    bool   // everybody is blocked by the staff
	// What is done: by 甲 unless said otherwise.
	By        string
	Group     string
	Addressed bool
	Say       string
	Press     string // label of a button under the last reply that had it
	Times     int    // said so often; the last reply is the one that is looked at
	// The reply. What is empty is not looked at.
	Silent   bool
	First    string   // line
	Has, Not []string // parts
	Decision string   // answer, suggest, abstain; talk: nothing was asked
	Urgent   string   // class of the danger, or "no"
	Choices  []string // labels of all buttons; on channels without buttons, of all that may be said
	Error    bool     // the reader gets bot.ErrorLine, since the engine fails
}

//go:embed conversations
var conversations embed.FS

// Conversations are the cases, those of the package's files.
func Conversations(t testing.TB) []Conversation {
	t.Helper()
	var out []Conversation
	names, err := fs.Glob(conversations, "conversations/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := conversations.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
			var c Conversation
			decoder := json.NewDecoder(bytes.NewReader(line))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&c); err != nil {
				t.Fatalf("%s:%d: %v", name, n+1, err)
			}
			out = append(out, c)
		}
	}
	return out
}

// PublicURL is where the pages of entries are in the conversations.
const PublicURL = "https://qiuzhen.example"

// Backend is a store under test, with what the staff and the operator do to it.
type Backend interface {
	bot.Store
	// AnswerAll says that an entry answers all questions filed so far.
	AnswerAll(t testing.TB, entry retrieval.Ref)
	// BlockAll blocks everybody who is known.
	BlockAll(t testing.TB)
	// Dump is everything that is kept, as one text; the form is the store's own.
	Dump(t testing.TB) string
}

// Conformance runs every conversation that the channel is able to have, each with a desk of its own that open connects the channel to.
func Conformance(t *testing.T, open func(t *testing.T, desk Desk) Channel) {
	t.Helper()
	ConformanceOn(t, func(*testing.T) Backend { return &Store{} }, open)
}

// ConformanceSample is every third conversation, for a channel that has them all on a shorter way; SOAK_CONVERSATIONS=1 has all.
func ConformanceSample(t *testing.T, open func(t *testing.T, desk Desk) Channel) {
	t.Helper()
	every := 3
	if os.Getenv("SOAK_CONVERSATIONS") != "" {
		every = 1
	}
	conform(t, every, func(*testing.T) Backend { return &Store{} }, open)
}

// ConformanceOn is Conformance on another store, an empty one for each conversation.
func ConformanceOn(t *testing.T, store func(*testing.T) Backend, open func(t *testing.T, desk Desk) Channel) {
	t.Helper()
	conform(t, 1, store, open)
}

// conform runs every so many of the conversations that the channel can have.
func conform(t *testing.T, every int, store func(*testing.T) Backend, open func(t *testing.T, desk Desk) Channel) {
	t.Helper()
	var can bot.Channel
	t.Run("can", func(t *testing.T) { can = open(t, newRun(t, store(t))).Can() })
	apart, had := 0, 0
	for _, c := range Conversations(t) {
		if c.missing(can) != "" {
			apart++
			continue
		}
		if had++; had%every != 0 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			r := newRun(t, store(t))
			r.channel = open(t, r)
			for i, turn := range c.Turns {
				r.turn(fmt.Sprintf("turn %d", i+1), turn)
			}
			kept := r.store.Dump(t)
			for _, out := range c.KeptOut {
				if strings.Contains(kept, out) {
					t.Errorf("%q is kept: %s", out, kept)
				}
			}
			_, json := r.store.(*Store)
			for _, in := range c.Kept {
				if json && !strings.Contains(kept, in) {
					t.Errorf("%q is not kept: %s", in, kept)
				}
			}
		})
	}
	t.Logf("%d conversations, %d need what the channel cannot do", had, apart)
}

// missing is the first need that a channel does not meet.
func (c Conversation) missing(can bot.Channel) string {
	has := map[string]bool{"groups": can.Groups, "buttons": can.Buttons, "pages": can.Pages, "push": can.Push, "alerts": can.Alerts, "edits": can.Edits}
	needs := c.Needs
	if slices.ContainsFunc(c.Turns, func(t Turn) bool { return t.Group != "" }) {
		needs = append(needs, "groups")
	}
	for _, need := range needs {
		name, not := strings.CutPrefix(need, "no-")
		if has[name] == not {
			return need
		}
	}
	return ""
}

// run is one conversation under way. It is the channel's desk, and listens.
type run struct {
	t       *testing.T
	desk    *bot.Desk
	store   Backend
	library *Library
	channel Channel

	mu    sync.Mutex
	clock time.Time
	heard []bot.Reply // since the turn began

	seen map[string][]Seen // by conversation
	said map[string][]bot.Reply
}

func newRun(t *testing.T, store Backend) *run {
	engine, library := NewEngine()
	r := &run{t: t, store: store, library: library, clock: time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC),
		seen: map[string][]Seen{}, said: map[string][]bot.Reply{}}
	r.desk = bot.NewDesk(engine, r.store, r.now)
	r.desk.PublicURL, r.desk.SubscribeOn = PublicURL, []string{"微信公众号", "Telegram"}
	return r
}

func (r *run) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.clock
}

// Handle implements Desk.
func (r *run) Handle(ctx context.Context, m bot.Message) (bot.Reply, error) {
	reply, err := r.desk.Handle(ctx, m)
	if err == nil && !reply.Silent {
		r.mu.Lock()
		r.heard = append(r.heard, reply)
		r.mu.Unlock()
	}
	return reply, err
}

func (r *run) turn(name string, turn Turn) {
	r.t.Helper()
	r.prepare(turn)
	var seen []Seen
	var heard []bot.Reply
	for range max(1, turn.Times) {
		seen, heard = r.do(name, turn)
	}
	switch {
	case turn.Silent && len(seen)+len(heard) > 0:
		r.t.Fatalf("%s (%s): %v is said, want silence", name, turn.Say, seen)
	case turn.Silent:
		return
	case len(seen) != 1:
		r.t.Fatalf("%s (%s%s): %d replies are seen, want 1: %v", name, turn.Say, turn.Press, len(seen), seen)
	}
	r.look(name, turn, seen[0])
	if turn.Error {
		if squeeze(seen[0].Text) != squeeze(bot.ErrorLine) {
			r.t.Errorf("%s: %q for an error", name, seen[0].Text)
		}
		return
	}
	if len(heard) != 1 {
		r.t.Fatalf("%s: the desk was asked %d times, want once", name, len(heard))
	}
	r.compare(name, turn, seen[0], heard[0])
}

// prepare does what happens before a turn.
func (r *run) prepare(turn Turn) {
	pause := 7 * time.Second
	if turn.After != "" {
		var err error
		if pause, err = time.ParseDuration(turn.After); err != nil {
			r.t.Fatal(err)
		}
	}
	r.mu.Lock()
	r.clock = r.clock.Add(pause)
	r.mu.Unlock()
	if turn.Publish != "" {
		r.store.AnswerAll(r.t, retrieval.Ref{ID: entryID(r.t, turn.Publish), Version: 1})
	}
	if turn.Withdraw != "" {
		r.library.Withdraw(entryID(r.t, turn.Withdraw))
	}
	if turn.Block {
		r.store.BlockAll(r.t)
	}
}

// do says or presses it, and keeps what is answered.
func (r *run) do(name string, turn Turn) ([]Seen, []bot.Reply) {
	by := turn.By
	if by == "" {
		by = "甲"
	}
	sent := Sent{Reader: by, Group: turn.Group, Addressed: turn.Addressed, Text: turn.Say}
	place := by
	if turn.Group != "" {
		place = "group " + turn.Group
	}
	if turn.Press != "" {
		r.press(name, turn.Press, place, &sent)
	}
	r.mu.Lock()
	r.heard = nil
	r.mu.Unlock()
	seen := r.channel.Send(r.t, sent)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[place] = append(r.seen[place], seen...)
	r.said[place] = append(r.said[place], r.heard...)
	return seen, r.heard
}

// press finds the button; on a channel without buttons the words are said.
func (r *run) press(name, label, place string, sent *Sent) {
	for i, reply := range slices.Backward(r.said[place]) {
		at := slices.IndexFunc(reply.Choices, func(c bot.Choice) bool { return c.Label == label })
		if at < 0 {
			continue
		}
		if r.channel.Can().Buttons {
			sent.Press = &Press{Reply: i, Label: label}
		} else {
			sent.Text = reply.Choices[at].Say
		}
		return
	}
	r.t.Fatalf("%s: no reply has a button %s", name, label)
}
