package postgres_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
	"qiuzhen/sensing"
)

// asker keeps what readers ask, as the desk does.
type asker struct {
	t     *testing.T
	store *postgres.Store
}

// ask is a message of a reader who told their county, or not; entry is what it was answered with.
func (a asker) ask(name, county, message string, entry knowledge.ID, at time.Time) {
	a.t.Helper()
	r, err := a.store.Reader(context.Background(), "web", name)
	if err != nil {
		a.t.Fatal(err)
	}
	r.Memory.At = at
	if county != "" {
		r.Wishes.Sent = &bot.Subscription{County: county, Wording: "同意", At: at}
	}
	turn := bot.Turn{Reader: r, Answered: &bot.Answered{At: at, Message: message, Decision: retrieval.Abstain}}
	if entry != "" {
		turn.Answered.Decision = retrieval.Sure
		turn.Answered.Shown = []bot.Shown{{Ref: retrieval.Ref{ID: entry, Version: 1}, Score: .9, Quoted: true}}
	}
	mustKeep(a.t, a.store, turn)
}

func (a asker) sense(now time.Time, want int) {
	a.t.Helper()
	if filed, err := a.store.Sense(context.Background(), now, nil); err != nil || filed != want {
		a.t.Fatalf("%d surges filed at %v (%v), want %d", filed, now, err, want)
	}
}

// TestSense: what many ask at once is told once, with where, how they word it and what answers it; few are never shown.
func TestSense(t *testing.T) {
	ctx, dsn := context.Background(), postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	a := asker{t, store}
	publish(t, store, entry("one", 1), onePassage())
	start := time.Date(2027, 3, 1, 2, 0, 0, 0, time.UTC)
	for d := range 10 { // what is usual
		at := start.AddDate(0, 0, d)
		a.ask(fmt.Sprint("早", d), "", "喝白酒能不能杀病毒", "one", at)
		a.ask(fmt.Sprint("早", d), "", "谢谢", "", at)
	}
	now := start.AddDate(0, 0, 9).Add(5 * time.Hour)
	a.sense(now, 0)
	rumour := "如东化工园爆炸了，自来水不能喝，电话13812345678"
	for i := range 4 {
		a.ask(fmt.Sprint("如东", i), "320623", rumour, "", now.Add(time.Duration(i)*time.Minute))
	}
	now = now.Add(10 * time.Minute)
	a.sense(now, 0) // four are too few to tell of
	for i := range 4 {
		a.ask(fmt.Sprint("如东", 4+i), "320623", "紧急通知！如东化工园爆炸了，自来水不能喝！转给家人", "", now.Add(time.Duration(i)*time.Second))
		a.ask(fmt.Sprint("早", i), "", "喝白酒能不能杀病毒", "one", now.Add(time.Duration(i)*time.Second))
	}
	now = now.Add(time.Minute)
	var told sync.WaitGroup // several programs are up
	counts := make([]int, 3)
	for i := range counts {
		told.Go(func() { counts[i], _ = store.Sense(ctx, now, nil) })
	}
	told.Wait()
	if counts[0]+counts[1]+counts[2] != 1 {
		t.Fatalf("filed %v, want one surge once", counts)
	}
	a.sense(now.Add(sensing.Every), 0)

	got, err := store.Surges(ctx, now, false)
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	n := got[0]
	if n.Place() != "如东县" || n.Readers != 8 || n.Entry != "" || n.Answer() != "还没有条目" || !strings.Contains(n.Line(), "8人问，平时几乎没有") {
		t.Errorf("%+v: %s; %s", n, n.Line(), n.Answer())
	}
	if len(n.Examples) != 2 || strings.Contains(strings.Join(n.Examples, ""), "13812345678") || !strings.Contains(n.Examples[0], "化工园") {
		t.Errorf("examples %q", n.Examples)
	}
	if lines := lines(t, dsn, `SELECT action || ' ' || detail::text FROM audit_log WHERE action LIKE 'surge.%'`); len(lines) != 1 {
		t.Errorf("audit %v", lines)
	}
	for what, want := range map[string][]string{
		`SELECT count(*)::text FROM answers WHERE NOT sensed`:                                                           {"0"},
		`SELECT count(*)::text FROM sensing_topics`:                                                                     {"2"},
		`SELECT string_agg(DISTINCT message, ' ') FROM answers WHERE topic IS NULL`:                                     {"谢谢"},
		`SELECT readers::text FROM sensing_hours WHERE county = '320623'`:                                               {"8"},
		`SELECT sum(readers)::text FROM sensing_hours h JOIN sensing_topics t ON t.id = h.topic WHERE entry_id = 'one'`: {"14"},
	} {
		if got := lines(t, dsn, what); strings.Join(got, ";") != strings.Join(want, ";") {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
}

// TestSurgeTaken: who takes a surge up begins an entry in one step; the log says so; who is forgotten is in no example.
func TestSurgeTaken(t *testing.T) {
	ctx, dsn := context.Background(), postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	a := asker{t, store}
	start := time.Date(2027, 3, 1, 2, 0, 0, 0, time.UTC)
	a.ask("老早", "", "明天要不要上学", "", start)
	now := start.AddDate(0, 0, 3)
	for i := range 7 {
		a.ask(fmt.Sprint(i), "", "明天起\u202e全市\x1b菜场\n关门三天\u2069", "", now) // what would turn the line around, or write to a terminal, is in no entry
	}
	now = now.Add(time.Minute)
	a.sense(now, 1)
	surges, err := store.Surges(ctx, now, false)
	if err != nil || len(surges) != 1 || surges[0].Place() != "各地合计" {
		t.Fatalf("%+v, %v", surges, err)
	}
	id := surges[0].ID
	draft, err := store.DraftOfSurge(ctx, id, now)
	if err != nil || draft != knowledge.ID(fmt.Sprint("surge-", id)) {
		t.Fatal(draft, err)
	}
	if again, err := store.DraftOfSurge(ctx, id, now); err != nil || again != draft {
		t.Error(again, err)
	}
	v, err := store.Version(ctx, draft, 0)
	if err != nil || len(v.Entry.Claims) != 1 || v.Entry.Claims[0] != "明天起全市菜场 关门三天" {
		t.Errorf("%+v, %v", v.Entry, err)
	}
	if err := store.SeeSurge(ctx, id, now); err != nil {
		t.Fatal(err)
	}
	if err := store.SeeSurge(ctx, id, now); err == nil {
		t.Error("taken up twice")
	}
	if surges, err := store.Surges(ctx, now, false); err != nil || len(surges) != 0 {
		t.Errorf("%+v, %v", surges, err)
	}
	for i := range 4 { // of four, who asked again in other words
		a.ask(fmt.Sprint(3+i), "", "全市菜场明天起关门三天吗", "", now)
	}
	for i := range 3 {
		if _, err := store.Forget(ctx, "web", fmt.Sprint(i), "", nil); err != nil {
			t.Fatal(err)
		}
	}
	a.sense(now, 0)
	n, err := store.SurgeNotice(ctx, id, now)
	if err != nil || len(n.Examples) != 0 || n.Seen == nil || n.Answer() != "还没有条目，已有人起草：surge-"+fmt.Sprint(id) {
		t.Errorf("%+v, %v", n, err)
	}
	if _, err := store.DraftOfSurge(ctx, 99, now); err == nil {
		t.Error("there is no such surge")
	}
	if got := lines(t, dsn, `SELECT action FROM audit_log ORDER BY seq`); strings.Join(got, " ") != "surge.found draft.saved surge.seen" {
		t.Errorf("audit %v", got)
	}
	// what nobody asks about any more goes, but for what was done about it
	a.sense(now.AddDate(0, 3, 0), 0)
	if got := lines(t, dsn, `SELECT count(*)::text FROM sensing_topics`); got[0] != "1" {
		t.Errorf("%s topics left", got[0])
	}
}
