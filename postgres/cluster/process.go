//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postmaster is what postmaster.pid tells of a server.
type postmaster struct {
	pid       int
	single    bool   // a single-user session (postgres --single), not a server
	socketDir string // "" until the socket exists
	status    string // starting, stopping, ready or standby
}

// readPostmaster reads postmaster.pid; nil when there is none. A damaged file gives pid 0.
// The lines: pid (negative: single-user), data folder, start time, port, socket folder, address, memory, status.
func readPostmaster(dataDir string) (*postmaster, error) {
	data, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the server's pid file: %w", err)
	}
	lines := strings.Split(string(data), "\n")
	line := func(i int) string {
		if i < len(lines) {
			return strings.TrimSpace(lines[i])
		}
		return ""
	}
	pid, _ := strconv.Atoi(line(0))
	return &postmaster{pid: max(pid, -pid), single: pid < 0, socketDir: line(4), status: line(7)}, nil
}

// findPostmaster returns the living server of the data folder, nil when none lives. The pid in postmaster.pid is
// not trusted: after a crash or a restart of the machine it may be another process's.
func findPostmaster(dataDir string) (*postmaster, error) {
	p, err := readPostmaster(dataDir)
	if err != nil || p == nil || !isPostgres(p.pid) || !worksIn(p.pid, dataDir) {
		return nil, err
	}
	return p, nil
}

// isPostgres tells whether a process lives, is no zombie, and its program is called postgres.
func isPostgres(pid int) bool {
	if pid <= 0 {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// pid (comm) state ...; comm may itself contain parentheses
	_, rest, _ := strings.Cut(string(stat), "(")
	end := strings.LastIndex(rest, ")")
	if end < 0 || end+2 >= len(rest) {
		return false
	}
	state := rest[end+2]
	return rest[:end] == "postgres" && state != 'Z' && state != 'X'
}

// worksIn tells whether a process's working folder is dir; every process of a server works in its data folder.
func worksIn(pid int, dir string) bool {
	a, err1 := os.Stat(fmt.Sprintf("/proc/%d/cwd", pid))
	b, err2 := os.Stat(dir)
	return err1 == nil && err2 == nil && os.SameFile(a, b)
}

// exists tells whether any process, even a zombie, has the pid: Postgres takes its pid file for valid then.
func exists(pid int) bool {
	return pid > 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// orphans are the processes that hold the server lock, which a server's processes inherit as descriptor 3.
func orphans(lock *os.File) []int {
	want, err := lock.Stat()
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || !isPostgres(pid) {
			continue
		}
		if info, err := os.Stat(fmt.Sprintf("/proc/%d/fd/3", pid)); err == nil && os.SameFile(info, want) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// endSocketOwner ends a server that lost its data folder (deleted under it) and still listens in dir: when it
// notices, it would take the new server's socket away.
func endSocketOwner(ctx context.Context, dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, socketName+".lock"))
	if err != nil {
		return nil //nolint:nilerr // no lock, no owner
	}
	first, _, _ := strings.Cut(string(data), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || !isPostgres(pid) || !listensIn(pid, dir) {
		return nil //nolint:nilerr // a damaged or stale lock
	}
	for start := time.Now(); isPostgres(pid) && listensIn(pid, dir); {
		quit(pid, time.Since(start))
		if err := sleep(ctx, poll); err != nil {
			return fmt.Errorf("wait for the end of an abandoned Postgres, pid %d: %w", pid, err)
		}
	}
	return nil
}

// listensIn tells whether a server was started by this package for the socket folder dir.
func listensIn(pid int, dir string) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.Contains(string(data), socketSetting(dir)+"\x00")
}

func socketSetting(dir string) string { return `unix_socket_directories="` + dir + `"` }

// quit asks a process of a lost server to end; one that does not for two seconds is killed. That is safe: what
// it committed is in the log, which the next server replays.
func quit(pid int, waited time.Duration) {
	sig := syscall.SIGQUIT
	if waited > 2*time.Second {
		sig = syscall.SIGKILL
	}
	_ = syscall.Kill(pid, sig)
}
