package office

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"qiuzhen/knowledge"
)

// What a child process may use.
const (
	defaultMemory  = 512 << 20
	defaultTime    = 30 * time.Second
	warmTime       = 2 * time.Minute
	watchEvery     = 50 * time.Millisecond
	maxReply       = 24 << 20 // bytes: MaxText in JSON, with its places
	maxComplaining = 4 << 10  // bytes kept of what a child says on stderr
)

// The command line of the child process, after Worker.Command.
const (
	readMode   = "read"
	unpackMode = "unpack"
	warmMode   = "warm"
)

// Worker reads files, each in a child process of its own: without environment, its memory watched, killed when it takes
// too much or too long. The zero limits are 512 MB and 30 s.
type Worker struct {
	// Command runs the child (read.Main): the program and its first arguments.
	Command []string
	// CacheDir keeps the PDF reader's compiled code between children; "": each child interprets it, which is slower.
	CacheDir string
	// Notice is told of a wait that comes once; may be nil.
	Notice func(what string)
	Memory int64
	Time   time.Duration

	warm    bool
	parents []string // cgroups to make the children's in; nil: what groupParents finds
}

// Read reads one file. Whatever is wrong with the file is a Problem; any other error is ours.
func (w *Worker) Read(ctx context.Context, name string, data []byte) (*Document, error) {
	if bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) {
		if err := w.warmUp(ctx); err != nil {
			return nil, err
		}
	}
	var reply Reply
	err := w.run(ctx, readMode, name, data, func(out io.Reader) error {
		body, err := io.ReadAll(io.LimitReader(out, maxReply+1))
		if err != nil {
			return err
		}
		if len(body) > maxReply {
			return Problem("内容太多，请拆成几个文件再导入")
		}
		return json.Unmarshal(body, &reply)
	})
	switch {
	case err != nil:
		return nil, err
	case reply.Problem != "":
		return nil, reply.Problem
	case reply.Document == nil:
		return nil, Problem("读不出内容")
	}
	return reply.Document, nil
}

// Unpack gives each member of a ZIP to keep, in order; its reader is valid until keep returns. Members before a problem are
// kept; the problem is the error.
func (w *Worker) Unpack(ctx context.Context, name string, data []byte, keep func(name string, size int64, member io.Reader) error) error {
	return w.run(ctx, unpackMode, name, data, func(out io.Reader) error {
		stream := bufio.NewReader(out)
		var total int64
		var damaged []string
		for {
			var f Frame
			line, err := stream.ReadSlice('\n')
			if err != nil {
				return fmt.Errorf("the unpacking ended early: %w", err)
			}
			if err := json.Unmarshal(line, &f); err != nil {
				return err
			}
			f.Name = knowledge.Printable(f.Name) // the child should have: what reads hostile bytes may say anything
			if f.Name == "" {
				switch {
				case f.Problem != "":
					return f.Problem
				case len(damaged) > 0:
					return Problemf("里面有 %d 个文件坏了，没有读（%s）", len(damaged), tail(damaged[0], 80))
				}
				return nil
			}
			if total += f.Size; f.Size < 0 || f.Size > MaxFile || total > MaxUnpacked {
				return Problem("压缩包解开以后太大")
			}
			if f.Problem != "" {
				damaged = append(damaged, f.Name)
				continue
			}
			member := io.LimitReader(stream, f.Size)
			if err := keep(f.Name, f.Size, member); err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, member); err != nil {
				return err
			}
		}
	})
}

// warmUp compiles the PDF reader into the cache, once a Worker: it takes seconds, which no file's time shall pay for.
func (w *Worker) warmUp(ctx context.Context) error {
	if w.warm || w.CacheDir == "" {
		return nil
	}
	if err := os.MkdirAll(w.CacheDir, 0o700); err != nil {
		w.CacheDir = "" // slower, not impossible
		return nil
	}
	if known, _ := filepath.Glob(filepath.Join(w.CacheDir, "*", "*")); len(known) == 0 && w.Notice != nil {
		w.Notice("第一次读 PDF，先做准备，要几秒到几十秒")
	}
	long := *w
	long.Time = warmTime
	if err := long.run(ctx, warmMode, "", nil, func(out io.Reader) error { _, err := io.Copy(io.Discard, out); return err }); err != nil {
		return fmt.Errorf("prepare the PDF reader in %s: %w", w.CacheDir, err)
	}
	w.warm = true
	return nil
}

// run starts a child, feeds it data and hands its output to take. A child that was killed or fell over is a Problem.
func (w *Worker) run(ctx context.Context, mode, name string, data []byte, take func(io.Reader) error) error {
	runtime.LockOSThread() // Pdeathsig fires when the thread ends that started the child
	defer runtime.UnlockOSThread()
	outer := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, w.time(), errTime)
	defer cancel()
	complaint := &head{most: maxComplaining}
	if w.parents == nil {
		w.parents = groupParents()
	}
	group := newGroup(w.parents, w.memory())
	defer group.remove()
	args := append(append([]string{}, w.Command[1:]...), "--mode="+mode, "--name="+tail(knowledge.Printable(name), 200), "--cache="+w.CacheDir)
	cmd, out, err := w.start(ctx, group, args, data, complaint)
	if err != nil {
		return fmt.Errorf("start the reading process: %w", err)
	}
	watched := watch(cmd.Process, w.memory())
	taken := take(out)
	if taken != nil {
		cancel() // it may still be writing
	}
	ended := cmd.Wait()
	tooLarge := watched() || group.killed()
	var known Problem
	switch {
	case outer.Err() != nil:
		return outer.Err()
	case tooLarge:
		return Problemf("读它要用的内存超过 %d MB，没有读完", w.memory()>>20)
	case errors.As(taken, &known):
		return known
	case errors.Is(context.Cause(ctx), errTime):
		return Problemf("%.0f 秒还没有读完，停下了", w.time().Seconds())
	case taken == nil && ended == nil:
		return nil
	case ended != nil:
		return Problemf("读的时候出错，读不了（%s）", complaint.first(ended))
	}
	return taken
}

// start starts the child inside the group, and without it where the kernel or a sandbox refuses that.
func (w *Worker) start(ctx context.Context, g *group, args []string, data []byte, complaint io.Writer) (*exec.Cmd, io.Reader, error) {
	cmd := exec.CommandContext(ctx, w.Command[0], args...) //nolint:gosec // our own binary
	cmd.Env = []string{}                                   // nil would hand ours on
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	cmd.Stdin = bytes.NewReader(data)
	cmd.Stderr = complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	g.around(cmd)
	if err = cmd.Start(); err != nil && g.open != nil && ctx.Err() == nil {
		g.remove()
		return w.start(ctx, g, args, data, complaint)
	}
	return cmd, out, err
}

var errTime = errors.New("time is up")

func (w *Worker) memory() int64 {
	if w.Memory > 0 {
		return w.Memory
	}
	return defaultMemory
}

func (w *Worker) time() time.Duration {
	if w.Time > 0 {
		return w.Time
	}
	return defaultTime
}

// watch kills a process as soon as its memory, resident or swapped out, exceeds most. The function that it returns ends the
// watch and tells whether that happened.
func watch(p *os.Process, most int64) (end func() bool) {
	var killed atomic.Bool
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			if used(p.Pid) > most {
				killed.Store(true)
				_ = p.Kill() // it may have ended by itself
				return
			}
		}
	}()
	return func() bool {
		close(stop)
		<-done
		return killed.Load()
	}
}

// used is a process's memory in bytes; 0 when it cannot be told.
func used(pid int) int64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	var kb int64
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) >= 2 && (fields[0] == "VmRSS:" || fields[0] == "VmSwap:") {
			n, _ := strconv.ParseInt(fields[1], 10, 64)
			kb += n
		}
	}
	return kb << 10
}

// head keeps the beginning of what is written to it.
type head struct {
	most int
	kept []byte
}

func (h *head) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), h.most-len(h.kept))]...)
	return len(p), nil
}

// first is the first line that the child said, else how it ended.
func (h *head) first(ended error) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(h.kept)), "\n")
	if line = strings.ToValidUTF8(line, ""); line != "" {
		return tail(line, 120)
	}
	return ended.Error()
}

// tail is the end of s in at most n bytes, cut between characters.
func tail(s string, n int) string {
	return strings.ToValidUTF8(s[max(len(s)-n, 0):], "")
}
