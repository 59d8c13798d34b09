package report

import (
	"math"
	"slices"
	"strings"
	"testing"

	"qiuzhen/eval/cases"
	"qiuzhen/eval/stats"
)

func texts(p plot) (all []string) {
	for _, m := range p.Marks {
		if m.Tag == "text" {
			all = append(all, m.Text)
		}
	}
	return all
}

// inside: every mark is a number and within the picture.
func inside(t *testing.T, p plot) {
	t.Helper()
	for _, m := range p.Marks {
		for _, v := range []float64{m.X, m.Y, m.W, m.H} {
			if math.IsNaN(v) || v < 0 || v > float64(max(p.W, p.H)) {
				t.Errorf("%s: %+v", p.ID, m)
			}
		}
	}
	if p.Says == "" || p.Table.Caption == "" {
		t.Errorf("%s has no words or table", p.ID)
	}
}

func TestConfusion(t *testing.T) {
	p := confusion(map[string]map[string]int{"answer": {"answer": 30, "suggest": 8, "error": 2}, "abstain": {"abstain": 5}, "any": {"suggest": 1}})
	inside(t, p)
	if got := p.Table.Rows[0]; !slices.Equal(got, []string{"回答", "30（75%）", "8（20%）", "0（0%）", "2（5%）"}) {
		t.Errorf("%q", got)
	}
	if !strings.Contains(p.Says, "该直接回答的40个里，这样做的30个；该说没有查到的5个里，这样做的5个") || len(p.Table.Rows) != 3 {
		t.Errorf("%s %q", p.Says, p.Table.Rows)
	}
	inside(t, confusion(nil))
}

func TestRiskCoverage(t *testing.T) {
	p := riskCoverage([]stats.Point{{Threshold: .9, Coverage: .5, Risk: 0}, {Threshold: .1, Coverage: 1, Risk: .5}}, cases.Interval{N: 2, Value: .25})
	inside(t, p)
	if p.Says != "越低越好：答50%时错0%，答100%时错50%；曲线下面积（AURC）25%，共2个。" || len(p.Table.Rows) != 10 {
		t.Errorf("%s %q", p.Says, p.Table.Rows)
	}
	inside(t, riskCoverage([]stats.Point{{Threshold: .9, Coverage: 1, Risk: 1}}, cases.Interval{N: 1, Value: 1}))
	inside(t, riskCoverage(nil, cases.Interval{}))
}

func TestReliability(t *testing.T) {
	p := reliability([]stats.Bin{{Low: 0, High: .5, N: 10, Mean: .1, Rate: .4}, {Low: .5, High: 1}}, cases.Interval{N: 10, Value: .3})
	inside(t, p)
	if !strings.Contains(p.Says, "差得最多的一档：说10%把握，真的对40%（10个）") || len(p.Table.Rows) != 1 {
		t.Errorf("%s %q", p.Says, p.Table.Rows)
	}
	inside(t, reliability(nil, cases.Interval{}))
}

// TestSlices: the worst of each dimension comes first, the gate's bound is on the scale, small slices are in the table only, and what is
// certainly worse than all is named.
func TestSlices(t *testing.T) {
	rate := func(k, n int) cases.Interval {
		low, high := stats.Wilson(k, n)
		return cases.Interval{N: n, Value: float64(k) / float64(n), Low: low, High: high}
	}
	m := cases.Metrics{Figures: map[string]map[string]cases.Interval{cases.FalseMatch: {
		cases.All: rate(12, 200), "topic=health": rate(10, 40), "topic=fraud": rate(1, 156), "topic=none": rate(1, 4), "risk=low": rate(12, 200),
	}}}
	bound := .7
	p := slicesPlot(m, cases.FalseMatch, []cases.Passage{{Gate: cases.Gate{Metric: cases.FalseMatch, Max: &bound}}})
	inside(t, p)
	if got := strings.Join(texts(p), " "); !strings.Contains(got, "0% 40% 80%") || !strings.Contains(got, "健康 25% 40 防骗 0.6% 156") || strings.Contains(got, "不属于哪类") {
		t.Error(got)
	}
	if !strings.Contains(p.Alt, "明显比整体差的：主题：健康 25%（40个里10个）。") {
		t.Error(p.Alt)
	}
	if got := p.Table.Rows[1][0]; len(p.Table.Rows) != 4 || !slices.Contains([]string{"主题：健康", "主题：不属于哪类"}, got) {
		t.Errorf("%q", p.Table.Rows)
	}
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"喝白酒\r\n能杀病毒", "喝白酒\n能杀病毒"}, {"a\x00b\x7f\u0085", "a□b□□"}, {"\u202eabc\u2066", "□abc□"}, {"\xffa", "□a"}, {"\ufffe\ufdd0", "□□"}, {"👨‍👩‍👧", "👨‍👩‍👧"},
	} {
		if got := clean(c.in); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}
