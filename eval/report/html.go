package report

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"qiuzhen/eval/cases"
)

var (
	//go:embed report.html.tmpl
	htmlTemplate string
	//go:embed report.css
	style string
	//go:embed report.js
	script string

	htmlPage = template.Must(template.New("report").Parse(htmlTemplate))
)

// policy lets the browser run what this program wrote into the file and nothing else, and ask nobody for anything.
var policy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; form-action 'none'; base-uri 'none'", hashOf(style), hashOf(script))

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// htmlView is what the template shows.
type htmlView struct {
	Policy            string
	Style             template.CSS
	Script            template.JS
	ID, Headline      string
	Level             string // no, warn, yes
	Provisional       bool
	Void              []string
	Blocking, Warning []gateRow
	Passed            []gateRow
	Tiles             []tile
	Change            *change
	Groups            []table
	Signed            table
	Plots             []plot
	Slices            []plot
	Conspicuous       []string
	SliceTables       []table
	Filters           []filter
	Sections          []section
	Faulty            int
	Left              int
	Manifest          [][2]string
}

type gateRow struct {
	Name, Value, Count, Interval, Wants string
	Unknown                             string // why there is no figure to go by
	Figure                              string
	Faulty                              int // cases to look at
}

type tile struct{ Name, Value, Note string }

// change is what became of the earlier run's cases.
type change struct {
	Was             string
	Tiles           []tile
	Differs         string
	Others          string // cases that were not compared
	Broken          []changed
	Worse           []changed
	Fixed           []changed
	MoreBroken      int
	MoreWorse       int
	MoreFixed       int
	Shifts          table
	Bad             []string // figures that are worse, or may be
	NothingInCommon bool
}

type changed struct{ ID, Brief, What string }

type filter struct {
	Key, Label string
	Options    []option
}

type option struct {
	Value, Label string
	N            int
}

// WriteHTML writes the report as one file that needs nothing else.
func (r Report) WriteHTML(w io.Writer) error {
	v, err := r.view()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	if err := htmlPage.Execute(out, v); err != nil {
		return err
	}
	return out.Flush()
}

func (r Report) view() (htmlView, error) {
	v := htmlView{
		Policy: policy, Style: template.CSS(style), Script: template.JS(script), //nolint:gosec // both are embedded files
		ID: clean(r.Run.ID), Headline: r.Release.Headline(), Level: r.level(), Provisional: r.provisional(), Faulty: len(r.Faulty),
		Blocking: r.gateRows(r.Release.Blocking), Warning: r.gateRows(r.Release.Warning), Passed: r.gateRows(r.Release.Passed),
		Tiles: r.tiles(), Change: r.change(), Groups: r.groups(), Signed: r.signed(), Manifest: r.manifest(),
		SliceTables: sliceTables(r.Metrics), Filters: r.filters(),
	}
	for _, what := range r.Release.Void {
		v.Void = append(v.Void, clip(what, 300))
	}
	v.Plots = []plot{
		confusion(r.Metrics.Confusion), riskCoverage(r.Metrics.RiskCoverage, r.Metrics.Figures[cases.AURC][cases.All]),
		reliability(r.Metrics.Reliability, r.Metrics.Figures[cases.ECE][cases.All]),
	}
	gates := slices.Concat(r.Release.Blocking, r.Release.Warning, r.Release.Passed)
	for _, name := range plotted {
		if len(sliced(r.Metrics, name)) > 0 {
			v.Slices = append(v.Slices, slicesPlot(r.Metrics, name, gates))
		}
		for _, what := range conspicuous(r.Metrics, name) {
			v.Conspicuous = append(v.Conspicuous, figureZh(name)+"："+what)
		}
	}
	var err error
	v.Sections, v.Left, err = r.sections()
	return v, err
}

func (r Report) level() string {
	switch {
	case !r.Release.Allowed():
		return "no"
	case len(r.Release.Warning) > 0:
		return "warn"
	}
	return "yes"
}

func (r Report) gateRows(of []cases.Passage) []gateRow {
	rows := make([]gateRow, len(of))
	for i, p := range of {
		name := p.Gate.Metric
		rows[i] = gateRow{
			Name: figureZh(name), Value: valueOf(name, p.Figure), Count: countOf(name, p.Figure), Interval: intervalOf(name, p.Figure), Wants: p.Gate.Wants(), Figure: name,
		}
		if p.Unknown {
			rows[i].Unknown = p.Reason
		}
		for _, f := range r.Faulty {
			if f.of(name) {
				rows[i].Faulty++
			}
		}
	}
	return rows
}

func (r Report) tiles() []tile {
	m := r.Metrics
	share := 0.0
	if m.Cases > 0 {
		share = float64(m.Signed) / float64(m.Cases)
	}
	note := "全部审定"
	if r.provisional() {
		note = fmt.Sprintf("审定了%d个，其余没有签字，数字是暂定的", m.Signed)
	}
	return []tile{
		{"问了多少", fmt.Sprintf("%d个用例", m.Cases), day(r.Run.Manifest.Started)},
		{"专家审定", cases.Number(cases.RightShown, share), note},
		{"有问题的", fmt.Sprintf("%d个", len(r.Faulty)), "从轻到重都算，每一个都列在后面"},
	}
}

// mostChanges is how many changed cases of a kind are named; the broken and worse ones are marked in the list of faulty cases too.
const mostChanges = 40

func (r Report) change() *change {
	if r.Against == nil {
		return nil
	}
	c := &change{Was: day(r.Against.Started) + "，程序 " + clean(r.Against.Commit), NothingInCommon: r.Comparison == nil}
	if c.NothingInCommon {
		return c
	}
	n := r.Comparison
	c.Tiles = []tile{
		{"新坏掉", fmt.Sprintf("%d个", len(n.Broken)), "原来对，现在错"}, {"错得更多", fmt.Sprintf("%d个", len(n.Worse)), "原来就错，又多错了"},
		{"新修好", fmt.Sprintf("%d个", len(n.Fixed)), "原来错，现在对"}, {"一样错着", fmt.Sprintf("%d个", n.Still), fmt.Sprintf("一共比了%d个", n.Common)},
	}
	c.Differs = strings.Join(n.Differs, "、")
	if others := len(n.OnlyA) + len(n.OnlyB) + len(n.Edited); others > 0 {
		c.Others = fmt.Sprintf("两次问的不全是一套用例：只在前一次的%d个，只在这一次的%d个，改过的%d个，都没有比。", len(n.OnlyA), len(n.OnlyB), len(n.Edited))
	}
	c.Broken, c.MoreBroken = changedCases(n.Broken)
	c.Worse, c.MoreWorse = changedCases(n.Worse)
	c.Fixed, c.MoreFixed = changedCases(n.Fixed)
	c.Shifts = table{Caption: "变了的指标（p 已按所有指标一起校正）", Head: []string{"指标", "前一次", "这一次", "差（95%区间）", "说明"}}
	for _, s := range n.Metrics {
		if s.Same() {
			continue
		}
		name := figureZh(s.Metric)
		c.Shifts.Rows = append(c.Shifts.Rows, []string{
			name, cases.Number(s.Metric, s.A), cases.Number(s.Metric, s.B),
			fmt.Sprintf("%s（%s～%s）", cases.ChangeOf(s.Metric, s.B-s.A), cases.ChangeOf(s.Metric, s.Low), cases.ChangeOf(s.Metric, s.High)),
			fmt.Sprintf("%s（p %.2g）", s.VerdictZh(), s.Holm),
		})
		if s.Verdict == "worse" || s.Verdict == "suspect" {
			c.Bad = append(c.Bad, fmt.Sprintf("%s：%s → %s，%s", name, cases.Number(s.Metric, s.A), cases.Number(s.Metric, s.B), s.VerdictZh()))
		}
	}
	return c
}

func changedCases(of []cases.Change) (shown []changed, more int) {
	for _, c := range of[:min(mostChanges, len(of))] {
		what := make([]string, len(c.Failures))
		for i, f := range c.Failures {
			what[i] = f.What
		}
		shown = append(shown, changed{clean(c.Case.ID), brief(lastOf(c.Case.Turns), briefMessage), brief(strings.Join(what, "；"), 120)})
	}
	return shown, len(of) - len(shown)
}

func (r Report) groups() (tables []table) {
	for _, g := range cases.Groups() {
		t := table{Caption: g.Title, Head: []string{"指标", "数值", "个数", "95%区间"}}
		for _, name := range g.Figures {
			i := r.Metrics.Figures[name][cases.All]
			t.Rows = append(t.Rows, []string{figureZh(name), valueOf(name, i), countOf(name, i), intervalOf(name, i)})
		}
		tables = append(tables, t)
	}
	return tables
}

// signed says what share of each kind of cases experts have approved.
func (r Report) signed() table {
	t := table{Caption: "各类用例有多少由专家审定", Head: []string{"类型", "用例", "审定的", "占"}}
	all, approved := map[string]int{}, map[string]int{}
	for _, o := range r.Run.Outcomes {
		kind := o.Case.Slices.Kind
		all[kind]++
		if o.Case.Approved() {
			approved[kind]++
		}
	}
	for _, kind := range sortedBy(all) {
		t.Rows = append(t.Rows, []string{
			word("kind", kind), fmt.Sprint(all[kind]), fmt.Sprint(approved[kind]), percent(float64(approved[kind]) / float64(all[kind])),
		})
	}
	return t
}

// sortedBy are the keys of counts, the largest count first.
func sortedBy(counts map[string]int) []string {
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	return keys
}

// filters are the choices over the faulty cases, with how many there are of each.
func (r Report) filters() []filter {
	figures, kinds, topics, styles := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, f := range r.Faulty {
		s := f.Outcome.Case.Slices
		kinds[clean(s.Kind)]++
		topics[clean(s.Topic)]++
		for _, style := range slices.Compact(slices.Sorted(slices.Values(s.Style))) {
			styles[clean(style)]++
		}
		for _, name := range f.figures() {
			figures[name]++
		}
	}
	options := func(counts map[string]int, name func(string) string) (out []option) {
		for _, value := range sortedBy(counts) {
			out = append(out, option{value, name(value), counts[value]})
		}
		return out
	}
	of := func(dimension string) func(string) string { return func(v string) string { return word(dimension, v) } }
	return []filter{
		{"f", "问题", options(figures, figureZh)}, {"k", "类型", options(kinds, of("kind"))}, {"t", "主题", options(topics, of("topic"))},
		{"s", "说法", options(styles, of("style"))},
	}
}

func (r Report) manifest() [][2]string {
	m := r.Run.Manifest
	var settings []string
	for name, value := range m.Settings {
		settings = append(settings, clean(name+"="+value))
	}
	slices.Sort(settings)
	return [][2]string{
		{"运行", clean(r.Run.ID)}, {"开始", day(m.Started)}, {"用时", fmt.Sprintf("%.0f秒", m.Took)}, {"程序", clean(m.Commit)}, {"模型", clean(m.Model)},
		{"用例", clean(m.Cases)}, {"内容", clean(m.Content)}, {"设置", strings.Join(settings, "，")}, {"机器", clean(m.Machine)},
	}
}
