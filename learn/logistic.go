// Package learn fits the small models that retrieval decides with: logistic regression with L2 regularisation, by
// L-BFGS from zero, and boosted trees, so that the same data gives the same weights.
package learn

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/optimize"
)

// Multinomial is softmax regression: P(class | x) is proportional to exp(Weights[class]·x + Bias[class]).
type Multinomial struct {
	Weights [][]float64 `json:"weights"` // class x feature
	Bias    []float64   `json:"bias"`    // class
}

// Sparse is an example of which most features are zero: the value of each feature that is not.
type Sparse struct {
	Index []int
	Value []float64
}

// everyFeature is an example of which all features are given.
func everyFeature(row []float64) Sparse {
	s := Sparse{make([]int, len(row)), row}
	for j := range row {
		s.Index[j] = j
	}
	return s
}

// FitMultinomial minimises the mean negative log-likelihood plus l2/2 x the squared weights (biases are free). x is
// example x feature, y the class of each example in [0, classes).
func FitMultinomial(x [][]float64, y []int, classes int, l2 float64) (Multinomial, error) {
	all, features := make([]Sparse, len(x)), 0
	for i, row := range x {
		features = len(x[0])
		if len(row) != features {
			return Multinomial{}, fmt.Errorf("learn: example %d has %d features (want %d)", i, len(row), features)
		}
		all[i] = everyFeature(row)
	}
	return fit(all, y, features, classes, l2, 1e-6)
}

// FitSparse is FitMultinomial over sparse examples, of which there may be many: it stops a little earlier.
func FitSparse(x []Sparse, y []int, features, classes int, l2 float64) (Multinomial, error) {
	return fit(x, y, features, classes, l2, 1e-5)
}

// fit descends from zero until no part of the gradient is over flat.
func fit(x []Sparse, y []int, features, classes int, l2, flat float64) (Multinomial, error) {
	if len(x) == 0 || len(x) != len(y) || classes < 2 {
		return Multinomial{}, errors.New("learn: needs examples, one class each, and at least two classes")
	}
	for i, row := range x {
		if len(row.Index) != len(row.Value) || y[i] < 0 || y[i] >= classes {
			return Multinomial{}, fmt.Errorf("learn: example %d has %d values for %d features and class %d", i, len(row.Value), len(row.Index), y[i])
		}
	}
	p := problem{x, y, features, classes, l2}
	settings := &optimize.Settings{GradientThreshold: flat, MajorIterations: 2000, Concurrent: 0}
	result, err := optimize.Minimize(optimize.Problem{Func: p.loss, Grad: p.gradient}, make([]float64, classes*(features+1)), settings, &optimize.LBFGS{})
	if result == nil {
		return Multinomial{}, fmt.Errorf("learn: %w", err)
	}
	// a line search that can go no further has converged as far as the arithmetic allows
	m := Multinomial{Weights: make([][]float64, classes), Bias: make([]float64, classes)}
	for c := range classes {
		m.Weights[c] = make([]float64, features)
		for j := range features {
			m.Weights[c][j] = result.X[j*classes+c]
		}
		m.Bias[c] = result.X[features*classes+c]
	}
	return m, nil
}

// problem's parameters lie feature by feature, a weight for each class; the biases last.
type problem struct {
	x                 []Sparse
	y                 []int
	features, classes int
	l2                float64
}

func (p problem) probabilities(flat []float64, row Sparse, out []float64) {
	copy(out, flat[p.features*p.classes:])
	for k, j := range row.Index {
		v := row.Value[k]
		for c, w := range flat[j*p.classes : (j+1)*p.classes] {
			out[c] += w * v
		}
	}
	softmax(out)
}

func (p problem) loss(flat []float64) float64 {
	sum, q := 0.0, make([]float64, p.classes)
	for i, row := range p.x {
		p.probabilities(flat, row, q)
		sum -= math.Log(max(q[p.y[i]], 1e-300))
	}
	penalty := 0.0
	for _, v := range flat[:p.features*p.classes] {
		penalty += v * v
	}
	return sum/float64(len(p.x)) + p.l2/2*penalty
}

func (p problem) gradient(grad, flat []float64) {
	biases, q := p.features*p.classes, make([]float64, p.classes)
	for j, v := range flat[:biases] {
		grad[j] = p.l2 * v
	}
	clear(grad[biases:])
	scale := 1 / float64(len(p.x))
	for i, row := range p.x {
		p.probabilities(flat, row, q)
		q[p.y[i]]--
		for c := range q {
			q[c] *= scale
			grad[biases+c] += q[c]
		}
		for k, j := range row.Index {
			v := row.Value[k]
			for c, g := range q {
				grad[j*p.classes+c] += g * v
			}
		}
	}
}

// softmax turns scores into probabilities in place.
func softmax(scores []float64) {
	highest, sum := math.Inf(-1), 0.0
	for _, z := range scores {
		highest = max(highest, z)
	}
	for c, z := range scores {
		scores[c] = math.Exp(z - highest)
		sum += scores[c]
	}
	for c := range scores {
		scores[c] /= sum
	}
}

// Probabilities returns P(class | x) for each class.
func (m Multinomial) Probabilities(x []float64) []float64 { return m.Of(everyFeature(x)) }

// Of returns P(class | x) of a sparse example.
func (m Multinomial) Of(x Sparse) []float64 {
	out := append([]float64(nil), m.Bias...)
	for c, w := range m.Weights {
		for k, j := range x.Index {
			out[c] += w[j] * x.Value[k]
		}
	}
	softmax(out)
	return out
}
