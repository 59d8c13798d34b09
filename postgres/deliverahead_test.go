package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
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
