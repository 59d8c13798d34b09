package eval

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"

	"qiuzhen/learn"
	"qiuzhen/retrieval"
)

// Targets are the error rates that thresholds are taken from (settings target_*): a wrong answer does harm, a needless emergency number
// little.
type Targets struct {
	AbsentAnswered    float64 // of messages that no entry answers, how many may get an answer
	AnsweredWrongly   float64 // of messages that an entry answers, how many may get another one
	SecondWrong       float64 // of messages with one claim, how many may get a wrong second answer
	ContraryAnswered  float64 // of messages that say the contrary, or swap the number or the subject, how many may get any answer
	AbsentSuggested   float64 // of messages that no entry answers, how many may get suggestions
	OffTopicSuggested float64 // of messages off topic, how many may get suggestions
	CalmAlarmed       float64 // of hard look-alikes of danger, how many may be shown a number
	TimelessLive      float64 // of hard look-alikes of current facts, how many may be treated as live
}

const (
	folds = 8
	// ridge are the regularisations, chosen once by cross-validation on the tune wordings (docs/retrieval.md).
	ridgeMatch, ridgeVector = 1e-3, 3e-5
)

// Engine is what calibrating needs of retrieval.Engine.
type Engine interface {
	Pieces(ctx context.Context, message string) ([]retrieval.Piece, error)
	Vector(ctx context.Context, message string) (retrieval.Vector, error)
	Align(ctx context.Context, e retrieval.Evidence) (retrieval.Evidence, error)
}

// fold keeps the messages about one entry together.
func fold(w Wording) int {
	key := string(w.Entry)
	if key == "" {
		key = w.ID
	}
	return int(hash(key) % folds)
}

func hash(key string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(key))
	return h.Sum32()
}

// standardise shifts and scales the features in copies of the rows, and returns the means and scales.
func standardise(x [][]float64) (mean, scale []float64) {
	n := len(x[0])
	mean, scale = make([]float64, n), make([]float64, n)
	for _, row := range x {
		for j, v := range row {
			mean[j] += v / float64(len(x))
		}
	}
	for _, row := range x {
		for j, v := range row {
			scale[j] += (v - mean[j]) * (v - mean[j]) / float64(len(x))
		}
	}
	for j := range scale {
		mean[j], scale[j] = learn.Significant(mean[j]), learn.Significant(max(math.Sqrt(scale[j]), 1e-6))
	}
	for i, row := range x {
		x[i] = slices.Clone(row)
		for j := range row {
			x[i][j] = (row[j] - mean[j]) / scale[j]
		}
	}
	return mean, scale
}

func round(m learn.Multinomial) learn.Multinomial {
	for c := range m.Weights {
		for j, v := range m.Weights[c] {
			m.Weights[c][j] = learn.Significant(v)
		}
		m.Bias[c] = learn.Significant(m.Bias[c])
	}
	return m
}

// over is the least threshold that at most rate x n of the values reach.
func over(values []float64, n int, rate float64) float64 {
	slices.SortFunc(values, func(a, b float64) int { return cmp.Compare(b, a) })
	allowed := int(rate * float64(n))
	if allowed >= len(values) {
		return 0
	}
	return learn.Significant(values[allowed]*(1+1e-4) + 1e-6)
}

// CalibrateClassifier fits a classifier of message vectors: wordings of the given file teach its classes, those in
// others are examples of nothing. hard are the look-alikes whose rate of false alarms may be at most target.
func CalibrateClassifier(ctx context.Context, e Engine, modelID string, wordings, others []Wording, target float64) (*retrieval.Classifier, error) {
	classes := []string{"none"}
	index := map[string]int{"": 0}
	var x [][]float64
	var y []int
	for i, w := range append(slices.Clone(wordings), others...) {
		v, err := e.Vector(ctx, w.Text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.ID, err)
		}
		if v.V == nil {
			continue
		}
		if i >= len(wordings) {
			w.Class = ""
		}
		if _, ok := index[w.Class]; !ok {
			index[w.Class] = len(classes)
			classes = append(classes, w.Class)
		}
		row := make([]float64, len(v.V))
		for j, f := range v.V {
			row[j] = float64(f)
		}
		x, y = append(x, row), append(y, index[w.Class])
	}
	threshold, err := classifierThreshold(x, y, len(classes), len(wordings), target)
	if err != nil {
		return nil, err
	}
	fitted, err := learn.FitMultinomial(x, y, len(classes), ridgeVector)
	return &retrieval.Classifier{ModelID: modelID, Classes: classes, Multinomial: round(fitted), Threshold: threshold}, err
}

// classifierThreshold keeps the rate of alarms on hard look-alikes, judged by fits that have not seen them.
func classifierThreshold(x [][]float64, y []int, classes, own int, target float64) (float64, error) {
	var calm []float64
	for k := range folds {
		var tx [][]float64
		var ty []int
		for i := range x {
			if i%folds != k {
				tx, ty = append(tx, x[i]), append(ty, y[i])
			}
		}
		m, err := learn.FitMultinomial(tx, ty, classes, ridgeVector)
		if err != nil {
			return 0, err
		}
		for i := k; i < own; i += folds {
			if y[i] == 0 {
				calm = append(calm, 1-m.Probabilities(x[i])[0])
			}
		}
	}
	return over(calm, len(calm), target), nil
}
