// Package report shows a run of cases to people: one HTML file that asks for nothing from outside, JUnit XML for continuous integration, and JSON.
package report

import (
	"cmp"
	"slices"

	"qiuzhen/eval/cases"
)

// Report is what a run shows: whether it may be released, what got worse, the figures, and every case that went wrong.
type Report struct {
	Run        cases.Run
	Metrics    cases.Metrics
	Release    cases.Release
	Against    *cases.Manifest   // of the earlier run; nil: there is none
	Comparison *cases.Comparison // nil: there is no earlier run, or none of its cases is in this one
	Faulty     []Faulty          // cases that something is wrong with, the gravest first
}

// Faulty is a case that something is wrong with.
type Faulty struct {
	Outcome  cases.Outcome
	Failures []cases.Failure // the gravest first
}

// New makes the report of a run; against is an earlier run, or nil.
func New(run cases.Run, gates cases.Gates, against *cases.Run) Report {
	r := Report{Run: run, Metrics: cases.Measure(run)}
	r.Release = gates.Release(run, r.Metrics)
	r.Faulty = faultyOf(run.Outcomes)
	if against != nil {
		r.Against = &against.Manifest
		if c := cases.Compare(*against, run, gates.Margins); c.Common > 0 {
			r.Comparison = &c
		}
	}
	return r
}

// faultyOf judges all outcomes, and pairs of them for flips, which no outcome has by itself.
func faultyOf(all []cases.Outcome) []Faulty {
	flips, _ := cases.Flips(all)
	flipped := map[string]cases.Flip{}
	for _, f := range flips {
		flipped[f.Case] = f
	}
	var out []Faulty
	for _, o := range all {
		failures := cases.Judge(o)
		if f, ok := flipped[o.Case.ID]; ok {
			failures = append(failures, cases.Failure{Figure: cases.VerdictFlips, What: "和 " + f.Of + " 比，换个说法结论就不对了：那边是“" + verdictZh(f.Other) +
				"”，这边是“" + verdictZh(f.Verdict) + "”"})
		}
		if len(failures) > 0 {
			slices.SortStableFunc(failures, func(a, b cases.Failure) int { return cmp.Compare(gravity(a.Figure), gravity(b.Figure)) })
			out = append(out, Faulty{o, failures})
		}
	}
	slices.SortStableFunc(out, func(a, b Faulty) int {
		return cmp.Or(cmp.Compare(gravity(a.Failures[0].Figure), gravity(b.Failures[0].Figure)), cmp.Compare(a.Outcome.Case.ID, b.Outcome.Case.ID))
	})
	return out
}

// figures are those that count something wrong with the case, the gravest first.
func (f Faulty) figures() (names []string) {
	for _, failure := range f.Failures {
		if !slices.Contains(names, failure.Figure) {
			names = append(names, failure.Figure)
		}
	}
	return names
}

func (f Faulty) of(figure string) bool { return slices.Contains(f.figures(), figure) }

// order are the figures as the report shows them: what harms first.
var order = func() (names []string) {
	for _, g := range cases.Groups() {
		names = append(names, g.Figures...)
	}
	return names
}()

// gravity is where a figure stands among all; unknown ones come last.
func gravity(figure string) int {
	if at := slices.Index(order, figure); at >= 0 {
		return at
	}
	return len(order)
}

// provisional reports whether any of the cases is not approved by experts.
func (r Report) provisional() bool { return r.Metrics.Signed < r.Metrics.Cases }
