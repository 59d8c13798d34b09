package cases

import (
	"strings"
	"testing"
)

// TestReadGates: whatever is wrong with a file of gates is said with its line, and then the file is not used.
func TestReadGates(t *testing.T) {
	const good = "[hard]\nfalse_match = { max = 0.03 }\n"
	for _, c := range []struct {
		name, file string
		want       []string // "line: part of what is said"
	}{
		{"fine", good + "[soft]\nurgent_recall = { min = 0.97, n = 100 }\n[margin]\nurgent_recall = 0.01\n", nil},
		{"a table a gate", "[hard.false_match]\nmax = 0.03\n", nil},
		{"nothing", "", []string{"0: [hard] 里一条也没有"}},
		{"soft gates only", "[soft]\nfalse_match = { max = 0.03 }\n", []string{"0: [hard] 里一条也没有"}},
		{"unknown metric", good + "false_mach = { max = 0 }\n", []string{"3: 没有 false_mach 这项指标"}},
		{"unknown metric with a margin", good + "[margin]\n\nfalse_mach = 0.1\n", []string{"5: 没有 false_mach"}},
		{"unknown section", good + "[herd]\nurgent_recall = { min = 1 }\n", []string{"3: 不认识 herd"}},
		{"unknown bound", good + "# note\nurgent_recall = { min = 1, maks = 2 }\n", []string{"4: 不认识 hard.urgent_recall.maks"}},
		{"unknown bound in a table", "[hard.urgent_recall]\nmin = 1\nleast = 2\n", []string{"3: 不认识 hard.urgent_recall.least"}},
		{"unknown setting at the top", "max = 1\n" + good, []string{"1: 不认识 max"}},
		{"no bound", good + "urgent_recall = { n = 5 }\n", []string{"3: urgent_recall 没有写 min"}},
		{"the wrong side of what is bad", "[hard]\nfalse_match = { min = 0.03 }\n", []string{"2: false_match 越低越好"}},
		{"the wrong side of what is good", good + "urgent_recall = { max = 0.97 }\n", []string{"3: urgent_recall 越高越好"}},
		{"percent for a share", "[hard]\nfalse_match = { max = 3 }\n", []string{"2: false_match 是比例"}},
		{"no number", "[hard]\nfalse_match = { max = nan }\n", []string{"2: false_match 的界限不是一个数"}},
		{"min above max", good + "urgent_recall = { min = 0.9, max = 0.8 }\n", []string{"3: urgent_recall 的 min 比 max 大"}},
		{"of no cases", good + "urgent_recall = { min = 0.9, n = 0 }\n", []string{"3: urgent_recall 的 n 至少是1"}},
		{"hard and soft", good + "[soft]\nfalse_match = { max = 0.03 }\n", []string{"4: false_match 又是硬门槛"}},
		{"negative margin", good + "[margin]\nurgent_recall = -0.1\n", []string{"4: urgent_recall 的界限是 -0.1"}},
		{"a word for a number", good + "urgent_recall = { min = \"high\" }\n", []string{"3: 读不懂"}},
		{"not TOML", good + "urgent_recall >= 0.97\n", []string{"3: 读不懂"}},
		{"twice", good + "false_match = { max = 1 }\n", []string{"3: 读不懂"}},
	} {
		_, complaints := ReadGates("g.toml", []byte(c.file))
		var said []string
		for _, x := range complaints {
			said = append(said, strings.TrimPrefix(x.String(), "g.toml:"))
		}
		ok := len(said) == len(c.want)
		for i := range c.want {
			ok = ok && strings.HasPrefix(said[i], c.want[i])
		}
		if !ok {
			t.Errorf("%s: %q, want %q", c.name, said, c.want)
		}
	}
}

// TestGates: what was not measured, or of too few cases, is not passed, hard or soft.
func TestGates(t *testing.T) {
	gates, complaints := ReadGates("g.toml", []byte("[hard]\nfalse_match = { max = 0.03, n = 100 }\n[soft]\nurgent_recall = { min = 0.97 }\n"))
	if len(complaints) > 0 {
		t.Fatal(complaints)
	}
	low, nan := 0.02, 0.0
	nan /= nan
	for _, c := range []struct {
		name    string
		match   *Interval
		recall  *Interval
		reasons [2]string
		blocks  [2]bool
	}{
		{"passed", &Interval{N: 100, Value: low}, &Interval{N: 1, Value: 1}, [2]string{"", ""}, [2]bool{}},
		{"on the bounds", &Interval{N: 100, Value: .03}, &Interval{N: 1, Value: .97}, [2]string{"", ""}, [2]bool{}},
		{"above", &Interval{N: 100, Value: .04}, &Interval{N: 1, Value: .96}, [2]string{"高了", "低了"}, [2]bool{true, false}},
		{"missing", nil, nil, [2]string{"没有测到", "没有测到"}, [2]bool{true, true}},
		{"of nothing", &Interval{}, &Interval{Value: 1}, [2]string{"没有一个用例", "没有一个用例"}, [2]bool{true, true}},
		{"of too few", &Interval{N: 99}, &Interval{N: 1, Value: 1}, [2]string{"只有99个", ""}, [2]bool{true, false}},
		{"no number", &Interval{N: 100, Value: nan}, &Interval{N: 1, Value: nan}, [2]string{"算出来的不是", "算出来的不是"}, [2]bool{true, true}},
	} {
		m := Metrics{Figures: map[string]map[string]Interval{}}
		if c.match != nil {
			m.Figures[FalseMatch] = map[string]Interval{All: *c.match}
		}
		if c.recall != nil {
			m.Figures[UrgentRecall] = map[string]Interval{All: *c.recall}
		}
		for i, p := range gates.Pass(m) {
			if !strings.HasPrefix(p.Reason, c.reasons[i]) || (p.Reason == "") != (c.reasons[i] == "") || p.Blocks() != c.blocks[i] {
				t.Errorf("%s: %s: %q, blocks %v", c.name, p.Gate.Metric, p.Reason, p.Blocks())
			}
		}
	}
}
