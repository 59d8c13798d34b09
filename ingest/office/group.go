package office

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
)

// group is a cgroup (version 2) around one child process: the kernel then holds its memory down even between two looks of the
// watch. Where there is none, or it is not ours to write, the zero group does nothing.
type group struct {
	dir  string
	open *os.File
}

var groups atomic.Int64 // numbers this process's groups

// newGroup makes a group below this process's own; nil limits are never set: without memory.max there is no group.
func newGroup(memory int64) *group {
	own := ownGroup()
	if own == "" {
		return &group{}
	}
	dir := filepath.Join(own, fmt.Sprintf("qiuzhen-read-%d-%d", os.Getpid(), groups.Add(1)))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return &group{}
	}
	err := os.WriteFile(filepath.Join(dir, "memory.max"), []byte(strconv.FormatInt(memory, 10)), 0o600)
	open, openErr := os.Open(dir)
	if err != nil || openErr != nil {
		_ = os.Remove(dir)
		return &group{}
	}
	return &group{dir: dir, open: open}
}

// ownGroup is the folder of this process's cgroup, or "".
func ownGroup() string {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			dir := filepath.Join("/sys/fs/cgroup", path)
			if _, err := os.Stat(filepath.Join(dir, "cgroup.controllers")); err == nil {
				return dir
			}
		}
	}
	return ""
}

// start lets cmd begin inside the group.
func (g *group) start(cmd *exec.Cmd) {
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
	}
}
