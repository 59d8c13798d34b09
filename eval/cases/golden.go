package cases

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Golden is a run as it is committed: a change of behaviour is a diff.
type Golden struct {
	// Kernel names the int8 kernels that the vectors came from: on another processor they differ in the third decimal, and a message near
	// a threshold may fall to the other side.
	Kernel  string            `json:"kernel"`
	Figures map[string]string `json:"figures"` // of all cases, as they are reviewed
	Shown   map[string]string `json:"shown"`   // by case: the decision, the entries, danger and current fact
	// Broken are the cases that fail figures of hard gates, by figure: no move may add one.
	Broken map[string][]string `json:"broken"`
}

// GoldenOf is what a run is held to. How long it took is left out.
func GoldenOf(run Run, m Metrics, kernel string) Golden {
	g := Golden{kernel, map[string]string{}, map[string]string{}, map[string][]string{}}
	for _, f := range slices.Concat(Figures, Lone) {
		i, ok := m.Figures[f.Name][All]
		switch {
		case !ok || f.Name == LatencyP50 || f.Name == LatencyP95:
		case f.Rate:
			g.Figures[f.Name] = fmt.Sprintf("%d/%d = %.4f (%.4f to %.4f)", hits(i), i.N, i.Value, i.Low, i.High)
		case !hasInterval(f.Name):
			g.Figures[f.Name] = fmt.Sprintf("%.4f (n %d)", i.Value, i.N)
		default:
			g.Figures[f.Name] = fmt.Sprintf("%.4f (%.4f to %.4f, n %d)", i.Value, i.Low, i.High, i.N)
		}
	}
	for _, gate := range DefaultGates().Gates {
		if ids := Failing(gate.Metric, run.Outcomes); gate.Hard && len(ids) > 0 {
			g.Broken[gate.Metric] = ids
		}
	}
	for _, o := range run.Outcomes {
		g.Shown[o.Case.ID] = seenOf(o)
	}
	return g
}

func seenOf(o Outcome) string {
	parts := []string{o.Decision}
	for _, a := range o.Answers {
		parts = append(parts, a.Entry+"="+a.Verdict)
	}
	parts = append(parts, o.Offered...)
	if o.Urgent != "" {
		parts = append(parts, "urgent="+o.Urgent)
	}
	if o.Live != "" {
		parts = append(parts, "live="+o.Live)
	}
	if o.Error != "" {
		parts = append(parts, "error")
	}
	return strings.Join(parts, " ")
}

// Write writes it for committing.
func (g Golden) Write(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", " ")
	return encoder.Encode(g)
}

// Moves is how a run departs from the committed one.
type Moves struct {
	Moved   []string // cases that get something else, or are in one of the two only
	Allowed int      // how many may
	Broken  []string // cases that fail a hard gate's figure and did not: none may
}

// Refused reports whether the run departs further than it may.
func (m Moves) Refused() bool { return len(m.Moved) > m.Allowed || len(m.Broken) > 0 }

// Moves compares a run with the committed one. Four cases in a thousand may move, since entries are stored side by side and the index of their vectors
// differs a little from one filling to the next; a tenth with other kernels. No move may break a figure of a hard gate; with other kernels no figure
// of which no failure is allowed.
func (g Golden) Moves(now Golden) Moves {
	var m Moves
	ids := map[string]bool{}
	for _, shown := range []map[string]string{g.Shown, now.Shown} {
		for id := range shown {
			ids[id] = true
		}
	}
	for _, id := range sortedKeys(ids) {
		switch was, is := g.Shown[id], now.Shown[id]; {
		case is == "":
			m.Moved = append(m.Moved, id+"：没有再问")
		case was != is:
			m.Moved = append(m.Moved, fmt.Sprintf("%s：%s → %s", id, was, is))
		}
	}
	if m.Allowed = len(now.Shown) / 250; g.Kernel != now.Kernel {
		m.Allowed = max(m.Allowed, len(now.Shown)/10)
	}
	for _, gate := range DefaultGates().Gates {
		if g.Kernel != now.Kernel && !gate.allowsNone() {
			continue
		}
		for _, id := range now.Broken[gate.Metric] {
			if !slices.Contains(g.Broken[gate.Metric], id) {
				m.Broken = append(m.Broken, id+"："+figure(gate.Metric).Zh)
			}
		}
	}
	return m
}

// Of is the committed run of some of its cases alone.
func (g Golden) Of(ids map[string]string) Golden {
	shown := map[string]string{}
	for id := range ids {
		if was, ok := g.Shown[id]; ok {
			shown[id] = was
		}
	}
	g.Shown = shown
	return g
}
