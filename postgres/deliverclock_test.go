package postgres_test

import (
	"context"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// TestClockBack: after the database's clock was set back by an hour, what the old one wrote holds up nothing for that hour: neither leases, nor what is
// postponed, nor a silence, nor a correction.
func TestClockBack(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	mustExec(t, ctx, l.conn, `INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'telegram', i::text, now(), '{"sent": {}}' FROM generate_series(1, 2) i`)
	b := flood(false)
	b.Audience.Areas = nil
	id := l.begin(t, b)
	turn := func(t *testing.T, settled ...broadcast.Outcome) []broadcast.Claimed {
		t.Helper()
		claimed, err := l.ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Settled: settled, Want: 9, Broadcast: id, Due: true, Lease: 15 * time.Second})
		must(t, err)
		return claimed
	}
	claimed := turn(t)
	if again := turn(t, broadcast.Outcome{Delivery: claimed[0].Delivery, End: broadcast.Postponed, After: 24 * time.Hour}); len(claimed) != 2 || len(again) > 0 {
		t.Fatalf("%v, then %v", claimed, again)
	}
	if again := turn(t, broadcast.Outcome{Delivery: claimed[1].Delivery, End: broadcast.Postponed, After: 10 * time.Minute}); len(again) > 0 {
		t.Fatal(again)
	}
	if n := l.store.Count(t, `SELECT count(*) FROM deliveries WHERE leased_to > now() + interval '23 hours'`); n != 1 {
		t.Error("what was put off for a day is tried sooner")
	}
	must(t, l.ledger.Silence(ctx, "telegram", time.Minute))
	if o, err := l.ledger.Look(ctx, "telegram"); err != nil || o.Silent <= 0 {
		t.Fatalf("%+v (%v)", o, err)
	}
	mustExec(t, ctx, l.conn, `UPDATE deliveries SET leased_to = leased_to + interval '1 hour', postponed_at = postponed_at + interval '1 hour'`)
	mustExec(t, ctx, l.conn, `UPDATE delivery_silences SET until = until + interval '1 hour', set_at = set_at + interval '1 hour'`)
	if o, err := l.ledger.Look(ctx, "telegram"); err != nil || o.Silent > 0 {
		t.Errorf("silent for %v (%v)", o.Silent, err)
	}
	must(t, l.ledger.Silence(ctx, "telegram", time.Second))
	if o, err := l.ledger.Look(ctx, "telegram"); err != nil || o.Silent > time.Second {
		t.Errorf("silent for %v after another second was asked for (%v)", o.Silent, err)
	}
	if again := turn(t); len(again) != 2 {
		t.Errorf("claimed again: %v", again)
	}
	mustExec(t, ctx, l.conn, `UPDATE deliveries SET leased_to = leased_to + interval '1 hour'`)
	update := flood(false)
	update.Type, update.References, update.Audience, update.Content.Reason = knowledge.Update, id, knowledge.Audience{}, "桥名写错了"
	l.begin(t, update) // waits for nobody's lease
}

// TestApart: nodes share when a group's robot takes the next message; a clock that was set back keeps nobody waiting.
func TestApart(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	other, err := l.store.OpenLedger(ctx)
	must(t, err)
	t.Cleanup(other.Close)
	const apart = time.Minute
	for _, c := range []struct {
		name, to, before string
		want             time.Duration
	}{
		{name: "first", to: "一组"},
		{name: "at once again", to: "一组", want: apart},
		{name: "another", to: "二组"},
		{name: "later", to: "一组", before: `UPDATE delivery_recipients SET next_at = next_at - interval '1 minute'`},
		{name: "after the clock was set back", to: "一组", before: `UPDATE delivery_recipients SET next_at = next_at + interval '1 hour'`},
		{name: "and then", to: "一组", want: apart},
	} {
		if c.before != "" {
			mustExec(t, ctx, l.conn, c.before)
		}
		if wait, err := other.Apart(ctx, "wecom", c.to, apart); wait != c.want || err != nil {
			t.Errorf("%s: %v, want %v (%v)", c.name, wait, c.want, err)
		}
	}
}
