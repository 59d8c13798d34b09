//go:build linux

package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestProgramKilled(t *testing.T) {
	config := madeConfig(t)
	h := open(t, config, nil)
	h.kill()
	wantRunning(t, config, true)
	c := mustOpen(t, config)
	if c.PID() != h.pid {
		t.Errorf("server %d, want to join %d", c.PID(), h.pid)
	}
	mustQuery(t, c, "SELECT 1")
	mustClose(t, c)
	wantRunning(t, config, false)
}

// A backend that computes does not notice that its postmaster is gone, and keeps the shared memory.
func TestPostmasterKilled(t *testing.T) {
	config := madeConfig(t)
	c := mustOpen(t, config)
	other := open(t, config, nil)
	mustQuery(t, c, "CREATE TABLE kept AS SELECT 7 AS n")
	busy, err := pgconn.Connect(t.Context(), c.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := busy.Exec(t.Context(), "DO $$ BEGIN LOOP END LOOP; END $$").ReadAll()
		done <- err
	}()
	for mustQuery(t, c, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO%'") != "1" {
	}
	kill9(t, c.PID())
	again := mustOpen(t, config)
	if again.PID() == other.pid {
		t.Errorf("the dead server %d", again.PID())
	}
	if err := <-done; err == nil {
		t.Error("the endless statement ended well")
	}
	if got := mustQuery(t, again, "SELECT n FROM kept"); got != "7" {
		t.Errorf("the table holds %q, want 7", got)
	}
	// who had the cluster open goes on with the DSN it has
	other.do(t, "query SELECT 1", "ok")
	mustQuery(t, c, "SELECT 1")
	other.close(t)
}

func TestEnsureStartsAgain(t *testing.T) {
	config := madeConfig(t)
	c := mustOpen(t, config)
	dsn, pid := c.DSN("postgres"), c.PID()
	kill9(t, pid)
	if err := c.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.PID() == pid || c.DSN("postgres") != dsn {
		t.Errorf("server %d at %s, want another than %d at %s", c.PID(), c.DSN("postgres"), pid, dsn)
	}
	mustQuery(t, c, "SELECT 1")
}

// Killing a backend makes the postmaster end all others and recover; who opens then waits for it.
func TestBackendKilled(t *testing.T) {
	config := madeConfig(t)
	c := mustOpen(t, config)
	var conns [2]*pgconn.PgConn // one to kill, one to witness that the server has noticed and ended all others
	for i := range conns {
		var err error
		if conns[i], err = pgconn.Connect(t.Context(), c.DSN("postgres")); err != nil {
			t.Fatal(err)
		}
	}
	kill9(t, int(conns[0].PID()))
	if err := conns[1].WaitForNotification(t.Context()); err == nil {
		t.Fatal("the witness got a notification, want its end")
	}
	again := mustOpen(t, config)
	mustQuery(t, again, "SELECT 1")
	if again.PID() != c.PID() {
		t.Errorf("server %d, want the same %d", again.PID(), c.PID())
	}
}

func TestStalePidFile(t *testing.T) {
	foreign := exec.Command("sleep", "1000")
	if err := foreign.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = foreign.Process.Kill(); _ = foreign.Wait() })
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	neighbour := mustOpen(t, madeConfig(t))
	config := madeConfig(t)
	c := mustOpen(t, config)
	mustQuery(t, c, "CREATE TABLE kept AS SELECT 7 AS n")
	path := filepath.Join(config.DataDir, "postmaster.pid")
	alive, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(alive), "\n")
	mustClose(t, c)
	for _, row := range []struct{ name, first string }{
		{"living foreign process", strconv.Itoa(foreign.Process.Pid)},
		{"this program", strconv.Itoa(os.Getpid())},
		{"another cluster's server", strconv.Itoa(neighbour.PID())},
		{"dead process", strconv.Itoa(dead.Process.Pid)},
		{"single-user session of a foreign process", strconv.Itoa(-foreign.Process.Pid)},
		{"first process of the machine", "1"},
		{"garbage", "no number"},
		{"empty", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.first != "" {
				row.first += "\n" + rest
			}
			write(t, path, row.first)
			wantRunning(t, config, false)
			if got := mustQuery(t, mustOpen(t, config), "SELECT n FROM kept"); got != "7" {
				t.Errorf("the table holds %q, want 7", got)
			}
		})
	}
	if !exists(foreign.Process.Pid) {
		t.Error("the foreign process was killed")
	}
	mustQuery(t, neighbour, "SELECT 1")
}

// After the machine restarts nothing of the server lives, /run is empty, and the pids mean other processes.
func TestMachineRestart(t *testing.T) {
	config := madeConfig(t)
	c := mustOpen(t, config)
	mustQuery(t, c, "CREATE TABLE kept AS SELECT 7 AS n")
	kill9(t, processes(t, config)...)
	if err := os.RemoveAll(c.SocketDir()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(config.DataDir, "postmaster.pid")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("the pid file must be left for this test: %v", err)
	}
	_, rest, _ := strings.Cut(string(data), "\n")
	write(t, path, fmt.Sprintf("%d\n%s", os.Getpid(), rest))
	if got := mustQuery(t, mustOpen(t, config), "SELECT n FROM kept"); got != "7" {
		t.Errorf("the table holds %q, want 7", got)
	}
}

// /tmp may outlive the machine: then the socket and its lock are there, the lock with a foreign pid.
func TestStaleSocket(t *testing.T) {
	config := madeConfig(t)
	c := mustOpen(t, config)
	kill9(t, processes(t, config)...)
	lock := filepath.Join(c.SocketDir(), socketName+".lock")
	data, err := os.ReadFile(lock)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "\n")
	write(t, lock, fmt.Sprintf("%d\n%s", os.Getpid(), rest))
	mustQuery(t, mustOpen(t, config), "SELECT 1")
}

func TestSocketFolderRemoved(t *testing.T) {
	for _, what := range []string{"folder", "socket"} {
		t.Run(what, func(t *testing.T) {
			config := madeConfig(t)
			h := open(t, config, nil)
			gone := h.socketDir
			if what == "socket" {
				gone = filepath.Join(gone, socketName)
			}
			if err := os.RemoveAll(gone); err != nil {
				t.Fatal(err)
			}
			c := mustOpen(t, config)
			if c.PID() == h.pid {
				t.Errorf("server %d cannot have got its socket back", c.PID())
			}
			mustQuery(t, c, "SELECT 1")
			h.do(t, "query SELECT 1", "ok")
			h.close(t)
		})
	}
}

// Somebody deletes the data folder, or all of it with the locks, under a running server: Open makes a new
// cluster, and the old server does not take its socket away.
func TestDataFolderDeleted(t *testing.T) {
	for _, what := range []string{"data folder", "parent"} {
		t.Run(what, func(t *testing.T) {
			config := madeConfig(t)
			h := open(t, config, nil)
			gone := config.DataDir
			if what == "parent" {
				gone = filepath.Dir(gone)
			}
			if err := os.RemoveAll(gone); err != nil {
				t.Fatal(err)
			}
			c := mustOpen(t, config)
			if isPostgres(h.pid) {
				t.Errorf("the old server %d still runs", h.pid)
			}
			mustQuery(t, c, "SELECT 1")
			h.kill()
		})
	}
}

// halfInitdb is a folder of binaries whose initdb does all its work and then hangs before it tells.
func halfInitdb(t *testing.T, config Config) (bin, marker string) {
	t.Helper()
	base := filepath.Dir(filepath.Dir(config.DataDir))
	bin, marker = filepath.Join(base, "bin"), filepath.Join(base, "marker", "done")
	for _, dir := range []string{bin, filepath.Dir(marker)} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(marker), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(config.BinDir, "postgres"), filepath.Join(bin, "postgres")); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\n%s/initdb \"$@\"\ntouch %s\nexec sleep 1000\n", config.BinDir, marker)
	if err := os.WriteFile(filepath.Join(bin, "initdb"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return bin, marker
}
