package learn

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestFitRecoversTheWeights draws labels from known weights and finds them again.
func TestFitRecoversTheWeights(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a fixed seed
	truth := Multinomial{Weights: [][]float64{{0, 0}, {2, -1}, {-1, 1.5}}, Bias: []float64{0, 0.5, -0.5}}
	var x [][]float64
	var y []int
	for range 20000 {
		example := []float64{r.NormFloat64(), r.NormFloat64()}
		u, class := r.Float64(), 0
		for c, p := range truth.Probabilities(example) {
			if class = c; u < p {
				break
			}
			u -= p
		}
		x, y = append(x, example), append(y, class)
	}
	m, err := FitMultinomial(x, y, 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	for c := 1; c < 3; c++ { // softmax is the same when every class is shifted alike: compare with class 0
		for j := range 2 {
			got, want := m.Weights[c][j]-m.Weights[0][j], truth.Weights[c][j]
			if math.Abs(got-want) > 0.15 {
				t.Errorf("weight %d/%d: %.2f, want %.2f", c, j, got, want)
			}
		}
	}
}

func TestGradientIsTheSlope(t *testing.T) {
	p := problem{x: []Sparse{everyFeature([]float64{1, 2}), everyFeature([]float64{-1, 0.5}), everyFeature([]float64{0.3, -2})}, y: []int{0, 1, 1}, classes: 2, features: 2, l2: 0.1}
	at := []float64{0.1, -0.2, 0.3, 0.4, 0.5, -0.6}
	grad := make([]float64, len(at))
	p.gradient(grad, at)
	for i := range at {
		const h = 1e-6
		up, down := append([]float64(nil), at...), append([]float64(nil), at...)
		up[i] += h
		down[i] -= h
		if slope := (p.loss(up) - p.loss(down)) / (2 * h); math.Abs(slope-grad[i]) > 1e-6 {
			t.Errorf("parameter %d: gradient %.8f, slope %.8f", i, grad[i], slope)
		}
	}
}

func TestFitIsDeterministicAndRefusesNonsense(t *testing.T) {
	x, y := [][]float64{{1, 0}, {0, 1}, {1, 1}}, []int{0, 1, 1}
	a, err := FitMultinomial(x, y, 2, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := FitMultinomial(x, y, 2, 0.01)
	if a.Weights[1][0] != b.Weights[1][0] || a.Bias[0] != b.Bias[0] {
		t.Error("two fits of the same data differ")
	}
	for name, bad := range map[string]struct {
		x [][]float64
		y []int
	}{"empty": {}, "uneven": {x: [][]float64{{1, 0}, {1}}, y: []int{0, 1}}, "class": {x: x, y: []int{0, 1, 2}}} {
		if _, err := FitMultinomial(bad.x, bad.y, 2, 0); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
