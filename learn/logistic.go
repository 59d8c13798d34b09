// Package learn fits the small models that retrieval decides with: logistic regression with L2 regularisation, by
// L-BFGS from zero, so that the same data gives the same weights.
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

// FitMultinomial minimises the mean negative log-likelihood plus l2/2 x the squared weights (biases are free). x is
// example x feature, y the class of each example in [0, classes).
func FitMultinomial(x [][]float64, y []int, classes int, l2 float64) (Multinomial, error) {
	if len(x) == 0 || len(x) != len(y) || classes < 2 {
		return Multinomial{}, errors.New("learn: needs examples, one class each, and at least two classes")
	}
	p := problem{x: x, y: y, classes: classes, features: len(x[0]), l2: l2}
	for i := range x {
		if len(x[i]) != p.features || y[i] < 0 || y[i] >= classes {
			return Multinomial{}, fmt.Errorf("learn: example %d has %d features (want %d) and class %d", i, len(x[i]), p.features, y[i])
		}
	}
	settings := &optimize.Settings{GradientThreshold: 1e-6, MajorIterations: 2000, Concurrent: 0}
	result, err := optimize.Minimize(optimize.Problem{Func: p.loss, Grad: p.gradient},
		make([]float64, classes*(p.features+1)), settings, &optimize.LBFGS{})
	if result == nil {
		return Multinomial{}, fmt.Errorf("learn: %w", err)
	}
	// a line search that can go no further has converged as far as the arithmetic allows
	return p.model(result.X), nil
}

type problem struct {
	x                 [][]float64
	y                 []int
	classes, features int
	l2                float64
}

// model is a view of the flat parameters: per class its weights, then its bias.
func (p problem) model(flat []float64) Multinomial {
	m := Multinomial{Weights: make([][]float64, p.classes), Bias: make([]float64, p.classes)}
	for c := range p.classes {
		row := flat[c*(p.features+1) : (c+1)*(p.features+1)]
		m.Weights[c], m.Bias[c] = row[:p.features:p.features], row[p.features]
	}
	return m
}

func (p problem) loss(flat []float64) float64 {
	m := p.model(flat)
	sum := 0.0
	for i, x := range p.x {
		sum -= math.Log(max(m.Probabilities(x)[p.y[i]], 1e-300))
	}
	penalty := 0.0
	for _, w := range m.Weights {
		for _, v := range w {
			penalty += v * v
		}
	}
	return sum/float64(len(p.x)) + p.l2/2*penalty
}

func (p problem) gradient(grad, flat []float64) {
	m := p.model(flat)
	g := p.model(grad)
	for c := range g.Weights {
		for j, v := range m.Weights[c] {
			g.Weights[c][j] = p.l2 * v
		}
		grad[c*(p.features+1)+p.features] = 0
	}
	scale := 1 / float64(len(p.x))
	for i, x := range p.x {
		probabilities := m.Probabilities(x)
		for c, q := range probabilities {
			if c == p.y[i] {
				q--
			}
			q *= scale
			for j, v := range x {
				g.Weights[c][j] += q * v
			}
			grad[c*(p.features+1)+p.features] += q
		}
	}
}

// Probabilities returns P(class | x) for each class.
func (m Multinomial) Probabilities(x []float64) []float64 {
	out := make([]float64, len(m.Weights))
	highest := math.Inf(-1)
	for c, w := range m.Weights {
		z := m.Bias[c]
		for j, v := range x {
			z += w[j] * v
		}
		out[c] = z
		highest = max(highest, z)
	}
	sum := 0.0
	for c := range out {
		out[c] = math.Exp(out[c] - highest)
		sum += out[c]
	}
	for c := range out {
		out[c] /= sum
	}
	return out
}
