package postgres_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// claims are what is claimed of a broadcast on a channel, with why it is not sent: all of it is sent that is to be.
func (l ledgerBench) claims(t *testing.T, id int64, channel string) map[string]string {
	t.Helper()
	ctx := context.Background()
	claimed, err := l.ledger.Turn(ctx, broadcast.Turn{Channel: channel, Want: 100, Broadcast: id, Due: true, Lease: time.Minute})
	must(t, err)
	out := map[string]string{}
	var settled []broadcast.Outcome
	for _, c := range claimed {
		out[c.To] = c.Left
		o := broadcast.Outcome{Delivery: c.Delivery, End: broadcast.Sent}
		if c.Left != "" {
			o = broadcast.Outcome{Delivery: c.Delivery, End: broadcast.Failed, Untried: true, Reason: c.Left}
		}
		settled = append(settled, o)
	}
	_, err = l.ledger.Turn(ctx, broadcast.Turn{Channel: channel, Settled: settled})
	must(t, err)
	return out
}

// TestLeft: who left between the fan-out and the claim gets no alert, and no exercise; a correction is for whoever got what it corrects.
func TestLeft(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	mustExec(t, ctx, l.conn, `
		INSERT INTO readers (channel, name, seen_at, wishes, exercise_at) SELECT 'telegram', name, now(), '{"sent": {}}', now()
		  FROM unnest(ARRAY['stays', 'unsubscribes', 'blocks', 'blocked', 'leaves']) name`)
	mustExec(t, ctx, l.conn, `INSERT INTO endpoints (channel, recipient, exercise_at) SELECT 'wecom', name, now() FROM unnest(ARRAY['一组', '二组', '三组']) name`)
	leave := func() {
		mustExec(t, ctx, l.conn, `UPDATE readers SET wishes = '{}' WHERE name = 'unsubscribes'`)
		mustExec(t, ctx, l.conn, `UPDATE readers SET gone_at = now() WHERE name = 'blocks'`)
		mustExec(t, ctx, l.conn, `UPDATE readers SET blocked_at = now() WHERE name = 'blocked'`)
		mustExec(t, ctx, l.conn, `UPDATE readers SET exercise_at = NULL WHERE name = 'leaves'`)
		mustExec(t, ctx, l.conn, `UPDATE endpoints SET gone_at = now() WHERE recipient = '二组'`)
		mustExec(t, ctx, l.conn, `UPDATE endpoints SET exercise_at = NULL WHERE recipient = '三组'`)
	}
	back := func() {
		mustExec(t, ctx, l.conn, `UPDATE readers SET wishes = '{"sent": {}}', gone_at = NULL, blocked_at = NULL, exercise_at = now()`)
		mustExec(t, ctx, l.conn, `UPDATE endpoints SET gone_at = NULL, exercise_at = now()`)
	}
	for _, exercise := range []bool{false, true} {
		back()
		b := flood(exercise)
		b.Audience.Areas = nil
		id := l.begin(t, b)
		leave()
		left := ""
		if exercise {
			left = "不在演练组"
		}
		want := map[string]string{"stays": "", "unsubscribes": "退订了", "blocks": "退订了", "blocked": "退订了", "leaves": left}
		if got := l.claims(t, id, "telegram"); !maps.Equal(got, want) {
			t.Errorf("exercise %t: %v, want %v", exercise, got, want)
		}
		want = map[string]string{"一组": "", "二组": "退订了", "三组": left}
		if got := l.claims(t, id, "wecom"); !maps.Equal(got, want) {
			t.Errorf("exercise %t: %v, want %v", exercise, got, want)
		}
		update := flood(exercise)
		update.Type, update.References, update.Audience, update.Content.Reason = knowledge.Update, id, knowledge.Audience{}, "桥名写错了"
		corrected := l.begin(t, update)
		mustExec(t, ctx, l.conn, `UPDATE readers SET wishes = '{}', exercise_at = NULL`) // all of them leave
		got := l.claims(t, corrected, "telegram")
		if reasons := strings.Join(slices.Collect(maps.Values(got)), ""); got["stays"] != "" || len(got) == 0 || reasons != "" {
			t.Errorf("exercise %t: the update goes to %v", exercise, got)
		}
	}
}
