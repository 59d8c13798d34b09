package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot/telegram"
	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// pushFactor names the variable that makes of this test binary the program, with Telegram's limits so many times the real ones.
const pushFactor = "QIUZHEN_PUSH_FACTOR"

func raiseTelegram(factor string) {
	n, err := strconv.Atoi(factor)
	if err != nil || n < 1 {
		panic(pushFactor + "=" + factor)
	}
	telegram.Official.All.PerSecond *= float64(n)
	telegram.Official.All.Burst *= n
	for i := range broadcast.Limits {
		if broadcast.Limits[i].Channel == telegram.Channel.Name {
			broadcast.Limits[i].PerSecond *= float64(n)
		}
	}
}

// BenchmarkPush asks ten questions a second over web pages (PUSH_ASKED), each another text, of the program with the real model, for ten seconds alone, then
// beside an urgent broadcast to 100,000 recipients (PUSH_RECIPIENTS) by Telegram, whose limits are 250 times the real ones (PUSH_FACTOR). The program,
// Postgres, Telegram's stand-in and who asks share the machine.
func BenchmarkPush(b *testing.B) {
	app := demo(b)
	n, factor, rate := benchSize(b, "PUSH_RECIPIENTS", 100_000), benchSize(b, "PUSH_FACTOR", 250), benchSize(b, "PUSH_ASKED", 10)
	texts := forwards(b)
	author, publisher := pushStaff(b, app)
	for b.Loop() {
		crowd(b, app, n)
		c := startChannelsBy(b, func(args ...string) *exec.Cmd {
			cmd := exec.Command(os.Args[0], args...)
			cmd.Env = append(os.Environ(), pushFactor+"="+strconv.Itoa(factor))
			return cmd
		})
		c.telegram.Limits.All *= factor
		a := &asking{channels: c, texts: texts, every: time.Second / time.Duration(rate)}
		a.during(func() { time.Sleep(3 * time.Second) }) // what is loaded with the first questions
		alone := a.during(func() { time.Sleep(10 * time.Second) })
		cpu := processorTime(b, c.pid)
		var pushed knowledge.Broadcast
		beside := a.during(func() { pushed = pushOut(b, app, author, publisher) })
		cpu = processorTime(b, c.pid) - cpu
		sending := pushed.EndedAt.Sub(pushed.BegunAt).Seconds()
		fmt.Printf("fanned out to %d and sent in %.1f s: %.0f a second (Telegram's limits times %d allow %.0f); %.0f%% of a core in the program meanwhile\n",
			n, sending, float64(n)/sending, factor, broadcast.LimitOf("telegram").Really()*float64(factor), 100*cpu.Seconds()/sending)
		printTook("alone", rate, alone)
		printTook("beside", rate, beside)
		p99 := beside[len(beside)*99/100]
		b.ReportMetric(float64(n)/sending, "deliveries/s")
		b.ReportMetric(float64(p99.Milliseconds()), "p99-ms")
		if p99 > 2*time.Second {
			b.Errorf("readers wait: %v", p99)
		}
		if lost := c.lost["web"]; lost > 0 {
			b.Errorf("%d of %d questions were not answered", lost, a.asked)
		}
		c.stop()
		crowd(b, app, 0)
	}
}

func printTook(when string, rate int, took []time.Duration) {
	fmt.Printf("%-6s %5d answered, %d a second: p50 %4d ms  p99 %4d ms  max %4d ms\n", when, len(took), rate,
		took[len(took)/2].Milliseconds(), took[len(took)*99/100].Milliseconds(), took[len(took)-1].Milliseconds())
}

// asking asks over web pages.
type asking struct {
	*channels
	texts []string
	every time.Duration
	asked int
}

// during asks until do returns, and tells how long the answers took, sorted.
func (a *asking) during(do func()) []time.Duration {
	done := make(chan struct{})
	go func() { do(); close(done) }()
	var sending sync.WaitGroup
	tick := time.NewTicker(a.every)
	defer tick.Stop()
	for over := false; !over; {
		select {
		case <-tick.C:
			i := a.asked
			a.asked++
			sending.Go(func() { a.toWeb(i, fmt.Sprintf("%s（%d）", a.texts[i%len(a.texts)], i)) })
		case <-done:
			over = true
		}
	}
	sending.Wait()
	took := a.took["web"]
	a.took["web"] = nil
	slices.Sort(took)
	return took
}

// pushStaff are two people who may write and approve a broadcast.
func pushStaff(b *testing.B, app *App) (author, publisher context.Context) {
	hire := func(login string, role knowledge.Role) context.Context {
		login += strconv.FormatInt(time.Now().UnixMilli(), 10) // the database may be one that was kept
		p := knowledge.Person{Login: login, Name: login, Title: "主任", Institution: "某中心", Roles: []knowledge.Role{role}}
		id, err := app.Store.AddPerson(context.Background(), p, staffPassword)
		if err != nil {
			b.Fatal(err)
		}
		return knowledge.WithActor(context.Background(), knowledge.Actor{Person: id, ID: login, Name: login, From: "benchmark"})
	}
	return hire("pushauthor", knowledge.Author), hire("pushpublisher", knowledge.Publisher)
}

// crowd makes so many people on Telegram who want broadcasts, instead of those of an earlier run.
func crowd(b *testing.B, app *App, n int) {
	conn, err := pgx.Connect(context.Background(), app.dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range []string{
		`DELETE FROM readers WHERE channel = 'telegram' AND name LIKE '77_______'`,
		fmt.Sprintf(`INSERT INTO readers (channel, name, seen_at, wishes)
			SELECT 'telegram', (770000000 + i)::text, now(), '{"sent": {"county": "320623"}}' FROM generate_series(1, %d) i`, n),
		`ANALYZE readers`,
	} {
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			b.Fatal(err)
		}
	}
}

// pushOut has a broadcast approved and waits until it is out.
func pushOut(b *testing.B, app *App, author, publisher context.Context) (out knowledge.Broadcast) {
	var id int64
	steps := []func() error{
		func() (err error) {
			id, err = app.Store.DraftBroadcast(author, knowledge.Broadcast{
				Type: knowledge.Alert, Expires: time.Now().Add(time.Hour), Audience: knowledge.Audience{Areas: []string{"320623"}, Channels: []string{"telegram"}},
				Content: knowledge.BroadcastContent{
					Event: "洪水", Category: "Met", Response: "Evacuate", Urgency: "Immediate", Severity: "Severe", Certainty: "Observed",
					Headline: "洪水要来，现在就往高处走", Description: "上游开闸，水会涨。", Instruction: "带上药和手机\n不要走桥", Source: "如东县防汛指挥部",
				},
			})
			return err
		},
		func() (err error) { out, err = app.Store.Broadcast(author, id); return err },
		func() error { return app.Store.SubmitBroadcast(author, id, out.Hash) },
		func() error { return app.Store.ApproveBroadcast(publisher, id, out.Hash, knowledge.ActualPhrase) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			b.Error(err)
			return out
		}
	}
	for end := time.Now().Add(15 * time.Minute); out.EndedAt.IsZero() && time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		var err error
		if out, err = app.Store.Broadcast(author, id); err != nil {
			b.Error(err)
		}
	}
	return out
}
