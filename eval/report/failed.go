package report

import (
	"cmp"
	"fmt"
	"html/template"
	"strings"

	"qiuzhen/eval/cases"
)

// What is shown of a case is bounded, so that a report stays a file that can be sent: detailed cases up to the first budget, then without
// what was retrieved, and none any more from the second on. The run's JSON has everything. In bytes.
const (
	detailBudget = 3_500_000
	listBudget   = 4_200_000

	mostCandidates = 5
	mostReply      = 600 // characters
	mostMessage    = 500
	mostPassage    = 90
	briefMessage   = 60
)

// shownCase is a case that something is wrong with, as the report shows it.
type shownCase struct {
	ID, Brief   string
	Change      string // since the earlier run
	Kind        string // and the others: what filters go by
	Topic       string
	Styles      string
	Figures     string
	Facts       string
	Faults      []string
	Turns       []string
	Expected    []string
	Got         []string
	Reply       string
	Candidates  []shownCandidate
	NotRetained int // candidates that are not shown
}

type shownCandidate struct{ Title, Entry, Score, Passage string }

// section are the cases whose gravest fault is one of a figure.
type section struct {
	Figure, Title string
	Cases         []template.HTML
}

// sections are the faulty cases by their gravest fault, and how many do not fit any more. They are written out here, since only what is
// written says how long it is.
func (r Report) sections() (out []section, left int, err error) {
	changes, size := r.changes(), 0
	for i, f := range r.Faulty {
		if size > listBudget {
			return out, len(r.Faulty) - i, nil
		}
		c := showCase(f, size <= detailBudget)
		c.Change = changes[c.ID]
		var written strings.Builder
		if err := htmlPage.ExecuteTemplate(&written, "case", c); err != nil {
			return nil, 0, err
		}
		size += written.Len()
		figure := f.Failures[0].Figure
		if len(out) == 0 || out[len(out)-1].Figure != figure {
			out = append(out, section{Figure: figure, Title: figureZh(figure)})
		}
		last := &out[len(out)-1]
		last.Cases = append(last.Cases, template.HTML(written.String())) //nolint:gosec // the template escaped it
	}
	return out, 0, nil
}

// changes says by case what happened since the earlier run.
func (r Report) changes() map[string]string {
	by := map[string]string{}
	if r.Comparison == nil {
		return by
	}
	for _, c := range r.Comparison.Broken {
		by[c.Case.ID] = "新坏掉"
	}
	for _, c := range r.Comparison.Worse {
		by[c.Case.ID] = "错得更多"
	}
	return by
}

func showCase(f Faulty, detailed bool) shownCase {
	o := f.Outcome
	s := o.Case.Slices
	c := shownCase{
		ID: clean(o.Case.ID), Brief: brief(lastOf(o.Case.Turns), briefMessage), Kind: clean(s.Kind), Topic: clean(s.Topic),
		Styles: clean(strings.Join(s.Style, " ")), Expected: expected(o.Case.Expect), Got: got(o), Reply: clip(o.Reply, mostReply),
	}
	facts := []string{word("kind", s.Kind), word("topic", s.Topic), word("risk", s.Risk)}
	for _, style := range s.Style {
		facts = append(facts, word("style", style))
	}
	c.Facts = strings.Join(facts, " · ")
	for _, failure := range f.Failures {
		c.Faults = append(c.Faults, clip(failure.What, 300))
	}
	c.Figures = strings.Join(f.figures(), " ")
	for _, t := range o.Case.Turns {
		c.Turns = append(c.Turns, clip(t, mostMessage))
	}
	if detailed {
		for _, k := range o.Candidates[:min(mostCandidates, len(o.Candidates))] {
			c.Candidates = append(c.Candidates, shownCandidate{
				Title: brief(k.Title, 40), Entry: clean(k.Entry), Score: fmt.Sprintf("%.3f", k.Score), Passage: brief(k.Passage, mostPassage),
			})
		}
	}
	c.NotRetained = len(o.Candidates) - len(c.Candidates)
	return c
}

func lastOf(turns []string) string {
	if len(turns) == 0 {
		return ""
	}
	return turns[len(turns)-1]
}

// expected is what should have come, a line each.
func expected(e cases.Expect) (lines []string) {
	add := func(when bool, format string, args ...any) {
		if when {
			lines = append(lines, clip(fmt.Sprintf(format, args...), 300))
		}
	}
	add(e.Decision != "any", "%s", cmp.Or(cases.DecisionZh(e.Decision), e.Decision))
	add(e.Decision == "any", "回答、选项、没查到都行，只看下面几样")
	add(len(e.Entries) > 0, "条目：%s", strings.Join(e.Entries, "、"))
	add(e.Verdict != "", "结论：%s", verdictZh(e.Verdict))
	add(e.Urgent != "", "危险：%s，打%s", cases.ClassesZh[e.Urgent], cases.Numbers[e.Urgent])
	add(e.Live != "", "问的是眼前的事：%s", cases.LiveZh[e.Live])
	add(len(e.Wrong) > 0, "不能用：%s", strings.Join(e.Wrong, "、"))
	for _, k := range e.KeyPoints {
		add(true, "要说到：%s", k.Text)
	}
	for _, f := range e.Forbidden {
		add(true, "不能说：%s", f)
	}
	return lines
}

// got is what was concluded, a line each.
func got(o cases.Outcome) (lines []string) {
	add := func(when bool, format string, args ...any) {
		if when {
			lines = append(lines, clip(fmt.Sprintf(format, args...), 300))
		}
	}
	add(o.Error != "", "没有跑成：%s", o.Error)
	add(o.Error == "", "%s", cmp.Or(cases.DecisionZh(o.Decision), o.Decision))
	for _, a := range o.Answers {
		add(true, "用了 %s 第%d版（%s），把握%.2f", a.Entry, a.Version, cmp.Or(verdictWord(a.Verdict), "指南"), a.Score)
	}
	add(len(o.Offered) > 0, "选项：%s", strings.Join(o.Offered, "、"))
	add(o.Urgent != "", "报了危险：%s %s", cases.ClassesZh[o.Urgent], o.Number)
	add(o.Live != "", "当成眼前的事：%s", cases.LiveZh[o.Live])
	return lines
}

func verdictWord(v string) string {
	if v == "" {
		return ""
	}
	return verdictZh(v)
}
