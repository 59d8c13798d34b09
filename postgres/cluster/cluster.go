//go:build linux

// Package cluster runs a private Postgres: a data folder, a Unix socket that only its user can reach, no port,
// no password, nothing to administer.
//
// # Sharing
//
// Any number of processes may Open the same data folder at the same time. The first makes and starts the
// server, the others join it, and the last to Close stops it. What a process holds is kept by the kernel
// (flock), so a killed process counts as gone; a server that it leaves behind is joined by the next Open and
// stopped by the last Close.
//
// Tests of several packages, which `go test` runs as several processes, share one throwaway server the same
// way: each calls Open with the same DataDir and Throwaway, and makes databases of its own in it.
//
// # Files
//
// Beside the data folder D lies D.locks with three files: change (held exclusively while the server is made,
// started or stopped), use (held shared from Open to Close), server (inherited, locked, by every process of the
// server: free means that none of them lives, not even an orphan in another container). While initdb works
// there is also D.init-*, renamed to D when complete. The server's log is D/server.log. The socket lies in
// a short folder of its own, see socketFolders.
//
// # Under systemd
//
// The server belongs to the service: KillMode=mixed lets the program close it in order, and
// RuntimeDirectory=qiuzhen puts the socket where other programs see it (not in a PrivateTmp).
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// Superuser is the database user of every connection.
	Superuser = "qiuzhen"
	// DefaultUser is the system user that runs the server when the program runs as root.
	DefaultUser = "qiuzhen"

	port = 5432                 // only part of the socket's name
	poll = 5 * time.Millisecond // how often a state is looked at while waiting for it
)

// Config says which cluster. BinDir and DataDir are needed.
type Config struct {
	BinDir  string       // folder of initdb and postgres
	DataDir string       // made when missing, e.g. /var/lib/qiuzhen/postgres; its parent is made too
	User    string       // system user of the server when the program runs as root; "" means DefaultUser
	Log     *slog.Logger // what was started, joined, recovered, stopped; nil means silence
	// Throwaway turns every sync to disk off: faster, and lost when the machine (not the program) crashes.
	// It takes effect when the server starts, so all who share a folder set it alike.
	Throwaway bool
}

// Cluster is a running server that this process uses. Its methods are safe for concurrent use.
type Cluster struct {
	place
	mu        sync.Mutex
	use       *os.File // locked shared while open, nil when closed
	pid       int
	socketDir string
}

// place is a Config checked and resolved: what is known before anything runs.
type place struct {
	binDir, dataDir string
	account         account
	log             *slog.Logger
	throwaway       bool
}

// Open makes the cluster when the data folder is missing or empty, starts its server or joins the one that
// runs, and returns when it answers. What a crash of the program, the server or the machine left behind is
// mended. An error is one line with the command that mends it, and then the data folder is as it was.
//
// It waits as long as ctx allows: recovery after a crash may take minutes. A server still recovering at the
// deadline of ctx goes on, for the next Open to join.
func Open(ctx context.Context, config Config) (*Cluster, error) {
	p, err := resolve(ctx, config)
	if err != nil {
		return nil, err
	}
	change, err := p.lockChange(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock(change)
	use, err := p.openLock("use")
	if err != nil {
		return nil, err
	}
	if err := waitLock(ctx, use, syscall.LOCK_SH); err != nil {
		use.Close()
		return nil, fmt.Errorf("lock %s: %w", use.Name(), err)
	}
	c := &Cluster{place: p, use: use}
	if err := c.ensure(ctx); err != nil {
		c.abandon(ctx, err)
		return nil, err
	}
	return c, nil
}

// abandon leaves after a failed Open. A server that still recovers when the time is up goes on, for the next
// Open to join: stopped, it would begin again each time. In all other cases none stays that nobody uses.
func (c *Cluster) abandon(ctx context.Context, cause error) {
	if errors.Is(cause, context.DeadlineExceeded) {
		c.release()
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := c.leave(ctx); err != nil {
		c.log.Warn("leave after a failed start", "error", err)
	}
}

// DSN is a connection string, postgres://..., for a database of the cluster. The database "postgres" exists
// from the start; EnsureDatabase makes others.
func (c *Cluster) DSN(database string) string {
	return dsn(c.SocketDir(), database)
}

func dsn(socketDir, database string) string {
	// every setting that an environment variable (PGPORT, PGSSLMODE...) could change is given
	query := url.Values{"host": {socketDir}, "port": {strconv.Itoa(port)}, "sslmode": {"disable"}}
	u := url.URL{Scheme: "postgres", User: url.User(Superuser), Path: "/" + database, RawQuery: query.Encode()}
	return u.String()
}

// SocketDir is the folder of the server's Unix socket.
func (c *Cluster) SocketDir() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.socketDir
}

// PID is the process id of the server's first process, the postmaster.
func (c *Cluster) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pid
}

// LogFile is the server's own log.
func (c *Cluster) LogFile() string { return c.logFile() }

// Ensure starts the server again if it died while open, and returns when it answers. DSN stays the same
// unless the parent of the socket's folder is gone.
func (c *Cluster) Ensure(ctx context.Context) error {
	change, err := c.lockChange(ctx)
	if err != nil {
		return err
	}
	defer unlock(change)
	if c.closed() {
		return errors.New("the private Postgres is closed")
	}
	return c.ensure(ctx)
}

func (c *Cluster) closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.use == nil
}

// EnsureDatabase makes a database when it is missing. Processes may do so at once.
func (c *Cluster) EnsureDatabase(ctx context.Context, name string) error {
	conn, err := pgconn.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return fmt.Errorf("make database %s: %w", name, err)
	}
	defer conn.Close(ctx)
	found := conn.ExecParams(ctx, "SELECT FROM pg_database WHERE datname = $1", [][]byte{[]byte(name)}, nil, nil, nil).Read()
	if found.Err != nil {
		return fmt.Errorf("look for database %s: %w", name, found.Err)
	}
	if len(found.Rows) > 0 {
		return nil
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+quoteIdentifier(name)).ReadAll()
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && (pgErr.Code == "42P04" || pgErr.Code == "23505") {
		return nil // another process was faster
	}
	if err != nil {
		return fmt.Errorf("make database %s: %w", name, err)
	}
	return nil
}

// Close leaves the cluster. The last one out stops the server and waits for it: quickly (its sessions are cut,
// nothing committed is lost), as long as ctx allows. Calling it again does nothing.
func (c *Cluster) Close(ctx context.Context) error {
	if c.closed() {
		return nil
	}
	change, err := c.lockChange(ctx)
	if err != nil {
		// leave in any case; whoever holds the lock will be the last
		c.release()
		return err
	}
	defer unlock(change)
	return c.leave(ctx)
}

// leave gives up the share and stops the server when it was the last. The change lock is held.
func (c *Cluster) leave(ctx context.Context) error {
	if !c.release() {
		return nil
	}
	alone, err := c.unused()
	if err != nil || !alone {
		return err
	}
	return c.stop(ctx)
}

// release gives up the share; false when it was given up before.
func (c *Cluster) release() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.use == nil {
		return false
	}
	unlock(c.use)
	c.use = nil
	return true
}

// Running tells the process id of the server on a data folder, whoever started it. It changes nothing.
func Running(dataDir string) (pid int, ok bool) {
	dataDir, err := canonical(dataDir)
	if err != nil {
		return 0, false
	}
	p, err := findPostmaster(dataDir)
	if err != nil || p == nil {
		return 0, false
	}
	return p.pid, true
}

// Stop stops a server that a killed program left behind, and does nothing when none runs. It is refused
// while a program has the cluster open.
func Stop(ctx context.Context, config Config) error {
	p, err := resolve(ctx, config)
	if err != nil {
		return err
	}
	change, err := p.lockChange(ctx)
	if err != nil {
		return err
	}
	defer unlock(change)
	alone, err := p.unused()
	if err != nil {
		return err
	}
	if !alone {
		return fmt.Errorf("the Postgres of %s is in use by a running qiuzhen; end that first", p.dataDir)
	}
	return p.stop(ctx)
}

// resolve checks all that can be checked without changing anything, then makes the data folder's parent.
func resolve(ctx context.Context, config Config) (place, error) {
	p := place{binDir: config.BinDir, log: config.Log, throwaway: config.Throwaway}
	if p.log == nil {
		p.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	var err error
	if p.account, err = serverAccount(config.User); err != nil {
		return p, err
	}
	if p.binDir, err = filepath.Abs(config.BinDir); err != nil {
		return p, fmt.Errorf("folder of the Postgres binaries: %w", err)
	}
	if p.dataDir, err = canonical(config.DataDir); err != nil {
		return p, err
	}
	if err := p.checkFolder(); err != nil {
		return p, err
	}
	version, err := p.binaryVersion(ctx)
	if err != nil {
		return p, err
	}
	if err := p.checkVersion(version); err != nil {
		return p, err
	}
	return p, p.makeParent()
}

// canonical resolves symbolic links, so that a cluster has one name (of which the socket's folder is a hash).
func canonical(dataDir string) (string, error) {
	if dataDir == "" {
		return "", errors.New("no data folder given; use --data FOLDER")
	}
	abs, err := filepath.Abs(dataDir)
	if err != nil {
		return "", fmt.Errorf("data folder %s: %w", dataDir, err)
	}
	if _, err := os.Lstat(abs); err == nil {
		real, err := filepath.EvalSymlinks(abs)
		if err != nil {
			return "", fmt.Errorf("data folder %s is a symbolic link that leads nowhere: %w; remove it or choose another folder with --data", abs, err)
		}
		return real, nil
	}
	existing := nearest(abs)
	real, err := filepath.EvalSymlinks(existing)
	if err != nil {
		return "", fmt.Errorf("data folder %s: %w", abs, err)
	}
	rest, err := filepath.Rel(existing, abs)
	if err != nil {
		return "", fmt.Errorf("data folder %s: %w", abs, err)
	}
	return filepath.Join(real, rest), nil
}

// nearest is the deepest existing folder at or above path.
func nearest(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

func quoteIdentifier(name string) string {
	quoted := []byte{'"'}
	for i := range len(name) {
		if name[i] == '"' {
			quoted = append(quoted, '"')
		}
		quoted = append(quoted, name[i])
	}
	return string(append(quoted, '"'))
}
