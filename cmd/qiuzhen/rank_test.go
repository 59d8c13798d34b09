//go:build !race

package main

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// rankFolder writes a small collection: what readers ask of four documents, and one question that none answers.
func rankFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, lines := range map[string]string{
		"corpus.jsonl": `{"_id":"z_9","title":"喝白酒能杀死流感病毒","text":"喝下去的酒到不了能消毒的浓度，只会伤胃、伤肝。"}
{"_id":"A-1","title":"","text":"地震时住楼上先蹲到结实的桌子下面，抓牢桌腿，摇完再走楼梯。"}
{"_id":"a.2","title":"吃盐防核辐射","text":"碘盐里的碘太少，防不了辐射，吃多了伤身体。"}
{"_id":"空","title":"","text":"🔥"}
`,
		"queries.jsonl": `{"_id":"q1","text":"白酒能不能杀流感病毒"}
{"_id":"q2","text":"地震了住五楼怎么办"}
{"_id":"q3","text":"……"}
`,
		"queries_abstain.jsonl": `{"_id":"n1","text":"今晚的球赛几点开始"}
`,
		"qrels.tsv": "query-id\tcorpus-id\tscore\nq1\tz_9\t1\nq2\tA-1\t1\nq3\ta.2\t1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRank(t *testing.T) {
	demo(t)
	dir := rankFolder(t)
	run := filepath.Join(t.TempDir(), "out.run")
	got := runProgram(t, "", "--data", testData, "--demo", "eval", "rank", dir, "--run", run, "--json")
	if got.code != 0 {
		t.Fatalf("exit %d: %s", got.code, got.err)
	}
	report := checkRankJSON(t, got.out)
	if report["n_present"] != 3. || report["n_absent"] != 1. || report["r1"].(float64) != 2./3 {
		t.Errorf("%s", got.out)
	}
	best := map[string]string{}
	for _, f := range runLines(t, run) {
		if f[3] == "1" {
			best[f[0]] = f[2]
		}
	}
	if best["q1"] != "z_9" || best["q2"] != "A-1" || best["q3"] != "" || best["n1"] == "" {
		t.Errorf("best %v", best)
	}
}

// runLines are the fields of a run file: six a line, ranks counting up, scores not rising, equal scores by ascending id.
func runLines(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all [][]string
	for s := bufio.NewScanner(file); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) != 6 || f[1] != "Q0" {
			t.Fatalf("line %q", s.Text())
		}
		if n := len(all); n > 0 && all[n-1][0] == f[0] {
			before, _ := strconv.ParseFloat(all[n-1][4], 64)
			score, _ := strconv.ParseFloat(f[4], 64)
			if score > before || score == before && f[2] < all[n-1][2] {
				t.Errorf("%v after %v", f, all[n-1])
			}
			if rank, _ := strconv.Atoi(f[3]); all[n-1][3] != strconv.Itoa(rank-1) || rank > 10 {
				t.Errorf("rank %s after %s", f[3], all[n-1][3])
			}
		}
		all = append(all, f)
	}
	return all
}

func checkRankJSON(t *testing.T, data string) map[string]any {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schemas/rank.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var report map[string]any
	if err := json.Unmarshal([]byte(data), &report); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if err := schema.Validate(report); err != nil {
		t.Errorf("%v\n%s", err, data)
	}
	return report
}

// TestRankAgreesWithScorer: an independent program that reads the run comes to the same figures.
func TestRankAgreesWithScorer(t *testing.T) {
	demo(t)
	shared := os.Getenv("QIUZHEN_SHARED")
	if shared == "" {
		shared = "../../../shared"
	}
	folder := filepath.Join(shared, "data/retrieval/rumor_irj_smoke")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("QIUZHEN_SHARED holds no data/retrieval/rumor_irj_smoke to measure on")
	}
	for _, leave := range []bool{false, true} {
		run := filepath.Join(t.TempDir(), "out.run")
		args := []string{"--data", testData, "--demo", "eval", "rank", folder, "--run", run, "--json"}
		scorer := exec.Command("python3", filepath.Join(shared, "tools/score_run.py"), folder, run)
		names := map[string]string{"r1": "r1", "r3": "r3", "mrr10": "mrr10", "ndcg10": "ndcg10", "recall10": "recall10", "shipped_right": "as_shipped.right", "shipped_wrong": "as_shipped.wrong"}
		if leave {
			args = append(args, "--leave-out", "0.5")
			scorer.Env = append(os.Environ(), "LEAVE=1")
			names["right_at_fmr3"], names["wrong_at_fmr3"], names["auroc"] = "at_fmr3.right", "at_fmr3.wrong", "auroc"
			names["shipped_fmr"], names["shipped_suggested_absent"] = "as_shipped.false_match", "as_shipped.suggested_absent"
		}
		got := runProgram(t, "", args...)
		if got.code != 0 {
			t.Fatalf("exit %d: %s", got.code, got.err)
		}
		report := checkRankJSON(t, got.out)
		out, err := scorer.Output()
		if err != nil {
			t.Fatalf("the scorer: %v", err)
		}
		var theirs map[string]float64
		if err := json.Unmarshal(out[strings.IndexByte(string(out), '{'):], &theirs); err != nil {
			t.Fatal(err)
		}
		for their, our := range names {
			if ours := look(report, our); math.Abs(theirs[their]-ours) > 5.1e-5 { // theirs has four digits
				t.Errorf("leave out %t: %s is %v, the scorer says %v", leave, our, ours, theirs[their])
			}
		}
	}
}

func look(report map[string]any, name string) float64 {
	block, field, ok := strings.Cut(name, ".")
	if !ok {
		return report[name].(float64)
	}
	return report[block].(map[string]any)[field].(float64)
}

func TestRankRefuses(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"eval rank /nowhere", "corpus.jsonl"},
		{"eval rank . --near 0.5", "--near needs --leave-out"},
		{"eval rank . --leave-out 1", "--leave-out is a share"},
	} {
		got := runProgram(t, "", append([]string{"--data", testData}, strings.Fields(c.args)...)...)
		if got.code != exitUsage || !strings.Contains(got.err, c.want) {
			t.Errorf("%s: exit %d, %q", c.args, got.code, got.err)
		}
	}
}
