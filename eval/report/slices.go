package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"qiuzhen/eval/cases"
)

// plotted are the figures whose slices are drawn: what harms, and whether it helps.
var plotted = []string{cases.WrongAnswer, cases.ContraryAnswered, cases.FalseMatch, cases.UrgentRecall, cases.FalseAlarms, cases.RightShown}

// named is a figure of a slice.
type named struct {
	slice string
	cases.Interval
}

// sliced are a figure's slices by dimension, the worst of each first.
func sliced(m cases.Metrics, figure string) []named {
	var out []named
	up := cases.Named(figure).Up
	for _, d := range dimensions {
		var of []named
		for slice, i := range m.Figures[figure] {
			if strings.HasPrefix(slice, d.key+"=") {
				of = append(of, named{slice, i})
			}
		}
		slices.SortFunc(of, func(a, b named) int {
			worse := cmp.Compare(b.Value, a.Value)
			if up {
				worse = -worse
			}
			return cmp.Or(worse, cmp.Compare(b.N, a.N), cmp.Compare(a.slice, b.slice))
		})
		if len(of) > 1 || d.key != "kind" && len(of) > 0 { // a dimension of one slice says what the whole says
			out = append(out, of...)
		}
	}
	return out
}

// slicesPlot draws a figure of each slice as a dot in the bar of its interval; a dashed line is what the gate asks for.
func slicesPlot(m cases.Metrics, figure string, gates []cases.Passage) plot {
	all := append([]named{{cases.All, m.Figures[figure][cases.All]}}, sliced(m, figure)...)
	name := figureZh(figure)
	p := plot{ID: "slices-" + figure, Title: name, W: plotWidth, Table: sliceTable(figure, all)}
	const left, width, top, row, gap = 118.0, 162.0, 34.0, 25.0, 10.0
	x := func(v float64) float64 { return left + width*min(1, max(0, v)) }
	y, dimension := top, ""
	for _, s := range all {
		key, value, _ := strings.Cut(s.slice, "=")
		if key != dimension && dimension != "" {
			y += gap
		}
		dimension = key
		text, class := word(key, value), "lab"
		if s.slice == cases.All {
			text, class = "全部", "lab strong"
		}
		p.Marks = append(p.Marks, label(class, "end", left-10, y+17, clip(text, 7)), rect("bar", x(s.Low), y+7, max(1, x(s.High)-x(s.Low)), 11),
			circle("dot", x(s.Value), y+12.5, 5), label("num", "start", left+width+10, y+17, fmt.Sprintf("%s/%d", cases.Number(figure, s.Value), s.N)))
		y += row
	}
	frame := []mark{line("axis", left, top, left, y)}
	for _, v := range []float64{0, .5, 1} {
		frame = append(frame, line("grid", x(v), top, x(v), y), label("tick", "middle", x(v), top-8, percent(v)))
	}
	for _, g := range gates {
		for _, bound := range []*float64{g.Gate.Min, g.Gate.Max} {
			if g.Gate.Metric == figure && bound != nil {
				frame = append(frame, line("limit", x(*bound), top, x(*bound), y))
			}
		}
	}
	p.Marks, p.H = append(frame, p.Marks...), int(y+6)
	p.Says = fmt.Sprintf("%s：全部%s（%s）。", name, valueOf(figure, all[0].Interval), countOf(figure, all[0].Interval))
	if worse := conspicuous(m, figure); len(worse) > 0 {
		p.Says += "明显比整体差的：" + strings.Join(worse, "；") + "。"
	}
	return p
}

// conspicuous are the slices whose whole interval is worse than the figure of all cases.
func conspicuous(m cases.Metrics, figure string) (found []string) {
	all, up := m.Figures[figure][cases.All], cases.Named(figure).Up
	for _, s := range sliced(m, figure) {
		if up && s.High < all.Value || !up && s.Low > all.Value {
			found = append(found, fmt.Sprintf("%s %s（%s）", sliceZh(s.slice), valueOf(figure, s.Interval), countOf(figure, s.Interval)))
		}
	}
	return found
}

func sliceTable(figure string, all []named) table {
	t := table{Caption: figureZh(figure) + "，按切片", Head: []string{"切片", "数值", "个数", "95%区间"}}
	for _, s := range all {
		t.Rows = append(t.Rows, []string{sliceZh(s.slice), valueOf(figure, s.Interval), countOf(figure, s.Interval), intervalOf(figure, s.Interval)})
	}
	return t
}

// sliceTables are those of the figures that are not drawn.
func sliceTables(m cases.Metrics) (tables []table) {
	for _, name := range order {
		if all := sliced(m, name); len(all) > 0 && !slices.Contains(plotted, name) {
			tables = append(tables, sliceTable(name, append([]named{{cases.All, m.Figures[name][cases.All]}}, all...)))
		}
	}
	return tables
}
