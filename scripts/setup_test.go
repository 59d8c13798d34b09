// Package scripts_test runs the set-up on made-up machines (see machine) and holds the real cache to parts.lock.
package scripts_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"qiuzhen/parts"
)

func (m *machine) mustSetUp() string {
	m.t.Helper()
	code, _, notes := m.run()
	if code != 0 {
		m.t.Fatalf("set-up ended with %d:\n%s", code, notes)
	}
	if missing := parts.Locate(parts.Overrides{Runtime: m.cache}).Missing(true, true); missing != nil {
		m.t.Fatalf("after set-up: %s", strings.Join(missing, "\n"))
	}
	if left, _ := filepath.Glob(filepath.Join(m.cache, ".work*")); left != nil {
		m.t.Errorf("left behind: %v", left)
	}
	return notes
}

func TestSetUpFetchesWhatTheProgramLooksFor(t *testing.T) {
	m := newMachine(t)
	defer syscall.Umask(syscall.Umask(0o077))
	notes := m.mustSetUp()
	lock, _ := readLock(t, filepath.Join(m.root, "scripts", "parts.lock"))
	for _, part := range lock {
		if !strings.Contains(notes, "fetching "+part[2]) {
			t.Errorf("does not tell that it fetches %s:\n%s", part[2], notes)
		}
		stamp, err := os.ReadFile(filepath.Join(m.cache, part.folder(), ".complete"))
		if err != nil || string(stamp) != part[8]+"\n" {
			t.Errorf("stamp of %s: %q, %v", part.folder(), stamp, err)
		}
		if !m.exists(m.cache, part.folder(), "LICENSE") {
			t.Errorf("the licence of %s was not kept", part.folder())
		}
	}
	err := filepath.WalkDir(m.cache, func(path string, d fs.DirEntry, _ error) error {
		info, err := d.Info()
		if err == nil && path != m.cache && info.Mode().Perm()&0o044 != 0o044 {
			t.Errorf("not readable by everybody: %v %s", info.Mode(), path)
		}
		for _, unwanted := range []string{"/pginstall/", "/include/", "/doc/", ".a", ".class", "pybind11"} {
			if strings.HasSuffix(path, unwanted) || strings.Contains(path, unwanted+"/") {
				t.Errorf("kept without need: %s", path)
			}
		}
		return err
	})
	m.must(err)
	postgres := filepath.Join(parts.Locate(parts.Overrides{Runtime: m.cache}).PostgresBin, "postgres")
	if info, err := os.Stat(postgres); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("postgres is not executable: %v %v", info.Mode(), err)
	}
	if !m.exists(m.root, "bin", "qiuzhen") {
		t.Error("bin/qiuzhen was not built")
	}
}

func TestSecondRunFetchesNothing(t *testing.T) {
	m := newMachine(t)
	m.mustSetUp()
	m.calls()
	m.must(os.RemoveAll(m.index))
	m.remove("python3") // not even started
	m.remove("mvn")
	m.mustSetUp()
	if calls := m.calls(); len(calls) != 1 || !strings.HasPrefix(calls[0], "go build ") {
		t.Errorf("the second run did %q, want one go build", calls)
	}
}

func TestPartsWithoutTheRightStampAreReplaced(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"no stamp":    func(dir string) error { return os.Remove(filepath.Join(dir, ".complete")) },
		"other stamp": func(dir string) error { return os.WriteFile(filepath.Join(dir, ".complete"), []byte("0\n"), 0o644) },
		"file gone":   func(dir string) error { return os.Remove(filepath.Join(dir, "libonnxruntime.so.1.32.0")) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.mustSetUp()
			m.calls()
			dir := filepath.Join(m.cache, "onnxruntime-1.32.0")
			m.must(spoil(dir))
			m.write(filepath.Join(dir, "stale"), "", 0o644)
			m.mustSetUp()
			if m.exists(dir, "stale") {
				t.Error("the old folder is still there")
			}
			if got := strings.Join(m.calls(), ","); !strings.HasPrefix(got, "pip download,unpack,go build") {
				t.Errorf("fetched more than the spoiled part: %s", got)
			}
		})
	}
}

func TestPartsOfTheSystemAreNotFetched(t *testing.T) {
	m := newMachine(t)
	m.mustSetUp()
	have := parts.Locate(parts.Overrides{Runtime: m.cache})
	m.calls()
	m.cache = filepath.Join(t.TempDir(), "other")
	m.env = []string{"QIUZHEN_MODEL_DIR=" + filepath.Dir(have.Model), "QIUZHEN_POSTGRES_BIN=" + have.PostgresBin}
	m.remove("mvn")
	if code, _, notes := m.run(); code != 0 {
		t.Fatal(notes)
	}
	if got := strings.Join(m.calls(), ","); !strings.HasPrefix(got, "pip download,unpack,go build") {
		t.Errorf("did %s, want only ONNX Runtime fetched", got)
	}
}

func TestCheckTellsAndChangesNothing(t *testing.T) {
	m := newMachine(t)
	code, out, _ := m.run("--check")
	if code != 1 || strings.Count(out, "missing  ") != 4 || !strings.Contains(out, "; run: scripts/setup\n") {
		t.Errorf("before: code %d\n%s", code, out)
	}
	if calls := m.calls(); len(calls) > 0 || m.exists(m.cache) || m.exists(m.root, "bin") {
		t.Errorf("--check changed something; calls %q", calls)
	}
	m.mustSetUp()
	if code, out, _ := m.run("--check"); code != 0 || strings.Contains(out, "missing") || strings.Count(out, "ok ") != 6 {
		t.Errorf("after: code %d\n%s", code, out)
	}
}

func TestAsRoot(t *testing.T) {
	m := newMachine(t)
	m.env = []string{"MY_UID=0"}
	m.must(os.Rename(filepath.Join(m.bin, "mvn"), filepath.Join(m.bin, "mvn.later")))
	m.mustSetUp()
	calls := strings.Join(m.calls(), "\n")
	for _, want := range []string{"apt-get update\napt-get install -y --no-install-recommends maven", "useradd"} {
		if !strings.Contains(calls, want) {
			t.Errorf("did not call %q in:\n%s", want, calls)
		}
	}
	m.mustSetUp()
	if calls := strings.Join(m.calls(), "\n"); strings.Contains(calls, "useradd") || strings.Contains(calls, "apt-get") {
		t.Errorf("the second run did it again:\n%s", calls)
	}
	m.env = append(m.env, "CLOSED=1")
	code, _, notes := m.run()
	if code != 1 || !strings.Contains(lastLine(notes), "cannot enter "+m.cache+"; set QIUZHEN_RUNTIME to a folder outside of") {
		t.Errorf("a cache closed to the server's user: code %d\n%s", code, notes)
	}
}

// startUntil begins a set-up that waits at step (fetch or unpack) and returns when it is there. end sends it a
// signal, or lets it go on with 0, and waits for its end.
func (m *machine) startUntil(step string) (end func(syscall.Signal) (code int, notes string)) {
	m.t.Helper()
	m.write(filepath.Join(m.bin, "hang-"+step), "", 0o644)
	var notes bytes.Buffer
	cmd := m.command()
	cmd.Stderr = &notes
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	m.must(cmd.Start())
	for deadline := time.Now().Add(time.Minute); !m.exists(m.bin, "at-"+step); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.t.Fatalf("never came to %s:\n%s", step, &notes)
		}
	}
	return func(signal syscall.Signal) (int, string) {
		m.t.Helper()
		if signal != 0 {
			m.must(syscall.Kill(-cmd.Process.Pid, signal))
		}
		_ = os.Remove(filepath.Join(m.bin, "hang-"+step))
		return exitCode(m.t, cmd.Wait()), notes.String()
	}
}

func TestInterruptedSetUpGoesOn(t *testing.T) {
	for _, step := range []string{"fetch", "unpack"} {
		t.Run("killed during "+step, func(t *testing.T) {
			m := newMachine(t)
			m.startUntil(step)(syscall.SIGKILL)
			if left, _ := filepath.Glob(filepath.Join(m.cache, ".work*")); left == nil {
				t.Fatal("nothing half-done is there: this test tests nothing")
			}
			if got := len(parts.Locate(parts.Overrides{Runtime: m.cache}).Missing(true, true)); got != 4 {
				t.Errorf("a half-done part is in its place: %d of 4 files missing", got)
			}
			m.mustSetUp()
		})
		t.Run("Ctrl-C during "+step, func(t *testing.T) {
			m := newMachine(t)
			code, notes := m.startUntil(step)(syscall.SIGINT)
			if code != 130 || lastLine(notes) != "setup: interrupted; run scripts/setup again, it goes on from here" {
				t.Errorf("code %d\n%s", code, notes)
			}
			if left, _ := filepath.Glob(filepath.Join(m.cache, ".work*")); left != nil {
				t.Errorf("left behind: %v", left)
			}
			m.mustSetUp()
		})
	}
}

func TestTwoAtOnceFetchOnce(t *testing.T) {
	m := newMachine(t)
	first := m.startUntil("fetch")
	var notes lockedBuffer
	second := m.command()
	second.Stderr = &notes
	m.must(second.Start())
	for deadline := time.Now().Add(time.Minute); !strings.Contains(notes.String(), "another set-up is at work"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the second did not wait:\n%s", notes.String())
		}
	}
	if code, notes := first(0); code != 0 {
		t.Errorf("first: %d\n%s", code, notes)
	}
	if code := exitCode(t, second.Wait()); code != 0 {
		t.Errorf("second: %d\n%s", code, notes.String())
	}
	if got := strings.Count(strings.Join(m.calls(), "\n"), "pip download"); got != 2 {
		t.Errorf("%d downloads with pip, want 2: one a part", got)
	}
	m.mustSetUp()
}
