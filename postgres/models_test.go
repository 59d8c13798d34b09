package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestModelRegisteredByTwo: whoever registers a model that another is registering waits, and gets the same.
func TestModelRegisteredByTwo(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(ctx, dsn)
	must(t, err)
	defer store.Close()
	first, watcher := connect(t, ctx, dsn), connect(t, ctx, dsn)
	mustExec(t, ctx, first, `BEGIN`)
	mustExec(t, ctx, first, `INSERT INTO embedding_models (name, dimensions) VALUES ('new-model', 3)`)
	registered := make(chan postgres.Model, 1)
	go func() {
		m, err := store.EnsureModel(ctx, "new-model", 3)
		if err != nil {
			t.Error(err)
		}
		registered <- m
	}()
	waitBlocked(t, ctx, watcher, "transactionid")
	mustExec(t, ctx, first, `COMMIT`)
	if m := <-registered; m.Dimensions != 3 || m.ID == 0 {
		t.Errorf("%+v", m)
	}
	if _, err := store.EnsureModel(ctx, "new-model", 4); err == nil {
		t.Error("a model that gives other dimensions is the same to it")
	}
}

// TestVectorIndex: the index of a model's vectors is built once there are many, while others write; a build that was interrupted is done again.
func TestVectorIndex(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(ctx, dsn)
	must(t, err)
	defer store.Close()
	model, err := store.EnsureModel(ctx, "a-model", 3)
	must(t, err)
	admin, writer := connect(t, ctx, dsn), connect(t, ctx, dsn)
	mustExec(t, ctx, admin, `SET session_replication_role = replica`) // vectors alone, without their entries
	add := func(from, to int) {
		_, err := admin.Exec(ctx, `INSERT INTO passage_vectors (model_id, passage_id, v) SELECT $1, i, ARRAY[i % 7, i % 11, 1]::real[]::halfvec
			FROM generate_series($2::int, $3::int) i`, model.ID, from, to)
		must(t, err)
	}
	indexes := func() (valid []bool) {
		rows, err := admin.Query(ctx, `SELECT indisvalid FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relname LIKE 'passage_vectors_hnsw_%'`)
		must(t, err)
		valid, err = pgx.CollectRows(rows, pgx.RowTo[bool])
		must(t, err)
		return valid
	}
	add(1, 1999)
	must(t, store.Maintain(ctx))
	if got := indexes(); len(got) != 0 {
		t.Fatal("an index over what is scored whole anyway")
	}
	add(2000, 2000)
	mustExec(t, ctx, writer, `BEGIN`)
	mustExec(t, ctx, writer, `SET LOCAL session_replication_role = replica`)
	mustExec(t, ctx, writer, `INSERT INTO passage_vectors (model_id, passage_id, v) SELECT id, 5000, '[1,0,0]' FROM embedding_models`)
	interrupted, interrupt := context.WithCancel(ctx)
	built := make(chan error, 1)
	go func() { built <- store.Maintain(interrupted) }()
	waitBlocked(t, ctx, admin, "virtualxid") // the build waits for who wrote before it
	add(6000, 6000)                          // and keeps nobody from writing
	interrupt()
	if err := <-built; err == nil {
		t.Error("nothing was interrupted")
	}
	if got := indexes(); !slices.Equal(got, []bool{false}) {
		t.Errorf("valid: %v", got)
	}
	mustExec(t, ctx, writer, `COMMIT`)
	for !slices.Equal(indexes(), []bool{true}) { // while the server ends the one interrupted, who holds its lock, another leaves it alone
		must(t, store.Maintain(ctx))
		time.Sleep(10 * time.Millisecond)
	}
	must(t, store.Maintain(ctx))
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
