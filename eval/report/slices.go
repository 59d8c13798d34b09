package report

import (
	"cmp"
	"fmt"
	"math"
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
		if len(of) > 1 { // a dimension of one slice says what the whole says
			out = append(out, of...)
		}
	}
	return out
}

// fewest is how many cases a slice has to have to be drawn; the table has all.
const fewest = 5

// The columns of a plot of slices: names, the scale, values, numbers of cases.
const (
	namesEnd, scaleLeft, scaleWidth, valuesEnd = 108.0, 118.0, 130.0, 310.0
	rowHeight, headHeight                      = 25.0, 24.0
)

// slicesPlot draws a figure of each slice as a dot in the bar of its interval; a dashed line is what the gate asks for.
func slicesPlot(m cases.Metrics, figure string, gates []cases.Passage) plot {
	all := append([]named{{cases.All, m.Figures[figure][cases.All]}}, sliced(m, figure)...)
	drawn := slices.DeleteFunc(slices.Clone(all), func(s named) bool { return s.N < fewest && s.slice != cases.All })
	bounds := boundsOf(figure, gates)
	low, high := scaleOf(drawn, bounds)
	x := func(v float64) float64 { return scaleLeft + scaleWidth*min(1, max(0, (v-low)/(high-low))) }
	p := plot{ID: "slices-" + figure, Title: figureZh(figure), W: plotWidth, Table: sliceTable(figure, all)}
	const top = 30.0
	var rows []mark
	y, dimension := top, ""
	for _, s := range drawn {
		key, value, _ := strings.Cut(s.slice, "=")
		class, name := "lab", word(key, value)
		if s.slice == cases.All {
			class, name = "lab strong", "全部"
		} else if key != dimension {
			y += headHeight
			rows = append(rows, label("small", "start", 0, y-4, dimensionZh(key)))
		}
		dimension = key
		rows = append(rows, label(class, "end", namesEnd, y+17, clip(name, 7)), rect("bar", x(s.Low), y+7, max(1, x(s.High)-x(s.Low)), 11),
			circle("dot", x(s.Value), y+12.5, 5), label("num", "end", valuesEnd, y+17, cases.Number(figure, s.Value)),
			label("small num", "end", plotWidth-2, y+17, fmt.Sprint(s.N)))
		y += rowHeight
	}
	var frame []mark
	for _, v := range []float64{low, (low + high) / 2, high} {
		frame = append(frame, line("grid", x(v), top, x(v), y), label("tick", "middle", x(v), top-10, percent(v)))
	}
	frame = append(frame, line("axis", scaleLeft, top, scaleLeft, y), label("tick", "end", plotWidth-2, top-10, "个数"))
	for _, v := range bounds {
		frame = append(frame, line("limit", x(v), top, x(v), y))
	}
	p.Marks, p.H = append(frame, rows...), int(y+6)
	p.Says = fmt.Sprintf("全部%s（%s）。", valueOf(figure, all[0].Interval), countOf(figure, all[0].Interval))
	if worse := conspicuous(m, figure); len(worse) > 0 {
		p.Alt = p.Says + "明显比整体差的：" + strings.Join(worse, "；") + "。"
	}
	return p
}

func dimensionZh(key string) string {
	for _, d := range dimensions {
		if d.key == key {
			return d.zh
		}
	}
	return key
}

// boundsOf are what the gates ask of a figure.
func boundsOf(figure string, gates []cases.Passage) (bounds []float64) {
	for _, g := range gates {
		for _, b := range []*float64{g.Gate.Min, g.Gate.Max} {
			if g.Gate.Metric == figure && b != nil {
				bounds = append(bounds, *b)
			}
		}
	}
	return bounds
}

// scaleOf is the part of 0 to 1 that holds all intervals and bounds, to the next fifth.
func scaleOf(of []named, bounds []float64) (low, high float64) {
	low, high = 1, 0
	for _, s := range of {
		low, high = min(low, s.Low), max(high, s.High)
	}
	for _, b := range bounds {
		low, high = min(low, b), max(high, b)
	}
	low, high = max(0, math.Floor(low*5)/5), min(1, math.Ceil(high*5)/5)
	if high <= low {
		return 0, 1
	}
	return low, high
}

// conspicuousFrom is how many cases a slice has to have to be named as worse.
const conspicuousFrom = 10

// conspicuous are the slices whose whole interval is worse than the figure of all cases.
func conspicuous(m cases.Metrics, figure string) (found []string) {
	all, up := m.Figures[figure][cases.All], cases.Named(figure).Up
	for _, s := range sliced(m, figure) {
		if s.N >= conspicuousFrom && (up && s.High < all.Value || !up && s.Low > all.Value) {
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
