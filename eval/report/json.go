package report

import (
	"encoding/json"
	"io"

	"qiuzhen/eval/cases"
)

// reportJSON is the report for programs: docs/schemas/report.schema.json. The outcomes are in the run's own JSON.
type reportJSON struct {
	ID         string          `json:"id"`
	Manifest   cases.Manifest  `json:"manifest"`
	Allowed    bool            `json:"allowed"` // it may be released
	Headline   string          `json:"headline"`
	Void       []string        `json:"void"`
	Gates      []gateJSON      `json:"gates"`
	Metrics    cases.Metrics   `json:"metrics"`
	Faulty     []faultyJSON    `json:"faulty"`
	Comparison *comparisonJSON `json:"comparison"`
}

type gateJSON struct {
	Figure string   `json:"figure"`
	Hard   bool     `json:"hard"`
	Min    *float64 `json:"min"`
	Max    *float64 `json:"max"`
	Fewest int      `json:"fewest"`
	N      int      `json:"n"`
	Value  float64  `json:"value"`
	Low    float64  `json:"low"`
	High   float64  `json:"high"`
	State  string   `json:"state"` // passed, warned, refused
	Reason string   `json:"reason,omitempty"`
}

type faultyJSON struct {
	Case     string          `json:"case"`
	Failures []cases.Failure `json:"failures"`
}

type comparisonJSON struct {
	Against cases.Manifest `json:"against"`
	Common  int            `json:"common"`
	OnlyA   []string       `json:"only_a"`
	OnlyB   []string       `json:"only_b"`
	Edited  []string       `json:"edited"`
	Broken  []faultyJSON   `json:"broken"`
	Worse   []faultyJSON   `json:"worse"`
	Fixed   []faultyJSON   `json:"fixed"`
	Still   int            `json:"still"`
	Differs []string       `json:"differs"`
	Metrics []cases.Shift  `json:"metrics"`
}

// WriteJSON writes the report for programs.
func (r Report) WriteJSON(w io.Writer) error {
	out := reportJSON{
		ID: r.Run.ID, Manifest: r.Run.Manifest, Allowed: r.Release.Allowed(), Headline: r.Release.Headline(), Void: append([]string{}, r.Release.Void...),
		Gates: []gateJSON{}, Metrics: r.Metrics, Faulty: []faultyJSON{},
	}
	for _, list := range []struct {
		state string
		of    []cases.Passage
	}{{"refused", r.Release.Blocking}, {"warned", r.Release.Warning}, {"passed", r.Release.Passed}} {
		for _, p := range list.of {
			out.Gates = append(out.Gates, gateJSONOf(p, list.state))
		}
	}
	for _, f := range r.Faulty {
		out.Faulty = append(out.Faulty, faultyJSON{f.Outcome.Case.ID, f.Failures})
	}
	if c := r.Comparison; c != nil {
		out.Comparison = &comparisonJSON{
			Against: *r.Against, Common: c.Common, OnlyA: c.OnlyA, OnlyB: c.OnlyB, Edited: c.Edited, Broken: changesJSON(c.Broken), Worse: changesJSON(c.Worse),
			Fixed: changesJSON(c.Fixed), Still: c.Still, Differs: append([]string{}, c.Differs...), Metrics: c.Metrics,
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", " ")
	return encoder.Encode(out)
}

func gateJSONOf(p cases.Passage, state string) gateJSON {
	g, f := p.Gate, p.Figure
	return gateJSON{g.Metric, g.Hard, g.Min, g.Max, g.N, f.N, f.Value, f.Low, f.High, state, p.Reason}
}

func changesJSON(of []cases.Change) []faultyJSON {
	out := make([]faultyJSON, len(of))
	for i, c := range of {
		out[i] = faultyJSON{c.Case.ID, c.Failures}
	}
	return out
}
