package broadcast_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/parts"
	"qiuzhen/postgres/cluster"
)

// TestStopped: a node that is stopped beyond its lease and goes on records nothing of what others took over, and sends nothing but what was in flight.
func TestStopped(t *testing.T) {
	t.Parallel()
	const n, lease = 300, time.Second
	w, c := newWorld(t, n), newChannel(t)
	c.took = 5 * time.Millisecond
	id := w.begin(t, alert())
	stopped := startNode(t, w, c, "stopped", 300, lease)
	eventually(t, 20*time.Second, "it sends", func() bool { return len(c.all()) > n/5 })
	must(t, stopped.Process.Signal(syscall.SIGSTOP))
	other := startNode(t, w, c, "other", 300, lease)
	eventually(t, 30*time.Second, "the other finishes", func() bool { return w.state(t, id) == knowledgeDone })
	before := countOf(c, "stopped")
	ledger := w.settled(t, id)
	must(t, stopped.Process.Signal(syscall.SIGCONT))
	time.Sleep(2 * lease)
	after := countOf(c, "stopped")
	twice := 0
	for _, times := range c.taken(id) {
		twice += times - 1
	}
	fmt.Printf("stopped after %d calls, beyond its lease: %d calls later, %d sent twice\n", before, after-before, twice)
	if after-before > broadcast.AtOnce || twice > broadcast.AtOnce || len(c.taken(id)) != n {
		t.Errorf("%d calls later, %d twice, %d of %d", after-before, twice, len(c.taken(id)), n)
	}
	if w.settled(t, id) != ledger {
		t.Error("it changed the ledger")
	}
	other.kill()
	stopped.kill()
}

func countOf(c *channel, node string) (n int) {
	for _, got := range c.all() {
		if got.node == node {
			n++
		}
	}
	return n
}

// settled is the whole ledger in a word.
func (w *world) settled(t testing.TB, id int64) string {
	return value[string](t, w, `SELECT md5(string_agg(d::text, E'\n' ORDER BY n)) FROM deliveries d WHERE broadcast_id = $1`, id)
}

// lasting is a server as it ships, which keeps on a disk what it has acknowledged; the tests' common one does not.
func lasting(t testing.TB) *cluster.Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "qiuzhen-broadcast-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755)) //nolint:gosec // the server's user must pass through it
	ctx := context.Background()
	config := cluster.Config{BinDir: parts.Locate(parts.FromEnvironment()).PostgresBin, DataDir: filepath.Join(dir, "postgres")}
	server, err := cluster.Open(ctx, config)
	must(t, err)
	t.Cleanup(func() { _ = server.Close(ctx) })
	must(t, server.EnsureDatabase(ctx, "ledger"))
	return server
}

// TestPostgresKilled: the server is killed and comes back. What was recorded stays so, and nothing is sent unasked meanwhile; at most what was
// in flight is sent twice.
func TestPostgresKilled(t *testing.T) {
	t.Parallel()
	n, away := size(t, 300), time.Second
	if n > 300 {
		n, away = 5000, time.Minute
	}
	ctx, server := context.Background(), lasting(t)
	w, c := worldOn(t, server.DSN("ledger"), n), newChannel(t)
	id := w.begin(t, alert())
	w.start(t, &sender{address: c.URL, rate: float64(n) / 2}, func(w *broadcast.Worker) { w.Lease = 2 * time.Second })
	eventually(t, 20*time.Second, "half is sent", func() bool { return len(c.all()) > n/2 })
	acknowledged := value[int](t, w, `SELECT count(*)::int FROM deliveries WHERE state = 'sent'`)
	must(t, syscall.Kill(server.PID(), syscall.SIGKILL))
	time.Sleep(away / 2)
	sent := len(c.all())
	time.Sleep(away / 2)
	if more := len(c.all()) - sent; more > 0 {
		t.Errorf("%d sent while nobody could say whether they may", more)
	}
	eventually(t, 20*time.Second, "the server is back", func() bool { return server.Ensure(ctx) == nil })
	eventually(t, time.Minute, "a connection", func() bool {
		again, err := w.store.Broadcast(ctx, id)
		return err == nil && again.ID == id
	})
	eventually(t, time.Minute, "it is done", func() bool { b, err := w.store.Broadcast(ctx, id); return err == nil && b.State == knowledgeDone })
	twice := 0
	for _, times := range c.taken(id) {
		twice += times - 1
	}
	fmt.Printf("Postgres killed for %v with %d of %d recorded: %d reached, %d twice\n", away, acknowledged, n, len(c.taken(id)), twice)
	if len(c.taken(id)) != n || twice > broadcast.AtOnce || w.states(t, id)["sent"] != n {
		t.Errorf("%d of %d reached, %d twice, ledger %v", len(c.taken(id)), n, twice, w.states(t, id))
	}
}

// TestClockStepped: the database's clock steps by an hour, either way. A node's own clock is never asked: see Ledger.
func TestClockStepped(t *testing.T) {
	t.Parallel()
	for _, step := range []struct {
		name, sql string
		most      int // sent twice
	}{
		// leases taken by the old clock seem to end in an hour, as do waits; slots lie an hour ahead, and so does the end of a silence
		{"back", `
			WITH s AS (UPDATE delivery_slots SET next_at = next_at + interval '1 hour'), p AS (
			    UPDATE deliveries SET state = 'postponed', token = 1, leased_to = clock_timestamp() + interval '70 minutes', postponed_at = clock_timestamp() + interval '1 hour'
			     WHERE n IN (SELECT n FROM deliveries WHERE state = 'waiting' ORDER BY n DESC LIMIT 20)), q AS (
			    INSERT INTO delivery_silences (channel, until, set_at) VALUES ('telegram', clock_timestamp() + interval '70 minutes', clock_timestamp() + interval '1 hour'))
			UPDATE deliveries SET leased_to = leased_to + interval '1 hour' WHERE state = 'claimed'`, 2 * broadcast.AtOnce},
		// leases end all at once: the other node takes over what is in flight
		{"ahead", `UPDATE deliveries SET leased_to = leased_to - interval '1 hour' WHERE leased_to IS NOT NULL`, 2 * broadcast.AtOnce},
	} {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			const n = 300
			w, c := newWorld(t, n), newChannel(t)
			c.took = 10 * time.Millisecond
			id := w.begin(t, alert())
			for i := range 2 {
				w.start(t, &sender{address: c.URL, node: strconv.Itoa(i), rate: 300}, nil)
			}
			eventually(t, 20*time.Second, "some are sent", func() bool { return len(c.all()) > n/4 })
			w.exec(t, step.sql)
			begin := time.Now()
			eventually(t, 20*time.Second, "it is done", func() bool { return w.state(t, id) == knowledgeDone })
			twice := 0
			for _, times := range c.taken(id) {
				twice += times - 1
			}
			if len(c.taken(id)) != n || twice > step.most || time.Since(begin) > 15*time.Second || c.busiest() > 300 {
				t.Errorf("%d of %d, %d twice, %v, %d in a second", len(c.taken(id)), n, twice, time.Since(begin), c.busiest())
			}
		})
	}
}
