//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// settings are written to postgresql.conf once, when the cluster is made: an administrator may change them there.
var settings = []string{
	"max_connections=100", // several programs, each with a pool of about ten
	"huge_pages=off",      // rarely configured; asking for them costs a warning
	"jit=off",             // short queries: compiling costs more than it saves
	"wal_level=replica",   // backup and replicas work without a restart
	"timezone=UTC",        // the same on every machine; clients choose their own
	"log_timezone=UTC",
}

// command prepares a Postgres program, run as the server's user with nothing of the caller's environment
// (PGDATA, LC_ALL and others would change what it does).
func (p place) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.binDir, name), args...)
	cmd.Dir = "/" // the caller's may be closed to the server's user
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	if libraries := os.Getenv("LD_LIBRARY_PATH"); libraries != "" {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+libraries)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.account.credential}
	return cmd
}

var majorVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// binaryVersion is the major version of the binaries, e.g. "18". It runs them as the server's user in the data
// folder's nearest existing parent, so it also proves that this user reaches both.
func (p place) binaryVersion(ctx context.Context) (string, error) {
	binary := filepath.Join(p.binDir, "postgres")
	if _, err := os.Stat(binary); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("Postgres missing: %s; run: scripts/setup", binary) //nolint:staticcheck // a name begins it
	}
	cmd := p.command(ctx, "postgres", "--version")
	cmd.Dir = nearest(filepath.Dir(p.dataDir))
	out, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case errors.Is(err, fs.ErrPermission):
		return "", p.denied(binary, cmd.Dir, err)
	case err != nil:
		return "", fmt.Errorf("%s does not run: %w: %s; run: scripts/setup", binary, err, oneLine(string(out)))
	}
	match := majorVersion.FindSubmatch(out)
	if match == nil {
		return "", fmt.Errorf("%s is no Postgres: it says %q; run: scripts/setup", binary, oneLine(string(out)))
	}
	return string(match[1]), nil
}

// checkFolder refuses a data folder that is not a cluster's, before anything is written.
func (p place) checkFolder() error {
	info, err := os.Stat(p.dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return p.folderError("look at", p.dataDir, err)
	}
	if !info.IsDir() {
		return fmt.Errorf("data folder %s is a file; choose another with --data", p.dataDir)
	}
	entries, err := os.ReadDir(p.dataDir)
	if err != nil {
		return p.folderError("read", p.dataDir, err)
	}
	if len(entries) == 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(p.dataDir, "PG_VERSION")); err != nil {
		return fmt.Errorf("data folder %s is not empty and holds no Postgres; nothing was changed: choose another with --data", p.dataDir)
	}
	if uid := owner(info); uid != p.account.uid {
		return fmt.Errorf("data folder %s belongs to user id %d and Postgres would run as %q; run qiuzhen as its owner, or with Postgres stopped: chown -R %s %s", p.dataDir, uid, p.account.name, p.account.name, p.dataDir)
	}
	return nil
}

// checkVersion refuses a cluster that another major version made.
func (p place) checkVersion(binary string) error {
	data, err := os.ReadFile(filepath.Join(p.dataDir, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // to be made
	}
	if err != nil {
		return p.folderError("read", filepath.Join(p.dataDir, "PG_VERSION"), err)
	}
	if made := strings.TrimSpace(string(data)); made != binary {
		return fmt.Errorf("data folder %s was made by Postgres %s and this release has Postgres %s; nothing was changed: with the older release run: qiuzhen db backup, then restore into a new folder with: qiuzhen db restore", p.dataDir, made, binary)
	}
	return nil
}

// makeParent makes the folders above the data folder; those that root makes can be entered by the server's user
// whatever the umask.
func (p place) makeParent() error {
	parent := filepath.Dir(p.dataDir)
	existing := nearest(parent)
	rest, err := filepath.Rel(existing, parent)
	if err != nil || rest == "." {
		return err
	}
	dir := existing
	for name := range strings.SplitSeq(rest, "/") {
		dir = filepath.Join(dir, name)
		if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrExist) {
			continue
		} else if err != nil {
			return p.folderError("make", dir, err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			return p.folderError("chmod", dir, err)
		}
	}
	return nil
}

// initialise makes the cluster when there is none. It works in a sibling and renames it when complete and on
// disk, so that a half-made one is never used. The change lock is held.
func (p place) initialise(ctx context.Context) error {
	parent, prefix := filepath.Dir(p.dataDir), filepath.Base(p.dataDir)+".init-"
	p.removeLeftovers(parent, prefix)
	if _, err := os.Stat(filepath.Join(p.dataDir, "PG_VERSION")); err == nil {
		return p.tighten()
	}
	if err := p.checkFolder(); err != nil {
		return err // again: this time nobody else is making it
	}
	p.log.Info("making the database", "folder", p.dataDir)
	half, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return p.folderError("make a folder in", parent+"/", err)
	}
	defer os.RemoveAll(half) // fails after the rename, as it should
	if err := p.account.own(half); err != nil {
		return err
	}
	if err := p.initdb(ctx, half); err != nil {
		return err
	}
	// not os.Rename, which refuses to replace even an empty folder
	return p.folderError("rename "+half+" to", p.dataDir, syscall.Rename(half, p.dataDir))
}

func (p place) initdb(ctx context.Context, dir string) error {
	args := []string{
		"--pgdata=" + dir, "--username=" + Superuser,
		// the builtin provider sorts alike on every machine and after every upgrade of the C library
		"--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
		// who may connect is decided by the 0700 folder of the socket
		"--auth-local=trust", "--auth-host=reject", "--no-instructions",
	}
	if p.throwaway {
		args = append(args, "--no-sync")
	}
	for _, setting := range append([]string{"shared_buffers=" + sharedBuffers()}, settings...) {
		args = append(args, "--set", setting)
	}
	out, err := p.command(ctx, "initdb", args...).CombinedOutput()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return p.serverError("initdb failed", string(out), err)
	}
	return nil
}

// removeLeftovers clears what killed programs left; failing (an abandoned initdb still writes there) does no harm.
func (p place) removeLeftovers(parent, prefix string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			p.log.Info("removing a half-made database", "folder", filepath.Join(parent, e.Name()))
			_ = os.RemoveAll(filepath.Join(parent, e.Name()))
		}
	}
}

// tighten closes a data folder that a careless copy or chmod opened; Postgres refuses such a one.
func (p place) tighten() error {
	info, err := os.Stat(p.dataDir)
	if err != nil {
		return p.folderError("look at", p.dataDir, err)
	}
	if info.Mode().Perm() == 0o700 {
		return nil
	}
	return p.folderError("chmod", p.dataDir, os.Chmod(p.dataDir, 0o700))
}

// sharedBuffers is a quarter of the machine's memory, as Postgres advises, between its own default and what the vectors' index of a
// million passages takes. Only what is used of it is taken.
func sharedBuffers() string {
	const least, most = 128, 1536 // MB
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return fmt.Sprint(least, "MB")
	}
	quarter := info.Totalram * uint64(info.Unit) / 4 >> 20
	return fmt.Sprintf("%dMB", min(max(quarter, least), most))
}
