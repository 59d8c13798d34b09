package cases

import (
	"math"
	"slices"

	"qiuzhen/eval/stats"
)

// Metrics are all figures of a run, computed from it alone: the same outcomes give the same metrics, byte for byte.
type Metrics struct {
	Cases   int                            `json:"cases"`
	Signed  int                            `json:"signed"`  // approved or locked by experts; figures on others are provisional
	Failed  int                            `json:"failed"`  // cases that Judge says something of
	Figures map[string]map[string]Interval `json:"figures"` // by figure and slice; All is all of them
	// Confusion counts the cases by what was expected and what was decided.
	Confusion    map[string]map[string]int `json:"confusion"`
	RiskCoverage []stats.Point             `json:"risk_coverage"`
	Reliability  []stats.Bin               `json:"reliability"`
}

// All is the slice of all cases.
const All = "all"

const (
	seed        = 20261127
	repetitions = 1000
	bins        = 10
)

// Measure computes the metrics of a run.
func Measure(run Run) Metrics {
	m := Metrics{
		Cases: len(run.Outcomes), Figures: map[string]map[string]Interval{}, Confusion: map[string]map[string]int{},
		RiskCoverage: []stats.Point{}, Reliability: []stats.Bin{},
	}
	outcomes := slices.Clone(run.Outcomes)
	slices.SortStableFunc(outcomes, compareIDs) // the bootstrap draws by position
	sliced := map[string][]Outcome{}
	for _, o := range outcomes {
		if o.Case.Approved() {
			m.Signed++
		}
		if len(Judge(o)) > 0 {
			m.Failed++
		}
		m.confuse(o)
		for _, s := range slicesOf(o) {
			sliced[s] = append(sliced[s], o)
		}
	}
	for _, f := range Figures {
		m.Figures[f.Name] = map[string]Interval{}
		for name, of := range sliced {
			if i, ok := f.measure(of); ok {
				m.Figures[f.Name][name] = i
			}
		}
	}
	m.flips(outcomes)
	m.confidence(sliced)
	m.latency(sliced)
	return m
}

// slicesOf are the slices that an outcome belongs to: one of each kind, and each of its styles.
func slicesOf(o Outcome) []string {
	s := o.Case.Slices
	names := []string{All, "topic=" + s.Topic, "risk=" + s.Risk}
	if s.Kind != "" {
		names = append(names, "kind="+s.Kind)
	}
	for _, style := range s.Style {
		names = append(names, "style="+style)
	}
	if class := o.Case.Expect.Urgent; class != "" {
		names = append(names, "class="+class)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (m Metrics) confuse(o Outcome) {
	expected := m.Confusion[o.Case.Expect.Decision]
	if expected == nil {
		expected = map[string]int{}
		m.Confusion[o.Case.Expect.Decision] = expected
	}
	if o.Error != "" {
		expected["error"]++
		return
	}
	expected[o.Decision]++
}

// measure is the figure over the outcomes that count for it; false when none does.
func (f Figure) measure(of []Outcome) (Interval, bool) {
	var values []float64
	var families []string
	for _, o := range of {
		if v, ok := f.of(o); ok {
			values, families = append(values, v), append(families, o.Case.Family)
		}
	}
	if len(values) == 0 {
		return Interval{}, false
	}
	if f.Rate {
		k := 0
		for _, v := range values {
			k += int(v)
		}
		return rate(k, len(values)), true
	}
	low, high := stats.ClusterBootstrap(values, families, seed, repetitions)
	return Interval{len(values), stats.Mean(values), low, high}, true
}

func rate(k, n int) Interval {
	low, high := stats.Wilson(k, n)
	return Interval{n, float64(k) / float64(n), low, high}
}

// Flip is a pair of cases, one worded anew from the other, of which the service does not hold to its verdict: told another one where both
// mean the same, or told the same one where the rewording means the contrary.
type Flip struct {
	Case    string `json:"case"`
	Of      string `json:"of"`
	Verdict string `json:"verdict"`
	Other   string `json:"other"` // of the original
}

// Flips are the flips among the pairs that count: both are answered with a verdict.
func Flips(outcomes []Outcome) (flips []Flip, pairs int) {
	byID := map[string]Outcome{}
	for _, o := range outcomes {
		byID[o.Case.ID] = o
	}
	for _, o := range outcomes {
		of, ok := byID[o.Case.Of]
		if !ok {
			continue
		}
		same := slices.Equal(o.Case.Expect.Entries, of.Case.Expect.Entries)
		mine, theirs := o.verdict(), of.verdict()
		if theirs == "" || same && mine == "" {
			continue
		}
		pairs++
		if same && mine != theirs || !same && mine == theirs && len(o.contrary()) > 0 {
			flips = append(flips, Flip{o.Case.ID, of.Case.ID, mine, theirs})
		}
	}
	return flips, pairs
}

// verdict is the one that the first answer tells; empty when none is told.
func (o Outcome) verdict() string {
	if !o.answered() {
		return ""
	}
	return o.Answers[0].Verdict
}

func (m Metrics) flips(outcomes []Outcome) {
	m.Figures[VerdictFlips] = map[string]Interval{}
	if flips, pairs := Flips(outcomes); pairs > 0 {
		m.Figures[VerdictFlips][All] = rate(len(flips), pairs)
	}
}

// confidence says what P(match) of the best entry is worth. Counted are cases of one message that something was searched for, and of which
// it is known what answers them.
func (m *Metrics) confidence(sliced map[string][]Outcome) {
	m.Figures[ECE], m.Figures[AURC] = map[string]Interval{}, map[string]Interval{}
	for name, of := range sliced {
		var p []float64
		var right []bool
		for _, o := range of {
			if len(o.Candidates) > 0 && len(o.Case.Turns) == 1 && o.decided() {
				p = append(p, o.Candidates[0].Score)
				right = append(right, slices.Contains(o.Case.Expect.Entries, o.Candidates[0].Entry))
			}
		}
		if len(p) == 0 {
			continue
		}
		points, aurc := stats.RiskCoverage(p, right)
		m.Figures[ECE][name] = alone(len(p), stats.ECE(p, right, bins))
		m.Figures[AURC][name] = alone(len(p), aurc)
		if name == All {
			m.RiskCoverage, m.Reliability = thinned(points), stats.Reliability(p, right, bins)
		}
	}
}

// alone is a figure without an interval.
func alone(n int, v float64) Interval { return Interval{n, v, v, v} }

// mostPoints is how many points of a curve are kept: more cannot be seen.
const mostPoints = 200

func thinned(points []stats.Point) []stats.Point {
	if len(points) <= mostPoints {
		return points
	}
	out := make([]stats.Point, mostPoints)
	for i := range out {
		out[i] = points[int(math.Round(float64(i)*float64(len(points)-1)/(mostPoints-1)))]
	}
	return out
}

func (m Metrics) latency(sliced map[string][]Outcome) {
	m.Figures[LatencyP50], m.Figures[LatencyP95] = map[string]Interval{}, map[string]Interval{}
	var took []float64
	for _, o := range sliced[All] {
		took = append(took, o.TookMS)
	}
	if len(took) > 0 {
		m.Figures[LatencyP50][All] = alone(len(took), stats.Percentile(took, 0.5))
		m.Figures[LatencyP95][All] = alone(len(took), stats.Percentile(took, 0.95))
	}
}
