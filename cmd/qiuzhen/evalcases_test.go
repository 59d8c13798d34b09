package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"qiuzhen/eval/cases"
)

// TestEvalCases asks a few of the gate's cases: what is printed fits its schemas and the committed run, and asked again the same comes. The whole
// gate is asked by make eval.
func TestEvalCases(t *testing.T) {
	demo(t)
	dir := t.TempDir()
	some, out := filepath.Join(dir, "some.jsonl"), filepath.Join(dir, "run.json")
	if err := os.WriteFile(some, []byte(someCases(t, 120)), 0o600); err != nil {
		t.Fatal(err)
	}
	got := runProgram(t, "", "--data", testData, "eval", "cases", "--json", "--out", out, "--golden", "../../eval/testdata/golden/cases.json", some)
	if got.code != 0 { // none of these is near a threshold
		t.Fatalf("exit %d: %s", got.code, got.err)
	}
	fits(t, "metrics.schema.json", []byte(got.out))
	run, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	fits(t, "run.schema.json", run)
	again := runProgram(t, "", "--data", testData, "eval", "cases", "--replay", "latest")
	if again.code != 0 || !strings.Contains(again.out, "0 个的结果不同") {
		t.Errorf("exit %d: %s%s", again.code, again.out, again.err)
	}
}

// someCases are every nth line of the gate's files, but what is changed from another case or left out as a near-copy of one.
func someCases(t *testing.T, n int) string {
	t.Helper()
	files, err := cases.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	reading := cases.Read(files, cases.Known{})
	copied := func(line string) bool {
		return slices.ContainsFunc(reading.Copies, func(c cases.Copy) bool { return strings.Contains(line, fmt.Sprintf("%q", c.ID)) })
	}
	for _, f := range files {
		if strings.Contains(f.Name, "/gate_") {
			all = append(all, strings.Split(strings.TrimSpace(string(f.Data)), "\n")...)
		}
	}
	var some []string
	for i := 0; i < len(all); i += n {
		if !strings.Contains(all[i], "perturbation_of") && !copied(all[i]) {
			some = append(some, all[i])
		}
	}
	return strings.Join(some, "\n") + "\n"
}

func fits(t *testing.T, schema string, data []byte) {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile("../../docs/schemas/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if err := compiled.Validate(v); err != nil {
		t.Errorf("%s: %v", schema, err)
	}
}

func TestEvalCasesRefuses(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.jsonl")
	if err := os.WriteFile(broken, []byte("{\"id\":\"x\"}\n[]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := runProgram(t, "", "--data", testData, "eval", "cases", "--check", broken)
	if got.code != exitUsage || !strings.Contains(got.err, broken+":1: 缺字段 family_id") || !strings.Contains(got.err, broken+":2: 不是JSON对象") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
	if got := runProgram(t, "", "--data", testData, "eval", "cases", "/nowhere.jsonl", "--check"); got.code != exitUsage {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}
