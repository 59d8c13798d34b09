package cases

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func ids(of []Change) []string {
	out := []string{}
	for _, c := range of {
		out = append(out, c.Case.ID)
	}
	return out
}

// TestCompare: what broke, what was fixed, what went wrong in a new way; cases that are not the same in both runs are named and left out.
func TestCompare(t *testing.T) {
	a, b := soundRun(), soundRun()
	at := func(r *Run, id string) *Outcome {
		i := slices.IndexFunc(r.Outcomes, func(o Outcome) bool { return o.Case.ID == id })
		return &r.Outcomes[i]
	}
	*at(&b, "absent-3") = at(&b, "absent-3").answering(entryOf(3)) // broken
	*at(&b, "absent-2") = at(&b, "absent-2").answering(entryOf(2))
	at(&b, "entry-9").Answers[0].Verdict = "false"                 // does more harm
	*at(&a, "absent-4") = at(&a, "absent-4").answering(entryOf(4)) // fixed
	for _, r := range []*Run{&a, &b} {                             // as wrong as before
		at(r, "urgent-5").Reply = "请马上打119。"
	}
	at(&a, "entry-6").Answers[0].Citations = nil // wrong in both, in another way
	at(&b, "entry-6").Answers[0].Verdict = "false"
	at(&b, "entry-7").Case.Turns = []string{"改过的话"} // not the same case any more
	at(&b, "live-8").Case.Status = "annotated"      // the same
	b.Outcomes = slices.DeleteFunc(b.Outcomes, func(o Outcome) bool { return o.Case.ID == "lookalike-1" })
	b.Outcomes = append(b.Outcomes, asked("lookalike", 99))
	b.Manifest.Commit, b.Manifest.Settings = "new", map[string]string{"embedder": "none"}

	c := Compare(a, b, nil)
	for _, x := range []struct {
		what      string
		got, want []string
	}{
		{"broken", ids(c.Broken), []string{"entry-9", "absent-2", "absent-3"}}, {"fixed", ids(c.Fixed), []string{"absent-4"}}, {"worse", ids(c.Worse), []string{"entry-6"}},
		{"edited", c.Edited, []string{"entry-7"}}, {"only A", c.OnlyA, []string{"lookalike-1"}}, {"only B", c.OnlyB, []string{"lookalike-99"}},
		{"differs", c.Differs, []string{"设置", "程序"}},
	} {
		if !slices.Equal(x.got, x.want) {
			t.Errorf("%s: %q, want %q", x.what, x.got, x.want)
		}
	}
	if want := len(a.Outcomes) - 2; c.Common != want || c.Still != 1 {
		t.Errorf("%d common, want %d; %d still wrong, want 1", c.Common, want, c.Still)
	}
	if f := c.Worse[0].Failures; len(f) == 0 || slices.ContainsFunc(f, func(f Failure) bool { return f.Figure == CitationPresence }) {
		t.Errorf("worse for %v: what was wrong before is none of it", f)
	}
	if again := Compare(a, b, nil); fmt.Sprint(again.Metrics) != fmt.Sprint(c.Metrics) {
		t.Error("not repeatable")
	}
}

// TestCompareTests: a real change is certain after Holm, a small one is not; McNemar where both runs count the same cases, else families drawn again.
func TestCompareTests(t *testing.T) {
	many := func(wrong int) Run {
		var r Run
		for i := range 200 {
			o := asked("absent", i)
			o.Case.Family = fmt.Sprint(i % 8) // few are quickly drawn
			if i < wrong {
				o = o.answering(entryOf(i))
			}
			r.Outcomes = append(r.Outcomes, o)
		}
		return r
	}
	shift := func(a, b Run, metric string, margins map[string]float64) Shift {
		c := Compare(a, b, margins)
		i := slices.IndexFunc(c.Metrics, func(s Shift) bool { return s.Metric == metric })
		if i < 0 {
			t.Fatalf("%s was not compared", metric)
		}
		return c.Metrics[i]
	}
	for _, c := range []struct {
		name       string
		a, b       int
		metric     string
		margin     float64
		test, want string
		n          int
	}{
		{"better", 40, 2, FalseMatch, 0, "mcnemar", "better", 200},
		{"worse", 2, 40, FalseMatch, .5, "mcnemar", "worse", 200},
		{"worse where more is better", 2, 40, DecisionAccuracy, 0, "mcnemar", "worse", 200},
		{"too little after the correction", 0, 6, FalseMatch, .5, "mcnemar", "suspect", 200},
		{"too little to say", 2, 4, FalseMatch, .001, "mcnemar", "unsure", 200},
		{"too little to matter", 2, 4, FalseMatch, .05, "mcnemar", "no_worse", 200},
		{"the same", 3, 3, FalseMatch, 0, "mcnemar", "no_worse", 200},
		{"over other cases in each run", 0, 40, RefusalPrecision, 0, "bootstrap", "no_worse", 200},
	} {
		s := shift(many(c.a), many(c.b), c.metric, map[string]float64{c.metric: c.margin})
		if s.Test != c.test || s.Verdict != c.want || s.NA != c.n || s.Holm < s.P {
			t.Errorf("%s: %+v", c.name, s)
		}
	}
	s := shift(many(40), many(2), FalseMatch, nil)
	if want := 2 * math.Exp2(-38); math.Abs(s.P-want) > 1e-15 || s.A != .2 || s.B != .01 || s.Low > -.19 || s.High < -.19 {
		t.Errorf("38 fixed, none broken: %+v, want p %g", s, want)
	}
}
