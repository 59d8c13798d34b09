package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qiuzhen/eval/cases"
)

// TestEvalGateAndCompare: what the two commands print and exit with, on run files.
func TestEvalGateAndCompare(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(change func(o *cases.Outcome)) []byte {
		o := cases.Outcome{Case: cases.Case{
			ID: "absent-1", Family: "f", Version: 1, Split: "gate", Turns: []string{"隔夜西瓜\x1b[2J能吃吗"}, Channel: "web", AsOf: "2026-11-27", Provenance: "test",
			Status: "draft", Expect: cases.Expect{Decision: "abstain"}, Slices: cases.Slices{Topic: "health", Risk: "low", Style: []string{"plain"}, Kind: "absent"},
		}, Decision: "abstain", Reply: "这个我还没有查证过，不能乱说。"}
		change(&o)
		m := cases.Manifest{Content: "some", Cases: cases.SetHash([]cases.Case{o.Case})}
		data, err := json.Marshal(cases.Run{ID: "r", Manifest: m, Outcomes: []cases.Outcome{o}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	write("good.json", run(func(*cases.Outcome) {}))
	write("bad.json", run(func(o *cases.Outcome) {
		o.Decision, o.Answers, o.Reply = "answer", []cases.Answer{{Entry: "watermelon", Verdict: "false"}}, "是谣言"
	}))
	write("other.json", run(func(o *cases.Outcome) { o.Case.ID = "absent-2" }))
	write("claimed.json", run(func(o *cases.Outcome) { o.Case.Status, o.Case.Reviewers = "locked", []string{"she"} }))
	write("broken.json", []byte(`{"outcomes": 3}`))
	write("gates.toml", []byte("[hard]\nfalse_match = { max = 0 }\n"))
	write("misspelt.toml", []byte("[hard]\nfalse_mach = { max = 0 }\n"))
	for _, c := range []struct {
		args string
		code int
		says []string
	}{
		{"gate --any-set --gates gates.toml good.json", 0, []string{"注意！这不是程序自带的那一套门槛用例", "可以发布", "数字是暂定的", "0%（1个里0个，95%区间 0%～79.3%）"}},
		{"gate --gates gates.toml good.json", 1, []string{"不能发布：这次评测不作数", "和程序自带的门槛用例不是一套"}},
		{"gate --any-set --gates gates.toml bad.json", 1, []string{"不能发布：1道门槛没有过", "100%（1个里1个", "高了。新的1个：absent-1"}},
		{"gate --any-set good.json", 1, []string{"不能发布", "只有1个用例，至少要100个才作数"}}, // of too few cases
		{"gate --any-set --gates gates.toml claimed.json", 0, []string{"有1个没有库里的签字可以核对", "1个用例里专家审定的有0个"}},
		{"gate --gates misspelt.toml good.json", 2, []string{"misspelt.toml:2: 没有 false_mach 这项指标"}},
		{"gate --gates none.toml good.json", 2, []string{"none.toml"}},
		{"gate none.json", 2, []string{"none.json"}},
		{"gate broken.json", 2, []string{"broken.json: 不是一次评测的 JSON"}},
		{"compare good.json bad.json", 0, []string{"新坏掉1个", "隔夜西瓜 [2J能吃吗", "原来：说没有查到", "现在：用 watermelon（谣言）回答：是谣言", "错在：没有条目能回答"}},
		{"compare bad.json good.json", 0, []string{"新修好1个"}},
		{"report good.json", 0, []string{"运行 r：1 个用例"}},
		{"report --gates gates.toml --against good.json --html out/r.html --json out/r.json --junit out/r.xml bad.json", 0, []string{"不能发布：1道门槛没有过", "给人看的：" + filepath.Join(dir, "out", "r.html")}},
		{"report none.json", 2, []string{"none.json"}},
		{"compare good.json other.json", 2, []string{"没有一个相同的用例"}},
	} {
		args := []string{"eval"}
		for _, a := range strings.Fields(c.args) {
			if filepath.Ext(a) != "" {
				a = filepath.Join(dir, filepath.FromSlash(a))
			}
			args = append(args, a)
		}
		r := runProgram(t, "", args...)
		if r.code != c.code {
			t.Errorf("%s: exit %d, want %d; %s%s", c.args, r.code, c.code, r.out, r.err)
		}
		for _, want := range c.says {
			if !strings.Contains(r.out+r.err, want) {
				t.Errorf("%s: %q is not in %s%s", c.args, want, r.out, r.err)
			}
		}
	}
	for name, want := range map[string]string{"r.html": "新坏掉", "r.json": `"state": "refused"`, "r.xml": `<failure message="`} {
		if data, err := os.ReadFile(filepath.Join(dir, "out", name)); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s does not have %s: %v", name, want, err)
		}
	}
}
