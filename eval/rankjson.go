package eval

import "encoding/json"

// MarshalJSON writes each figure as a number under its own name, null where it needs absent queries and there are none, and all
// 95% intervals under "intervals": "r1": [low, high], "at_fmr3.right": [low, high].
func (r RankReport) MarshalJSON() ([]byte, error) {
	intervals := map[string][2]float64{}
	number := func(name string, f *Figure) *float64 {
		if f == nil {
			return nil
		}
		intervals[name] = [2]float64{f.Low, f.High}
		return &f.Value
	}
	block := func(name string, b Block) map[string]*float64 {
		out := map[string]*float64{}
		for field, f := range map[string]*Figure{
			"right": b.Right, "wrong": b.Wrong, "suggested_right": b.SuggestedRight,
			"false_match": b.FalseMatch, "suggested_absent": b.SuggestedAbsent,
		} {
			out[field] = number(name+"."+field, f)
		}
		return out
	}
	return json.Marshal(map[string]any{
		"n": r.N, "n_present": r.Present, "n_absent": r.Absent, "n_near": r.Near,
		"r1": number("r1", r.R1), "r3": number("r3", r.R3), "mrr10": number("mrr10", r.MRR10),
		"ndcg10": number("ndcg10", r.NDCG10), "recall10": number("recall10", r.Recall10),
		"auroc": r.AUROC, "ece": r.ECE, "p50_ms": r.P50, "p95_ms": r.P95, "p99_ms": r.P99,
		"at_fmr3": block("at_fmr3", r.AtFMR3), "as_shipped": block("as_shipped", r.Shipped),
		"intervals": intervals, // filled by the calls above
	})
}
