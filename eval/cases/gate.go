package cases

import (
	"fmt"
	"math"
)

// Gates say what a run must show before a release; ReadGates reads them.
type Gates struct {
	Gates   []Gate
	Known   KnownFailures      // of gates that allow none
	Margins map[string]float64 // by metric: by how much it may be worse than an earlier run's without harm
}

// Gate bounds the point estimate of a metric over all cases.
type Gate struct {
	Metric string
	Hard   bool // a release is refused; otherwise warned of
	Min    *float64
	Max    *float64
	N      int // fewest cases that it has to be of, at least 1
}

// Passage is what became of a gate.
type Passage struct {
	Gate   Gate     `json:"gate"`
	Figure Interval `json:"figure"`
	Reason string   `json:"reason,omitempty"` // why it is not passed, in Chinese
	// Unknown: there is no figure, or of too few cases. That refuses a release whether the gate is hard or soft.
	Unknown bool `json:"unknown,omitempty"`
	// Known and New are the cases that fail a gate that allows none: those that are listed, and the others.
	Known []string `json:"known,omitempty"`
	New   []string `json:"new,omitempty"`
}

// Blocks reports whether a release is refused for it.
func (p Passage) Blocks() bool {
	excused := len(p.Known) > 0 && len(p.New) == 0 && !p.Unknown
	return p.Reason != "" && (p.Gate.Hard || p.Unknown) && !excused
}

// Pass holds every gate against the figures of a run, over all its cases.
func (g Gates) Pass(m Metrics) []Passage {
	out := make([]Passage, len(g.Gates))
	for i, gate := range g.Gates {
		figure, ok := m.Figures[gate.Metric][All]
		out[i] = Passage{Gate: gate, Figure: figure}
		out[i].Reason, out[i].Unknown = gate.reason(figure, ok)
	}
	return out
}

// reason says why a gate is not passed. What was not measured is not passed.
func (g Gate) reason(f Interval, measured bool) (why string, unknown bool) {
	switch {
	case !measured:
		return "没有测到这一项", true
	case f.N == 0:
		return "没有一个用例算在这一项里", true
	case f.N < g.N:
		return fmt.Sprintf("只有%d个用例，至少要%d个才作数", f.N, g.N), true
	case math.IsNaN(f.Value) || math.IsInf(f.Value, 0):
		return "算出来的不是一个数", true
	case g.Max != nil && f.Value > *g.Max:
		return "高了", false
	case g.Min != nil && f.Value < *g.Min:
		return "低了", false
	}
	return "", false
}
