package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"qiuzhen/bot"
	"qiuzhen/postgres/postgrestest"
)

// TestSpend: of updates that each come to several nodes at once a budget lets in as many as it has; what was let in passes again and takes nothing, and
// what was not leaves no trace.
func TestSpend(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	calls := bot.Budget{Channel: "telegram", Name: "-100", What: "call", AMinute: 7} // no share of it is a whole number of microseconds
	spend := func(b bot.Budget, update string) bool {
		may, err := store.Spend(ctx, b, update)
		if err != nil {
			t.Error(err)
		}
		return may
	}
	const updates, nodes = 20, 3
	var passed [updates]atomic.Int32
	var all sync.WaitGroup
	for range nodes {
		all.Go(func() {
			for i := range updates {
				if spend(calls, fmt.Sprint(i)) {
					passed[i].Add(1)
				}
			}
		})
	}
	all.Wait()
	in := 0
	for i := range passed {
		if n := passed[i].Load(); n > 0 {
			in++
			if n != nodes || !spend(calls, fmt.Sprint(i)) {
				t.Errorf("update %d passed %d times of %d", i, n, nodes)
			}
		}
	}
	if in != calls.AMinute || spend(calls, "another") {
		t.Errorf("%d of %d updates passed, want %d, and no other", in, updates, calls.AMinute)
	}
	if n := store.Count(t, `SELECT cardinality(counted) FROM budgets`); n != calls.AMinute {
		t.Errorf("%d updates are remembered", n)
	}
	for _, other := range []bot.Budget{
		{Channel: "telegram", Name: "-100", What: "danger", AMinute: 3}, {Channel: "telegram", Name: "-101", What: "call", AMinute: 7}, {Channel: "x", Name: "-100", What: "call", AMinute: 7},
	} {
		if !spend(other, "0") {
			t.Errorf("%+v is used up too", other)
		}
	}
	if n := store.Count(t, `SELECT count(*) FROM budgets WHERE mark LIKE '%100%' AND length(mark) < 60`); n != 0 {
		t.Error("a group is named")
	}
}

// TestSpendInTime: a share comes back when it is due, at most a minute's worth of them, and a clock that was set back stops nobody for longer.
func TestSpendInTime(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	b := bot.Budget{Channel: "telegram", Name: "-100", What: "call", AMinute: 15}
	many := func() (n int) {
		for range 40 {
			may, err := store.Spend(ctx, b, "") // without a number each is another
			if err != nil {
				t.Fatal(err)
			}
			if may {
				n++
			}
		}
		return n
	}
	for i, c := range []struct {
		pass string // what the clock seems to do
		want int
	}{{"0", 15}, {"4 seconds", 1}, {"8 seconds", 2}, {"1 day", 15}, {"-1 day", 15}} {
		store.Exec(t, `UPDATE budgets SET paid_to = paid_to - $1::interval`, c.pass)
		if n := many(); n != c.want {
			t.Errorf("step %d, %s later: %d, want %d", i, c.pass, n, c.want)
		}
	}
	if err := store.DropBudgets(ctx); err != nil || store.Count(t, `SELECT count(*) FROM budgets`) != 1 {
		t.Errorf("one that is in use is dropped (%v)", err)
	}
	store.Exec(t, `UPDATE budgets SET paid_to = paid_to - interval '2 hours'`)
	if err := store.DropBudgets(ctx); err != nil || store.Count(t, `SELECT count(*) FROM budgets`) != 0 {
		t.Errorf("an old one stays (%v)", err)
	}
}
