//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// orphanWait is how long a start waits for the processes of a killed server to end.
	orphanWait = 20 * time.Second
	// maxLog is the size over which the server's log is emptied at start.
	maxLog = 1 << 20
)

func (p place) logFile() string { return filepath.Join(p.dataDir, "server.log") }

// state is what a look at a living server found.
type state int

const (
	answers state = iota
	waiting       // it starts, recovers or stops
	lost          // it runs, but its socket is gone
)

// child is a server that this process started.
type child struct {
	pid    int
	exited chan struct{}
	logged int64 // size of the log before the start
}

// ensure brings the server up and remembers where it listens. The change lock is held.
func (c *Cluster) ensure(ctx context.Context) error {
	if err := c.initialise(ctx); err != nil {
		return err
	}
	var started *child
	for begin := time.Now(); ; {
		p, err := findPostmaster(c.dataDir)
		if err != nil {
			return err
		}
		switch {
		case p == nil && started == nil:
			if started, err = c.start(ctx); err != nil {
				return err
			}
		case p == nil:
			again, err := c.ended(started, begin)
			if err != nil {
				return err
			}
			if again {
				started = nil
			}
		default:
			done, err := c.join(ctx, p)
			if done || err != nil {
				return err
			}
		}
		if err := sleep(ctx, poll); err != nil {
			c.settle(started)
			return fmt.Errorf("the Postgres of %s does not answer yet: %w; see %s", c.dataDir, err, c.logFile())
		}
	}
}

// settle waits the few milliseconds until a server just started (nil: none) can be found and stopped.
func (c *Cluster) settle(started *child) {
	for started != nil {
		select {
		case <-started.exited:
			return
		case <-time.After(poll):
		}
		if p, err := findPostmaster(c.dataDir); p != nil || err != nil {
			return
		}
	}
}

// ended tells whether a server that this process started has ended without answering and should be started
// again; it may simply not have written its pid file yet.
func (c *Cluster) ended(started *child, begin time.Time) (again bool, err error) {
	select {
	case <-started.exited:
	default:
		return false, nil
	}
	text := c.logSince(started.logged)
	// a server that somebody started by hand and killed leaves processes without our lock
	if strings.Contains(text, "shared memory block") && time.Since(begin) < orphanWait {
		return true, nil
	}
	err = c.serverError("Postgres did not start", text, errors.New("it ended at once"))
	return false, fmt.Errorf("%w; see %s", err, c.logFile())
}

// join looks at a living server: done when it answers. One that lost its socket is stopped, to be started anew.
func (c *Cluster) join(ctx context.Context, p *postmaster) (done bool, err error) {
	found, err := c.look(ctx, p)
	if err != nil || found == waiting {
		return false, err
	}
	if found == lost {
		c.log.Warn("Postgres lost its socket: starting it again", "pid", p.pid, "folder", p.socketDir)
		c.remember(0, p.socketDir)
		return false, c.stop(ctx)
	}
	c.remember(p.pid, p.socketDir)
	c.log.Info("Postgres answers", "pid", p.pid, "socket", p.socketDir)
	return true, nil
}

func (c *Cluster) remember(pid int, socketDir string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pid, c.socketDir = pid, socketDir
}

// look tells the state of a living server.
func (p place) look(ctx context.Context, found *postmaster) (state, error) {
	if found.single {
		return waiting, fmt.Errorf("a single-user Postgres, pid %d, works on %s; wait until it ends", found.pid, p.dataDir)
	}
	if found.socketDir == "" || found.status != "ready" && found.status != "standby" {
		return waiting, nil
	}
	err := p.checkSocketFolder(found.socketDir)
	if errors.Is(err, fs.ErrNotExist) {
		// a service with PrivateTmp has a /tmp of its own: its server is well, only not for us
		if _, err := os.Stat(fmt.Sprintf("/proc/%d/root%s", found.pid, found.socketDir)); err == nil {
			return waiting, fmt.Errorf("the socket %s of Postgres, pid %d, is in another service's private folder; set RuntimeDirectory=qiuzhen in its unit and restart it", found.socketDir, found.pid)
		}
		return lost, nil
	}
	if err != nil {
		return waiting, err
	}
	return ping(ctx, found.socketDir)
}

// ping connects once. Whatever error the server itself gives, except that it cannot yet or no longer serve, is
// an answer: with all connections taken it runs.
func ping(ctx context.Context, socketDir string) (state, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, dsn(socketDir, "postgres"))
	if err == nil {
		_ = conn.Close(ctx)
		return answers, nil
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		const cannotConnectNow = "57P03"
		if pgErr.Code == cannotConnectNow {
			return waiting, nil
		}
		return answers, nil
	}
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) {
		return lost, nil
	}
	return waiting, nil
}

// start runs the server in a session of its own, so that Ctrl-C in the terminal does not reach it, and does not
// wait for it. No server lives, the change lock is held.
func (c *Cluster) start(ctx context.Context) (*child, error) {
	lock, err := c.lockServer(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // the server has its own copy
	socketDir, err := c.clearStale(ctx)
	if err != nil {
		return nil, err
	}
	log, logged, err := c.openLog()
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// not CommandContext: the server outlives the caller
	cmd := c.command(context.WithoutCancel(ctx), "postgres", c.arguments(socketDir)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr.Setsid = true
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Postgres: %w", err)
	}
	c.log.Info("starting Postgres", "pid", cmd.Process.Pid, "folder", c.dataDir, "log", c.logFile())
	started := &child{pid: cmd.Process.Pid, exited: make(chan struct{}), logged: logged}
	go func() { // reaps it whenever it ends
		_ = cmd.Wait()
		close(started.exited)
	}()
	return started, nil
}

// arguments are the settings that must hold whatever postgresql.conf says.
func (p place) arguments(socketDir string) []string {
	fixed := []string{
		"listen_addresses=",
		socketSetting(socketDir),
		"unix_socket_permissions=0700",
		fmt.Sprintf("port=%d", port),
		"logging_collector=off",
		"log_destination=stderr",
		"log_min_messages=warning",
		"log_checkpoints=off",
		// statements and details would carry what people asked into the log
		"log_min_error_statement=panic",
		"log_error_verbosity=terse",
	}
	if p.throwaway {
		fixed = append(fixed, "fsync=off", "full_page_writes=off")
	}
	args := []string{"-D", p.dataDir}
	for _, setting := range fixed {
		args = append(args, "-c", setting)
	}
	return args
}

// lockServer takes the lock that the server will inherit, which proves that no process of an earlier one lives.
// Orphans of a killed server end by themselves, unless busy: then they are ended.
func (c *Cluster) lockServer(ctx context.Context) (*os.File, error) {
	lock, err := c.openLock("server")
	if err != nil {
		return nil, err
	}
	for start := time.Now(); ; {
		ok, err := tryLock(lock, syscall.LOCK_EX)
		if ok {
			return lock, nil
		}
		left := orphans(lock)
		for _, pid := range left {
			quit(pid, time.Since(start))
		}
		if err == nil && time.Since(start) > orphanWait {
			err = fmt.Errorf("another machine or container runs a Postgres on %s (or processes %v of a killed one do not end); stop it first", c.dataDir, left)
		}
		if err == nil {
			err = sleep(ctx, poll)
		}
		if err != nil {
			lock.Close()
			return nil, err
		}
	}
}

// clearStale removes what a crash left and Postgres would take for the files of a living server, and returns the
// folder for the socket. The server lock is held: nothing of an earlier server lives.
func (c *Cluster) clearStale(ctx context.Context) (string, error) {
	previous := c.SocketDir()
	p, err := readPostmaster(c.dataDir)
	if err != nil {
		return "", err
	}
	if p != nil {
		if previous == "" {
			previous = p.socketDir
		}
		// the file of a dead process is left: from it Postgres finds the memory to clear
		if p.pid == 0 || exists(p.pid) {
			c.log.Info("removing a stale pid file", "folder", c.dataDir, "pid", p.pid)
			path := filepath.Join(c.dataDir, "postmaster.pid")
			if err := os.Remove(path); err != nil {
				return "", c.folderError("remove", path, err)
			}
		}
	}
	socketDir, err := c.makeSocketFolder(previous)
	if err != nil {
		return "", err
	}
	if err := endSocketOwner(ctx, socketDir); err != nil {
		return "", err
	}
	for _, name := range []string{socketName, socketName + ".lock"} {
		path := filepath.Join(socketDir, name)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", c.folderError("remove", path, err)
		}
	}
	return socketDir, nil
}

// stop shuts the server down (fast: sessions are cut, work is saved), waits, and removes the socket's folder.
// The change lock is held.
func (p place) stop(ctx context.Context) error {
	found, err := findPostmaster(p.dataDir)
	if err != nil {
		return err
	}
	dirs := p.socketFolders()
	if found != nil && !found.single {
		if err := p.interrupt(ctx, found.pid); err != nil {
			return err
		}
		p.log.Info("stopped Postgres", "pid", found.pid, "folder", p.dataDir)
		dirs = append(dirs, found.socketDir)
	}
	for _, dir := range dirs {
		if p.checkSocketFolder(dir) == nil {
			_ = os.Remove(dir) // only when empty; in /run only root may
		}
	}
	return nil
}

func (p place) interrupt(ctx context.Context, pid int) error {
	process, err := os.FindProcess(pid) // a pidfd: from here the pid cannot become another's
	if err != nil {
		return fmt.Errorf("stop Postgres: %w", err)
	}
	defer process.Release()
	if !isPostgres(pid) || !worksIn(pid, p.dataDir) {
		return nil
	}
	if err := process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop Postgres, pid %d: %w", pid, err)
	}
	for isPostgres(pid) {
		if err := sleep(ctx, poll); err != nil {
			return fmt.Errorf("Postgres, pid %d, is still stopping: %w; it will end by itself", pid, err) //nolint:staticcheck // a name begins it
		}
	}
	return nil
}
