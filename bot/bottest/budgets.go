package bottest

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/bot"
)

type budgetOf struct{ channel, name, what string }

type budget struct {
	paidTo  time.Time
	counted []string // updates, the latest first
}

// Spend implements bot.Budgets.
func (s *Store) Spend(_ context.Context, b bot.Budget, update string, urgent bool) (bot.Spent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, now := budgetOf{b.Channel, b.Name, b.What}, s.now()
	of := s.budgets[key]
	if update != "" && slices.Contains(of.counted, update) {
		return bot.Spent{May: true}, nil
	}
	if of.paidTo.Before(now) || of.paidTo.After(now.Add(b.Ahead(true))) {
		of.paidTo = now
	}
	of.paidTo = of.paidTo.Add(b.Share())
	if due := of.paidTo.Sub(now.Add(b.Ahead(urgent))); due > 0 {
		return bot.Spent{Due: due, Counted: slices.Clone(of.counted)}, nil
	}
	if update != "" {
		of.counted = slices.Insert(slices.Clone(of.counted), 0, update)
	}
	of.counted = of.counted[:min(len(of.counted), bot.UpdatesCounted)]
	if s.budgets == nil {
		s.budgets = map[budgetOf]budget{}
	}
	s.budgets[key] = of
	return bot.Spent{May: true}, nil
}

func (s *Store) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// DropBudgets does what *postgres.Store does.
func (s *Store) DropBudgets(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, of := range s.budgets {
		if of.paidTo.Before(s.now().Add(-time.Hour)) {
			delete(s.budgets, key)
		}
	}
	return nil
}

// BudgetStore is a store of budgets under test.
type BudgetStore interface {
	bot.Budgets
	DropBudgets(ctx context.Context) error
}

// spend is a step of a test of budgets: what is asked of one, and what it says.
type spend struct {
	pass    time.Duration // what goes by before
	drop    bool          // what is old is dropped then
	update  string        // as many as it has letters, one after the other; - is one without a number
	urgent  bool
	of      bot.Budget // zero: of calls
	refused time.Duration
}

// calls lets three in at once and then one in ten seconds, of what is urgent two more.
var calls = bot.Budget{Channel: "telegram", Name: "-100", What: "call", AMinute: 6, AtOnce: 3, Reserve: 2}

func called(change func(*bot.Budget)) bot.Budget {
	b := calls
	change(&b)
	return b
}

// budgetTests are what every store of budgets does.
var budgetTests = map[string][]spend{
	"so many at once": {{update: "abc"}, {update: "d", refused: 10 * time.Second}},
	"then evenly": {
		{update: "abc"}, {pass: 10 * time.Second, update: "d"}, {update: "e", refused: 10 * time.Second},
		{pass: 20 * time.Second, update: "ef"}, {update: "g", refused: 10 * time.Second},
	},
	"no more for having been quiet": {
		{update: "a"}, {pass: 24 * time.Hour, update: "bcd"}, {update: "e", refused: 10 * time.Second},
	},
	"one that was counted takes nothing more": {
		{update: "aabababc"}, {update: "d", refused: 10 * time.Second}, {update: "acb"}, {update: "d", urgent: true}, {update: "d"},
		{update: "e", refused: 20 * time.Second},
	},
	"one without a number is always another": {{update: "---"}, {update: "-", refused: 10 * time.Second}},
	"what is urgent comes first": {
		{update: "abc"}, {update: "de", urgent: true}, {update: "f", urgent: true, refused: 10 * time.Second}, {update: "f", refused: 30 * time.Second},
		{pass: 10 * time.Second, update: "f", urgent: true}, {pass: 20 * time.Second, update: "g", refused: 10 * time.Second},
		{pass: 10 * time.Second, update: "g"}, {update: "hi", urgent: true},
	},
	"each has its own, whatever its measure": {
		{update: "abc"}, {update: "abc", of: called(func(b *bot.Budget) { b.Channel = "x" })},
		{update: "abc", of: called(func(b *bot.Budget) { b.Name = "-101" })}, {update: "abc", of: called(func(b *bot.Budget) { b.What = "x" })},
		{update: "d", refused: 30 * time.Second, of: called(func(b *bot.Budget) { b.AtOnce, b.Reserve = 1, 4 })},
	},
	"the last ones are known": {
		{update: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", of: wide}, // 65
		{update: "B=", of: wide}, {update: "A", of: wide}, {update: "A", of: wide}, {update: "B", refused: time.Minute, of: wide},
	},
	"one in use stays": {{update: "abc"}, {pass: 30 * time.Minute, drop: true, update: "abc"}, {update: "def"}, {update: "g", refused: 10 * time.Second}},
	"an old one goes":  {{update: "abc"}, {pass: 2 * time.Hour, drop: true, update: "abc"}, {update: "d", refused: 10 * time.Second}},
	"a clock that was set back stops nobody": {
		{update: "abc"}, {pass: -24 * time.Hour, update: "def"}, {update: "g", refused: 10 * time.Second}, {update: "a"},
	},
}

// wide has room for two more than it remembers.
var wide = bot.Budget{Channel: "telegram", Name: "-100", What: "wide", AMinute: 1, AtOnce: bot.UpdatesCounted + 2}

// BudgetsOn tests stores of budgets: open opens an empty one and lets time go by for it.
func BudgetsOn(t *testing.T, open func(t *testing.T) (store BudgetStore, pass func(time.Duration))) {
	for name, steps := range budgetTests {
		t.Run(name, func(t *testing.T) {
			store, pass := open(t)
			for i, step := range steps {
				pass(step.pass)
				if step.drop {
					if err := store.DropBudgets(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
				step.test(t, i, store)
			}
		})
	}
}

func (c spend) test(t *testing.T, i int, store bot.Budgets) {
	t.Helper()
	if c.of == (bot.Budget{}) {
		c.of = calls
	}
	for _, r := range c.update {
		update := string(r)
		if r == '-' {
			update = ""
		}
		got, err := store.Spend(context.Background(), c.of, update, c.urgent)
		const slow = 5 * time.Second // a clock that cannot be stopped
		if err != nil || got.May != (c.refused == 0) || got.Due > c.refused || got.Due < 0 || got.Due < c.refused-slow {
			t.Fatalf("step %d, update %q: %+v (%v), want %v", i, update, got, err, c.refused)
		}
		if update == "" || got.May {
			continue
		}
		for _, known := range got.Counted {
			if again, err := store.Spend(context.Background(), c.of, known, false); err != nil || !again.May {
				t.Fatalf("step %d: %q is said to be counted, and refused (%v)", i, known, err)
			}
		}
		if slices.Contains(got.Counted, update) || len(got.Counted) == 0 {
			t.Fatalf("step %d, update %q: %q were counted", i, update, got.Counted)
		}
	}
}

// spending counts how often a store is asked for a budget.
type spending struct {
	bot.Store
	n atomic.Int32
}

func (s *spending) Spend(ctx context.Context, b bot.Budget, update string, urgent bool) (bot.Spent, error) {
	s.n.Add(1)
	return s.Store.Spend(ctx, b, update, urgent)
}

// GroupOfNodes tests that what a group asks of several nodes is counted once for each update, as it arrives and whichever node gets it, also again;
// not once more as it is answered. Beyond that a few dangers are. A node that knows that it is too much asks the store no more.
func GroupOfNodes(t *testing.T, store bot.Store, now func() time.Time) {
	const most, messages, dangers = 3, 30, 10 // a minute: so slow that none comes due while the test runs
	asked := &spending{Store: store}
	node := func() *bot.Desk {
		engine, _ := NewEngine()
		d := bot.NewDesk(engine, asked, now)
		d.Limit(bot.Limits{PerGroup: most})
		return d
	}
	one, other := node(), node()
	message := func(n int) bot.Message {
		words := "求真，白酒能杀病毒吗"
		if n >= messages {
			words = "求真，我妈刚喝了农药"
		}
		return bot.Message{Via: bot.Channel{Name: "telegram", Groups: true}, Reader: fmt.Sprint("m", n), Group: "家人群", Text: words, Update: fmt.Sprint(n)}
	}
	concerns := func(d *bot.Desk, n int) bool {
		t.Helper()
		ok, err := d.Concerns(context.Background(), message(n))
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	var taken []int
	for n := range messages + dangers {
		if concerns(one, n) {
			taken = append(taken, n)
		}
		for _, d := range []*bot.Desk{other, one} {
			if concerns(d, n) != slices.Contains(taken, n) {
				t.Fatalf("update %d, taken before: %v; once more it is not the same", n, slices.Contains(taken, n))
			}
		}
	}
	if want := []int{0, 1, 2, messages, messages + 1, messages + 2}; !slices.Equal(taken, want) {
		t.Errorf("the messages %d are stored, want %d", taken, want)
	}
	if n := asked.n.Load(); n != int32(3*len(taken)+2*2) { // each node learns once that no more calls come in, and once that no more dangers do
		t.Errorf("the store was asked %d times", n)
	}
	for _, n := range taken {
		if !concerns(other, n) {
			t.Errorf("update %d is not taken when it comes again", n)
		}
		if reply, err := other.Handle(context.Background(), message(n)); err != nil || reply.Silent || n >= messages != (reply.Urgent != nil) {
			t.Fatalf("update %d is not answered (%v): %+v", n, err, reply)
		}
	}
}
