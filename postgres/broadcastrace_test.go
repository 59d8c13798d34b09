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

// unapproved counts broadcasts that were begun without an approval, of what they say now, by a publisher who is none of those who wrote or
// submitted it: looked up in the signatures, not in what the rules under test keep.
const unapproved = `
	SELECT count(*) FROM broadcasts b WHERE b.begun_at IS NOT NULL AND NOT EXISTS (
	  SELECT FROM broadcast_approvals a WHERE a.broadcast_id = b.id AND a.revision = b.revision AND a.hash = sha256(convert_to(b.document, 'UTF8'))
	     AND a.at <= b.begun_at AND a.at > b.begun_at - interval '2 hours' AND a.person_id <> ALL (b.editors)
	     AND NOT EXISTS (SELECT FROM audit_log l JOIN people p ON p.login = l.actor WHERE l.detail ->> 'broadcast' = b.identifier
	                        AND l.action IN ('broadcast.drafted', 'broadcast.edited', 'broadcast.submitted') AND p.id = a.person_id))`

// TestRacingBroadcasts: 500 submissions, edits, approvals, returns, beginnings and cancellations of five broadcasts by people of whom some hold every
// role, from eight connections at once: nothing is begun that no second person approved, and nothing is approved by who wrote it.
func TestRacingBroadcasts(t *testing.T) {
	dsn := postgrestest.DSN(t)
	head := t.TempDir() + "/audit.head"
	nodes := []*postgres.Store{audited(t, dsn, head, auditKey, nil), audited(t, dsn, head, auditKey, nil)} // four connections each
	store := nodes[0]
	people := make([]context.Context, 5)
	for i := range people {
		people[i] = hireOne(t, store, fmt.Sprintf("person%d", i), knowledge.Author, knowledge.Publisher)
	}
	var ids [5]atomic.Int64
	for i := range ids {
		ids[i].Store(drafted(t, store, people[i%2], flood(i%2 == 0)).ID)
	}
	var begins, refusals atomic.Int32
	var group sync.WaitGroup
	work := make(chan uint64)
	for range 8 {
		group.Go(func() {
			for seed := range work {
				r := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // repeatable on purpose
				did, err := raceBroadcast(nodes[seed%2], people[min(r.IntN(5), r.IntN(5))], r, &ids[r.IntN(5)])
				switch {
				case err == nil && did == "begin":
					begins.Add(1)
				case code(err) == knowledge.Forbidden:
					refusals.Add(1)
				case err != nil && code(err) == "":
					t.Errorf("%s: %v", did, err)
				}
				if seed%20 == 0 {
					if n := store.Count(t, unapproved); n > 0 {
						t.Errorf("%d were begun that no second person approved", n)
					}
				}
			}
		})
	}
	for seed := range uint64(500) {
		work <- seed
	}
	close(work)
	group.Wait()
	if n := store.Count(t, unapproved); n > 0 {
		t.Errorf("%d were begun that no second person approved", n)
	}
	if n := store.Count(t, `SELECT count(*) FROM broadcasts WHERE approved_by = ANY (editors)`); n > 0 {
		t.Errorf("%d are approved by who wrote them", n)
	}
	t.Logf("%d were begun, %d times a person was refused", begins.Load(), refusals.Load())
	if begins.Load() < 3 || refusals.Load() < 3 {
		t.Errorf("%d were begun, %d times a person was refused: nothing was shown", begins.Load(), refusals.Load())
	}
}

// raceBroadcast does one thing to a broadcast; what has ended is followed by a new one.
func raceBroadcast(store *postgres.Store, by context.Context, r *rand.Rand, slot *atomic.Int64) (did string, err error) {
	id := slot.Load()
	b, err := store.Broadcast(context.Background(), id)
	if err != nil {
		return "look", err
	}
	switch r.IntN(12) {
	case 0, 1, 2:
		return "submit", store.SubmitBroadcast(by, id, b.Hash)
	case 3, 4, 5, 6:
		return "approve", store.ApproveBroadcast(by, id, b.Hash, knowledge.ActualPhrase)
	case 7:
		b.Content.Description, b.Exercise = fmt.Sprint("水位", r.IntN(100), "米"), r.IntN(2) == 0
		return "edit", store.EditBroadcast(by, b)
	case 8, 9:
		if err := store.Begin(by, id); err != nil {
			return "begin", err
		}
		next, err := store.DraftBroadcast(by, flood(r.IntN(2) == 0))
		slot.CompareAndSwap(id, next)
		return "begin", err
	case 10:
		return "return", store.ReturnBroadcast(by, id, "试验")
	default:
		if err := store.CancelBroadcast(by, id, "试验"); err != nil {
			return "cancel", err
		}
		next, err := store.DraftBroadcast(by, flood(r.IntN(2) == 0))
		slot.CompareAndSwap(id, next)
		return "cancel", err
	}
}
