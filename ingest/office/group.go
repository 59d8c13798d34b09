package office

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// group is a cgroup (version 2) around one child process: the kernel then holds its memory down even between two looks of the
// watch. Where none can be made the zero group does nothing, and the watch is alone.
type group struct {
	dir  string
	open *os.File
}

var groups atomic.Int64 // numbers this process's groups

// newGroup makes a group in the first of the folders that lets it limit memory.
func newGroup(parents []string, memory int64) *group {
	for _, parent := range parents {
		if g := groupIn(parent, memory); g != nil {
			return g
		}
	}
	return &group{}
}

// groupIn makes a group in one folder, or nil: it is not ours to write, or does not give its groups the memory controller. A group
// with processes of its own gives none, as the kernel demands; one that systemd made for them (DelegateSubgroup=) has a parent that does.
func groupIn(parent string, memory int64) *group {
	if control := filepath.Join(parent, "cgroup.subtree_control"); !lists(control, "memory") {
		if err := os.WriteFile(control, []byte("+memory"), 0o600); err != nil || !lists(control, "memory") {
			return nil
		}
	}
	dir := filepath.Join(parent, fmt.Sprintf("qiuzhen-read-%d-%d", os.Getpid(), groups.Add(1)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil
	}
	err := os.WriteFile(filepath.Join(dir, "memory.max"), []byte(strconv.FormatInt(memory, 10)), 0o600)
	// what does not fit shall end, not crawl; a kernel without swap accounting has no such file
	_ = os.WriteFile(filepath.Join(dir, "memory.swap.max"), []byte("0"), 0o600)
	open, openErr := os.Open(dir) //nolint:gosec // just made
	if err != nil || openErr != nil {
		_ = os.Remove(dir)
		return nil
	}
	return &group{dir: dir, open: open}
}

// lists reports whether a file of words has the word.
func lists(file, word string) bool {
	data, err := os.ReadFile(file) //nolint:gosec // the kernel's
	return err == nil && slices.Contains(strings.Fields(string(data)), word)
}

// groupParents are the folders that groups may be made in: this process's own cgroup, and the one above it where systemd says that it was
// handed over too.
func groupParents() []string {
	own := ownGroup()
	if own == "" {
		return nil
	}
	parents := []string{own}
	above, mark := filepath.Dir(own), make([]byte, 1)
	if n, err := unix.Getxattr(above, "user.delegate", mark); err == nil && n == 1 && mark[0] == '1' {
		parents = append(parents, above)
	}
	return parents
}

// ownGroup is the folder of this process's cgroup, or "". Beside version 1 the second is mounted in "unified", mostly without memory.
func ownGroup() string {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
			dir := filepath.Join(root, path)
			if _, err := os.Stat(filepath.Join(dir, "cgroup.controllers")); err == nil {
				return dir
			}
		}
	}
	return ""
}

// around lets cmd begin inside the group.
func (g *group) around(cmd *exec.Cmd) {
	if g.open != nil {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(g.open.Fd()) //nolint:gosec // a file descriptor fits an int
	}
}

// killed reports whether the kernel ended the child for its memory.
func (g *group) killed() bool {
	if g.dir == "" {
		return false
	}
	events, err := os.ReadFile(filepath.Join(g.dir, "memory.events"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(events)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			return n != "0"
		}
	}
	return false
}

// remove takes the group away once its child has ended.
func (g *group) remove() {
	if g.open != nil {
		g.open.Close()
		_ = os.Remove(g.dir)
		*g = group{}
	}
}
