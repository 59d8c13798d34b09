package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

const password = "长长的一个好密码呀呀"

// program is the binary on a data folder of its own.
type program struct {
	t    *testing.T
	data string
	set  []string // settings: name=value
	// listen is where it serves; empty: at a port that is free.
	listen string
	base   string
	stop   func() // ends what serves, as an operator does
}

// start serves a new, empty program with three people and two drafts: one authored, one read from a web page that an office saved.
func start(t *testing.T) *program {
	t.Helper()
	p := newProgram(t)
	p.serve() // first, so that the database stays up between the commands; filled before there are accounts
	p.run("ingest", "../content/health/honey-diabetes.md", "testdata/salt.html")
	p.run("user", "add", "admin", "--name", "管理员", "--institution", "市科协", "--role", "administrator")
	p.run("user", "add", "wang", "--as", "admin", "--name", "王小明", "--role", "author")
	p.run("user", "add", "chen", "--as", "admin", "--name", "陈医生", "--title", "主任医师", "--institution", "市第一人民医院", "--role", "expert")
	p.run("user", "add", "li", "--as", "admin", "--name", "李编辑", "--institution", "市科学技术协会", "--role", "editor,publisher")
	return p
}

// startReading serves a program with entries that readers may be answered from, unsigned.
func startReading(t *testing.T, entries ...string) *program {
	t.Helper()
	p := newProgram(t)
	p.set = []string{"serve_unsigned=true"}
	p.serve()
	p.run(append([]string{"ingest"}, entries...)...)
	return p
}

func newProgram(t *testing.T) *program {
	t.Helper()
	data, err := os.MkdirTemp("", "qiuzhen-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(data) })
	if err := os.Chmod(data, 0o755); err != nil { // the server's user passes through it
		t.Fatal(err)
	}
	return &program{t: t, data: filepath.Join(data, "data")}
}

func (p *program) command(args ...string) *exec.Cmd {
	all := append([]string{"--data", p.data, "--set", "password=" + password, "--set", "new_password=" + password}, p.settings(args)...)
	return exec.Command(os.Getenv("E2E_BINARY"), all...)
}

func (p *program) settings(args []string) (all []string) {
	for _, s := range p.set {
		all = append(all, "--set", s)
	}
	return append(all, args...)
}

func (p *program) run(args ...string) {
	p.t.Helper()
	if out, err := p.command(args...).CombinedOutput(); err != nil {
		p.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// query is what the database says, for what no page shows.
func (p *program) query(sql string) string {
	p.t.Helper()
	out, err := p.command("db", "psql", "--", "-q", "-tA", "-v", "ON_ERROR_STOP=1", "-c", sql).Output()
	if err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
	return strings.TrimSpace(string(out))
}

var servedAt = regexp.MustCompile(`address=(http://[0-9.:]+)`)

func (p *program) serve() {
	p.t.Helper()
	args := []string{"serve", "--listen", cmp.Or(p.listen, "127.0.0.1:0")}
	if p.fronted() {
		args = append(args, "--set", behindProxy)
	}
	cmd := p.command(args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		done := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
		defer done.Stop()
		_ = cmd.Wait()
	})
	p.t.Cleanup(p.stop)
	scanner := bufio.NewScanner(stderr)
	var said bytes.Buffer
	for scanner.Scan() {
		said.WriteString(scanner.Text() + "\n")
		if m := servedAt.FindStringSubmatch(scanner.Text()); m != nil {
			p.base = m[1]
			p.front()
			go func() { _, _ = io.Copy(os.Stderr, stderr) }()
			return
		}
	}
	p.t.Fatalf("serve ended without an address:\n%s", said.String())
}

// ask is what a reader is answered.
func (p *program) ask(question string) string {
	p.t.Helper()
	body, _ := json.Marshal(map[string]string{"text": question})
	response, err := http.Post(p.base+"/api/v1/ask", "application/json", bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Decision, Text string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		p.t.Fatal(err)
	}
	return answer.Decision + "\n" + strings.TrimSpace(answer.Text)
}
