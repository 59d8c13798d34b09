package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// ofEntry is a broadcast that was made from an entry, for all subscribers.
func ofEntry(id knowledge.ID) knowledge.Broadcast {
	b := flood(false)
	b.Audience.Areas, b.Content.Entry, b.Content.Version = nil, id, 1
	return b
}

// TestWithdrawTakesBack: an entry is withdrawn while a broadcast of it is being sent: nobody else gets that, and those who got it are proposed to be told.
func TestWithdrawTakesBack(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	hired.Store(l.store, l.staff)
	publish(t, l.store, entry("one", 1), onePassage())
	publish(t, l.store, entry("other", 1), onePassage())
	mustExec(t, ctx, l.conn, `INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'telegram', i::text, now(), '{"sent": {}}' FROM generate_series(1, 9) i`)
	over := l.begin(t, ofEntry("one")) // sent to all, and done
	l.turn(t, over, map[string]broadcast.Outcome{"1": {End: broadcast.Sent}})
	mustExec(t, ctx, l.conn, `UPDATE broadcasts SET state = 'done' WHERE references_id IS NULL`)
	corrected := l.begin(t, ofEntry("one"))
	correction := ofEntry("")
	correction.Type, correction.References, correction.Content.Version, correction.Content.Reason = knowledge.Update, corrected, 0, "写错了"
	l.begin(t, correction)
	unsent := l.begin(t, ofEntry("one"))
	must(t, l.store.CancelBroadcast(l.publisher, unsent, "不发了")) // reached nobody
	sending, another := l.begin(t, ofEntry("one")), l.begin(t, ofEntry("other"))
	claimed, err := l.ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Want: 3, Broadcast: sending, Lease: time.Minute})
	must(t, err)
	_, err = l.ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Settled: []broadcast.Outcome{{Delivery: claimed[0].Delivery, End: broadcast.Sent}}})
	must(t, err)

	must(t, l.store.Withdraw(l.publisher, "one", "剂量写错了"))
	if more, err := l.ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Want: 3, Broadcast: sending, Lease: time.Minute}); err != nil || len(more) > 0 {
		t.Errorf("%d more get what was withdrawn (%v)", len(more), err)
	}
	if was, is := stored(t, l.store, sending), stored(t, l.store, another); was.State != knowledge.BroadcastPaused || is.State != knowledge.BroadcastSending {
		t.Errorf("it is %s, that of another entry %s", was.State, is.State)
	}
	if history := l.history(t, sending); !strings.Contains(history, "broadcast.paused") || !strings.Contains(history, "它所根据的条目撤下了：剂量写错了") {
		t.Error(history)
	}
	pushes, err := l.store.EntryPushes(ctx, "one")
	if err != nil || len(pushes) != 3 || pushes[0].ID != sending || pushes[0].Cancel == 0 || pushes[1].ID != unsent || pushes[1].Cancel != 0 || pushes[2].ID != over || pushes[2].Cancel == 0 {
		t.Fatalf("%+v (%v)", pushes, err)
	}
	if said, want := knowledge.EntryPushesLine(pushes, true), fmt.Sprintf("第%d号（暂停），作废是第%d号", sending, pushes[0].Cancel); !strings.Contains(said, want) {
		t.Error(said)
	}
	if err := l.store.ResumeBroadcast(l.publisher, sending); code(err) != knowledge.Conflict {
		t.Errorf("resumed on the word of a withdrawn entry: %v", err)
	}
	// once more: there is nothing to be drafted again
	must(t, l.store.Withdraw(l.publisher, "one", "再撤一次"))
	if n := l.store.Count(t, `SELECT count(*) FROM broadcasts WHERE msg_type = 'Cancel'`); n != 2 {
		t.Errorf("%d cancels are drafted", n)
	}
	b := stored(t, l.store, pushes[0].Cancel)
	if b.State != knowledge.BroadcastDraft || b.References != sending || b.Exercise || b.Content.Reason != "剂量写错了" || len(b.Complaints(time.Now())) > 0 {
		t.Errorf("%+v: %v", b, b.Complaints(time.Now()))
	}
	if err := l.store.SubmitBroadcast(l.author, b.ID, b.Hash); err != nil {
		t.Fatal(err)
	}
	if err := l.store.ApproveBroadcast(l.publisher, b.ID, b.Hash, knowledge.ActualPhrase); code(err) != knowledge.Forbidden {
		t.Errorf("approved by who withdrew: %v", err)
	}
	must(t, l.store.ApproveBroadcast(l.publisher2, b.ID, b.Hash, knowledge.ActualPhrase))
	mustExec(t, ctx, l.conn, `UPDATE deliveries SET leased_to = now() - interval '1 second' WHERE state = 'claimed'`)
	if begun, err := l.ledger.Begin(ctx); err != nil || begun.Broadcast != b.ID || begun.Recipients != 3 || stored(t, l.store, sending).State != knowledge.BroadcastCancelled {
		t.Errorf("%+v (%v)", begun, err)
	}
}

// history is what the audit log tells of a broadcast, in one line.
func (l ledgerBench) history(t *testing.T, id int64) string {
	t.Helper()
	all, err := l.store.BroadcastHistory(context.Background(), stored(t, l.store, id).Identifier)
	must(t, err)
	return fmt.Sprint(all)
}

// TestWithdrawRacesBegin: whoever withdraws while a broadcast of the entry is fanned out waits for it, and finds it.
func TestWithdrawRacesBegin(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	hired.Store(l.store, l.staff)
	publish(t, l.store, entry("one", 1), onePassage())
	mustExec(t, ctx, l.conn, `INSERT INTO readers (channel, name, seen_at, wishes) VALUES ('telegram', '1', now(), '{"sent": {}}')`)
	mustExec(t, ctx, l.conn, `CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END $$`)
	mustExec(t, ctx, l.conn, `CREATE TRIGGER dawdles BEFORE INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION dawdle()`)
	id := approvedOne(t, l.store, l.staff, ofEntry("one")).ID
	begun := make(chan error)
	go func() {
		_, err := l.ledger.Begin(ctx)
		begun <- err
	}()
	for l.store.Count(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	must(t, l.store.Withdraw(l.publisher, "one", "错了"))
	must(t, <-begun)
	if is := stored(t, l.store, id).State; is != knowledge.BroadcastPaused {
		t.Errorf("it is %s", is)
	}
}

// TestEntryGone: what was approved on the word of an entry that is withdrawn then waits for another approval at once, and says why.
func TestEntryGone(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	hired.Store(l.store, l.staff)
	publish(t, l.store, entry("one", 1), onePassage())
	later := ofEntry("one")
	later.SendAt = time.Now().Add(time.Hour)
	id := approvedOne(t, l.store, l.staff, later).ID
	if _, err := l.ledger.End(ctx); err != nil || stored(t, l.store, id).State != knowledge.BroadcastApproved {
		t.Fatalf("%v, %s", err, stored(t, l.store, id).State)
	}
	must(t, l.store.Withdraw(l.publisher, "one", "错了"))
	if _, err := l.ledger.End(ctx); err != nil || stored(t, l.store, id).State != knowledge.BroadcastSubmitted {
		t.Errorf("%v, %s", err, stored(t, l.store, id).State)
	}
	if history := l.history(t, id); !strings.Contains(history, "broadcast.lapsed") || !strings.Contains(history, "条目撤下或换了新版") {
		t.Error(history)
	}
}
