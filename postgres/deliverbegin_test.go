package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// TestBeginPasses: a correction that waits for what is in flight, and one whose fan-out fails, hold up no other broadcast.
func TestBeginPasses(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	mustExec(t, ctx, l.conn, `INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'telegram', i::text, now(), '{"sent": {}}' FROM generate_series(1, 3) i`)
	alert := flood(false)
	alert.Audience.Areas = nil
	id := l.begin(t, alert)
	held, err := l.ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Want: 1, Broadcast: id, Lease: time.Minute})
	must(t, err)
	cancel := flood(false)
	cancel.Type, cancel.References, cancel.Audience, cancel.Content.Reason = knowledge.Cancel, id, knowledge.Audience{}, "没有这回事"
	correction := approvedOne(t, l.store, l.staff, cancel).ID
	broken, good := approvedOne(t, l.store, l.staff, alert).ID, approvedOne(t, l.store, l.staff, alert).ID
	mustExec(t, ctx, l.conn, `CREATE TABLE broken (id bigint)`)
	mustExec(t, ctx, l.conn, `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN IF NEW.broadcast_id IN (SELECT id FROM broken) THEN RAISE EXCEPTION 'it fails'; END IF; RETURN NEW; END $$`)
	mustExec(t, ctx, l.conn, `CREATE TRIGGER fails BEFORE INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION fail()`)
	if _, err := l.conn.Exec(ctx, `INSERT INTO broken VALUES ($1)`, broken); err != nil {
		t.Fatal(err)
	}
	begun, err := l.ledger.Begin(ctx)
	if begun.Broadcast != good || begun.Recipients != 3 || begun.Waits != correction || err == nil || !strings.Contains(err.Error(), "it fails") {
		t.Errorf("%+v (%v), want %d begun and %d waiting", begun, err, good, correction)
	}
	if stored(t, l.store, broken).State != knowledge.BroadcastApproved {
		t.Error("what failed is not approved any more")
	}
	if begun, err = l.ledger.Begin(ctx); begun.Broadcast != 0 || err == nil {
		t.Errorf("again: %+v (%v)", begun, err)
	}
	_, err = l.ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Settled: []broadcast.Outcome{{Delivery: held[0].Delivery, End: broadcast.Sent}}})
	must(t, err)
	if begun, err = l.ledger.Begin(ctx); begun.Broadcast != correction || begun.Recipients != 1 {
		t.Errorf("then: %+v (%v)", begun, err)
	}
}
