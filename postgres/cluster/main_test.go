//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"qiuzhen/parts"
)

// What may race within this program runs with the detector once more (scripts/test); the others wait for processes.
//
//test:detector AtOnce|TwoPrograms

func TestMain(m *testing.M) {
	if config := os.Getenv(helperVariable); config != "" {
		os.Exit(help(config))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("/tmp", "qzc-bin-")
	if err == nil {
		defer os.RemoveAll(dir)
		helperBinary = filepath.Join(dir, "helper")
		err = copyProgram(helperBinary)
	}
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func copyProgram(path string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o755)
}

// newConfig is a config on a folder that does not exist, under a parent that every user can enter. After the test
// nothing of it is left, which is checked.
func newConfig(t *testing.T) Config {
	t.Helper()
	bin := parts.Locate(parts.FromEnvironment()).PostgresBin
	if _, err := os.Stat(filepath.Join(bin, "postgres")); err != nil {
		t.Fatalf("%v; run: scripts/setup", err)
	}
	base, err := os.MkdirTemp("/tmp", "qzc-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	config := Config{BinDir: bin, DataDir: filepath.Join(base, "data", "postgres"), Throwaway: true, Log: slog.New(slog.NewTextHandler(logWriter{t}, nil))}
	t.Cleanup(func() {
		clean(t, config)
		_ = os.RemoveAll(base)
	})
	return config
}

// template is a cluster made once, to be copied.
var template = sync.OnceValues(func() (string, error) {
	config := Config{BinDir: parts.Locate(parts.FromEnvironment()).PostgresBin, DataDir: filepath.Join(filepath.Dir(helperBinary), "template"), Throwaway: true}
	c, err := Open(context.Background(), config)
	if err != nil {
		return "", err
	}
	return config.DataDir, c.Close(context.Background())
})

// madeConfig is newConfig with the cluster made, which is faster.
func madeConfig(t *testing.T) Config {
	t.Helper()
	config := newConfig(t)
	from, err := template()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Dir(config.DataDir), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", from, config.DataDir).CombinedOutput(); err != nil {
		t.Fatalf("copy the template: %v: %s", err, out)
	}
	return config
}

func clean(t *testing.T, config Config) {
	ctx := context.Background()
	if _, ok := Running(config.DataDir); ok {
		if !t.Failed() {
			t.Errorf("the test left a server on %s", config.DataDir)
		}
		if err := Stop(ctx, config); err != nil {
			t.Errorf("stop the server: %v", err)
		}
	}
	dataDir, err := canonical(config.DataDir)
	if err != nil {
		return
	}
	a, _ := serverAccount(config.User)
	for _, dir := range (place{dataDir: dataDir, account: a}).socketFolders() {
		if _, err := os.Lstat(dir); err == nil {
			t.Errorf("the test left the socket folder %s", dir)
			_ = os.RemoveAll(dir)
		}
	}
}

func mustOpen(t *testing.T, config Config) *Cluster {
	t.Helper()
	c, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, c) })
	return c
}

func mustClose(t *testing.T, c *Cluster) {
	t.Helper()
	if err := c.Close(context.Background()); err != nil {
		t.Errorf("close: %v", err)
	}
}

// query returns the first column of the first row of the last statement, "" when there is none.
func query(ctx context.Context, dsn, sql string) (string, error) {
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil || len(results) == 0 {
		return "", err
	}
	last := results[len(results)-1]
	if len(last.Rows) == 0 || len(last.Rows[0]) == 0 {
		return "", nil
	}
	return string(last.Rows[0][0]), nil
}

func mustQuery(t *testing.T, c *Cluster, sql string) string {
	t.Helper()
	value, err := query(t.Context(), c.DSN("postgres"), sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// wantRunning fails unless a server runs (or does not) on the config's folder, and returns its pid.
func wantRunning(t *testing.T, config Config, want bool) int {
	t.Helper()
	pid, ok := Running(config.DataDir)
	if ok != want {
		t.Fatalf("a server runs: %v (pid %d), want %v", ok, pid, want)
	}
	return pid
}

// wantError fails unless err is one line that contains all words.
func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is more than one line: %q", err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error %q does not say %q", err, word)
		}
	}
	t.Logf("error as wanted: %v", err)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can set this up")
	}
}

// someone is a system user other than root.
func someone(t *testing.T, name string) *account {
	t.Helper()
	needRoot(t)
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	a, err := newAccount(u)
	if err != nil {
		t.Fatal(err)
	}
	return &a
}

// processes are all of the server: the postmaster and what it forked.
func processes(t *testing.T, config Config) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && isPostgres(pid) && worksIn(pid, config.DataDir) {
			pids = append(pids, pid)
		}
	}
	if len(pids) < 2 {
		t.Fatalf("processes %v are no whole server", pids)
	}
	return pids
}

func kill9(t *testing.T, pids ...int) {
	t.Helper()
	for i, pid := range pids {
		err := syscall.Kill(pid, syscall.SIGKILL)
		if i > 0 && errors.Is(err, syscall.ESRCH) {
			continue // once its postmaster is dead a child may end by itself before its turn
		}
		if err != nil {
			t.Fatalf("kill -9 %d: %v", pid, err)
		}
	}
}

// write writes a file that belongs to the owner of its folder, as the server's files do.
func write(t *testing.T, path, text string) {
	t.Helper()
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := firstError(os.WriteFile(path, []byte(text), 0o600), os.Chown(path, owner(dir), -1)); err != nil {
		t.Fatal(err)
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

type logWriter struct{ t *testing.T }

func (w logWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}
