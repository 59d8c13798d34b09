//go:build linux

package cluster

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tree lists a folder: every path with its mode, size and time.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&b, path, info.Mode(), info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wantRefused fails unless Open gives an error of one line with all words, changes nothing below dir and
// starts nothing.
func wantRefused(t *testing.T, config Config, dir string, words ...string) {
	t.Helper()
	before := tree(t, dir)
	_, err := Open(t.Context(), config)
	wantError(t, err, words...)
	if after := tree(t, dir); after != before {
		t.Errorf("refused, and yet changed %s from\n%s\nto\n%s", dir, before, after)
	}
	wantRunning(t, config, false)
}

func base(config Config) string { return filepath.Dir(filepath.Dir(config.DataDir)) }

func TestOtherMajorVersion(t *testing.T) {
	config := madeConfig(t)
	mustClose(t, mustOpen(t, config))
	version := filepath.Join(config.DataDir, "PG_VERSION")
	made, err := os.ReadFile(version)
	if err != nil {
		t.Fatal(err)
	}
	write(t, version, "12\n")
	wantRefused(t, config, base(config), config.DataDir, "made by Postgres 12", "has Postgres "+strings.TrimSpace(string(made)), "qiuzhen db backup")
	write(t, version, string(made))
	mustQuery(t, mustOpen(t, config), "SELECT 1")
}

func TestForeignFolder(t *testing.T) {
	config := newConfig(t)
	if err := os.MkdirAll(config.DataDir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(config.DataDir, "thesis.txt"), "years of work")
	wantRefused(t, config, base(config), config.DataDir, "not empty", "--data")
	config.DataDir = filepath.Join(config.DataDir, "thesis.txt")
	wantRefused(t, config, base(config), "is a file", "--data")
	config.DataDir = ""
	_, err := Open(t.Context(), config)
	wantError(t, err, "--data")
}

func TestMissingBinaries(t *testing.T) {
	config := newConfig(t)
	config.BinDir = base(config)
	wantRefused(t, config, base(config), "Postgres missing", config.BinDir, "scripts/setup")
	write(t, filepath.Join(config.BinDir, "postgres"), "#!/bin/sh\necho Hello\n")
	if err := os.Chmod(filepath.Join(config.BinDir, "postgres"), 0o755); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, config, base(config), "no Postgres", "Hello", "scripts/setup")
}

func TestMissingSystemUser(t *testing.T) {
	needRoot(t)
	config := newConfig(t)
	config.User = "qiuzhen-no-such"
	wantRefused(t, config, base(config), "does not exist", "useradd --system", "qiuzhen-no-such")
	config.User = "root"
	wantRefused(t, config, base(config), "does not run as root")
}

// The advice of the refusal, followed, mends it.
func TestUnreachableParent(t *testing.T) {
	needRoot(t)
	config := newConfig(t)
	closed := base(config)
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, config, closed, "cannot enter "+closed, "chmod o+x "+closed, "--data /var/lib/qiuzhen")
	if err := os.Chmod(closed, 0o701); err != nil {
		t.Fatal(err)
	}
	mustQuery(t, mustOpen(t, config), "SELECT 1")
}

func TestUnreachableBinaries(t *testing.T) {
	needRoot(t)
	config := newConfig(t)
	closed := filepath.Join(base(config), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(config.BinDir, filepath.Join(closed, "bin")); err != nil {
		t.Fatal(err)
	}
	config.BinDir = filepath.Join(closed, "bin")
	wantRefused(t, config, base(config), "cannot run the Postgres binaries", "chmod o+rx "+closed, "/var/cache/qiuzhen")
}

// A careful umask must not close the folders that root makes for the server's user.
func TestUmask(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	mustQuery(t, mustOpen(t, newConfig(t)), "SELECT 1")
}

func TestUnsafeSocketFolder(t *testing.T) {
	for _, row := range []struct {
		name, why string
		make      func(dir string) error
	}{
		{"symbolic link", "symbolic link", func(dir string) error { return os.Symlink("/tmp", dir) }},
		{"file", "not a folder", func(dir string) error { return os.WriteFile(dir, nil, 0o600) }},
		{"open to others", "mode 0755", func(dir string) error { return firstError(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)) }},
		{"of another owner", "belongs to user id 65534", func(dir string) error { return firstError(os.Mkdir(dir, 0o700), os.Chown(dir, 65534, 65534)) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			config := madeConfig(t)
			if row.name == "of another owner" {
				needRoot(t)
			}
			c := mustOpen(t, config)
			dir := c.SocketDir()
			mustClose(t, c)
			if err := row.make(dir); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), config)
			wantError(t, err, dir, "not safe", row.why, "rm -r "+dir)
			wantRunning(t, config, false)
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
			mustQuery(t, mustOpen(t, config), "SELECT 1")
		})
	}
}

// A folder that was made safe and is opened to others under the running server is not joined.
func TestSocketFolderOpenedLater(t *testing.T) {
	config := madeConfig(t)
	c := mustOpen(t, config)
	if err := os.Chmod(c.SocketDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), config)
	wantError(t, err, "not safe", "mode 0755")
	if err := os.Chmod(c.SocketDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	mustQuery(t, c, "SELECT 1") // and nobody stopped it
}

// Killed while initdb works, alone or with its children: the half cluster is cleared away and not used.
func TestInitdbKilled(t *testing.T) {
	for _, who := range []string{"program", "program and children"} {
		t.Run(who, func(t *testing.T) {
			config := newConfig(t)
			slow := config
			var marker string
			slow.BinDir, marker = halfInitdb(t, config)
			h := launch(t, slow, nil)
			group := h.command.Process.Pid
			t.Cleanup(func() { _ = syscall.Kill(-group, syscall.SIGKILL) })
			for _, err := os.Stat(marker); err != nil; _, err = os.Stat(marker) {
				time.Sleep(poll)
			}
			half, err := filepath.Glob(config.DataDir + ".init-*")
			if err != nil || len(half) != 1 {
				t.Fatalf("half-made folders %v, %v; want one", half, err)
			}
			if who == "program" {
				h.kill()
			} else {
				_ = syscall.Kill(-group, syscall.SIGKILL)
				_ = h.command.Wait()
			}
			if _, err := os.Stat(config.DataDir); !os.IsNotExist(err) {
				t.Fatalf("the half-made cluster is in place: %v", err)
			}
			mustQuery(t, mustOpen(t, config), "SELECT 1")
			if _, err := os.Stat(half[0]); !os.IsNotExist(err) {
				t.Errorf("the half-made folder is left: %v", err)
			}
		})
	}
}

// mountSmall mounts a file system of the size over dir, for this test.
func mountSmall(t *testing.T, dir, size string) {
	t.Helper()
	needRoot(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755,size="+size); err != nil {
		t.Skipf("this machine lets no root mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

func TestFullDisk(t *testing.T) {
	config := newConfig(t)
	mountSmall(t, base(config), "8m")
	_, err := Open(t.Context(), config)
	wantError(t, err, "initdb failed", "is full", config.DataDir, "free some space")
	left, err := os.ReadDir(filepath.Dir(config.DataDir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if e.Name() != "postgres.locks" {
			t.Errorf("%s is left on the full disk", e.Name())
		}
	}
}

func TestReadOnlyDisk(t *testing.T) {
	config := newConfig(t)
	mountSmall(t, base(config), "200m")
	mustClose(t, mustOpen(t, config))
	if err := syscall.Mount("", base(config), "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, config, base(config), "read-only file system", config.DataDir, "--data")
}

func TestServerThatDoesNotStart(t *testing.T) {
	config := madeConfig(t)
	mustClose(t, mustOpen(t, config))
	path := filepath.Join(config.DataDir, "postgresql.auto.conf")
	write(t, path, "no_such_setting = 1\n")
	_, err := Open(t.Context(), config)
	wantError(t, err, "Postgres did not start", "postgresql.auto.conf", filepath.Join(config.DataDir, "server.log"))
	wantRunning(t, config, false)
	write(t, path, "")
	mustQuery(t, mustOpen(t, config), "SELECT 1")
}

// A copy with cp -r, or a chmod, leaves a folder that Postgres refuses; it is closed again.
func TestDataFolderOpenToOthers(t *testing.T) {
	config := madeConfig(t)
	mustClose(t, mustOpen(t, config))
	if err := os.Chmod(config.DataDir, 0o755); err != nil {
		t.Fatal(err)
	}
	mustQuery(t, mustOpen(t, config), "SELECT 1")
	if info, err := os.Stat(config.DataDir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder is %v, %v; want mode 0700", info, err)
	}
}

func TestLog(t *testing.T) {
	config := madeConfig(t)
	c := mustOpen(t, config)
	mustClose(t, c)
	write(t, c.LogFile(), strings.Repeat("old\n", maxLog/4+1))
	c = mustOpen(t, config)
	mustQuery(t, c, "CREATE TABLE t (phone text PRIMARY KEY)")
	_, err := query(t.Context(), c.DSN("postgres"), "INSERT INTO t VALUES ('13800138000'), ('13800138000')")
	wantError(t, err, "duplicate")
	data, err := os.ReadFile(c.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"old\n": false, "ready to accept connections": true, "duplicate key": true, "13800138000": false} {
		if got := strings.Contains(string(data), text); got != want {
			t.Errorf("the log contains %q: %v, want %v", text, got, want)
		}
	}
	// a link put in its place does not lead root to another file
	mustClose(t, c)
	target := filepath.Join(base(config), "target")
	write(t, target, "precious")
	if err := firstError(os.Remove(c.LogFile()), os.Symlink(target, c.LogFile())); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), config)
	wantError(t, err, c.LogFile(), "symbolic link")
	if data, err := os.ReadFile(target); err != nil || string(data) != "precious" {
		t.Errorf("the link's target is %q, %v", data, err)
	}
}
