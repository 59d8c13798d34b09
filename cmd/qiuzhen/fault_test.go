//go:build !race

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fewEntries are real ones, enough to ask about.
var fewEntries = []string{
	"../../content/rumour/msg-cancer.md", "../../content/rumour/baijiu-kills-virus.md",
	"../../content/disaster/earthquake-indoors.md", "../../content/health/hypertension-stop-medicine.md",
}

// ingestFew stores fewEntries.
func ingestFew(t *testing.T, data string) {
	t.Helper()
	if r := runProgram(t, "", append([]string{"--data", data, "ingest"}, fewEntries...)...); r.code != 0 {
		t.Fatal(r.err)
	}
}

// manyEntries writes n valid entries, each of 20 passages and more.
func manyEntries(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		var b strings.Builder
		fmt.Fprintf(&b, "---\nid: made-%d\nkind: rebuttal\ntopic: rumour\ntitle: 第%d个说法\nshort: 第%d个说法\nverdict: \"false\"\nclaims:\n", i, i, i)
		for j := range 20 {
			fmt.Fprintf(&b, "  - 第%d号村的第%d口井水能治百病\n", i, j)
		}
		fmt.Fprintf(&b, "negatives: [井水要烧开]\nsummary: 井水治不了病。\nactions: [有病去医院。]\nsources:\n  - {institution: 测试, title: 测试, date: 2026, read: {date: 2026-11-25, where: 测试}}\n---\n正文。\n")
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("made-%d.md", i)), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestKillDuringIngest kills the program, then the server, with SIGKILL at various moments of an ingest. Each time
// what is stored is whole, and the next run goes on by itself to the end.
func TestKillDuringIngest(t *testing.T) {
	const entries = 80
	source, data := manyEntries(t, entries), dataDir(t)
	r := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // a fixed seed
	stored := 0
	for round := range 4 {
		cmd := program(t, "--data", data, "ingest", source)
		var notes strings.Builder
		cmd.Stderr = &notes
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitForProgress(t, data, stored)
		time.Sleep(time.Duration(r.IntN(150)) * time.Millisecond)
		if round%2 == 0 {
			_ = cmd.Process.Kill()
		} else {
			killServer(t, data)
		}
		if err := cmd.Wait(); err == nil {
			t.Errorf("round %d: the ingest ended before the kill: nothing was interrupted", round)
		}
		before := stored
		if stored = checkWhole(t, data, entries); stored < before || stored == 0 || stored == entries {
			t.Errorf("round %d: %d entries before, %d after, of %d: lost, or not in the middle", round, before, stored, entries)
		}
	}
	out, err := program(t, "--data", data, "ingest", source).CombinedOutput()
	if err != nil {
		t.Fatalf("the last run fails: %v\n%s", err, out)
	}
	if stored = checkWhole(t, data, entries); stored != entries {
		t.Fatalf("%d of %d entries after the last run", stored, entries)
	}
	again, err := program(t, "--data", data, "ingest", source).Output()
	if err != nil || !strings.Contains(string(again), fmt.Sprintf("新写入 0 条，没有变化 %d 条", entries)) {
		t.Errorf("ingesting unchanged content printed %q, %v", again, err)
	}
}

// waitForProgress returns when more than stored versions are in the database, or soon when the ingest has ended.
func waitForProgress(t *testing.T, data string, stored int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if n, err := countVersions(ctx, data); err == nil && n > stored {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func killServer(t *testing.T, data string) {
	t.Helper()
	lines, err := postmasterFile(data)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(lines[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// TestInterruptIngest: Ctrl-C leaves whole entries, says how many, and ends with 1.
func TestInterruptIngest(t *testing.T) {
	source, data := manyEntries(t, 60), dataDir(t)
	cmd := program(t, "--data", data, "ingest", source)
	var notes strings.Builder
	cmd.Stderr = &notes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitForProgress(t, data, 0)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || !regexp.MustCompile(`停下了：\d+ 个条目已经完整入库`).MatchString(notes.String()) {
		t.Errorf("exit %d, printed %q", code, notes.String())
	}
	checkWhole(t, data, 60)
}

// TestBackupUnderLoad backs up while an ingest is writing, restores into an empty folder, and asks both.
func TestBackupUnderLoad(t *testing.T) {
	source, data, empty := manyEntries(t, 60), dataDir(t), dataDir(t)
	ingestFew(t, data)
	writer := program(t, "--data", data, "ingest", source)
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	waitForProgress(t, data, len(fewEntries))
	file := filepath.Join(t.TempDir(), "backup")
	if r := runProgram(t, "", "--data", data, "db", "backup", file); r.code != 0 {
		t.Fatalf("backup: %s", r.err)
	}
	if n, err := countVersions(context.Background(), data); err != nil || n == len(fewEntries)+60 {
		t.Errorf("the writer had ended before the backup did (%d versions, %v): it was not under load", n, err)
	}
	if err := writer.Wait(); err != nil {
		t.Fatalf("the ingest beside the backup: %v", err)
	}
	if r := runProgram(t, "", "--data", empty, "db", "restore", file); r.code != 0 {
		t.Fatalf("restore: %s", r.err)
	}
	if r := runProgram(t, "", "--data", empty, "db", "restore", file); r.code != exitUsage || !strings.Contains(r.err, "not empty") {
		t.Errorf("a second restore: exit %d, %s", r.code, r.err)
	}
	var messages strings.Builder
	for _, m := range tour {
		messages.WriteString(strings.ReplaceAll(m.message, "\n", " ") + "\n")
	}
	answers := map[string]string{}
	for _, dir := range []string{data, empty} {
		r := runProgram(t, messages.String(), "--data", dir, "--set", "serve_unsigned=true", "ask", "--lines", "--json", "-")
		if r.code != 0 {
			t.Fatal(r.err)
		}
		answers[dir] = answersOnly(r.out)
	}
	if answers[data] != answers[empty] {
		t.Errorf("answers differ after the restore:\n%s\n---\n%s", answers[data], answers[empty])
	}
	checkWhole(t, empty, len(fewEntries)+60)
}

// answersOnly drops what may differ between two stores of the same content: how long it took, and scores in their last
// digits (document frequencies of entries that came after the backup).
func answersOnly(out string) string {
	out = regexp.MustCompile(`"took_ms":[0-9.e+-]+`).ReplaceAllString(out, "")
	return regexp.MustCompile(`"score":[0-9.e+-]+,?`).ReplaceAllString(out, "")
}

// TestExternalDatabase: with DATABASE_URL no private server is started, and the content is searched there.
func TestExternalDatabase(t *testing.T) {
	app := demo(t) // its server stands in for a system's own
	if err := app.cluster.EnsureDatabase(context.Background(), "external"); err != nil {
		t.Fatal(err)
	}
	dir := dataDir(t)
	t.Setenv("DATABASE_URL", app.cluster.DSN("external"))
	ingestFew(t, dir)
	r := runProgram(t, "", "--data", dir, "--set", "serve_unsigned=true", "ask", "味精致癌吗")
	if r.code != 0 || !strings.Contains(r.out, "“味精") {
		t.Errorf("exit %d, %s %s", r.code, r.out, r.err)
	}
	if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil {
		t.Error("a private server was made beside DATABASE_URL")
	}
	signed := runProgram(t, "", "--data", dir, "ask", "味精致癌吗")
	if signed.code != exitAbstain {
		t.Errorf("unsigned content was served without serve_unsigned: %s", signed.out)
	}
	t.Setenv("DATABASE_URL", "postgres://nobody:secret@127.0.0.1:1/none")
	down := runProgram(t, "", "--data", dir, "ask", "味精致癌吗")
	if down.code != exitFailed || !strings.Contains(down.err, "does not answer") || strings.Contains(down.err, "secret") {
		t.Errorf("a server that is down: exit %d, %q", down.code, down.err)
	}
}

// TestServeOutlivesItsServer: the private Postgres killed under a running serve comes back by itself.
func TestServeOutlivesItsServer(t *testing.T) {
	data := dataDir(t)
	ingestFew(t, data)
	cmd := program(t, "--data", data, "--set", "serve_unsigned=true", "serve", "--listen", "127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("serve did not end well: %v", err)
		}
	}()
	address := serveAddress(t, stderr)
	before, err := postmasterFile(data)
	if err != nil {
		t.Fatal(err)
	}
	killServer(t, data)
	answered := false
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline) && !answered; time.Sleep(100 * time.Millisecond) {
		now, err := postmasterFile(data)
		answered = err == nil && now[0] != before[0] && post(t, address, "味精致癌吗") == http.StatusOK
	}
	if !answered {
		t.Error("no answer from a new server 60 s after the old one was killed")
	}
}
