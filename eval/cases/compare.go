package cases

import (
	"cmp"
	"math"
	"slices"

	"qiuzhen/eval/stats"
)

const (
	compareReps = 4000 // so that Holm over some 40 metrics can still come below .05: the least P is 2/4001
	compareSeed = 20261127
	level       = .05
)

// Comparison is what changed from one run to another, over the cases that both asked.
type Comparison struct {
	Common  int      `json:"common"`
	OnlyA   []string `json:"only_a"` // ids of cases that run A alone has
	OnlyB   []string `json:"only_b"`
	Edited  []string `json:"edited"` // in both, but another text or expectation: not compared
	Broken  []Change `json:"broken"` // right in A, wrong in B
	Worse   []Change `json:"worse"`  // wrong in both, in B in a way in which it was not in A
	Fixed   []Change `json:"fixed"`  // wrong in A, right in B
	Still   int      `json:"still"`  // wrong in both, in no new way
	Metrics []Shift  `json:"metrics"`
	// Differs are the parts of the manifests that differ: what may have caused it.
	Differs []string `json:"differs"`
}

// Change is a case of which the judgement changed.
type Change struct {
	Case     Case      `json:"case"`
	Was      Outcome   `json:"was"`
	Is       Outcome   `json:"is"`
	Failures []Failure `json:"failures"` // what is wrong now and was not; of a fixed one, what was wrong
}

// Shift is how one metric changed.
type Shift struct {
	Metric string  `json:"metric"`
	A      float64 `json:"a"`
	B      float64 `json:"b"`
	NA     int     `json:"n_a"` // cases that count in A
	NB     int     `json:"n_b"`
	Low    float64 `json:"low"` // 95% interval of B - A, by families
	High   float64 `json:"high"`
	Test   string  `json:"test"` // mcnemar, bootstrap
	P      float64 `json:"p"`
	Holm   float64 `json:"p_holm"` // adjusted for all metrics of the comparison
	// Verdict: better and worse are certain (Holm's p at most .05); suspect: worse, certain only if it were the one metric compared; no_worse: at
	// worst by the margin; unsure: none of these.
	Verdict string  `json:"verdict"`
	Margin  float64 `json:"margin"` // by how much it may be worse
}

// Compare sets run B against run A, the earlier one. margins say by how much each metric may be worse without harm, 0 when it is not in them.
func Compare(a, b Run, margins map[string]float64) Comparison {
	c := Comparison{OnlyA: []string{}, OnlyB: []string{}, Edited: []string{}, Broken: []Change{}, Worse: []Change{}, Fixed: []Change{}, Metrics: []Shift{}}
	c.Differs = slices.Concat([]string{}, Changed(a.Manifest, b.Manifest))
	was, is := c.common(a.Outcomes, b.Outcomes)
	c.Common = len(was)
	for i := range was {
		c.judge(was[i], is[i])
	}
	for _, list := range [][]Change{c.Broken, c.Worse, c.Fixed} {
		slices.SortStableFunc(list, func(a, b Change) int { return cmp.Compare(gravity(a), gravity(b)) })
	}
	c.shifts(was, is, margins)
	return c
}

// gravity is where the gravest failure of a change stands among the figures, which begin with what does harm.
func gravity(c Change) int {
	least := len(Figures)
	for _, f := range c.Failures {
		if at := slices.IndexFunc(Figures, func(g Figure) bool { return g.Name == f.Figure }); at >= 0 {
			least = min(least, at)
		}
	}
	return least
}

// common are the outcomes of the cases that both runs asked alike, in one order.
func (c *Comparison) common(a, b []Outcome) (was, is []Outcome) {
	later := map[string]Outcome{}
	for _, o := range b {
		later[o.Case.ID] = o
	}
	for _, o := range a {
		n, ok := later[o.Case.ID]
		delete(later, o.Case.ID)
		switch {
		case !ok:
			c.OnlyA = append(c.OnlyA, o.Case.ID)
		case n.Case.Hash() != o.Case.Hash():
			c.Edited = append(c.Edited, o.Case.ID)
		default:
			was, is = append(was, o), append(is, n)
		}
	}
	c.OnlyB = append(c.OnlyB, sortedKeys(later)...)
	return was, is
}

func (c *Comparison) judge(was, is Outcome) {
	before, now := Judge(was), Judge(is)
	change := Change{is.Case, was, is, now}
	fresh := slices.DeleteFunc(slices.Clone(now), func(f Failure) bool {
		return slices.ContainsFunc(before, func(b Failure) bool { return b.Figure == f.Figure })
	})
	switch {
	case len(before) == 0 && len(now) > 0:
		c.Broken = append(c.Broken, change)
	case len(before) > 0 && len(now) == 0:
		change.Failures = before
		c.Fixed = append(c.Fixed, change)
	case len(fresh) > 0:
		change.Failures = fresh
		c.Worse = append(c.Worse, change)
	case len(now) > 0:
		c.Still++
	}
}

// shifts compares every metric that has a value in both runs: by McNemar where it is a rate over the same cases in both, else by families
// drawn again; Holm over them all.
func (c *Comparison) shifts(was, is []Outcome, margins map[string]float64) {
	before, now := values(was), values(is)
	var p []float64
	for _, name := range sortedKeys(before) {
		a, b, families := paired(was, before[name], now[name])
		s := Shift{Metric: name, Margin: margins[name]}
		if s.NA, s.NB = counted(a), counted(b); s.NA == 0 || s.NB == 0 {
			continue
		}
		d := stats.PairedBootstrap(a, b, families, compareSeed, compareReps)
		s.A, s.B, s.Low, s.High, s.Test, s.P = meanOf(a), meanOf(b), d.Low, d.High, "bootstrap", d.P
		if lost, won, ok := discordant(a, b); ok {
			s.Test, s.P = "mcnemar", stats.McNemar(lost, won)
		}
		c.Metrics, p = append(c.Metrics, s), append(p, s.P)
	}
	for i, adjusted := range stats.Holm(p) {
		s := &c.Metrics[i]
		s.Holm = adjusted
		s.Verdict = s.verdict()
	}
	rank := []string{"worse", "suspect", "unsure", "better", "no_worse"} // what somebody has to look at comes first
	slices.SortStableFunc(c.Metrics, func(a, b Shift) int {
		return cmp.Or(cmp.Compare(slices.Index(rank, a.Verdict), slices.Index(rank, b.Verdict)), cmp.Compare(a.P, b.P))
	})
}

func (s Shift) verdict() string {
	gain, worst := s.B-s.A, s.Low
	if !figure(s.Metric).Up {
		gain, worst = -gain, -s.High
	}
	switch {
	case s.Holm <= level && gain > 0:
		return "better"
	case s.Holm <= level && gain < 0:
		return "worse"
	case s.P <= level && gain < 0:
		return "suspect"
	case worst >= -s.Margin:
		return "no_worse"
	}
	return "unsure"
}

// values says of each metric, by case id, what the cases that count say. The metric is their mean. Figures that are no means (quantiles, areas)
// are not compared by tests.
func values(of []Outcome) map[string]map[string]float64 {
	all := map[string]map[string]float64{VerdictFlips: {}}
	for _, f := range Figures {
		all[f.Name] = map[string]float64{}
		for _, o := range of {
			if v, ok := f.of(o); ok {
				all[f.Name][o.Case.ID] = v
			}
		}
	}
	byID := map[string]Outcome{}
	for _, o := range of {
		byID[o.Case.ID] = o
	}
	for _, o := range of {
		if original, ok := byID[o.Case.Of]; ok {
			if flips, pairs := Flips([]Outcome{original, o}); pairs > 0 {
				all[VerdictFlips][o.Case.ID] = float64(len(flips))
			}
		}
	}
	return all
}

// paired are a metric's values by case, NaN where a case does not count, and the cases' families. Cases that count in neither run are left out.
func paired(of []Outcome, before, now map[string]float64) (a, b []float64, families []string) {
	value := func(m map[string]float64, id string) float64 {
		if v, ok := m[id]; ok {
			return v
		}
		return math.NaN()
	}
	for _, o := range of {
		was, is := value(before, o.Case.ID), value(now, o.Case.ID)
		if math.IsNaN(was) && math.IsNaN(is) {
			continue
		}
		a, b, families = append(a, was), append(b, is), append(families, cmp.Or(o.Case.Family, o.Case.ID))
	}
	return a, b, families
}

// discordant counts the cases that lost and that won a rate; false when it is none, or not over the same cases in both runs.
func discordant(a, b []float64) (lost, won int, ok bool) {
	for i := range a {
		switch [2]float64{a[i], b[i]} {
		case [2]float64{1, 0}:
			lost++
		case [2]float64{0, 1}:
			won++
		case [2]float64{0, 0}, [2]float64{1, 1}:
		default:
			return 0, 0, false
		}
	}
	return lost, won, true
}

func counted(values []float64) int {
	n := 0
	for _, v := range values {
		if !math.IsNaN(v) {
			n++
		}
	}
	return n
}

func meanOf(values []float64) float64 {
	return stats.Mean(slices.DeleteFunc(slices.Clone(values), math.IsNaN))
}
