package cases

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// fakeDesk answers with what it was told, by whom and when.
type fakeDesk struct {
	now  func() time.Time
	said []string
}

func (d *fakeDesk) Handle(ctx context.Context, m bot.Message) (bot.Reply, error) {
	if m.Text == "fails" {
		return bot.Reply{}, errors.New("no database")
	}
	if m.Text == "stops" {
		<-ctx.Done()
		return bot.Reply{}, ctx.Err()
	}
	d.said = append(d.said, fmt.Sprintf("%s/%s/%s/%s", m.Via.Name, m.Reader, m.Text, d.now().UTC().Format("01-02T15:04:05")))
	return bot.Reply{Text: strings.Join(d.said, "\n"), Result: retrieval.Result{Decision: retrieval.Abstain}}, nil
}

func asking(id string, turns ...string) Case {
	return Case{ID: id, Turns: turns, Channel: "web", AsOf: "2026-11-27"}
}

func newRunner() Runner {
	return Runner{
		Desk:     func(now func() time.Time) Desk { return &fakeDesk{now: now} },
		Channels: map[string]bot.Channel{"web": {Name: "web"}}, Workers: 3,
	}
}

// TestRunner: a conversation goes turn by turn on its own day and desk; what fails is the case's outcome; outcomes come by id.
func TestRunner(t *testing.T) {
	other := asking("c", "hello")
	other.Channel = "pigeon"
	done := 0
	r := newRunner()
	r.Progress = func(n, total int) {
		if done++; n != done || total != 4 {
			t.Errorf("progress %d of %d after %d", n, total, done)
		}
	}
	got, err := r.Run(t.Context(), []Case{asking("d", "one", "two"), asking("b", "fails"), other, asking("a", "one")})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"web/case a/one/11-27T02:00:00", "", "", "web/case d/one/11-27T02:00:00\nweb/case d/two/11-27T02:00:40",
	}
	for i, o := range got {
		if o.Case.ID != string("abcd"[i]) || o.Reply != want[i] || (o.Error != "") != (want[i] == "") || o.Decision != "abstain" {
			t.Errorf("%+v", o)
		}
	}
}

// TestInterruptedRunGoesOn: what was kept is not asked again.
func TestInterruptedRunGoesOn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var kept []Outcome
	r := newRunner()
	r.Workers = 1
	r.Keep = func(_ context.Context, o Outcome) error {
		mu.Lock()
		defer mu.Unlock()
		if kept = append(kept, o); len(kept) == 2 {
			cancel()
		}
		return nil
	}
	all := []Case{asking("a", "1"), asking("b", "2"), asking("c", "stops"), asking("d", "4")}
	if _, err := r.Run(ctx, all); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	all[2].Turns = []string{"3"}
	r.Done, kept = kept, nil
	got, err := r.Run(t.Context(), all)
	if err != nil || len(got) != 4 || len(kept) != 2 {
		t.Errorf("%v: %d outcomes, %d asked", err, len(got), len(kept))
	}
}

// TestWhatIsNotedOfAnAnswer: an answer is held to the store, not to itself.
func TestWhatIsNotedOfAnAnswer(t *testing.T) {
	entry := knowledge.Entry{
		ID: "baijiu", Kind: knowledge.Rebuttal, Verdict: knowledge.False, Short: "喝白酒杀病毒", Claims: []string{"喝白酒能杀病毒"}, Summary: "杀不了，只伤身。", Actions: []string{"勤洗手。"},
		Sources: []knowledge.Source{{Institution: "院", Title: "文", Date: "2023"}},
	}
	at := time.Date(2026, 11, 27, 2, 0, 0, 0, time.UTC)
	edited := entry
	edited.Summary = "现在改了说法。"
	for _, c := range []struct {
		what               string
		versions           []Version
		published, current bool
		supported          bool
	}{
		{"as it is", []Version{{Entry: entry, Number: 1}}, true, true, true},
		{"a newer one is served", []Version{{Entry: entry, Number: 1}, {Entry: edited, Number: 2}}, true, false, true},
		{"not to be served", nil, false, false, false},
		{"expired", []Version{{Entry: entry, Number: 1, Expires: at}}, false, false, false},
		{"other words are stored", []Version{{Entry: edited, Number: 1}}, true, true, false},
	} {
		stored := retrieval.Stored{Entry: entry, Version: 1, Signed: true}
		result := retrieval.Result{Decision: retrieval.Sure, Answers: []retrieval.Match{{Stored: stored, Score: 0.5}}}
		o := Outcome{Case: asking("a", "x")}
		NewContent(c.versions).describe(&o, bot.Reply{Result: result, Text: bot.Render(result)}, at)
		a := o.Answers[0]
		if a.Published != c.published || a.Current != c.current || (len(o.unsupported()) == 0) != c.supported || len(a.Citations) != 1 || a.Verdict != "false" {
			t.Errorf("%s: %+v, unsupported %q", c.what, a, o.unsupported())
		}
	}
}
