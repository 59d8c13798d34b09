//go:build !race

package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"qiuzhen/content"
	"qiuzhen/ingest/officetest"
	"qiuzhen/postgres"
)

const (
	mostParent = 400 << 20
	mostTime   = 35 * time.Second
)

// TestIngestOfficeFiles imports files of every format, hostile ones among them, with the real program and its real child
// processes: each ends as drafts or as one clear line, the memory of the parent stays small, and nothing hangs.
func TestIngestOfficeFiles(t *testing.T) {
	whole, hostile := wholeFiles(), hostileFiles()
	if len(whole)+len(hostile) < 60 || len(hostile) < 25 {
		t.Fatalf("only %d files, %d of them hostile", len(whole)+len(hostile), len(hostile))
	}
	dir, data := t.TempDir(), officeData(t)
	var paths []string
	for _, f := range append(whole, hostile...) {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, f.data, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	args := append([]string{"--data", data, "--set", "embedder=none", "ingest", "--columns", "咨询=question,回应=answer"}, paths...)
	first := ingestWatched(t, args)
	if first.code != exitFailed {
		t.Errorf("exit %d", first.code)
	}
	if first.peak > mostParent {
		t.Errorf("the parent took %d MB", first.peak>>20)
	}
	if first.longest > mostTime {
		t.Errorf("one file took %s", first.longest)
	}
	store := officeStore(t, data)
	for _, f := range append(whole, hostile...) {
		checkOfficeFile(t, f, filepath.Join(dir, f.name), first.err, store)
	}
	t.Logf("%d files, %d of them hostile: %d drafts; parent at most %d MB, longest file %s, in all %s",
		len(paths), len(hostile), len(store), first.peak>>20, first.longest.Round(10*time.Millisecond), first.took.Round(100*time.Millisecond))

	again := ingestWatched(t, args[:len(args)-len(hostile)])
	if !strings.Contains(again.out, "新写入草稿 0 条") {
		t.Errorf("the second import wrote something:\n%s", again.out)
	}
}

// checkOfficeFile looks for the file's line and its drafts.
func checkOfficeFile(t *testing.T, f officeFile, path, summary string, drafts map[string]int) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(summary) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), path); ok {
			lines = append(lines, rest)
		}
	}
	count := 0
	for name, n := range drafts {
		if name == path || strings.HasPrefix(name, path+"/") {
			count += n
		}
	}
	switch {
	case len(lines) > 1:
		t.Errorf("%s has %d lines: %q", f.name, len(lines), lines)
	case count == 0 && len(lines) == 0:
		t.Errorf("%s ended neither as drafts nor as a line", f.name)
	case f.line == "" && f.drafts > 0 && len(lines) > 0, f.line != "" && (len(lines) == 0 || !strings.Contains(lines[0], f.line)):
		t.Errorf("%s: %q, want %q", f.name, lines, f.line)
	}
	if f.drafts > 0 && count < f.drafts || f.drafts == -1 && f.line != "" && count > 0 {
		t.Errorf("%s gave %d drafts, want %d", f.name, count, f.drafts)
	}
	if len(lines) == 1 {
		t.Logf("%s%s", f.name, lines[0])
	}
}

// watched is a run of the program and what it took.
type watched struct {
	result
	peak          int64
	longest, took time.Duration
}

// ingestWatched runs the program and looks at its memory; the longest file is the longest time between two lines of progress.
func ingestWatched(t *testing.T, args []string) watched {
	t.Helper()
	cmd := program(t, args...)
	var out bytes.Buffer
	errs := &timedLines{last: time.Now()}
	cmd.Stdout, cmd.Stderr = &out, errs
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := make(chan int64)
	go func() {
		var most int64
		for {
			now := peakOf(cmd)
			if now == 0 {
				peak <- most
				return
			}
			most = max(most, now)
			time.Sleep(20 * time.Millisecond)
		}
	}()
	_ = cmd.Wait()
	return watched{result{cmd.ProcessState.ExitCode(), out.String(), errs.text.String()}, <-peak, errs.longest, time.Since(start)}
}

type timedLines struct {
	text    bytes.Buffer
	last    time.Time
	longest time.Duration
}

func (l *timedLines) Write(p []byte) (int, error) {
	l.longest = max(l.longest, time.Since(l.last))
	l.last = time.Now()
	return l.text.Write(p)
}

// peakOf is the most memory that a process has had, 0 once it is gone.
func peakOf(cmd *exec.Cmd) int64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0 // a zombie
}

// officeData is a data folder that the private server's user can pass through.
func officeData(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(testData, "office-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// officeStore counts the drafts by the file that they came from, and holds each to its original and places.
func officeStore(t *testing.T, data string) map[string]int {
	t.Helper()
	app, err := openApp(context.Background(), &cli{Data: data, Set: []string{"embedder=none"}}, stdio{err: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	hashes, err := app.Store.Hashes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for id := range hashes {
		var origin postgres.Origin
		if origin, err = app.Store.Origin(context.Background(), id, 1); err != nil {
			t.Fatal(err)
		}
		if origin.Fields["title"] == "" || origin.Fields["sources[0].title"] == "" {
			t.Errorf("%s of %s does not say where its fields are from: %v", id, origin.Name, origin.Fields)
		}
		counts[origin.Name]++
	}
	return counts
}

// TestIngestMixed: entries in our own format keep their way in, beside foreign files and within a ZIP; an address inside is refused.
func TestIngestMixed(t *testing.T) {
	entry, err := content.FS.ReadFile("rumour/baijiu-kills-virus.md")
	if err != nil {
		t.Fatal(err)
	}
	dir, data := t.TempDir(), officeData(t)
	write := func(name string, body []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("own.zip", officetest.ZIP(officetest.Part{Name: "rumour/baijiu-kills-virus.md", Data: entry}))
	write("notes.md", []byte("# 记录\n\n"+paragraphs))
	write("code.go", []byte("package x"))
	ingest := func(args ...string) result {
		return runProgram(t, "", append([]string{"--data", data, "--set", "embedder=none", "ingest"}, args...)...)
	}
	r := ingest(dir)
	if r.code != 0 || !strings.Contains(r.out, "新写入草稿 1 条") || !strings.Contains(r.out, "新写入 1 条") || !strings.Contains(r.err, "略过 1 个") {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
	}
	write("broken.md", []byte("---\nid: broken\nkind: guide\n---\n正文\n"))
	r = ingest(filepath.Join(dir, "broken.md"), filepath.Join(dir, "notes.md"))
	if r.code != exitFailed || !strings.Contains(r.err, "这些条目没有入库") || !strings.Contains(r.out, "没有变化 1 条") {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
	}
	for args, want := range map[string]string{
		"http://127.0.0.1/a.docx": "网页打不开", filepath.Join(dir, "none.docx"): "没有这个文件", "--columns=a=b " + dir: "没有 b 这个字段", "--topic=x " + dir: "topic",
	} {
		if r := ingest(strings.Fields(args)...); r.code == 0 || !strings.Contains(r.err, want) {
			t.Errorf("%s: exit %d\n%s%s", args, r.code, r.out, r.err)
		}
	}
}
