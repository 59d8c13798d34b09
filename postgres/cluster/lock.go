//go:build linux

package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

func (p place) locksDir() string { return p.dataDir + ".locks" }

// openLock opens a lock file and makes it when missing. Files belong to the server's user, so that root and that
// user can take turns. Every call returns a lock owner of its own, also within one process.
func (p place) openLock(name string) (*os.File, error) {
	path := filepath.Join(p.locksDir(), name)
	// NOFOLLOW: the folder belongs to the server's user, who must not lead root elsewhere
	const flags = os.O_RDONLY | syscall.O_NOFOLLOW
	f, err := os.OpenFile(path, flags, 0)
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return f, p.folderError("open", path, err)
	}
	if err := os.Mkdir(p.locksDir(), 0o700); err == nil {
		if err := p.account.own(p.locksDir()); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, os.ErrExist) {
		return nil, p.folderError("make", p.locksDir(), err)
	}
	f, err = os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		f, err = os.OpenFile(path, flags, 0) // another process was faster
		return f, p.folderError("open", path, err)
	}
	if err != nil {
		return nil, p.folderError("make", path, err)
	}
	if p.account.credential != nil {
		if err := f.Chown(p.account.uid, p.account.gid); err != nil {
			f.Close()
			return nil, p.folderError("chown", path, err)
		}
	}
	return f, nil
}

// lockChange waits for the right to make, start or stop the server.
func (p place) lockChange(ctx context.Context) (*os.File, error) {
	f, err := p.openLock("change")
	if err != nil {
		return nil, err
	}
	if err := waitLock(ctx, f, syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("another process starts or stops the Postgres of %s: %w", p.dataDir, err)
	}
	return f, nil
}

// unused tells whether no process has the cluster open. The change lock must be held.
func (p place) unused() (bool, error) {
	f, err := p.openLock("use")
	if err != nil {
		return false, err
	}
	defer unlock(f)
	return tryLock(f, syscall.LOCK_EX)
}

// waitLock tries at least once, even when ctx has ended.
func waitLock(ctx context.Context, f *os.File, how int) error {
	for {
		ok, err := tryLock(f, how)
		if ok || err != nil {
			return err
		}
		if err := sleep(ctx, poll); err != nil {
			return err
		}
	}
}

func tryLock(f *os.File, how int) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
	}
}

// unlock frees the lock at once, even when a child that has not yet reached exec holds a copy of the descriptor.
func unlock(f *os.File) {
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	f.Close()
}

// sleep waits, or returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
