package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"qiuzhen/bot"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
)

// TestForgetWhileAnswered: a turn of somebody's, in a group or alone, that was being answered while their data was deleted is not kept; the next is.
func TestForgetWhileAnswered(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	turn := func(r bot.Reader) bot.Turn {
		r.Memory.At = now
		return bot.Turn{Reader: r, Filed: "月球", Answered: &bot.Answered{At: now, Message: "月球", Decision: retrieval.Abstain}}
	}
	names := []string{"4711", bot.MemberOf("-1", "4711"), bot.MemberOf("-1", "8")}
	var turns []bot.Turn
	for range 10 { // some are kept before, some after
		for _, name := range names {
			r, err := store.Reader(ctx, "telegram", name)
			if err != nil {
				t.Fatal(err)
			}
			turns = append(turns, turn(r))
		}
	}
	var all sync.WaitGroup
	for i, one := range turns {
		all.Go(func() {
			if i == len(turns)/2 {
				if _, err := store.Forget(ctx, "telegram", "4711", "", nil); err != nil {
					t.Error(err)
				}
			}
			if _, err := store.Keep(ctx, one); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n, others := store.Count(t, `SELECT count(*) FROM readers WHERE name LIKE '%4711'`), store.Count(t, `SELECT count(*) FROM answers`); n != 0 || others != 10 {
		t.Errorf("%d readers are back, %d answers in all", n, others)
	}
	if dump := store.Dump(t); strings.Contains(dump, "4711") {
		t.Error("the name is somewhere")
	}
	r, err := store.Reader(ctx, "telegram", names[1])
	if err != nil {
		t.Fatal(err)
	}
	mustKeep(t, store, turn(r))
	if n := store.Count(t, `SELECT count(*) FROM readers WHERE name LIKE '%4711'`); n != 1 {
		t.Errorf("%d readers when they spoke again", n)
	}
}
