package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/postgres/postgrestest"
)

func TestBudgets(t *testing.T) {
	store := postgrestest.New(t)
	bottest.BudgetsOn(t, func(t *testing.T) (bottest.BudgetStore, func(time.Duration)) {
		store.Exec(t, `DELETE FROM budgets`)
		return store, func(d time.Duration) { store.Exec(t, `UPDATE budgets SET paid_to = paid_to - $1::interval`, d) }
	})
}

func TestGroupOfNodes(t *testing.T) {
	bottest.GroupOfNodes(t, shelf(t), time.Now)
}

// TestSpendAtOnce: of updates that each come to several nodes at once a budget lets in as many as it has; what was let in passes again and takes nothing,
// and what was not leaves no trace: it does not even lock the row.
func TestSpendAtOnce(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	calls := bot.Budget{Channel: "telegram", Name: "-100", What: "call", AMinute: 7, AtOnce: 7} // no share of it is a whole number of microseconds
	spend := func(update string) bool {
		spent, err := store.Spend(ctx, calls, update, false)
		if err != nil {
			t.Error(err)
		}
		return spent.May
	}
	const updates, nodes = 20, 3
	var passed [updates]atomic.Int32
	var all sync.WaitGroup
	for range nodes {
		all.Go(func() {
			for i := range updates {
				if spend(fmt.Sprint(i)) {
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
			if n != nodes || !spend(fmt.Sprint(i)) {
				t.Errorf("update %d passed %d times of %d", i, n, nodes)
			}
		}
	}
	if in != calls.AMinute || spend("another") {
		t.Errorf("%d of %d updates passed, want %d, and no other", in, updates, calls.AMinute)
	}
	if n := store.Count(t, `SELECT cardinality(counted) FROM budgets`); n != calls.AMinute {
		t.Errorf("%d updates are remembered", n)
	}
	if n := store.Count(t, `SELECT count(*) FROM budgets WHERE mark LIKE '%100%' AND length(mark) < 60`); n != 0 {
		t.Error("a group is named")
	}
	version := `SELECT (xmin::text || xmax::text)::numeric::bigint FROM budgets` // who wrote the row, and who locked it
	before := store.Count(t, version)
	if spend("one more") || store.Count(t, version) != before {
		t.Error("what is refused locks or writes the row")
	}
}
