//go:build linux

package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// maxSocketPath is the size of sockaddr_un.sun_path less its final zero byte.
const maxSocketPath = 107

var socketName = fmt.Sprintf(".s.PGSQL.%d", port)

// socketFolders are the places for the socket, best first. A data folder's path may be longer than a
// socket's can be, so the folder is named by the hash of it: /run/qiuzhen-<hash> as root,
// $RUNTIME_DIRECTORY/qiuzhen-<hash> as a systemd service, $XDG_RUNTIME_DIR/qiuzhen-<hash> as a user, else
// /tmp/qiuzhen-<uid>-<hash>.
func (p place) socketFolders() []string {
	sum := sha256.Sum256([]byte(p.dataDir))
	hash := hex.EncodeToString(sum[:6])
	var dirs []string
	if p.account.credential != nil {
		dirs = append(dirs, "/run/qiuzhen-"+hash)
	} else {
		service, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
		for _, runtime := range []string{service, os.Getenv("XDG_RUNTIME_DIR")} {
			if filepath.IsAbs(runtime) && !strings.ContainsAny(runtime, `,"`) {
				dirs = append(dirs, filepath.Join(runtime, "qiuzhen-"+hash))
			}
		}
	}
	dirs = append(dirs, fmt.Sprintf("/tmp/qiuzhen-%d-%s", p.account.uid, hash))
	return slices.DeleteFunc(dirs, func(dir string) bool {
		return len(filepath.Join(dir, socketName)) > maxSocketPath
	})
}

// makeSocketFolder makes the first socket folder that can be made, the previous one if possible: programs that
// have the cluster open go on using it.
func (p place) makeSocketFolder(previous string) (string, error) {
	dirs := p.socketFolders()
	if i := slices.Index(dirs, previous); i > 0 {
		dirs[0], dirs[i] = dirs[i], dirs[0]
	}
	var failed error
	for _, dir := range dirs {
		err := os.Mkdir(dir, 0o700)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return dir, p.claimSocketFolder(dir)
		}
		failed = err
	}
	return "", fmt.Errorf("make a folder for the socket: %w; make its parent writable for user id %d", failed, os.Geteuid())
}

// claimSocketFolder gives a folder that root made to the server's user, and refuses an unsafe one.
func (p place) claimSocketFolder(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("folder of the socket: %w", err)
	}
	if info.IsDir() && p.account.credential != nil && owner(info) == 0 {
		if err := p.account.own(dir); err != nil {
			return err
		}
	}
	return p.checkSocketFolder(dir)
}

// checkSocketFolder refuses a folder that somebody else may have made, to be served or to spy, in the shared
// /tmp. The error of a missing one is fs.ErrNotExist.
func (p place) checkSocketFolder(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("folder of the socket: %w", err)
	}
	var why string
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		why = "it is a symbolic link"
	case !info.IsDir():
		why = "it is not a folder"
	case owner(info) != p.account.uid:
		why = fmt.Sprintf("it belongs to user id %d, not to %q", owner(info), p.account.name)
	case info.Mode().Perm()&0o077 != 0:
		why = fmt.Sprintf("others can enter it (mode %04o)", info.Mode().Perm())
	default:
		return nil
	}
	return fmt.Errorf("the socket folder %s is not safe: %s; somebody else may have made it: look at it, then run: rm -r %s", dir, why, dir)
}

func owner(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }
