package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestRacingTransitions: 800 changes of five entries from eight connections at once. At no time is a version served without its
// signatures, or fully reviewed and yet an emergency, which would end after a day: a watcher looks all the while, and the constraint says so at the end. Some of both kinds are published, or it shows nothing.
func TestRacingTransitions(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	var reviewed, urgent atomic.Int32
	var group sync.WaitGroup
	work := make(chan uint64)
	for range 8 {
		group.Go(func() {
			for seed := range work {
				transition(t, store, s, rand.New(rand.NewPCG(seed, 1)), &reviewed, &urgent) //nolint:gosec // repeatable on purpose
			}
		})
	}
	done := make(chan struct{})
	watched := make(chan int)
	go func() {
		looks := 0
		for {
			select {
			case <-done:
				watched <- looks
				return
			default:
				if bad, err := store.Unreviewed(context.Background()); err != nil || bad != 0 {
					t.Errorf("%d versions are served without their signatures (%v)", bad, err)
				}
				looks++
			}
		}
	}()
	for seed := range uint64(800) {
		work <- seed
	}
	close(work)
	group.Wait()
	close(done)
	if looks := <-watched; looks < 10 {
		t.Errorf("looked only %d times", looks)
	}
	ended := store.Count(t, `SELECT count(*) FROM entry_versions WHERE published_at IS NOT NULL AND emergency`)
	t.Logf("%d were published on their reviews, %d asked for as an emergency, %d ended as one", reviewed.Load(), urgent.Load(), ended)
	if reviewed.Load() == 0 || urgent.Load() == 0 || ended == 0 {
		t.Errorf("%d were published on their reviews, %d asked for as an emergency, %d ended as one: nothing was shown", reviewed.Load(), urgent.Load(), ended)
	}
}

// transition does one thing to one entry; most are refused for good reasons, and none may fail otherwise. It counts what was published.
func transition(t *testing.T, store *postgres.Store, s staff, r *rand.Rand, reviewed, urgent *atomic.Int32) {
	id := fmt.Sprintf("entry-%d", r.IntN(5))
	e := entry(id, r.IntN(3))
	e.Topic = knowledge.Disaster
	publish := func(emergency bool, published *atomic.Int32) error {
		err := store.Publish(s.publisher, e.ID, emergency, now)
		if err == nil {
			published.Add(1)
		}
		return err
	}
	decision := "approve"
	if r.IntN(8) == 0 {
		decision = "return"
	}
	var err error
	switch r.IntN(18) {
	case 0:
		_, err = store.SaveDraft(s.author, e, onePassage(), "")
	case 1, 2:
		_, err = store.Submit(s.author, e.ID)
	case 3, 4:
		err = signNewest(s.expert, store, e.ID, knowledge.Expert, decision)
	case 5, 6:
		err = signNewest(s.editor, store, e.ID, knowledge.Editor, decision)
	case 7, 8, 9:
		err = signNewest(s.publisher, store, e.ID, knowledge.Publisher, "approve")
	case 10, 11, 12:
		err = signNewest(s.publisher2, store, e.ID, knowledge.Publisher, "approve")
	case 13, 14:
		err = publish(false, reviewed)
	case 15, 16:
		err = publish(true, urgent)
	default:
		if r.IntN(4) == 0 {
			err = store.Withdraw(s.publisher, e.ID, "试验")
		}
	}
	if err != nil && code(err) == "" {
		t.Error(err)
	}
}

func signNewest(ctx context.Context, store *postgres.Store, id knowledge.ID, role knowledge.Role, decision string) error {
	v, err := store.Version(ctx, id, 0)
	if err != nil {
		return err
	}
	return sign(ctx, store, v.Entry, v.Number, role, decision)
}
