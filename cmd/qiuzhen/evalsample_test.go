//go:build !race

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestGateOnASample: every tenth case of the gate is asked, and the gates that allow none, or want all, hold but for the known failures. Rates
// and pairs of wordings are judged on all cases (make eval): a tenth has too few for a bound of 1%.
func TestGateOnASample(t *testing.T) {
	demo(t)
	dir := t.TempDir()
	some, out, gates := filepath.Join(dir, "some.jsonl"), filepath.Join(dir, "run.json"), filepath.Join(dir, "gates.toml")
	committed, err := os.ReadFile("../../eval/cases/gates.toml")
	if err != nil {
		t.Fatal(err)
	}
	fewer := regexp.MustCompile(`, n = \d+|(?m)^(verdict_flips|wrong_verdict|wrong_answer|false_match|contrary_answered) .*$`).ReplaceAll(committed, nil)
	for path, content := range map[string][]byte{some: []byte(someCases(t, 10)), gates: fewer} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := runProgram(t, "", "--data", testData, "eval", "cases", "--out", out, some); got.code != 0 {
		t.Fatalf("exit %d: %s%s", got.code, got.out, got.err)
	}
	got := runProgram(t, "", "--data", testData, "eval", "gate", "--any-set", "--gates", gates, out)
	t.Log(got.out)
	if got.code != 0 {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}
