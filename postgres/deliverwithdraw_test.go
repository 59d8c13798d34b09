package postgres_test

import (
	"context"
	"fmt"
	"slices"
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
	l.begin(t, correcting(knowledge.Cancel, l.begin(t, ofEntry("one")))) // taken back already
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
	if n := l.store.Count(t, `SELECT count(*) FROM broadcasts WHERE msg_type = 'Cancel' AND state = 'draft'`); n != 2 {
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

// TestWithdrawTakesBackUpdates: an Update names no entry, and repeats what the entry said: it is held as what it updates was, whoever got either is proposed
// to be told, and one that was approved before does not begin. What is written knowing that the entry is gone goes out.
func TestWithdrawTakesBackUpdates(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	hired.Store(l.store, l.staff)
	publish(t, l.store, entry("one", 1), onePassage())
	mustExec(t, ctx, l.conn, `INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'telegram', i::text, now(), '{"sent": {}}' FROM generate_series(1, 2) i`)
	sent := func() int64 {
		id := l.begin(t, ofEntry("one"))
		l.turn(t, id, map[string]broadcast.Outcome{"1": {End: broadcast.Sent}, "2": {End: broadcast.Sent}})
		return id
	}
	update := func(of int64) knowledge.Broadcast {
		b := broadcast.Correct(stored(t, l.store, of), knowledge.Update, "电话写错了")
		b.Expires = time.Now().Add(time.Hour)
		return b
	}
	sending := l.begin(t, update(sent()))
	stopped := l.begin(t, update(sent()))
	must(t, l.store.CancelBroadcast(l.publisher, stopped, "不发了"))
	paused := l.begin(t, update(sent()))
	must(t, l.store.PauseBroadcast(l.publisher, paused))
	alert := sent()
	approved := approvedOne(t, l.store, l.staff, update(alert)).ID

	must(t, l.store.Withdraw(l.publisher, "one", "剂量写错了"))
	if begun, err := l.ledger.Begin(ctx); err != nil || begun.Broadcast != 0 {
		t.Errorf("begun on the word of a withdrawn entry: %+v (%v)", begun, err)
	}
	for id, want := range map[int64]struct {
		state knowledge.BroadcastState
		event string
	}{
		sending: {knowledge.BroadcastPaused, "broadcast.paused"}, paused: {knowledge.BroadcastPaused, "broadcast.paused"},
		alert: {knowledge.BroadcastPaused, "broadcast.paused"}, approved: {knowledge.BroadcastSubmitted, "broadcast.lapsed"},
	} {
		if is, history := stored(t, l.store, id).State, l.history(t, id); is != want.state ||
			!strings.Contains(history, want.event) || !strings.Contains(history, "它所根据的条目撤下了：剂量写错了") {
			t.Errorf("%d is %s, want %s: %s", id, is, want.state, history)
		}
		if err := l.store.ResumeBroadcast(l.publisher2, id); code(err) != knowledge.Conflict {
			t.Errorf("%d goes on: %v", id, err)
		}
	}
	pushes, err := l.store.EntryPushes(ctx, "one")
	must(t, err)
	var last []int64 // of each chain one, with a Cancel of its own
	cancels := map[int64]bool{}
	for _, p := range pushes {
		last, cancels[p.Cancel] = append(last, p.ID), true
		if p.Cancel == 0 || stored(t, l.store, p.Cancel).References != p.ID {
			t.Errorf("%+v has no cancel", p)
		}
	}
	if want := []int64{alert, paused, stopped, sending}; !slices.Equal(last, want) || len(cancels) != 4 {
		t.Errorf("%v, want %v, with cancels %v", last, want, cancels)
	}
	// who approves it now knows
	b := stored(t, l.store, approved)
	must(t, l.store.ApproveBroadcast(l.publisher2, b.ID, b.Hash, knowledge.ActualPhrase))
	if begun, err := l.ledger.Begin(ctx); err != nil || begun.Broadcast != approved || begun.Recipients != 2 {
		t.Errorf("%+v (%v)", begun, err)
	}
	must(t, l.store.PauseBroadcast(l.publisher, approved))
	must(t, l.store.ResumeBroadcast(l.publisher, approved))
}

// TestWithdrawRacesUpdate: whoever withdraws while an Update is fanned out waits for it, and finds it.
func TestWithdrawRacesUpdate(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	hired.Store(l.store, l.staff)
	publish(t, l.store, entry("one", 1), onePassage())
	mustExec(t, ctx, l.conn, `INSERT INTO readers (channel, name, seen_at, wishes) VALUES ('telegram', '1', now(), '{"sent": {}}')`)
	alert := l.begin(t, ofEntry("one"))
	l.turn(t, alert, map[string]broadcast.Outcome{"1": {End: broadcast.Sent}})
	dawdling(t, l)
	update := approvedOne(t, l.store, l.staff, correcting(knowledge.Update, alert)).ID
	begun := l.beginSlowly()
	must(t, l.store.Withdraw(l.publisher, "one", "错了"))
	must(t, <-begun)
	if is := stored(t, l.store, update).State; is != knowledge.BroadcastPaused {
		t.Errorf("it is %s", is)
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
	dawdling(t, l)
	id := approvedOne(t, l.store, l.staff, ofEntry("one")).ID
	begun := l.beginSlowly()
	must(t, l.store.Withdraw(l.publisher, "one", "错了"))
	must(t, <-begun)
	if is := stored(t, l.store, id).State; is != knowledge.BroadcastPaused {
		t.Errorf("it is %s", is)
	}
}

// dawdling makes each recipient of a fan-out take half a second.
func dawdling(t *testing.T, l ledgerBench) {
	t.Helper()
	mustExec(t, context.Background(), l.conn, `CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END $$`)
	mustExec(t, context.Background(), l.conn, `CREATE TRIGGER dawdles BEFORE INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION dawdle()`)
}

// beginSlowly returns when a fan-out is under way.
func (l ledgerBench) beginSlowly() <-chan error {
	begun := make(chan error, 1)
	go func() {
		_, err := l.ledger.Begin(context.Background())
		begun <- err
	}()
	for len(begun) == 0 {
		var asleep bool
		_ = l.conn.QueryRow(context.Background(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep')`).Scan(&asleep)
		if asleep {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return begun
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
