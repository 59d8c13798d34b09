package eval

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"qiuzhen/retrieval"
)

func close9(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// TestReportRanking holds the figures to what they come to by hand.
func TestReportRanking(t *testing.T) {
	relevant := map[string]map[string]int{"q1": {"a": 2, "b": 1}, "q2": {"c": 1}, "q3": {"d": 1}}
	q := func(id string, decision retrieval.Decision, docs ...Scored) Ranked {
		return Ranked{Question: Question{ID: id}, Decision: decision, Documents: docs, Took: time.Millisecond}
	}
	present := []Ranked{
		q("q1", retrieval.Sure, Scored{"b", .9}, Scored{"x", .5}, Scored{"a", .4}),
		q("q2", retrieval.Suggest, Scored{"x", .6}, Scored{"c", .5}),
		q("q3", retrieval.Abstain),
	}
	absent := []Ranked{q("n1", retrieval.Suggest, Scored{"x", .6}), q("n2", retrieval.Abstain, Scored{"x", .1})}
	r := ReportRanking(present, absent, relevant, .5)
	ndcg1 := (1 + 2/math.Log2(4)) / (2 + 1/math.Log2(3))
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"R@1", r.R1.Value, 1. / 3}, {"R@3", r.R3.Value, 2. / 3}, {"MRR@10", r.MRR10.Value, 1.5 / 3},
		{"nDCG@10", r.NDCG10.Value, (ndcg1 + 1/math.Log2(3)) / 3}, {"R@10", r.Recall10.Value, 2. / 3},
		{"AUROC", *r.AUROC, (2 + 1.5 + 0) / 6},
		{"ECE", r.ECE, (.1 + 1.2 + 0 + .1) / 5}, // bins: .9 right; .6 and .6 wrong; none (0) wrong; .1 wrong
		{"right", r.AtFMR3.Right.Value, 1. / 3}, {"wrong", r.AtFMR3.Wrong.Value, 0},
		{"suggested, right", r.AtFMR3.SuggestedRight.Value, 1. / 3}, {"false match", r.AtFMR3.FalseMatch.Value, 0},
		{"absent, suggested", r.AtFMR3.SuggestedAbsent.Value, .5},
		{"shipped right", r.Shipped.Right.Value, 1. / 3}, {"shipped suggested", r.Shipped.SuggestedRight.Value, 1. / 3},
		{"shipped absent suggested", r.Shipped.SuggestedAbsent.Value, .5}, {"p50", r.P50, 1},
	} {
		if !close9(c.got, c.want) {
			t.Errorf("%s is %v, want %v", c.name, c.got, c.want)
		}
	}
	if r := ReportRanking(present, nil, relevant, .5); r.AUROC != nil || r.AtFMR3.Right != nil || r.Shipped.FalseMatch != nil {
		t.Error("figures of absent queries without any")
	}
}

// TestMeanClusters: values that always agree within a cluster count as one.
func TestMeanClusters(t *testing.T) {
	values := make([]float64, 400)
	for i := range values {
		values[i] = one(i/20%2 == 0)
	}
	alone := Mean(values, nil)
	together := Mean(values, func(i int) string { return string(rune('a' + i/20)) })
	if alone.Value != .5 || together.Value != .5 || together.High-together.Low < 3*(alone.High-alone.Low) {
		t.Errorf("alone %+v, in clusters %+v", alone, together)
	}
	if again := Mean(values, nil); *again != *alone {
		t.Error("the interval is not repeatable")
	}
	if Mean(nil, nil) != nil {
		t.Error("a mean of nothing")
	}
}

type fixedVectors map[string][]float32

func (f fixedVectors) Embed(_ context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, t := range texts {
		out[i] = f[t]
	}
	return out, nil
}

// TestLeaveOut: a query is present, absent or dropped by where its documents are, and dropped when one has a twin left in.
func TestLeaveOut(t *testing.T) {
	l := LeaveOut{Share: .5, Near: .75}
	var out, in []string
	for _, id := range strings.Split("a b c d e f g h i j k l m n o p", " ") {
		if l.out(id) {
			out = append(out, id)
		} else {
			in = append(in, id)
		}
	}
	if len(out) < 3 || len(in) < 2 {
		t.Fatalf("out %v, in %v", out, in)
	}
	c := Collection{
		Queries: []Question{{ID: "present"}, {ID: "absent"}, {ID: "near"}, {ID: "mixed"}, {ID: "unjudged"}},
		Relevant: map[string]map[string]int{
			"present": {in[0]: 1, in[1]: 1}, "absent": {out[0]: 1}, "near": {out[1]: 1, out[2]: 1}, "mixed": {in[0]: 1, out[0]: 1},
		},
	}
	vectors := fixedVectors{}
	for _, id := range append(append([]string{}, out[:3]...), in[:2]...) {
		c.Documents = append(c.Documents, Document{ID: id, Text: id})
		vectors[" "+id] = []float32{1, 0, 0}
	}
	vectors[" "+out[0]], vectors[" "+out[1]] = []float32{0, 1, 0}, []float32{0, 0, 1} // out[2] is the twin of in[0]
	rest, near, err := l.Apply(context.Background(), c, vectors)
	if err != nil {
		t.Fatal(err)
	}
	if len(rest.Documents) != 2 || len(rest.Queries) != 1 || rest.Queries[0].ID != "present" ||
		len(rest.Absent) != 1 || rest.Absent[0].ID != "absent" || near != 1 {
		t.Errorf("documents %v, queries %v, absent %v, near %d", rest.Documents, rest.Queries, rest.Absent, near)
	}
}
