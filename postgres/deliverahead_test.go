package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
)

// TestAhead: an alert for few that is as urgent as one for many is sent first, and a preview says what really leaves before it.
func TestAhead(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	mustExec(t, ctx, l.conn, `
		INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'telegram', i::text, now(), jsonb_build_object('sent', jsonb_build_object('county', CASE WHEN i <= 2 THEN '320682' ELSE '320623' END)) FROM generate_series(1, 20) i`)
	to := func(area, urgency, severity string) knowledge.Broadcast {
		b := flood(false)
		b.Audience.Areas, b.Content.Urgency, b.Content.Severity = []string{area}, urgency, severity
		return b
	}
	many := l.begin(t, to("320623", "Immediate", "Severe"))
	soon := l.begin(t, to("320623", "Expected", "Severe"))
	few := l.begin(t, to("320682", "Immediate", "Severe"))
	outlook, err := l.ledger.Look(ctx, "telegram")
	must(t, err)
	waiting := map[int64]int64{many: 18, soon: 0, few: 2} // what is like no other is not counted
	for _, o := range outlook.Orders {
		if o.Waiting != waiting[o.ID] {
			t.Errorf("%+v, want %d waiting", o, waiting[o.ID])
		}
	}
	drill, update := to("320623", "Immediate", "Extreme"), correcting(knowledge.Update, many)
	drill.Exercise = true
	mustExec(t, ctx, l.conn, `UPDATE readers SET exercise_at = now() WHERE name = '3'`)
	mustExec(t, ctx, l.conn, `UPDATE deliveries SET state = 'sent', settled_at = now() WHERE broadcast_id = `+fmt.Sprint(many)+` AND n = (SELECT min(n) FROM deliveries)`)
	for _, c := range []struct {
		name string
		b    knowledge.Broadcast
		want int
	}{
		{"to few", to("320682", "Immediate", "Minor"), 2},        // behind the older one alone
		{"to many", to("320623", "Immediate", "Minor"), 17 + 2},  // not behind what can wait
		{"soon", to("320623", "Expected", "Minor"), 17 + 18 + 2}, // behind the other for soon as well, which is older
		{"calm", to("320623", "Future", "Minor"), 17 + 18 + 2},
		{"an exercise", drill, 17 + 18 + 2},
		{"a correction", update, 0},
	} {
		reach, err := l.store.PreviewBroadcast(ctx, c.b)
		must(t, err)
		if len(reach) != 1 || reach[0].Ahead != c.want {
			t.Errorf("%s: %+v, want %d ahead", c.name, reach, c.want)
		}
	}
	// a worker begins with the smaller one
	orders := outlook.Orders
	for _, o := range orders {
		if o.ID != few && broadcast.CompareOrders(o, broadcast.Order{ID: few, Type: knowledge.Alert, Urgent: true, Level: 2, Waiting: 2, Left: time.Hour}) < 0 {
			t.Errorf("%+v goes before %d", o, few)
		}
	}
}

// TestCountWaiting: what waits is counted as it becomes less, also by who begins to look amid it, and one channel's count keeps no other's look waiting.
func TestCountWaiting(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	mustExec(t, ctx, l.conn, `
		INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'telegram', i::text, now(), '{"sent": {"county": "320623"}}' FROM generate_series(1, 20) i`)
	first, second := l.begin(t, flood(false)), l.begin(t, flood(false))
	waiting := func(ledger *postgres.Ledger) (n [2]int64) {
		t.Helper()
		outlook, err := ledger.Look(ctx, "telegram")
		must(t, err)
		for _, o := range outlook.Orders {
			if o.ID == first || o.ID == second {
				n[o.ID-first] += o.Waiting
			}
		}
		return n
	}
	for _, step := range []struct {
		claim int
		want  [2]int64
	}{{0, [2]int64{20, 20}}, {8, [2]int64{12, 20}}, {8, [2]int64{4, 20}}, {8, [2]int64{0, 20}}, {8, [2]int64{0, 20}}} {
		if step.claim > 0 {
			_, err := l.ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Want: step.claim, Broadcast: first, Lease: time.Minute})
			must(t, err)
		}
		l.ledger.ForgetCounts() // 10 seconds later
		if got := waiting(l.ledger); got != step.want {
			t.Errorf("%v wait, want %v", got, step.want)
		}
	}
	another, err := l.store.OpenLedger(ctx)
	must(t, err)
	t.Cleanup(another.Close)
	if got := waiting(another); got != [2]int64{0, 20} {
		t.Errorf("another node counts %v", got)
	}
	_, err = another.Look(ctx, "wechat")
	must(t, err)
	another.ForgetCounts("telegram")
	lock, err := l.conn.Begin(ctx)
	must(t, err)
	_, err = lock.Exec(ctx, `LOCK TABLE deliveries`)
	must(t, err)
	counted := make(chan error, 1)
	go func() { _, err := another.Look(ctx, "telegram"); counted <- err }()
	for n := 0; n == 0; time.Sleep(5 * time.Millisecond) {
		must(t, lock.QueryRow(ctx, `SELECT count(*) FROM pg_locks WHERE relation = 'deliveries'::regclass AND NOT granted`).Scan(&n))
	}
	soon, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	looked := make(chan error, 1)
	go func() { _, err := another.Look(soon, "wechat"); looked <- err }()
	select {
	case err := <-looked:
		must(t, err)
	case <-soon.Done():
		t.Error("it waits for the count of another channel")
	}
	must(t, lock.Rollback(ctx))
	must(t, <-counted)
}

// TestPutBackKeepsReason: why a message waits is said for as long as it was not tried again.
func TestPutBackKeepsReason(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	mustExec(t, ctx, l.conn, `INSERT INTO readers (channel, name, seen_at, wishes) VALUES ('telegram', '1', now(), '{"sent": {"county": "320623"}}')`)
	id := l.begin(t, flood(false))
	for _, c := range []struct{ outcome, want string }{{"渠道暂时不收", "渠道暂时不收"}, {"put back", "渠道暂时不收"}, {"", ""}} {
		o := broadcast.Outcome{End: broadcast.Postponed, Reason: c.outcome}
		if c.outcome == "put back" {
			o.Untried, o.Reason = true, ""
		}
		l.turn(t, id, map[string]broadcast.Outcome{"1": o})
		if n := l.store.Count(t, `SELECT count(*) FROM deliveries WHERE state = 'postponed' AND coalesce(reason, '') = '`+c.want+`'`); n != 1 {
			t.Errorf("after %q the reason is not %q", c.outcome, c.want)
		}
	}
}
