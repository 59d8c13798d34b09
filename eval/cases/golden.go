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
}

// GoldenOf is what a run is held to. How long it took is left out.
func GoldenOf(run Run, m Metrics, kernel string) Golden {
	g := Golden{kernel, map[string]string{}, map[string]string{}}
	for _, f := range slices.Concat(Figures, Lone) {
		i, ok := m.Figures[f.Name][All]
		switch {
		case !ok || f.Name == LatencyP50 || f.Name == LatencyP95:
		case f.Rate:
			g.Figures[f.Name] = fmt.Sprintf("%d/%d = %.4f (%.4f to %.4f)", hits(i), i.N, i.Value, i.Low, i.High)
		default:
			g.Figures[f.Name] = fmt.Sprintf("%.4f (%.4f to %.4f, n %d)", i.Value, i.Low, i.High, i.N)
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

// Moved are the cases of now that the golden run has otherwise or not at all, and how many may move: two in a thousand, since entries are stored side
// by side and the index of their vectors differs a little from one filling to the next; a tenth with other kernels.
func (g Golden) Moved(now Golden) (moved []string, allowed int) {
	for _, id := range sortedKeys(now.Shown) {
		if was, ok := g.Shown[id]; !ok || was != now.Shown[id] {
			moved = append(moved, fmt.Sprintf("%s：%s → %s", id, was, now.Shown[id]))
		}
	}
	if allowed = len(now.Shown) / 500; g.Kernel != now.Kernel {
		allowed = max(allowed, len(now.Shown)/10)
	}
	return moved, allowed
}
