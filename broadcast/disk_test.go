package broadcast_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// TestDiskFull: where Postgres cannot write, a fan-out leaves the broadcast approved and no ledger, and no more goes out than was claimed; all of it is recorded
// when there is room again. The tables lie on a small file system that a file fills; where this process may mount none, a trigger says what Postgres would.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	const n = 800
	disk := mountDisk(t)
	w, c := newWorld(t, n), newChannel(t)
	full := w.refusal(t)
	if disk != "" {
		full = w.moveTo(t, disk)
	}
	id := w.approve(t, alert())
	full(true)
	if _, err := w.ledger.Begin(context.Background()); err == nil || !strings.Contains(err.Error(), "No space left") {
		t.Fatal(err)
	}
	if rows := value[int](t, w, `SELECT count(*)::int FROM deliveries`); w.state(t, id) != knowledge.BroadcastApproved || rows != 0 {
		t.Errorf("%s, %d rows", w.state(t, id), rows)
	}
	full(false)
	w.start(t, &sender{address: c.URL, rate: 300}, nil)
	eventually(t, 20*time.Second, "some are sent", func() bool { return len(c.all()) > n/8 })
	full(true)
	before, since := 0, time.Now() // pages have some room of their own
	eventually(t, 20*time.Second, "nothing is sent any more", func() bool {
		if now := len(c.all()); now != before {
			before, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	})
	calls, sent := len(c.all()), w.states(t, id)["sent"]
	fmt.Printf("a full disk (%s): %d of %d sent before it and on its last pages, %d of them not recorded\n", orTrigger(disk), calls, n, calls-sent)
	if calls-sent > broadcast.AtOnce || sent == n {
		t.Errorf("%d sent on a full disk, %d recorded", calls, sent)
	}
	full(false)
	eventually(t, 20*time.Second, "it is done", func() bool { return w.state(t, id) == knowledgeDone })
	if len(c.all()) != n || w.states(t, id)["sent"] != n {
		t.Errorf("%d calls, %v", len(c.all()), w.states(t, id))
	}
}

func orTrigger(disk string) string {
	if disk == "" {
		return "a trigger"
	}
	return "a file system of 64 MB"
}

// mountDisk mounts a small file system; empty: this process may not.
func mountDisk(t *testing.T) (dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "qiuzhen-disk-")
	must(t, err)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m,mode=700"); err != nil {
		t.Logf("no file system of its own: %v", err)
		_ = os.Remove(dir)
		return ""
	}
	t.Cleanup(func() {
		_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		_ = os.Remove(dir)
	})
	return dir
}

// moveTo moves all tables to a disk and returns what fills it, and makes room again.
func (w *world) moveTo(t *testing.T, disk string) (full func(bool)) {
	t.Helper()
	owner, err := os.Stat(value[string](t, w, `SHOW data_directory`))
	must(t, err)
	id := owner.Sys().(*syscall.Stat_t)
	must(t, os.Chown(disk, int(id.Uid), int(id.Gid)))
	space := pgx.Identifier{filepath.Base(disk)}.Sanitize()
	// DDL takes no parameters: both are ours
	w.exec(t, fmt.Sprintf(`CREATE TABLESPACE %s LOCATION '%s'`, space, disk))
	t.Cleanup(func() { // before the database is dropped, or kept because a test failed
		for _, kind := range []string{"TABLE", "INDEX"} {
			w.exec(t, fmt.Sprintf(`ALTER %s ALL IN TABLESPACE %s SET TABLESPACE pg_default`, kind, space))
		}
		w.exec(t, `DROP TABLESPACE `+space)
	})
	for _, kind := range []string{"TABLE", "INDEX"} {
		w.exec(t, fmt.Sprintf(`ALTER %s ALL IN TABLESPACE pg_default SET TABLESPACE %s`, kind, space))
	}
	file := filepath.Join(disk, "full")
	t.Cleanup(func() { _ = os.Remove(file) }) // before the tables move
	return func(on bool) {
		if !on {
			must(t, os.Remove(file))
			return
		}
		f, err := os.Create(file)
		must(t, err)
		for err == nil {
			_, err = f.Write(make([]byte, 1<<16))
		}
		must(t, f.Close())
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

// refusal returns a trigger that refuses to write as Postgres does on a full disk.
func (w *world) refusal(t *testing.T) (full func(bool)) {
	t.Helper()
	w.exec(t, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$`)
	return func(on bool) {
		if !on {
			w.exec(t, `DROP TRIGGER full_disk ON deliveries`)
			return
		}
		w.exec(t, `CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON deliveries FOR EACH ROW EXECUTE FUNCTION full_disk()`)
	}
}
