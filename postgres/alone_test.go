package postgres_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestAlone: of three nodes one runs; the next goes on when it ends or loses the database, which it notices within a second.
func TestAlone(t *testing.T) {
	dsn := postgrestest.DSN(t)
	var running, runs atomic.Int32
	run := func(ctx context.Context) {
		runs.Add(1)
		running.Add(1)
		<-ctx.Done()
		running.Add(-1)
	}
	var all sync.WaitGroup
	var stops []context.CancelFunc
	for range 3 {
		store, err := postgres.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(store.Close)
		ctx, cancel := context.WithCancel(t.Context())
		stops = append(stops, cancel)
		all.Go(func() { store.Alone(ctx, "telegram", run, func(error) {}) })
	}
	until := func(what string, n int32) {
		t.Helper()
		for end := time.Now().Add(15 * time.Second); runs.Load() < n || running.Load() != 1; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %d run, after %d", what, running.Load(), runs.Load())
			}
		}
	}
	until("at first", 1)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for want := int32(2); want < 4; want++ {
		if _, err := conn.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil {
			t.Fatal(err)
		}
		until("a connection lost", want)
	}
	for _, stop := range stops {
		stop()
	}
	all.Wait()
	if running.Load() != 0 {
		t.Errorf("%d still run", running.Load())
	}
}
