package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"qiuzhen/postgres/postgrestest"
)

// BenchmarkSoak is `make soak`: the same measures on SOAK_PASSAGES passages, beside what building and keeping them costs. Beyond
// SOAK_REAL the texts and vectors are synthetic: noisy copies of the real ones.
func BenchmarkSoak(b *testing.B) {
	if os.Getenv("SOAK_PASSAGES") == "" {
		b.Skip("SOAK_PASSAGES is not set; `make soak` sets it")
	}
	n := soakSize(b, "SOAK_PASSAGES", 0)
	s := openScale(b, n, soakSize(b, "SOAK_REAL", realPassages))
	fmt.Printf("%d passages: %d of real text with the model's vectors, %d synthetic (noisy copies of those)\n", n, s.real, n-s.real)
	s.printBuild(b)
	b.Run("serve", s.measureMemory)
	measureScale(b, s, 50)
}

func soakSize(b *testing.B, name string, fallback int) int {
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1000 {
		b.Fatalf("%s=%s: a number of passages from 1000", name, text)
	}
	return n
}

// printBuild tells how long each step of the build took and how large what it made is.
func (s *scaled) printBuild(b *testing.B) {
	for _, step := range s.steps {
		fmt.Printf("built %-40s %8.1f s\n", step.Name, step.Took.Seconds())
	}
	sizes, err := postgrestest.Sizes(context.Background(), s.dsn)
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range sizes {
		fmt.Printf("size  %-40s %8.1f MB\n", size.Name, float64(size.Bytes)/1e6)
	}
}

// measureMemory starts the real program on the database and asks it; peak-MB is its VmHWM, Postgres apart.
func (s *scaled) measureMemory(b *testing.B) {
	messages := readWordings(b, "../../eval/testdata/wordings/tune_messages.jsonl")
	for b.Loop() {
		cmd := program(b, "--data", s.Settings.dataDir, "--set", "database_url="+s.dsn, "serve", "--listen", "127.0.0.1:0")
		stderr, err := cmd.StderrPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		begin, address := time.Now(), serveAddress(b, stderr)
		b.ReportMetric(float64(time.Since(begin).Milliseconds()), "start-ms")
		for _, m := range messages[:100] {
			if status := post(b, address, m.Text); status != http.StatusOK {
				b.Errorf("status %d", status)
			}
		}
		b.ReportMetric(float64(peakMemory(b, cmd.Process.Pid))/1024, "peak-MB")
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
}
