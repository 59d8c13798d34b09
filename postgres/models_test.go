package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestModelRegisteredWhileOthersWrite: whoever registers a model that another has just registered waits for writers of
// its vectors and does not deadlock with them.
func TestModelRegisteredWhileOthersWrite(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	entry := knowledge.Entry{ID: "an-entry", Kind: knowledge.Guide, Topic: knowledge.Health}
	passages := []ingest.IndexedPassage{{Passage: knowledge.Passage{Kind: knowledge.BodyPassage, Text: "t"}}}
	if _, err := store.SaveDraft(ctx, entry, passages, ""); err != nil {
		t.Fatal(err)
	}
	first, writer := connect(t, ctx, dsn), connect(t, ctx, dsn)
	mustExec(t, ctx, first, `BEGIN`)
	mustExec(t, ctx, first, `INSERT INTO embedding_models (name, dimensions) VALUES ('new-model', 3)`)
	registered := make(chan error, 1)
	go func() {
		_, err := store.EnsureModel(ctx, "new-model", 3)
		registered <- err
	}()
	waitBlocked(t, ctx, writer, "transactionid") // by the first registration
	mustExec(t, ctx, writer, `BEGIN`)
	mustExec(t, ctx, writer, `LOCK TABLE passage_vectors IN ROW EXCLUSIVE MODE`) // as an INSERT does first
	mustExec(t, ctx, first, `COMMIT`)
	waitBlocked(t, ctx, first, "relation") // the index waits for the writer
	mustExec(t, ctx, writer, `INSERT INTO passage_vectors (model_id, passage_id, v)
		SELECT m.id, p.id, '[1,0,0]' FROM embedding_models m, passages p`)
	mustExec(t, ctx, writer, `COMMIT`)
	if err := <-registered; err != nil {
		t.Error(err)
	}
}

func connect(t *testing.T, ctx context.Context, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func mustExec(t *testing.T, ctx context.Context, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// waitBlocked waits until some session of the database waits for a lock of the kind.
func waitBlocked(t *testing.T, ctx context.Context, conn *pgx.Conn, kind string) {
	t.Helper()
	for blocked := false; !blocked; time.Sleep(5 * time.Millisecond) {
		if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = $1)`, kind).Scan(&blocked); err != nil {
			t.Fatal(err)
		}
	}
}
