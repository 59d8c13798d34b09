package report

import (
	"fmt"
	"math"
	"strings"

	"qiuzhen/eval/cases"
	"qiuzhen/eval/stats"
)

// plotWidth is that of a telephone, on which a picture is shown about as it is drawn: its letters (15 units) stay readable there.
const plotWidth = 360

// plot is a picture, the same in words, and its numbers as a table. The template draws the marks one after the other.
type plot struct {
	ID, Title, Says string
	Alt             string // says more to who cannot see it; empty: Says does
	W, H            int
	Marks           []mark
	Table           table
}

// mark is a shape or a text of a plot; Class gives it its looks.
type mark struct {
	Tag        string // rect, line, circle, text, path
	Class      string
	X, Y, W, H float64 // of a line, W and H go to its other end; of a circle, W is the radius
	D          string  // of a path
	Text       string
	Anchor     string // of a text: start, middle, end
}

type table struct {
	Caption string
	Head    []string
	Rows    [][]string // the first cell names the row
}

func rect(class string, x, y, w, h float64) mark {
	return mark{Tag: "rect", Class: class, X: round1(x), Y: round1(y), W: round1(w), H: round1(h)}
}

func line(class string, x, y, x2, y2 float64) mark {
	return mark{Tag: "line", Class: class, X: round1(x), Y: round1(y), W: round1(x2), H: round1(y2)}
}

func circle(class string, x, y, r float64) mark {
	return mark{Tag: "circle", Class: class, X: round1(x), Y: round1(y), W: round1(r)}
}

func label(class, anchor string, x, y float64, text string) mark {
	return mark{Tag: "text", Class: class, Anchor: anchor, X: round1(x), Y: round1(y), Text: text}
}

// confusion shows what should have been decided and what was; a cell is the darker, the larger its share of the row.
func confusion(counts map[string]map[string]int) plot {
	decided := []string{"answer", "suggest", "abstain", "error"}
	heads := []string{"回答", "选项", "没查到", "没跑成"}
	p := plot{
		ID: "confusion", Title: "该怎样，实际怎样", W: plotWidth,
		Table: table{Caption: "按该怎样和实际怎样数的用例", Head: append([]string{"该怎样 \\ 实际"}, heads...)},
	}
	const left, top, w, h = 78.0, 52.0, 68.0, 52.0
	p.Marks = append(p.Marks, label("lab", "middle", left+2*w, 18, "实际怎样（个）"), label("lab", "start", 0, 42, "该怎样"))
	for i, head := range heads {
		p.Marks = append(p.Marks, label("lab", "middle", left+(float64(i)+.5)*w, 42, head))
	}
	var says []string
	row := 0.0
	for i, want := range append(decided[:3:3], "any") {
		total := 0
		for _, n := range counts[want] {
			total += n
		}
		if total == 0 {
			continue
		}
		name := append(heads[:3:3], "都行")[i]
		y := top + row*h
		p.Marks = append(p.Marks, label("lab", "start", 0, y+h/2+5, name))
		cells := []string{name}
		for j, got := range decided {
			n, x := counts[want][got], left+float64(j)*w
			share := float64(n) / float64(total)
			p.Marks = append(p.Marks, rect(fmt.Sprintf("cell c%d", int(math.Ceil(share*5))), x+1, y+1, w-2, h-2))
			if want == got {
				p.Marks = append(p.Marks, rect("right", x+2.5, y+2.5, w-5, h-5))
			}
			p.Marks = append(p.Marks, label("num", "middle", x+w/2, y+24, fmt.Sprint(n)), label("small", "middle", x+w/2, y+42, percent(share)))
			cells = append(cells, fmt.Sprintf("%d（%s）", n, percent(share)))
		}
		p.Table.Rows = append(p.Table.Rows, cells)
		if want != "any" {
			says = append(says, fmt.Sprintf("该%s的%d个里，这样做的%d个", cases.DecisionZh(want), total, counts[want][want]))
		}
		row++
	}
	p.H, p.Says = int(top+row*h+4), strings.Join(append(says, "黑框里是做对的"), "；")+"。"
	return p
}

// axes are the frame of a plot of two shares. yTop is the share at its upper edge.
type axes struct{ left, top, w, h, yTop float64 }

var square = axes{left: 52, top: 12, w: 284, h: 230, yTop: 1}

func (a axes) x(v float64) float64 { return a.left + a.w*min(1, max(0, v)) }
func (a axes) y(v float64) float64 { return a.top + a.h*(1-min(1, max(0, v/a.yTop))) }

// step is the distance of the lines of the left scale.
func (a axes) step() float64 {
	if a.yTop > .5 {
		return .2
	}
	return .1
}

func (a axes) draw(xName, yName string) []mark {
	var marks []mark
	for v := 0.0; v < a.yTop+.01; v += a.step() {
		marks = append(marks, line("grid", a.left, a.y(v), a.left+a.w, a.y(v)), label("tick", "end", a.left-6, a.y(v)+5, percent(v)))
	}
	for v := 0.0; v < 1.01; v += .2 {
		marks = append(marks, label("tick", "middle", a.x(v), a.top+a.h+20, percent(v)))
	}
	return append(marks, line("axis", a.left, a.top, a.left, a.top+a.h), line("axis", a.left, a.top+a.h, a.left+a.w, a.top+a.h),
		label("lab", "middle", a.left+a.w/2, a.top+a.h+44, xName), label("lab", "start", a.left+8, a.top+14, yName))
}

// riskCoverage shows how often the best entry is a wrong one when only the surest messages are answered.
func riskCoverage(points []stats.Point, aurc cases.Interval) plot {
	a := square
	top := 0.0
	for _, p := range points {
		top = max(top, p.Risk)
	}
	if a.yTop = max(.1, math.Ceil(top*10)/10); a.yTop > .5 {
		a.yTop = math.Ceil(top*5) / 5
	}
	p := plot{
		ID: "risk-coverage", Title: "只答有把握的，会错多少", W: plotWidth, H: int(a.top + a.h + 56),
		Table: table{Caption: "只答把握最大的一部分，答错的占多少", Head: []string{"答多少", "其中错的", "把握至少"}},
	}
	p.Marks = a.draw("答多少（从最有把握的答起）", "↑ 其中答错的")
	if len(points) == 0 {
		p.Says = "没有可画的用例。"
		return p
	}
	var path strings.Builder
	fmt.Fprintf(&path, "M%g %g", round1(a.x(0)), round1(a.y(points[0].Risk)))
	for _, q := range points {
		fmt.Fprintf(&path, "L%g %g", round1(a.x(q.Coverage)), round1(a.y(q.Risk)))
	}
	end := fmt.Sprintf("L%g %gL%g %gZ", round1(a.x(points[len(points)-1].Coverage)), round1(a.y(0)), round1(a.x(0)), round1(a.y(0)))
	p.Marks = append(p.Marks, mark{Tag: "path", Class: "area", D: path.String() + end}, mark{Tag: "path", Class: "curve", D: path.String()})
	var said []string
	for i := 1; i <= 10; i++ {
		q := at(points, float64(i)/10)
		p.Table.Rows = append(p.Table.Rows, []string{percent(q.Coverage), cases.Number(cases.AURC, q.Risk), fmt.Sprintf("%.2f", q.Threshold)})
		if i == 5 || i == 10 {
			p.Marks = append(p.Marks, circle("dot", a.x(q.Coverage), a.y(q.Risk), 5))
			said = append(said, fmt.Sprintf("答%s时错%s", percent(q.Coverage), cases.Number(cases.AURC, q.Risk)))
		}
	}
	p.Says = fmt.Sprintf("越低越好：%s；曲线下面积（AURC）%s，共%d个。", strings.Join(said, "，"), cases.Number(cases.AURC, aurc.Value), aurc.N)
	return p
}

// at is the last point that covers no more than a share, or the first.
func at(points []stats.Point, share float64) stats.Point {
	found := points[0]
	for _, q := range points {
		if q.Coverage <= share+1e-9 {
			found = q
		}
	}
	return found
}

// reliability shows how often the service is right when it says how sure it is; a dot is the larger, the more cases it stands for.
func reliability(bins []stats.Bin, ece cases.Interval) plot {
	a := square
	p := plot{
		ID: "reliability", Title: "说有几成把握，就对几成吗", W: plotWidth, H: int(a.top + a.h + 56),
		Table: table{Caption: "按把握分十档", Head: []string{"把握", "个数", "平均把握", "真的对"}},
	}
	p.Marks = append(a.draw("说的把握", "↑ 真的对的"), line("ideal", a.x(0), a.y(0), a.x(1), a.y(1)))
	total, worst, off := 0, stats.Bin{}, 0.0
	for _, b := range bins {
		total += b.N
	}
	for _, b := range bins {
		if b.N == 0 {
			continue
		}
		low, high := stats.Wilson(int(math.Round(b.Rate*float64(b.N))), b.N)
		p.Marks = append(p.Marks, line("whisker", a.x(b.Mean), a.y(low), a.x(b.Mean), a.y(high)),
			circle("dot", a.x(b.Mean), a.y(b.Rate), 4+9*math.Sqrt(float64(b.N)/float64(total))))
		p.Table.Rows = append(p.Table.Rows, []string{percent(b.Low) + "～" + percent(b.High), fmt.Sprint(b.N), percent(b.Mean), percent(b.Rate)})
		if gap := math.Abs(b.Rate-b.Mean) * float64(b.N); gap > off {
			worst, off = b, gap
		}
	}
	p.Says = fmt.Sprintf("圆点在虚线上最好：在上面是把握说低了，在下面是说高了。校准误差（ECE）%s，共%d个。", cases.Number(cases.ECE, ece.Value), ece.N)
	if off > 0 {
		p.Says += fmt.Sprintf("差得最多的一档：说%s把握，真的对%s（%d个）。", percent(worst.Mean), percent(worst.Rate), worst.N)
	}
	return p
}
