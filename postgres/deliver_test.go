package postgres_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// ledgerBench is a database with its ledger.
type ledgerBench struct {
	store  *postgres.Store
	ledger *postgres.Ledger
	conn   *pgx.Conn
	staff
}

func newLedger(t *testing.T) ledgerBench {
	t.Helper()
	ctx, dsn := context.Background(), postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	ledger, err := store.OpenLedger(ctx)
	must(t, err)
	t.Cleanup(ledger.Close)
	return ledgerBench{store, ledger, connect(t, ctx, dsn), hire(t, store)}
}

func (l ledgerBench) begin(t *testing.T, b knowledge.Broadcast) int64 {
	t.Helper()
	id := approvedOne(t, l.store, l.staff, b).ID
	begun, err := l.ledger.Begin(context.Background())
	must(t, err)
	if begun.Broadcast != id {
		t.Fatalf("begun %+v, not %d", begun, id)
	}
	return id
}

// names are the recipients of a broadcast, sorted; those who are forgotten are -.
func (l ledgerBench) names(t *testing.T, id int64) string {
	t.Helper()
	rows, err := l.conn.Query(context.Background(), `
		SELECT coalesce(d.recipient, r.name, '-') FROM deliveries d LEFT JOIN readers r ON r.id = d.reader_id WHERE d.broadcast_id = $1 ORDER BY 1`, id)
	must(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	return strings.ReplaceAll(strings.Join(names, " "), "\n", "/")
}

// turn claims all of a broadcast, each as one node, and tells what became of it.
func (l ledgerBench) turn(t *testing.T, id int64, ends map[string]broadcast.Outcome) {
	t.Helper()
	ctx := context.Background()
	for _, channel := range []string{"telegram", "wechat", "wecom"} {
		claimed, err := l.ledger.Turn(ctx, broadcast.Turn{Channel: channel, Want: 100, Broadcast: id, Due: true, Lease: time.Minute})
		must(t, err)
		var settled []broadcast.Outcome
		for _, c := range claimed {
			if o, ok := ends[c.To]; ok {
				o.Delivery, o.Heard = c.Delivery, c.Heard
				settled = append(settled, o)
			}
		}
		_, err = l.ledger.Turn(ctx, broadcast.Turn{Channel: channel, Settled: settled})
		must(t, err)
	}
}

// TestLedger: who gets an exercise, its correction, and what is left of those who had their data deleted.
func TestLedger(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	mustExec(t, ctx, l.conn, `
		INSERT INTO readers (channel, name, seen_at, wishes, exercise_at) VALUES
		('telegram', 'drills', now(), '{"sent": {}}', now()), ('telegram', 'leaves', now(), '{"sent": {}}', now()),
		('telegram', 'deleted', now(), '{"sent": {}}', now()), ('telegram', 'unsent', now(), '{"sent": {}}', now()),
		('telegram', 'outside', now(), '{"sent": {}}', NULL)`)
	mustExec(t, ctx, l.conn, `INSERT INTO endpoints (channel, recipient, exercise_at) VALUES ('wecom', '网格一组', now())`)
	drill := flood(true)
	drill.Audience.Areas = nil
	id := l.begin(t, drill)
	if got := l.names(t, id); got != "deleted drills leaves unsent 网格一组" {
		t.Errorf("the exercise goes to %s", got)
	}
	sent := broadcast.Outcome{End: broadcast.Sent}
	l.turn(t, id, map[string]broadcast.Outcome{"drills": sent, "leaves": sent, "deleted": sent, "网格一组": sent, "unsent": {End: broadcast.Failed, Gone: true, Reason: "走了"}})
	mustExec(t, ctx, l.conn, `UPDATE readers SET exercise_at = NULL, wishes = '{}' WHERE name = 'leaves'`)
	if _, err := l.store.Forget(ctx, "telegram", "deleted", "", func(bot.Forgotten) bot.Kept { return bot.Kept{} }); err != nil {
		t.Fatal(err)
	}
	if got := l.names(t, id); strings.Contains(got, "deleted") {
		t.Errorf("the ledger still names who had their data deleted: %s", got)
	}
	update := flood(true)
	update.Type, update.References, update.Audience, update.Content.Reason = knowledge.Update, id, knowledge.Audience{}, "桥名写错了"
	reach, err := l.store.PreviewBroadcast(ctx, update)
	must(t, err)
	if got := fmt.Sprint(reach); got != "[{telegram  2 0 0} {wecom  1 0 0}]" {
		t.Errorf("the preview of the update: %s", got)
	}
	if got := l.names(t, l.begin(t, update)); got != "drills leaves 网格一组" {
		t.Errorf("the update goes to %s", got)
	}
	if n := l.store.Count(t, `SELECT count(*) FROM readers WHERE name = 'unsent' AND gone_at IS NOT NULL`); n != 1 {
		t.Error("who is gone is still subscribed")
	}
}

// TestCorrectionWaits: while something of what it corrects is in flight a correction stops it and waits; what a dead node held may have been sent.
func TestCorrectionWaits(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	mustExec(t, ctx, l.conn, `INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'telegram', i::text, now(), '{"sent": {}}' FROM generate_series(1, 9) i`)
	alert := flood(false)
	alert.Audience.Areas = nil
	id := l.begin(t, alert)
	held, err := l.ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Want: 3, Broadcast: id, Lease: time.Minute})
	must(t, err)
	cancel := flood(false)
	cancel.Type, cancel.References, cancel.Audience, cancel.Content.Reason = knowledge.Cancel, id, knowledge.Audience{}, "没有这回事"
	correction := approvedOne(t, l.store, l.staff, cancel).ID
	begun, err := l.ledger.Begin(ctx)
	must(t, err)
	if begun.Waits != correction || stored(t, l.store, id).State != knowledge.BroadcastCancelled {
		t.Fatalf("%+v, the alert is %s", begun, stored(t, l.store, id).State)
	}
	if more, err := l.ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Want: 3, Broadcast: id, Lease: time.Minute}); err != nil || len(more) > 0 {
		t.Errorf("claimed after the stop: %v (%v)", more, err)
	}
	_, err = l.ledger.Turn(ctx, broadcast.Turn{Channel: "telegram", Settled: []broadcast.Outcome{
		{Delivery: held[0].Delivery, End: broadcast.Sent}, {Delivery: held[1].Delivery, End: broadcast.Postponed, Untried: true}}})
	must(t, err)
	mustExec(t, ctx, l.conn, `UPDATE deliveries SET leased_to = now() - interval '1 second' WHERE state = 'claimed'`) // its node is dead
	begun, err = l.ledger.Begin(ctx)
	must(t, err)
	want := []string{held[0].To, held[2].To}
	slices.Sort(want)
	if got := l.names(t, correction); begun.Broadcast != correction || got != strings.Join(want, " ") {
		t.Errorf("%+v to %s, want %v", begun, got, want)
	}
}

// TestLedgerForgotten: after 30 days numbers stay, and no rows.
func TestLedgerForgotten(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	mustExec(t, ctx, l.conn, `INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'telegram', i::text, now(), '{"sent": {"county": "320623"}}' FROM generate_series(1, 3) i`)
	id := l.begin(t, flood(false))
	update := flood(false)
	update.Type, update.References, update.Audience, update.Content.Reason = knowledge.Update, id, knowledge.Audience{}, "桥名写错了"
	approved := approvedOne(t, l.store, l.staff, update).ID
	l.turn(t, id, map[string]broadcast.Outcome{"1": {End: broadcast.Sent}, "2": {End: broadcast.Failed, Reason: "太长"}, "3": {End: broadcast.Sent}})
	if _, err := l.ledger.End(ctx); err != nil || stored(t, l.store, id).State != knowledge.BroadcastDone {
		t.Fatal(err)
	}
	say := func() string {
		counts, err := l.store.Deliveries(ctx, id)
		must(t, err)
		delays, err := l.store.DeliveryDelays(ctx, id)
		must(t, err)
		return fmt.Sprint(counts, delays)
	}
	before := say()
	if !strings.Contains(before, "{telegram 320623 failed 太长 1} {telegram 320623 sent  2}") {
		t.Error(before)
	}
	if _, err := l.store.ForgetOld(ctx, time.Now().Add(-time.Minute)); err != nil || say() != before || l.store.Count(t, `SELECT count(*) FROM deliveries`) != 3 {
		t.Errorf("forgotten too soon: %v", err)
	}
	if _, err := l.store.ForgetOld(ctx, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if after := say(); after != before || l.store.Count(t, `SELECT count(*) FROM deliveries`) != 0 {
		t.Errorf("%s\nnow %s", before, after)
	}
	// whom a correction would go to nobody knows any more
	if _, err := l.store.DraftBroadcast(l.author, update); code(err) != knowledge.Conflict || !strings.Contains(err.Error(), "名单已删，请另发通知") {
		t.Errorf("drafted: %v", err)
	}
	if begun, err := l.ledger.Begin(ctx); err != nil || begun.Broadcast != 0 || stored(t, l.store, approved).State != knowledge.BroadcastCancelled {
		t.Errorf("begun: %+v (%v), the update is %s", begun, err, stored(t, l.store, approved).State)
	}
}

// TestProposeCorrection: who was answered with what was withdrawn is proposed to be told, once.
func TestProposeCorrection(t *testing.T) {
	l, ctx := newLedger(t), context.Background()
	hired.Store(l.store, l.staff)
	publish(t, l.store, entry("one", 1), onePassage())
	mustExec(t, ctx, l.conn, `
		INSERT INTO readers (channel, name, seen_at, gone_at) VALUES ('telegram', 'asked', now(), NULL), ('telegram', 'gone', now(), now()), ('telegram', 'other', now(), NULL),
		    ('telegram', '-7'||E'\n'||'member', now(), NULL), ('telegram', 'longago', now(), NULL), ('web', 'page', now(), NULL);
		WITH a AS (INSERT INTO answers (reader_id, at, message, decision, took_ms)
		    SELECT id, now() - CASE name WHEN 'longago' THEN interval '31 days' ELSE '1 day' END, '问', 'answer', 1 FROM readers WHERE name <> 'other' RETURNING id)
		INSERT INTO answer_entries (answer_id, entry_id, version, score, quoted) SELECT id, 'one', 1, 1, true FROM a`)
	proposed := func() int64 {
		t.Helper()
		id, err := l.store.OpenCorrection(ctx, "one")
		must(t, err)
		return id
	}
	if id := proposed(); id != 0 {
		t.Errorf("of what is served: %d", id)
	}
	must(t, l.store.Withdraw(l.publisher, "one", "剂量\x1b[2J写错了\u202e，看第二行\r\n"+strings.Repeat("长", 9000)))
	id := proposed()
	must(t, l.store.Withdraw(l.publisher, "one", "再撤一次"))
	if all, err := l.store.Broadcasts(ctx, "", 10); err != nil || len(all) != 1 || all[0].ID != id || len(all[0].Wrong()) > 0 {
		t.Fatalf("proposed %d: %+v (%v)", id, all, err)
	}
	b := stored(t, l.store, id)
	if b.State != knowledge.BroadcastDraft || !strings.Contains(b.Content.Description, "剂量[2J写错了，看第二行\n长") {
		t.Errorf("%+v", b)
	}
	if err := l.store.SubmitBroadcast(l.author, id, b.Hash); code(err) != knowledge.Invalid {
		t.Errorf("submitted with blanks: %v", err)
	}
	b.Content.Description = "剂量写错了。"
	b.Content.Instruction, b.Content.Source = "按药盒上的说明吃", "南通市疾控中心"
	must(t, l.store.EditBroadcast(l.author, b))
	b = stored(t, l.store, id)
	must(t, l.store.SubmitBroadcast(l.author, id, b.Hash))
	must(t, l.store.ApproveBroadcast(l.publisher2, id, b.Hash, knowledge.ActualPhrase))
	if begun, err := l.ledger.Begin(ctx); err != nil || begun.Recipients != 2 {
		t.Errorf("%+v (%v)", begun, err)
	}
	if got := l.names(t, id); got != "-7 asked" {
		t.Errorf("goes to %s", got)
	}
	if n := l.store.Count(t, `SELECT count(*) FROM deliveries WHERE recipient IS NOT NULL`); n != 0 {
		t.Errorf("the ledger names %d", n)
	}
}
