//go:build linux

package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// account is the system user that runs the server. Postgres refuses root, so as root it is another one.
type account struct {
	name       string
	uid, gid   int
	groups     []int
	credential *syscall.Credential // nil when the program itself runs as this user
}

func serverAccount(name string) (account, error) {
	uid := os.Geteuid()
	if uid != 0 {
		a := account{name: strconv.Itoa(uid), uid: uid, gid: os.Getegid()}
		if u, err := user.LookupId(a.name); err == nil {
			a.name = u.Username
		}
		return a, nil
	}
	if name == "" {
		name = DefaultUser
	}
	u, err := user.Lookup(name)
	var unknown user.UnknownUserError
	if errors.As(err, &unknown) {
		return account{}, fmt.Errorf("Postgres does not run as root and the system user %q does not exist; run: useradd --system --user-group --no-create-home --shell /usr/sbin/nologin %s", name, name) //nolint:staticcheck // a name begins it
	}
	if err != nil {
		return account{}, fmt.Errorf("look up system user %q: %w", name, err)
	}
	return newAccount(u)
}

func newAccount(u *user.User) (account, error) {
	a := account{name: u.Username}
	var err1, err2 error
	a.uid, err1 = strconv.Atoi(u.Uid)
	a.gid, err2 = strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return a, fmt.Errorf("system user %q: %w", u.Username, err)
	}
	if a.uid == 0 {
		return a, fmt.Errorf("Postgres does not run as root; choose another system user than %q", u.Username) //nolint:staticcheck // a name begins it
	}
	ids, err := u.GroupIds()
	if err != nil {
		return a, fmt.Errorf("groups of system user %q: %w", u.Username, err)
	}
	a.credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	for _, id := range ids {
		if gid, err := strconv.Atoi(id); err == nil {
			a.groups = append(a.groups, gid)
			a.credential.Groups = append(a.credential.Groups, uint32(gid))
		}
	}
	return a, nil
}

// own gives a file or folder that this program just made to the account.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	if err := os.Lchown(path, a.uid, a.gid); err != nil {
		return fmt.Errorf("give %s to system user %q: %w", path, a.name, err)
	}
	return nil
}

// may tells whether the mode bits let the account in; want is 4 to read, 1 to enter or execute, or their sum.
func (a account) may(info fs.FileInfo, want fs.FileMode) bool {
	stat := info.Sys().(*syscall.Stat_t)
	bits := info.Mode().Perm()
	switch {
	case int(stat.Uid) == a.uid:
		bits >>= 6
	case int(stat.Gid) == a.gid || slices.Contains(a.groups, int(stat.Gid)):
		bits >>= 3
	}
	return bits&want == want
}

// blocked is the first folder from / down to dir that the account may not enter, "" when it may enter all.
func (a account) blocked(dir string) string {
	path := "/"
	for _, name := range append([]string{""}, strings.Split(strings.Trim(dir, "/"), "/")...) {
		path = filepath.Join(path, name)
		if info, err := os.Stat(path); err != nil || !a.may(info, 1) {
			return path
		}
	}
	return ""
}

// denied explains why the account cannot run a binary with working folder dir.
func (p place) denied(binary, dir string, cause error) error {
	if at := p.account.blocked(dir); at != "" {
		return fmt.Errorf("system user %q, who runs Postgres, cannot enter %s on the way to the data folder %s; run: chmod o+x %s, or use --data /var/lib/qiuzhen", p.account.name, at, p.dataDir, at)
	}
	at := p.account.blocked(filepath.Dir(binary))
	if at == "" {
		if info, err := os.Stat(binary); err == nil && !p.account.may(info, 5) {
			at = binary
		}
	}
	if at != "" {
		return fmt.Errorf("system user %q cannot run the Postgres binaries in %s: %s is closed to it; run: chmod o+rx %s, or unpack them in /var/cache/qiuzhen with: scripts/setup", p.account.name, p.binDir, at, at)
	}
	return fmt.Errorf("system user %q cannot run %s in %s: %w; check access lists and the security module", p.account.name, binary, dir, cause)
}

// folderError adds to a failed file operation the command that mends it; nil stays nil.
func (p place) folderError(doing, path string, err error) error {
	if err == nil {
		return nil
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err // the path is named already
	}
	advice := "check the folder"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = "free some space there"
	case errors.Is(err, syscall.EROFS):
		advice = "mount it writable or choose another folder with --data"
	case errors.Is(err, fs.ErrPermission):
		advice = fmt.Sprintf("let user %q write in %s or choose another folder with --data", p.account.name, filepath.Dir(path))
	case errors.Is(err, syscall.ELOOP):
		advice = "it is a symbolic link: remove it"
	}
	return fmt.Errorf("%s %s: %w; %s", doing, path, err, advice)
}
