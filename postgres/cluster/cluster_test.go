//go:build linux

package cluster

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenFresh(t *testing.T) {
	config := newConfig(t)
	config.Throwaway = false
	c := mustOpen(t, config)
	if got := mustQuery(t, c, "SELECT 1"); got != "1" {
		t.Errorf("SELECT 1 gives %q", got)
	}
	if got := mustQuery(t, c, "CREATE EXTENSION vector; SELECT '[1,2]'::vector <-> '[1,4]'::vector"); got != "2" {
		t.Errorf("a vector distance is %q, want 2", got)
	}
	for _, row := range []struct{ sql, want string }{
		{"SHOW listen_addresses", ""},
		{"SHOW fsync", "on"},
		{"SHOW full_page_writes", "on"},
		{"SHOW autovacuum", "on"},
		{"SELECT setting::int BETWEEN 128 * 128 AND 1536 * 128 FROM pg_settings WHERE name = 'shared_buffers'", "t"}, // in pages of 8 kB
		{"SHOW max_connections", "100"},
		{"SHOW huge_pages", "off"},
		{"SHOW jit", "off"},
		{"SHOW data_checksums", "on"},
		{"SHOW unix_socket_permissions", "0700"},
		{"SHOW server_encoding", "UTF8"},
		{"SELECT current_user", "qiuzhen"},
		{"SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'postgres'", "bC.UTF-8"},
		{"SELECT upper('ä') || lower('ПРИВЕТ')", "Äпривет"},
	} {
		if got := mustQuery(t, c, row.sql); got != row.want {
			t.Errorf("%s gives %q, want %q", row.sql, got, row.want)
		}
	}
	info, err := os.Lstat(c.SocketDir())
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's folder is %v, %v; want a folder of mode 0700", info, err)
	}
	if sid, err := unix.Getsid(c.PID()); err != nil || sid != c.PID() {
		t.Errorf("the server's session is %d, %v; want its own, %d", sid, err, c.PID())
	}
	mustClose(t, c)
	wantRunning(t, config, false)
	if _, err := os.Stat(c.SocketDir()); !os.IsNotExist(err) {
		t.Errorf("the socket's folder is left behind: %v", err)
	}
	mustClose(t, c) // again: nothing happens
}

func TestReopenKeepsDataAndSettings(t *testing.T) {
	config := newConfig(t)
	c := mustOpen(t, config)
	mustQuery(t, c, "CREATE TABLE kept AS SELECT 7 AS n")
	mustQuery(t, c, "ALTER SYSTEM SET work_mem = '9MB'")
	mustClose(t, c)
	c = mustOpen(t, config)
	if got := mustQuery(t, c, "SELECT n FROM kept"); got != "7" {
		t.Errorf("the table holds %q, want 7", got)
	}
	if got := mustQuery(t, c, "SHOW work_mem"); got != "9MB" {
		t.Errorf("work_mem is %q, want the administrator's 9MB", got)
	}
}

func TestTwoPrograms(t *testing.T) {
	for _, first := range []string{"starter", "joiner"} {
		t.Run(first+" leaves first", func(t *testing.T) {
			config := madeConfig(t)
			leaves := open(t, config, nil)
			stays := open(t, config, nil)
			if leaves.pid != stays.pid {
				t.Fatalf("two servers: %d and %d", leaves.pid, stays.pid)
			}
			if first == "joiner" {
				leaves, stays = stays, leaves
			}
			leaves.close(t)
			wantRunning(t, config, true)
			stays.do(t, "query SELECT 1", "ok")
			stays.close(t)
			wantRunning(t, config, false)
		})
	}
}

// Ten at once on a folder that does not exist: seven in this process, three others.
func TestManyAtOnce(t *testing.T) {
	config := newConfig(t)
	helpers := make([]*helper, 3)
	for i := range helpers {
		helpers[i] = launch(t, config, nil)
	}
	clusters := make([]*Cluster, 7)
	errs := make([]error, len(clusters))
	var wait sync.WaitGroup
	for i := range clusters {
		wait.Go(func() {
			clusters[i], errs[i] = Open(t.Context(), config)
			if errs[i] == nil {
				errs[i] = clusters[i].EnsureDatabase(t.Context(), `shared "名"`)
			}
		})
	}
	wait.Wait()
	if err := firstError(errs...); err != nil {
		t.Fatal(err)
	}
	for _, h := range helpers {
		h.opened(t)
	}
	pid := wantRunning(t, config, true)
	for _, c := range clusters {
		if c.PID() != pid {
			t.Errorf("a cluster has server %d, want %d", c.PID(), pid)
		}
		wait.Go(func() { mustClose(t, c) })
	}
	wait.Wait()
	for _, h := range helpers {
		h.do(t, "query SELECT 1", "ok")
		h.close(t)
	}
	wantRunning(t, config, false)
}

func TestEnsureDatabase(t *testing.T) {
	c := mustOpen(t, madeConfig(t))
	const name = `odd "name" 名/?#`
	for range 2 { // the second time it exists
		if err := c.EnsureDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	got, err := query(t.Context(), c.DSN(name), "SELECT current_database()")
	if err != nil || got != name {
		t.Errorf("connected to %q, %v; want %q", got, err, name)
	}
}

func TestSymbolicLinkIsTheSameCluster(t *testing.T) {
	config := madeConfig(t)
	c := mustOpen(t, config)
	linked := config
	linked.DataDir = filepath.Join(filepath.Dir(config.DataDir), "link")
	if err := os.Symlink(config.DataDir, linked.DataDir); err != nil {
		t.Fatal(err)
	}
	if other := mustOpen(t, linked); other.PID() != c.PID() || other.DSN("x") != c.DSN("x") {
		t.Errorf("through a link: server %d at %s; want %d at %s", other.PID(), other.DSN("x"), c.PID(), c.DSN("x"))
	}
}

func TestLongDataPath(t *testing.T) {
	config := newConfig(t)
	config.DataDir = filepath.Join(filepath.Dir(config.DataDir), strings.Repeat("长/", 60), "postgres")
	if len(config.DataDir) <= maxSocketPath {
		t.Fatal("the path is not long")
	}
	c := mustOpen(t, config)
	mustQuery(t, c, "SELECT 1")
}

func TestEmptyFolderIsUsed(t *testing.T) {
	config := newConfig(t)
	if err := os.MkdirAll(config.DataDir, 0o755); err != nil {
		t.Fatal(err)
	}
	mustQuery(t, mustOpen(t, config), "SELECT 1")
}

func TestEnvironmentDoesNotLeak(t *testing.T) {
	for name, value := range map[string]string{
		"PGDATA": "/nowhere", "PGPORT": "1", "PGHOST": "nowhere.invalid", "PGUSER": "nobody", "PGSSLMODE": "verify-full",
		"LC_ALL": "xx_XX.none", "TZ": "Asia/Shanghai",
	} {
		t.Setenv(name, value)
	}
	c := mustOpen(t, newConfig(t))
	if got := mustQuery(t, c, "SHOW log_timezone"); got != "UTC" {
		t.Errorf("log_timezone is %q, want UTC", got)
	}
}

func TestStop(t *testing.T) {
	config := madeConfig(t)
	if err := Stop(t.Context(), config); err != nil {
		t.Fatalf("with no server: %v", err)
	}
	h := open(t, config, nil)
	wantError(t, Stop(t.Context(), config), "in use", config.DataDir)
	h.do(t, "query SELECT 1", "ok")
	h.kill()
	wantRunning(t, config, true)
	if err := Stop(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	wantRunning(t, config, false)
}

func TestCancelledOpenLeavesNothing(t *testing.T) {
	config := newConfig(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, config)
	wantError(t, err, "canceled")
	wantRunning(t, config, false)
	mustQuery(t, mustOpen(t, config), "SELECT 1")
}

// Cancelled when the server is just starting and has not yet told its pid.
func TestCancelledStartLeavesNothing(t *testing.T) {
	config := madeConfig(t)
	ctx, cancel := context.WithCancel(t.Context())
	var pid int
	config.Log = slog.New(onMessage{Handler: slog.DiscardHandler, text: "starting Postgres", do: func(r slog.Record) {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "pid" {
				pid = int(a.Value.Int64())
			}
			return true
		})
		cancel()
	}})
	_, err := Open(ctx, config)
	wantError(t, err, "does not answer yet", "canceled")
	if pid == 0 || isPostgres(pid) {
		t.Errorf("server %d lives on", pid)
	}
}

// A server that is not ready when the time is up goes on, and the next Open joins it.
func TestDeadlineLeavesStartingServer(t *testing.T) {
	config := madeConfig(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	late := config
	late.Log = slog.New(onMessage{Handler: slog.DiscardHandler, text: "starting Postgres", do: func(slog.Record) { cancel(context.DeadlineExceeded) }})
	_, err := Open(ctx, late)
	wantError(t, err, "does not answer yet", "deadline")
	pid := wantRunning(t, config, true)
	if c := mustOpen(t, config); c.PID() != pid {
		t.Errorf("server %d, want to join %d", c.PID(), pid)
	}
}

// onMessage is a log that acts on a message.
type onMessage struct {
	slog.Handler
	text string
	do   func(slog.Record)
}

func (h onMessage) Enabled(context.Context, slog.Level) bool { return true }

func (h onMessage) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.text {
		h.do(r)
	}
	return nil
}

// While another program holds the right to start and stop, Open and Close give up with their context.
func TestWaitingEndsWithContext(t *testing.T) {
	config := madeConfig(t)
	c := mustOpen(t, config)
	change, err := c.lockChange(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, c.Close(ctx), "another process", "canceled")
	unlock(change)
	wantError(t, c.Ensure(t.Context()), "closed")
	if err := Stop(t.Context(), config); err != nil { // the share was given up all the same
		t.Fatal(err)
	}
}

// Root and the service's own user take turns on one folder.
func TestRootAndServiceUser(t *testing.T) {
	needRoot(t)
	config := madeConfig(t)
	root := mustOpen(t, config)
	service := open(t, config, someone(t, DefaultUser))
	if service.pid != root.PID() || service.socketDir != root.SocketDir() {
		t.Errorf("the service joined server %d in %s, want %d in %s", service.pid, service.socketDir, root.PID(), root.SocketDir())
	}
	mustClose(t, root)
	service.do(t, "query SELECT 1", "ok")
	service.close(t)
	wantRunning(t, config, false)
	_ = os.Remove(service.socketDir) // in /run, where the service may not remove it
	mustQuery(t, mustOpen(t, config), "SELECT 1")
}

func TestOrdinaryUser(t *testing.T) {
	nobody := someone(t, "nobody")
	for _, row := range []struct{ name, runtime, want string }{
		{"with XDG_RUNTIME_DIR", "short", "short/qiuzhen-"},
		{"without", "", "/tmp/qiuzhen-"},
		{"with a long one", strings.Repeat("long", 30), "/tmp/qiuzhen-"},
	} {
		t.Run(row.name, func(t *testing.T) {
			config := newConfig(t)
			home := filepath.Dir(filepath.Dir(config.DataDir))
			if err := os.Chown(home, nobody.uid, nobody.gid); err != nil {
				t.Fatal(err)
			}
			runtime := ""
			if row.runtime != "" {
				runtime = filepath.Join(home, row.runtime)
				if err := os.Mkdir(runtime, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Chown(runtime, nobody.uid, nobody.gid); err != nil {
					t.Fatal(err)
				}
			}
			h := open(t, config, nobody, "XDG_RUNTIME_DIR="+runtime, "RUNTIME_DIRECTORY=")
			if !strings.Contains(h.socketDir, row.want) {
				t.Errorf("the socket is in %s, want %s", h.socketDir, row.want)
			}
			h.do(t, "query CREATE EXTENSION vector", "ok")
			if info, err := os.Stat(config.DataDir); err != nil || owner(info) != nobody.uid {
				t.Errorf("the data folder belongs to %v, %v; want %d", info, err, nobody.uid)
			}
			// root as another user than the owner is told so
			_, err := Open(t.Context(), config)
			wantError(t, err, config.DataDir, "chown")
			h.close(t)
			wantRunning(t, config, false)
			if _, err := os.Stat(h.socketDir); !os.IsNotExist(err) {
				t.Errorf("the socket's folder is left behind: %v", err)
			}
		})
	}
}

// A systemd service without /run of its own uses RUNTIME_DIRECTORY; the first of several counts.
func TestSocketFolderOfService(t *testing.T) {
	t.Setenv("RUNTIME_DIRECTORY", "/run/qz:/run/other")
	t.Setenv("XDG_RUNTIME_DIR", `/run/user/1,2`) // a comma would be a list to Postgres
	p := place{dataDir: "/x", account: account{uid: 7}}
	got := p.socketFolders()
	if len(got) != 2 || !strings.HasPrefix(got[0], "/run/qz/qiuzhen-") || !strings.HasPrefix(got[1], "/tmp/qiuzhen-7-") {
		t.Errorf("socket folders %v", got)
	}
	if other := (place{dataDir: "/y", account: p.account}).socketFolders(); other[0] == got[0] {
		t.Errorf("two data folders share the socket folder %s", got[0])
	}
}

func TestTerminalSignalDoesNotReachServer(t *testing.T) {
	config := madeConfig(t)
	h := open(t, config, nil)
	// the terminal sends Ctrl-C to the program's whole process group
	if err := syscall.Kill(-h.command.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = h.command.Wait()
	// a server that got the signal would be stopping: Open would wait for its end and start another
	if c := mustOpen(t, config); c.PID() != h.pid {
		t.Errorf("server %d, want to join %d", c.PID(), h.pid)
	}
}
