package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/broadcast"
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

// beside counts what is wrong with ledgers: one of a broadcast that was not begun, and one that is still being sent beside a correction of it.
const beside = `
	SELECT (SELECT count(*) FROM deliveries d JOIN broadcasts b ON b.id = d.broadcast_id WHERE b.begun_at IS NULL)
	     + (SELECT count(*) FROM broadcasts o JOIN broadcasts c ON c.references_id = o.id WHERE o.state IN ('sending', 'paused') AND c.begun_at IS NOT NULL)`

// TestRacingBroadcasts: 500 submissions, edits, approvals, returns, fan-outs, deliveries and cancellations of five broadcasts, corrections among them, by people of
// whom some hold every role, from eight connections at once: nothing is begun that no second person approved, and nothing is approved by who wrote it.
func TestRacingBroadcasts(t *testing.T) {
	r := newBroadcastRace(t)
	var group sync.WaitGroup
	work := make(chan uint64)
	for range 8 {
		group.Go(func() {
			for seed := range work {
				random := rand.New(rand.NewPCG(seed, 2))
				did, err := r.step(seed, random)
				switch {
				case code(err) == knowledge.Forbidden:
					r.refusals.Add(1)
				case err != nil && code(err) == "":
					t.Errorf("%s: %v", did, err)
				}
				if seed%20 == 0 {
					r.check(t)
				}
			}
		})
	}
	for seed := range uint64(500) {
		work <- seed
	}
	close(work)
	group.Wait()
	r.check(t)
	if n := r.nodes[0].Count(t, `SELECT count(*) FROM broadcasts WHERE approved_by = ANY (editors)`); n > 0 {
		t.Errorf("%d are approved by who wrote them", n)
	}
	shown := fmt.Sprintf("%d were begun, of them %d corrections; %d times a correction waited; %d deliveries claimed; %d times a person was refused",
		r.begins.Load(), r.corrections.Load(), r.waits.Load(), r.claims.Load(), r.refusals.Load())
	t.Log(shown)
	if min(r.begins.Load(), r.corrections.Load(), r.refusals.Load()) < 3 {
		t.Error(shown + ": nothing was shown")
	}
}

// broadcastRace is what the race is about.
type broadcastRace struct {
	nodes   []*postgres.Store
	ledgers []*postgres.Ledger
	people  []context.Context
	ids     [5]atomic.Int64

	begins, corrections, waits, claims, refusals atomic.Int32
}

func newBroadcastRace(t *testing.T) *broadcastRace {
	dsn := postgrestest.DSN(t)
	head := t.TempDir() + "/audit.head"
	r := &broadcastRace{people: make([]context.Context, 5)}
	for range 2 { // four connections each
		store := audited(t, dsn, head, auditKey, nil)
		ledger, err := store.OpenLedger(context.Background())
		must(t, err)
		t.Cleanup(ledger.Close)
		r.nodes, r.ledgers = append(r.nodes, store), append(r.ledgers, ledger)
	}
	store := r.nodes[0]
	for i := range r.people {
		r.people[i] = hireOne(t, store, fmt.Sprintf("person%d", i), knowledge.Author, knowledge.Publisher)
	}
	store.Exec(t, `
		INSERT INTO readers (channel, name, seen_at, wishes, exercise_at)
		SELECT 'telegram', i::text, now(), '{"sent": {"county": "320623"}}', now() FROM generate_series(1, 20) i`)
	for i := range r.ids {
		r.ids[i].Store(drafted(t, store, r.people[i%2], flood(i%2 == 0)).ID)
	}
	return r
}

func (r *broadcastRace) check(t *testing.T) {
	if n := r.nodes[0].Count(t, unapproved); n > 0 {
		t.Errorf("%d were begun that no second person approved", n)
	}
	if n := r.nodes[0].Count(t, beside); n > 0 {
		t.Errorf("%d ledgers that there may not be", n)
	}
}

// sensible is what half of the people do, so that something comes of it.
var sensible = map[knowledge.BroadcastState]int{knowledge.BroadcastDraft: 0, knowledge.BroadcastSubmitted: 4, knowledge.BroadcastApproved: 12}

// step does one thing to a broadcast; what has ended is followed by a new one.
func (r *broadcastRace) step(seed uint64, random *rand.Rand) (did string, err error) {
	store, by, slot := r.nodes[seed%2], r.people[min(random.IntN(5), random.IntN(5))], &r.ids[random.IntN(5)]
	id := slot.Load()
	b, err := store.Broadcast(context.Background(), id)
	if err != nil {
		return "look", err
	}
	n := random.IntN(20)
	if next, ok := sensible[b.State]; ok && random.IntN(2) == 0 {
		n = next
	}
	switch {
	case n < 4:
		return "submit", store.SubmitBroadcast(by, id, b.Hash)
	case n < 11:
		return "approve", store.ApproveBroadcast(r.people[random.IntN(5)], id, b.Hash, knowledge.ActualPhrase)
	case n < 12:
		b.Content.Description = fmt.Sprint("水位", random.IntN(100), "米")
		b.Exercise = b.Exercise != (b.References == 0 && random.IntN(2) == 0)
		return "edit", store.EditBroadcast(by, b)
	case n < 15:
		return "begin", r.begin(seed, by, random)
	case n < 18:
		return "deliver", r.deliver(r.ledgers[seed%2], random)
	case n < 19:
		return "return", store.ReturnBroadcast(by, id, "试验")
	default:
		if err := store.CancelBroadcast(by, id, "试验"); err != nil {
			return "cancel", err
		}
		return "cancel", r.follow(store, by, id, flood(random.IntN(2) == 0))
	}
}

// begin fans out what is approved, as a steward does, and drafts what follows: sometimes a correction of it.
func (r *broadcastRace) begin(seed uint64, by context.Context, random *rand.Rand) error {
	begun, err := r.ledgers[seed%2].Begin(context.Background())
	if begun.Waits != 0 {
		r.waits.Add(1)
	}
	if err != nil || begun.Broadcast == 0 {
		return err
	}
	r.begins.Add(1)
	store := r.nodes[seed%2]
	b, err := store.Broadcast(by, begun.Broadcast)
	if err != nil {
		return err
	}
	if b.Type != knowledge.Alert {
		r.corrections.Add(1)
	}
	next := flood(random.IntN(2) == 0)
	if b.Type != knowledge.Cancel && random.IntN(3) > 0 {
		next = flood(b.Exercise)
		next.Type, next.References = []knowledge.MsgType{knowledge.Update, knowledge.Cancel}[random.IntN(2)], b.ID
		next.Audience, next.Content.Reason = knowledge.Audience{}, "桥名写错了"
	}
	return r.follow(store, by, b.ID, next)
}

// follow puts a new draft where a broadcast was.
func (r *broadcastRace) follow(store *postgres.Store, by context.Context, id int64, b knowledge.Broadcast) error {
	next, err := store.DraftBroadcast(by, b)
	if err != nil {
		return err
	}
	for i := range r.ids {
		if r.ids[i].CompareAndSwap(id, next) {
			break
		}
	}
	return nil
}

// deliver claims something of what is sent for a moment, and tells of half of it what became of it.
func (r *broadcastRace) deliver(ledger *postgres.Ledger, random *rand.Rand) error {
	ctx := context.Background()
	outlook, err := ledger.Look(ctx, "telegram")
	if err != nil || len(outlook.Orders) == 0 {
		return err
	}
	of := outlook.Orders[random.IntN(len(outlook.Orders))].ID
	claimed, err := ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Want: 4, Broadcast: of, Due: true, Lease: 200 * time.Millisecond})
	if err != nil || len(claimed) == 0 {
		return err
	}
	r.claims.Add(int32(len(claimed)))
	var settled []broadcast.Outcome
	for _, c := range claimed[:(len(claimed)+1)/2] {
		settled = append(settled, broadcast.Outcome{Delivery: c.Delivery, End: broadcast.Sent})
	}
	_, err = ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Settled: settled})
	return err
}
