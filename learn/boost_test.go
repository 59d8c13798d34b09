package learn_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"qiuzhen/learn"
)

// exclusiveOr makes examples whose class no linear model can tell, and a third feature that says nothing.
func exclusiveOr(n int, seed uint64) (x [][]float64, y []int) {
	r := rand.New(rand.NewPCG(seed, 2))
	for range n {
		a, b := r.Float64(), r.Float64()
		class := 0
		if (a > 0.5) != (b > 0.3) {
			class = 1
		}
		x, y = append(x, []float64{a, b, r.Float64()}), append(y, class)
	}
	return x, y
}

func ones(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

var boosting = learn.Boosting{Trees: 60, Leaves: 6, Rate: 0.2, Smallest: 5, Rows: 0.8, Columns: 1, Seed: 7}

func TestFitBoostedLearnsAnInteraction(t *testing.T) {
	x, y := exclusiveOr(2000, 1)
	m, err := learn.FitBoosted(x, y, ones(len(x)), boosting)
	if err != nil {
		t.Fatal(err)
	}
	unseen, classes := exclusiveOr(2000, 3)
	right := 0
	for i, v := range unseen {
		if (m.LogOdds(v) > 0) == (classes[i] == 1) {
			right++
		}
	}
	if right < 1900 {
		t.Errorf("%d of 2000 unseen examples right; a linear model has about 1100, the truth is learnable", right)
	}
}

func TestFitBoostedIsRepeatableAndSurvivesJSON(t *testing.T) {
	x, y := exclusiveOr(500, 1)
	a, err := learn.FitBoosted(x, y, ones(len(x)), boosting)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := learn.FitBoosted(x, y, ones(len(x)), boosting)
	if !reflect.DeepEqual(a, b) {
		t.Error("the same data and seed gave other trees")
	}
	data, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var c learn.Boosted
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	for _, v := range x {
		if a.LogOdds(v) != c.LogOdds(v) {
			t.Fatalf("%v: %g before, %g after a round through JSON", v, a.LogOdds(v), c.LogOdds(v))
		}
	}
}

func TestFitBoostedRefusesWhatTeachesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		x [][]float64
		y []int
	}{
		"nothing":       {nil, nil},
		"one class":     {[][]float64{{1}, {2}}, []int{1, 1}},
		"ragged":        {[][]float64{{1}, {2, 3}}, []int{0, 1}},
		"a third class": {[][]float64{{1}, {2}}, []int{0, 2}},
	} {
		if _, err := learn.FitBoosted(c.x, c.y, ones(len(c.x)), boosting); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestFitBoostedWeighs: what weighs nothing teaches nothing.
func TestFitBoostedWeighs(t *testing.T) {
	x, y := exclusiveOr(600, 1)
	weights := ones(len(x))
	for i := range 300 {
		y[i], weights[i] = 1-y[i], 0 // lies
	}
	m, err := learn.FitBoosted(x, y, weights, boosting)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i := 300; i < 600; i++ {
		if (m.LogOdds(x[i]) > 0) == (y[i] == 1) {
			right++
		}
	}
	if right < 285 {
		t.Errorf("%d of 300 right: the lies were believed", right)
	}
}
