package cases

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

func figureNames() []string {
	var names []string
	for _, f := range slices.Concat(Figures, Lone) {
		names = append(names, f.Name)
	}
	return names
}

// isShare reports whether a figure lies between 0 and 1, and is shown in percent.
func isShare(name string) bool {
	return figure(name).Rate || slices.Contains([]string{KeyPointCoverage, ClaimsCovered, ECE, AURC}, name)
}

// hasInterval: areas, calibration and percentiles are of the whole run and have none.
func hasInterval(name string) bool {
	return figure(name).Rate || !slices.ContainsFunc(Lone, func(f Figure) bool { return f.Name == name })
}

// number is a figure as staff read it: a share in percent.
func number(metric string, v float64) string {
	if isShare(metric) {
		return strconv.FormatFloat(math.Round(v*1000)/10, 'f', -1, 64) + "%"
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

// change is a difference of figures as staff read it: of shares in percentage points, without the unit.
func change(metric string, d float64) string {
	if isShare(metric) {
		return fmt.Sprintf("%+g", math.Round(d*1000)/10+0) // +0: no -0
	}
	return fmt.Sprintf("%+g", math.Round(d*100)/100+0)
}

// Wants says what the gate asks for.
func (g Gate) Wants() string {
	switch {
	case g.Max != nil && g.Min != nil:
		return "要在" + number(g.Metric, *g.Min) + "到" + number(g.Metric, *g.Max) + "之间"
	case g.Max != nil && *g.Max == 0:
		return "一个也不能有"
	case g.Max != nil:
		return "最高" + number(g.Metric, *g.Max)
	case *g.Min == 1 && isShare(g.Metric):
		return "一个也不能少"
	}
	return "最低" + number(g.Metric, *g.Min)
}

func (p Passage) String() string {
	name := figure(p.Gate.Metric).Zh
	if p.Unknown {
		return fmt.Sprintf("%s（%s）：%s，不能当作过了", name, p.Gate.Metric, p.Reason)
	}
	f, of := p.Figure, ""
	if figure(p.Gate.Metric).Rate {
		of = fmt.Sprintf("%d个里%d个，", f.N, hits(f))
	} else {
		of = fmt.Sprintf("%d个，", f.N)
	}
	interval := "没有区间"
	if hasInterval(p.Gate.Metric) {
		interval = fmt.Sprintf("95%%区间 %s～%s", number(p.Gate.Metric, f.Low), number(p.Gate.Metric, f.High))
	}
	line := fmt.Sprintf("%s（%s）%s（%s%s），%s", name, p.Gate.Metric, number(p.Gate.Metric, f.Value), of, interval, p.Gate.Wants())
	if p.Reason != "" {
		line += "：" + p.Reason
	}
	return line
}

var shiftZh = map[string]string{"better": "变好了", "worse": "变差了", "suspect": "像是变差了，校正后不能肯定", "no_worse": "不比原来差", "unsure": "说不准"}

func (s Shift) String() string {
	count, unit := fmt.Sprintf("%d个", s.NA), ""
	if s.NA != s.NB {
		count = fmt.Sprintf("%d个和%d个", s.NA, s.NB)
	}
	if isShare(s.Metric) {
		unit = "个百分点"
	}
	verdict := shiftZh[s.Verdict]
	if s.Verdict == "no_worse" && s.Margin > 0 {
		verdict += "（容许差" + change(s.Metric, s.Margin)[1:] + unit + "）"
	}
	test := map[string]string{"mcnemar": "McNemar", "bootstrap": "重抽"}[s.Test]
	return fmt.Sprintf("%s（%s）%s → %s，差%s%s（%s～%s），%s，%s p %.2g，校正后 %.2g：%s", figure(s.Metric).Zh, s.Metric,
		number(s.Metric, s.A), number(s.Metric, s.B), change(s.Metric, s.B-s.A), unit, change(s.Metric, s.Low), change(s.Metric, s.High),
		count, test, s.P, s.Holm, verdict)
}

// Same reports whether nothing at all changed.
func (s Shift) Same() bool { return s.A == s.B && s.Low == 0 && s.High == 0 }
