package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"qiuzhen/content"
	"qiuzhen/ingest"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
)

// BenchmarkAnswer asks messages that no entry was written after, in process, one after the other: urgent and live
// checks, embedding, search, decision and citations. p50 and p99 are over messages.
func BenchmarkAnswer(b *testing.B) {
	app := demo(b)
	messages := readWordings(b, "../../eval/testdata/wordings/tune_messages.jsonl")
	for _, part := range []struct {
		name string
		keep func(runes int) bool
	}{
		{"short", func(n int) bool { return n <= 60 }},
		{"all", func(int) bool { return true }},
	} {
		b.Run(part.name, func(b *testing.B) {
			var texts []string
			for _, m := range messages {
				if part.keep(len([]rune(m.Text))) {
					texts = append(texts, m.Text)
				}
			}
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				start := time.Now()
				if _, err := app.Bot.Ask(context.Background(), retrieval.Message{Text: texts[i%len(texts)]}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			reportPercentiles(b, took)
		})
	}
}

func reportPercentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(took[len(took)*p/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
	}
}

// BenchmarkIngest stores the whole embedded content in an empty database: lint, passages, vectors, BM25.
func BenchmarkIngest(b *testing.B) {
	app := demo(b)
	files, err := ingest.ReadFS(content.FS, ".")
	if err != nil {
		b.Fatal(err)
	}
	passages, rounds, start := 0, 0, time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		in := &ingest.Ingester{Store: postgrestest.New(b), Analyzer: app.segmenter, Embedder: app.model}
		b.StartTimer()
		begin := time.Now()
		entries, _ := ingest.Lint(files)
		if _, err := in.Run(context.Background(), entries, func(int, int) {}); err != nil {
			b.Fatal(err)
		}
		start += time.Since(begin)
		rounds++
		passages = 0
		for _, e := range entries {
			passages += len(ingest.Passages(e))
		}
	}
	b.ReportMetric(float64(passages*rounds)/start.Seconds(), "passages/s")
}

// BenchmarkServe starts the real binary on an existing cluster and waits until /readyz says so (start-ms), then
// answers questions and reads its peak memory (peak-MB), the server's processes apart.
func BenchmarkServe(b *testing.B) {
	demo(b)
	var starts []time.Duration
	peak := 0
	for b.Loop() {
		begin := time.Now()
		cmd := program(b, "--data", testData, "--demo", "serve", "--listen", "127.0.0.1:0")
		stderr, err := cmd.StderrPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		address := serveAddress(b, stderr)
		if status := get(b, address+"/readyz"); status != http.StatusOK {
			b.Fatalf("not ready: %d", status)
		}
		starts = append(starts, time.Since(begin))
		for _, t := range tour {
			if status := post(b, address, t.message); status != http.StatusOK {
				b.Fatalf("status %d", status)
			}
		}
		peak = max(peak, peakMemory(b, cmd.Process.Pid))
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	slices.Sort(starts)
	b.ReportMetric(float64(starts[len(starts)/2].Milliseconds()), "start-ms")
	b.ReportMetric(float64(peak)/1024, "peak-MB")
}

func get(b *testing.B, url string) int {
	response, err := http.Get(url) //nolint:noctx,gosec // a benchmark
	if err != nil {
		b.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// peakMemory is VmHWM in kB.
func peakMemory(b *testing.B, pid int) int {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(data)
	if m == nil {
		b.Fatal("no VmHWM")
	}
	kb, _ := strconv.Atoi(string(m[1]))
	return kb
}
