package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/postgres"
)

// TestForgottenEverywhere: once a reader's data are deleted, nothing is left of them in any table, the arguments and the errors of jobs that are
// finished included: no job is told anything of a reader, so that none needs to be looked through.
func TestForgottenEverywhere(t *testing.T) {
	ctx, store := context.Background(), shelf(t)
	engine, _ := bottest.NewEngine()
	clock := now
	desk := bot.NewDesk(engine, store, func() time.Time { clock = clock.Add(time.Second); return clock })
	via := bot.Channel{Name: "telegram", Buttons: true, Groups: true, Push: true, Alerts: true}
	const person, words = "4711081500", "月背面的白兔会不会念经"
	for _, m := range []bot.Message{
		{Text: words}, {Text: "好"}, {Text: "白酒杀毒"}, {Text: "没用"}, {Text: words + "没说"}, {Text: "订阅"}, {Text: "如东"}, {Text: "跳过"}, {Text: "老人"}, {Text: "同意"},
		{Text: "求真，" + words, Group: "-100", Addressed: true},
	} {
		m.Via, m.Reader, m.At = via, person, clock
		if _, err := desk.Handle(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	if err := finishJobs(t, store); err != nil {
		t.Fatal(err)
	}
	left := func() (found []string) {
		for line := range strings.Lines(store.Dump(t)) {
			if strings.Contains(line, person) || strings.Contains(line, words) {
				found = append(found, line)
			}
		}
		return found
	}
	if n := store.Count(t, `SELECT count(*) FROM readers WHERE wishes ? 'sent'`); n != 1 {
		t.Fatalf("%d readers are subscribed", n)
	}
	if n := len(left()); n < 3 {
		t.Fatalf("%d rows before: the test says too little", n)
	}
	if _, err := desk.Handle(ctx, bot.Message{Via: via, Reader: person, Delete: true, At: clock}); err != nil {
		t.Fatal(err)
	}
	if err := finishJobs(t, store); err != nil {
		t.Fatal(err)
	}
	if rows := left(); len(rows) > 0 {
		t.Errorf("%d rows are left: %q", len(rows), rows)
	}
	finished, told := store.Count(t, `SELECT count(*) FROM river_job WHERE finalized_at IS NOT NULL`), store.Count(t, `SELECT count(*) FROM river_job WHERE args <> '{}'`)
	if finished < 2 || told > 0 {
		t.Errorf("%d finished jobs, %d of them with arguments", finished, told)
	}
	fmt.Printf("%d finished jobs, 0 rows of the reader left\n", finished)
}

// finishJobs lets each kind of job run once, as the program does when it starts.
func finishJobs(t *testing.T, store *postgres.Store) error {
	t.Helper()
	before := store.Count(t, `SELECT count(*) FROM river_job WHERE finalized_at IS NOT NULL`)
	stop, err := store.StartJobs(context.Background(), postgres.Jobs{Now: func() time.Time { return now.Add(time.Hour) }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if store.Count(t, `SELECT count(*) FROM river_job WHERE finalized_at IS NOT NULL`) >= before+2 {
			return nil
		}
	}
	return fmt.Errorf("the jobs do not finish")
}
