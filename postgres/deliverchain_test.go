package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// correcting is a correction of a broadcast.
func correcting(kind knowledge.MsgType, id int64) knowledge.Broadcast {
	b := flood(false)
	b.Type, b.References, b.Audience, b.Content.Reason = kind, id, knowledge.Audience{}, "写错了"
	return b
}

// TestCancelEndsChain: once a Cancel begins, no correction of its chain does, in whatever state it was; the database refuses it whoever asks.
func TestCancelEndsChain(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	mustExec(t, ctx, l.conn, `INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'telegram', i::text, now(), '{"sent": {"county": "320623"}}' FROM generate_series(1, 3) i`)
	id := l.begin(t, flood(false))
	l.turn(t, id, map[string]broadcast.Outcome{"1": {End: broadcast.Sent}})
	mustExec(t, ctx, l.conn, `UPDATE deliveries SET leased_to = now() - interval '1 second' WHERE state = 'claimed'`)
	update := correcting(knowledge.Update, id)
	approved, second := approvedOne(t, l.store, l.staff, update).ID, approvedOne(t, l.store, l.staff, correcting(knowledge.Cancel, id)).ID
	draft := drafted(t, l.store, l.author, update).ID
	waits := drafted(t, l.store, l.author, update)
	must(t, l.store.SubmitBroadcast(l.author, waits.ID, waits.Hash))
	apart := approvedOne(t, l.store, l.staff, flood(false)).ID
	if begun, err := l.ledger.Begin(ctx); err != nil || begun.Broadcast != second { // before the update, though that is older
		t.Fatalf("%+v (%v), want the cancel %d", begun, err, second)
	}
	for _, of := range []int64{approved, draft, waits.ID} {
		if is := stored(t, l.store, of); is.State != knowledge.BroadcastCancelled || !strings.Contains(l.history(t, of), "已经作废") {
			t.Errorf("%d is %s: %s", of, is.State, l.history(t, of))
		}
	}
	if begun, err := l.ledger.Begin(ctx); err != nil || begun.Broadcast != apart {
		t.Errorf("%+v (%v), want what has nothing to do with it", begun, err)
	}
	for _, kind := range []knowledge.MsgType{knowledge.Update, knowledge.Cancel} {
		late := drafted(t, l.store, l.author, correcting(kind, id))
		if err := l.store.SubmitBroadcast(l.author, late.ID, late.Hash); code(err) != knowledge.Conflict || !strings.Contains(err.Error(), "已经作废") {
			t.Errorf("%s submitted: %v", kind, err)
		}
	}
	// the staff find the Cancel itself wrong, and stop it: then its readers are told
	again := drafted(t, l.store, l.author, update)
	must(t, l.store.CancelBroadcast(l.publisher, second, "不该作废"))
	must(t, l.store.SubmitBroadcast(l.author, again.ID, again.Hash))
	must(t, l.store.ApproveBroadcast(l.publisher, again.ID, again.Hash, knowledge.ActualPhrase))
	if begun, err := l.ledger.Begin(ctx); err != nil || begun.Broadcast != again.ID {
		t.Errorf("%+v (%v), want %d", begun, err, again.ID)
	}
}

// TestCancelRacingUpdate: a Cancel and an Update that begin at one moment on two nodes, by whatever program: the Update does not begin beside it.
func TestCancelRacingUpdate(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	id := l.begin(t, flood(false))
	cancel, update := approvedOne(t, l.store, l.staff, correcting(knowledge.Cancel, id)).ID, approvedOne(t, l.store, l.staff, correcting(knowledge.Update, id)).ID
	begin := `UPDATE broadcasts SET state = 'sending' WHERE id = $1`
	tx, err := l.conn.Begin(ctx)
	must(t, err)
	if _, err := tx.Exec(ctx, begin, cancel); err != nil {
		t.Fatal(err)
	}
	if begun, err := l.ledger.Begin(ctx); err != nil || begun.Broadcast != 0 {
		t.Errorf("beside the cancel that begins: %+v (%v)", begun, err)
	}
	other, err := pgx.Connect(ctx, l.conn.Config().ConnString())
	must(t, err)
	defer other.Close(ctx)
	done := make(chan error)
	go func() {
		_, err := other.Exec(ctx, begin, update)
		done <- err
	}()
	select {
	case err := <-done:
		t.Errorf("the update did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	must(t, tx.Commit(ctx))
	if err := <-done; !strings.Contains(err.Error(), "was cancelled") {
		t.Errorf("the update: %v", err)
	}
	if _, err := l.ledger.End(ctx); err != nil || stored(t, l.store, update).State != knowledge.BroadcastCancelled {
		t.Errorf("%v, the update is %s", err, stored(t, l.store, update).State)
	}
}

// TestGoneSinceClaim: who wrote to us since the message was claimed is not gone.
func TestGoneSinceClaim(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	mustExec(t, ctx, l.conn, `INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'telegram', name, now() - interval '1 hour', '{"sent": {}}' FROM unnest(ARRAY['silent', 'writes']) name`)
	b := flood(false)
	b.Audience.Areas = nil
	id := l.begin(t, b)
	claimed, err := l.ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Want: 9, Broadcast: id, Lease: time.Minute})
	must(t, err)
	mustExec(t, ctx, l.conn, `UPDATE readers SET seen_at = now() WHERE name = 'writes'`)
	var settled []broadcast.Outcome
	for _, c := range claimed {
		settled = append(settled, broadcast.Outcome{Delivery: c.Delivery, End: broadcast.Failed, Gone: true, Heard: c.Heard, Reason: "走了"})
	}
	_, err = l.ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Settled: settled})
	must(t, err)
	for name, want := range map[string]int{"silent": 1, "writes": 0} {
		if n := l.store.Count(t, `SELECT count(*) FROM readers WHERE gone_at IS NOT NULL AND name = '`+name+`'`); n != want {
			t.Errorf("%s: gone %d, want %d", name, n, want)
		}
	}
}

// TestCorrectedAgain: a correction of an entry that is being sent keeps nobody from being told of a second withdrawal.
func TestCorrectedAgain(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	hired.Store(l.store, l.staff)
	publish(t, l.store, entry("one", 1), onePassage())
	mustExec(t, ctx, l.conn, `
		INSERT INTO readers (channel, name, seen_at) VALUES ('telegram', 'asked', now());
		WITH a AS (INSERT INTO answers (reader_id, at, message, decision, took_ms) SELECT id, now(), '问', 'answer', 1 FROM readers RETURNING id)
		INSERT INTO answer_entries (answer_id, entry_id, version, score, quoted) SELECT id, 'one', 1, 1, true FROM a`)
	must(t, l.store.Withdraw(l.publisher, "one", "错了"))
	first, err := l.store.OpenCorrection(ctx, "one")
	must(t, err)
	b := stored(t, l.store, first)
	b.Content.Instruction, b.Content.Source = "按药盒上的说明吃", "南通市疾控中心"
	must(t, l.store.EditBroadcast(l.author, b))
	b = stored(t, l.store, first)
	must(t, l.store.SubmitBroadcast(l.author, first, b.Hash))
	must(t, l.store.ApproveBroadcast(l.publisher2, first, b.Hash, knowledge.ActualPhrase))
	if begun, err := l.ledger.Begin(ctx); err != nil || begun.Broadcast != first {
		t.Fatalf("%+v (%v)", begun, err)
	}
	publish(t, l.store, entry("one", 2), onePassage())
	must(t, l.store.Withdraw(l.publisher, "one", "又错了"))
	if second, err := l.store.OpenCorrection(ctx, "one"); err != nil || second == 0 || second == first {
		t.Errorf("the second withdrawal's correction is %d, the first one's %d (%v)", second, first, err)
	}
}
