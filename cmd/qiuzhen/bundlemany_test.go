//go:build !race

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"qiuzhen/bundle"
	"qiuzhen/knowledge"
)

// TestBundleMany: the real program takes in a bundle of SOAK_BUNDLE entries (make soak: 10,000), is killed with kill -9 half-way and is run again.
// What is there after the kill is whole, in the end all is, and a third run writes nothing. Without the model: what it costs is BenchmarkIngest10000's.
func TestBundleMany(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("SOAK_BUNDLE"))
	if n < 20 {
		t.Skip("SOAK_BUNDLE is not set; `make soak` sets it")
	}
	to := newTown(t, "many-bundles")
	to.staffed()
	file := filepath.Join(t.TempDir(), "bundle.zip")
	key := writeMany(t, file, n)
	args := []string{"--data", to.data, "--set", "embedder=none", "--set", "password=" + townPassword,
		"bundle", "import", "--yes", "--as", "admin", "--trust", key.Fingerprint(), file}
	stored := func() int {
		out := to.program(0, "", "db", "psql", "--", "-Atc", `SELECT count(*) FROM entries`).out
		count, err := strconv.Atoi(strings.TrimSpace(out))
		if err != nil {
			t.Fatal(out)
		}
		return count
	}
	begin := time.Now()
	cmd := program(t, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for stored() < n/2 {
		if time.Since(begin) > 20*time.Minute {
			t.Fatalf("not half of it after 20 minutes: %s", said.String())
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	half := stored()
	to.whole()
	begin = time.Now()
	cmd = program(t, args...)
	out, err := cmd.CombinedOutput()
	took := time.Since(begin)
	if err != nil || !strings.Contains(string(out), fmt.Sprintf("写入草稿 %d 条", n-half)) || stored() != n {
		t.Fatalf("the second run: %v, %d of %d there\n%.2000s", err, stored(), n, out)
	}
	to.whole()
	fmt.Printf("a bundle of %d: %d there after kill -9, the other %d in %.1f s with start and checks (%.0f entries/s)\n",
		n, half, n-half, took.Seconds(), float64(n-half)/took.Seconds())
	begin = time.Now()
	if out, err = program(t, args...).CombinedOutput(); err != nil || !strings.Contains(string(out), "写入草稿 0 条") {
		t.Errorf("a third run: %v\n%.2000s", err, out)
	}
	fmt.Printf("the same bundle once more: %.1f s, nothing written\n", time.Since(begin).Seconds())
	to.program(0, "链条完整", "audit", "verify")
}

// whole checks that nothing is there in part: every entry has its version, complete, with passages and the bundle that it came in.
func (c town) whole() {
	c.t.Helper()
	out := c.program(0, "", "db", "psql", "--", "-Atc", `
		SELECT count(*) FROM entries e WHERE NOT EXISTS (SELECT FROM entry_versions v JOIN version_bundles b USING (entry_id, version)
		 WHERE v.entry_id = e.id AND v.complete AND EXISTS (SELECT FROM passages p WHERE p.entry_id = v.entry_id AND p.version = v.version))`).out
	if strings.TrimSpace(out) != "0" {
		c.t.Errorf("in part only: %s", out)
	}
}

// writeMany makes a bundle of n entries, varied from those of the starter pack.
func writeMany(t *testing.T, file string, n int) bundle.PublicKey {
	t.Helper()
	entries, err := embeddedEntries()
	if err != nil {
		t.Fatal(err)
	}
	s := &settings{values: map[string]value{"bundle_key": {strings.Repeat("cd", 32), "test"}}}
	key, err := s.bundleKey()
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(file) //nolint:gosec // of this test
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	now := time.Now().UTC().Truncate(time.Microsecond)
	item := bundle.Item{Version: 1, Published: now, Expires: now.AddDate(1, 0, 0), Reviews: []bundle.Review{
		{Reviewer: "甲", Institution: "某院", Role: "expert", At: now}, {Reviewer: "乙", Institution: "某院", Role: "editor", At: now}}}
	w := bundle.NewWriter(out)
	for i := range n {
		e := entries[i%len(entries)]
		e.ID = knowledge.ID(fmt.Sprintf("v%05d-%s", i, e.ID[:min(len(e.ID), 40)]))
		e.ID = knowledge.ID(strings.TrimRight(string(e.ID), "-"))
		if err := w.Add(item, e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(bundle.Manifest{City: "某市", Created: now, Program: "test"}, key); err != nil {
		t.Fatal(err)
	}
	return bundle.KeyOf(key)
}
