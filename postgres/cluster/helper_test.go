//go:build linux

package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// The test binary run again with this variable, a Config in JSON, is another program that opens the cluster.
const helperVariable = "QIUZHEN_CLUSTER_HELPER"

// helperBinary is a copy of the test binary that every user can read.
var helperBinary string

// help opens the cluster and says "open PID SOCKETDIR" or "error TEXT", then obeys lines: "query SQL" is answered
// with "ok" or an error, "close" with "closed".
func help(configJSON string) int {
	ctx := context.Background()
	var config Config
	if err := json.Unmarshal([]byte(configJSON), &config); err != nil {
		fmt.Println("error", err)
		return 2
	}
	config.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	c, err := Open(ctx, config)
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("open", c.PID(), c.SocketDir())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		answer := "ok"
		switch word {
		case "query":
			if _, err := query(ctx, c.DSN("postgres"), rest); err != nil {
				answer = "error " + err.Error()
			}
		case "close":
			answer = "closed"
			if err := c.Close(ctx); err != nil {
				answer = "error " + err.Error()
			}
		}
		fmt.Println(answer)
	}
	return 0
}

// helper is another program that has the cluster open, or tries to.
type helper struct {
	command   *exec.Cmd
	in        io.WriteCloser
	out       *bufio.Reader
	pid       int // of the server
	socketDir string
}

// launch starts a helper as the user (nil: the same) and does not wait for it.
func launch(t *testing.T, config Config, as *account, environment ...string) *helper {
	t.Helper()
	config.Log = nil
	configJSON, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(helperBinary)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), helperVariable+"="+string(configJSON))
	cmd.Env = append(cmd.Env, environment...)
	cmd.Stderr = logWriter{t}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if as != nil {
		cmd.SysProcAttr.Credential = as.credential
	}
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := firstError(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	h := &helper{command: cmd, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() { h.kill() })
	return h
}

// open launches a helper and waits until it has the cluster open.
func open(t *testing.T, config Config, as *account, environment ...string) *helper {
	t.Helper()
	h := launch(t, config, as, environment...)
	h.opened(t)
	return h
}

func (h *helper) opened(t *testing.T) {
	t.Helper()
	line := h.line(t)
	if _, err := fmt.Sscanf(line, "open %d %s", &h.pid, &h.socketDir); err != nil {
		t.Fatalf("the other program says %q", line)
	}
}

func (h *helper) line(t *testing.T) string {
	t.Helper()
	line, err := h.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the other program says nothing more: %v", err)
	}
	return strings.TrimSpace(line)
}

// do sends a line and fails unless the answer is want.
func (h *helper) do(t *testing.T, line, want string) {
	t.Helper()
	if _, err := fmt.Fprintln(h.in, line); err != nil {
		t.Fatal(err)
	}
	if got := h.line(t); got != want {
		t.Fatalf("%s: the other program answers %q, want %q", line, got, want)
	}
}

func (h *helper) close(t *testing.T) {
	t.Helper()
	h.do(t, "close", "closed")
}

// kill is kill -9 of the program (not of its children), and waits until it is gone.
func (h *helper) kill() {
	_ = h.command.Process.Kill()
	_ = h.in.Close()
	_ = h.command.Wait()
}
