package bot_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/retrieval"
)

type edition struct{ n int64 }

func (e *edition) Edition(context.Context) (int64, error) { return e.n, nil }

// TestRecent: the same words are searched for once, until content changes, a minute has passed, or what was quoted is not served any more. Links are
// looked at each time.
func TestRecent(t *testing.T) {
	engine, library := bottest.NewEngine()
	at, now := &edition{}, start
	recent := bot.NewRecent(engine.Answerer, at, func() time.Time { return now })
	for i, c := range []struct {
		say, why string
		before   func()
		decision retrieval.Decision
		searches int
	}{
		{"白酒杀毒", "new", nil, retrieval.Sure, 1},
		{"白酒杀毒", "again", nil, retrieval.Sure, 1},
		{"白酒杀病毒", "other words", nil, retrieval.Sure, 2},
		{"喝酒", "offered", nil, retrieval.Suggest, 3},
		{"喝酒", "offered again", nil, retrieval.Suggest, 3},
		{"月亮", "nothing found", nil, retrieval.Abstain, 4},
		{"月亮", "nothing found again", nil, retrieval.Abstain, 4},
		{"看 https://a.example 白酒", "a link", nil, retrieval.Sure, 5},
		{"看 https://a.example 白酒", "a link again", nil, retrieval.Sure, 6},
		{"白酒杀毒", "content has changed", func() { at.n++ }, retrieval.Sure, 7},
		{"白酒杀毒", "a minute later", func() { now = now.Add(time.Minute) }, retrieval.Sure, 8},
		{"白酒杀毒", "not served any more", func() { library.Withdraw("baijiu-kills-virus") }, retrieval.Abstain, 9},
	} {
		if c.before != nil {
			c.before()
		}
		r, err := recent.Answer(t.Context(), retrieval.Message{Text: c.say})
		if err != nil || r.Decision != c.decision || library.Searches() != c.searches {
			t.Errorf("%d, %s: %q (%v) after %d searches", i, c.why, r.Decision, err, library.Searches())
		}
	}
}

// slowLibrary answers when it is let, and counts.
type slowLibrary struct {
	bot.Answerer
	mu    sync.Mutex
	free  chan struct{}
	began chan struct{}
	n     int
	fail  bool
}

func (l *slowLibrary) Answer(ctx context.Context, m retrieval.Message) (retrieval.Result, error) {
	l.mu.Lock()
	l.n++
	l.mu.Unlock()
	l.began <- struct{}{}
	select {
	case <-l.free:
	case <-ctx.Done():
		return retrieval.Result{}, ctx.Err()
	}
	if l.fail {
		panic("out of order: " + m.Text)
	}
	return l.Answerer.Answer(ctx, m)
}

// TestRecentAtOnce: a hundred who send the same words in the same moment are one search, which goes on when the one who began it is gone; who is gone
// does not wait for it, and nobody is handed what another may change.
func TestRecentAtOnce(t *testing.T) {
	engine, _ := bottest.NewEngine()
	library := &slowLibrary{Answerer: engine.Answerer, free: make(chan struct{}), began: make(chan struct{}, 100)}
	recent := bot.NewRecent(library, &edition{}, time.Now)
	first, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := recent.Answer(first, retrieval.Message{Text: "白酒杀毒"})
		gone <- err
	}()
	<-library.began
	var all sync.WaitGroup
	results := make([]retrieval.Result, 100)
	for i := range results {
		all.Go(func() {
			var err error
			if results[i], err = recent.Answer(t.Context(), retrieval.Message{Text: "白酒杀毒"}); err != nil {
				t.Error(err)
			}
		})
	}
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone gets %v", err)
	}
	close(library.free)
	all.Wait()
	for i, r := range results {
		if r.Decision != retrieval.Sure || len(r.Answers) != 1 || r.Answers[0].ID != "baijiu-kills-virus" {
			t.Fatalf("%d: %+v", i, r)
		}
		r.Answers[0].ID = "another"
	}
	if library.n != 1 {
		t.Errorf("%d searches, want 1", library.n)
	}
}

// TestRecentPanics: what one message breaks is an error for who sent it, without its words, and no end of the program.
func TestRecentPanics(t *testing.T) {
	library := &slowLibrary{fail: true, free: make(chan struct{}), began: make(chan struct{}, 2)}
	close(library.free)
	recent := bot.NewRecent(library, &edition{}, time.Now)
	for range 2 {
		if _, err := recent.Answer(t.Context(), retrieval.Message{Text: "白酒杀毒"}); err == nil || strings.Contains(err.Error(), "白酒") {
			t.Errorf("%v", err)
		}
	}
	if library.n != 2 {
		t.Errorf("%d searches: a failure is kept", library.n)
	}
}

// TestRecentTurns: no more searches are under way than the machine has use for; a danger waits for none of them.
func TestRecentTurns(t *testing.T) {
	library := &crowded{free: make(chan struct{})}
	recent := bot.NewRecent(library, &edition{}, time.Now)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if _, err := recent.Answer(t.Context(), retrieval.Message{Text: fmt.Sprintf("第%d句", i)}); err != nil {
				t.Error(err)
			}
		})
	}
	for library.now.Load() < int64(2*runtime.GOMAXPROCS(0)) {
		time.Sleep(time.Millisecond)
	}
	if _, err := recent.Answer(t.Context(), retrieval.Message{Text: "老伴突然嘴歪了说不清话"}); err != nil {
		t.Error(err)
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	if _, err := recent.Answer(left, retrieval.Message{Text: "不等了"}); !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone gets %v", err)
	}
	close(library.free)
	all.Wait()
	if most := library.most.Load(); most > int64(2*runtime.GOMAXPROCS(0)) {
		t.Errorf("%d at once", most)
	}
}

// crowded counts who is in it; ordinary messages stay until it is free.
type crowded struct {
	bot.Answerer
	free      chan struct{}
	now, most atomic.Int64
}

func (c *crowded) Answer(ctx context.Context, m retrieval.Message) (retrieval.Result, error) {
	if strings.HasPrefix(m.Text, "老伴") {
		return retrieval.Result{}, nil
	}
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	<-c.free
	return retrieval.Result{Decision: retrieval.Abstain}, nil
}

// TestSentFirst: of those who wait for a search the one who sent first is searched for first; but what was sent long ago counts as of five seconds ago,
// so that who has waited longer than that here is before it, and a clock that is ahead counts as now.
func TestSentFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		library := &oneByOne{let: make(chan struct{})}
		now := time.Now()
		recent := bot.NewRecent(library, &edition{}, func() time.Time { return now })
		var all sync.WaitGroup
		ask := func(words string, at time.Time) {
			all.Go(func() {
				if _, err := recent.Answer(t.Context(), retrieval.Message{Text: words, At: at}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		for i := range 2 * runtime.GOMAXPROCS(0) { // all places are taken
			ask(fmt.Sprintf("第%d句", i), time.Time{})
		}
		library.order = nil
		ask("现在", time.Time{})
		ask("将来", now.Add(time.Hour))
		ask("一秒前", now.Add(-time.Second))
		ask("六秒前", now.Add(-6*time.Second))
		ask("昨天", now.Add(-24*time.Hour))
		ask("三秒前", now.Add(-3*time.Second))
		now = now.Add(6 * time.Second)
		ask("去年", now.Add(-365*24*time.Hour))
		for range 2*runtime.GOMAXPROCS(0) + 7 {
			library.let <- struct{}{}
			synctest.Wait()
		}
		all.Wait()
		if want := []string{"六秒前", "昨天", "三秒前", "一秒前", "现在", "将来", "去年"}; !slices.Equal(library.order, want) {
			t.Errorf("searched for %q, want %q", library.order, want)
		}
	})
}

// oneByOne notes what it is asked, and answers when it is let.
type oneByOne struct {
	bot.Answerer
	mu    sync.Mutex
	let   chan struct{}
	order []string
}

func (o *oneByOne) Answer(_ context.Context, m retrieval.Message) (retrieval.Result, error) {
	o.mu.Lock()
	o.order = append(o.order, m.Text)
	o.mu.Unlock()
	<-o.let
	return retrieval.Result{Decision: retrieval.Abstain}, nil
}

// TestSentAt: a search knows when the message was sent, as the channel tells.
func TestSentAt(t *testing.T) {
	engine, _ := bottest.NewEngine()
	asked := &times{Answerer: engine.Answerer}
	engine.Answerer = asked
	desk := bot.NewDesk(engine, &bottest.Store{}, func() time.Time { return start })
	sent := start.Add(-3 * time.Second)
	if _, err := desk.Handle(t.Context(), bot.Message{Via: bot.Channel{Name: "wechat"}, Reader: "某", Text: "白酒杀毒", At: sent}); err != nil {
		t.Fatal(err)
	}
	if len(asked.at) == 0 || !asked.at[0].Equal(sent) {
		t.Errorf("searched for as of %v, want %v", asked.at, sent)
	}
}

type times struct {
	bot.Answerer
	at []time.Time
}

func (a *times) Answer(ctx context.Context, m retrieval.Message) (retrieval.Result, error) {
	a.at = append(a.at, m.At)
	return a.Answerer.Answer(ctx, m)
}
