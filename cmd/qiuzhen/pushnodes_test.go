package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres/postgrestest"
)

// pushNode is one of several on a database, with a stand-in of Telegram of its own, by which it is known who sends.
type pushNode struct {
	app  *App
	api  *telegramtest.Server
	stop func()
}

func startPushNode(t *testing.T, data string) *pushNode {
	t.Helper()
	n := &pushNode{api: telegramtest.New()}
	t.Cleanup(n.api.Close)
	set := []string{"embedder=none", "telegram_token=" + telegramtest.Token, "telegram_secret=" + telegramSecret, "telegram_api=" + n.api.URL}
	ctx, cancel := context.WithCancel(context.Background())
	app, err := openApp(ctx, &cli{Data: data, Set: set}, stdio{err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	push, err := app.openPushes(ctx, log)
	if err != nil {
		t.Fatal(err)
	}
	var parts sync.WaitGroup
	parts.Go(func() { app.telegram.run(ctx, app, push, log) })
	parts.Go(func() { push.run(ctx) })
	n.app = app
	n.stop = sync.OnceFunc(func() { cancel(); parts.Wait(); push.close(); app.Close() })
	t.Cleanup(n.stop)
	return n
}

func (n *pushNode) sent() (all int) {
	for _, c := range n.api.Calls() {
		if c.Method == "sendMessage" {
			all++
		}
	}
	return all
}

// TestTelegramPushesOnOneNode: of two nodes the one that answers on Telegram delivers the broadcasts there too, since the bot's quota is counted in it; when
// it ends, the other takes both.
func TestTelegramPushesOnOneNode(t *testing.T) {
	const readers = 60
	dsn := postgrestest.DSN(t)
	t.Setenv("DATABASE_URL", dsn)
	data := t.TempDir()
	nodes := []*pushNode{startPushNode(t, data), startPushNode(t, data)}
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(ctx, `INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'telegram', (1000 + i)::text, now(), '{"sent": {}}' FROM generate_series(1, $1::int) i`, readers)
	if err != nil {
		t.Fatal(err)
	}
	pushNow(t, nodes[0].app, conn)
	wait := func(what string, holds func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("never: %s: %d and %d sent", what, nodes[0].sent(), nodes[1].sent())
			}
		}
	}
	wait("the first third", func() bool { return nodes[0].sent()+nodes[1].sent() >= readers/3 })
	first, second := nodes[0], nodes[1]
	if second.sent() > 0 {
		first, second = second, first
	}
	if n := second.sent(); n > 0 {
		t.Errorf("both nodes send: %d and %d", first.sent(), n)
	}
	first.stop()
	wait("all", func() bool { return first.sent()+second.sent() == readers })
	if second.sent() == 0 {
		t.Error("the other node never took over")
	}
}

// pushNow has an urgent broadcast to everybody approved by two people, who are hired without passwords.
func pushNow(t *testing.T, app *App, conn *pgx.Conn) {
	t.Helper()
	hire := func(login string, role knowledge.Role) context.Context {
		var id knowledge.PersonID
		err := conn.QueryRow(t.Context(), `
			WITH p AS (INSERT INTO people (login, name, institution, password_hash) VALUES ($1, $1, '某中心', '-') RETURNING id)
			INSERT INTO person_roles (person_id, role) SELECT id, $2 FROM p RETURNING person_id`, login, string(role)).Scan(&id)
		if err != nil {
			t.Fatal(err)
		}
		return knowledge.WithActor(t.Context(), knowledge.Actor{Person: id, ID: login, Name: login, From: "test"})
	}
	author, publisher := hire("author", knowledge.Author), hire("publisher", knowledge.Publisher)
	id, err := app.Store.DraftBroadcast(author, knowledge.Broadcast{
		Type: knowledge.Alert, Expires: time.Now().Add(time.Hour),
		Content: knowledge.BroadcastContent{
			Event: "洪水", Category: "Met", Response: "Evacuate", Urgency: "Immediate", Severity: "Severe", Certainty: "Observed",
			Headline: "洪水要来，现在就往高处走", Description: "上游开闸，水会涨。", Source: "如东县防汛指挥部",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := app.Store.Broadcast(author, id)
	if err == nil {
		err = app.Store.SubmitBroadcast(author, id, b.Hash)
	}
	if err == nil {
		err = app.Store.ApproveBroadcast(publisher, id, b.Hash, knowledge.ActualPhrase)
	}
	if err != nil {
		t.Fatal(err)
	}
}
