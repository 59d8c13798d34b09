package office

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWorkerInAGroup: where a cgroup can be made the kernel ends a child that takes too much, before any look of the watch.
func TestWorkerInAGroup(t *testing.T) {
	parents := groupParents()
	probe := newGroup(parents, 64<<20)
	made := probe.dir != ""
	probe.remove()
	if !made {
		t.Skipf("no cgroup v2 with the memory controller is ours to divide here (looked in %q)", parents)
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &Worker{Command: []string{own, "hog"}, Memory: 64 << 20, Time: 20 * time.Second}
	if _, err := w.Read(context.Background(), "a.txt", []byte("一")); err == nil || !strings.Contains(err.Error(), "内存超过 64 MB") {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(parents[0], "qiuzhen-read-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestWorkerWithoutItsGroup: a folder that gives no group, and one that looks like it does and that the kernel refuses to start in.
func TestWorkerWithoutItsGroup(t *testing.T) {
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, controllers := range map[string]string{"not there": "", "not a cgroup at all": "cpu memory pids"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if controllers == "" {
				dir = "/nonexistent"
			} else if err := os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte(controllers+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			w := &Worker{Command: []string{own, "environment"}, Time: 10 * time.Second, parents: []string{dir}}
			if d, err := w.Read(context.Background(), "a.txt", []byte("一")); err != nil || d.Title == "" {
				t.Errorf("%+v, %v", d, err)
			}
			w.Command[1], w.Memory = "hog", 128<<20 // the watch is alone
			if _, err := w.Read(context.Background(), "a.txt", []byte("一")); err == nil || !strings.Contains(err.Error(), "内存超过 128 MB") {
				t.Errorf("%v", err)
			}
		})
	}
}
