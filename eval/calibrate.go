package eval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"

	"qiuzhen/knowledge"
	"qiuzhen/learn"
	"qiuzhen/retrieval"
)

// Targets are the error rates that thresholds are taken from.
type Targets struct {
	AbsentAnswered    float64 // of messages that no entry answers, how many may get an answer
	AnsweredWrongly   float64 // of messages that an entry answers, how many may get another one
	AbsentSuggested   float64 // of messages that no entry answers, how many may get suggestions
	OffTopicSuggested float64 // of messages off topic, how many may get suggestions
	CalmAlarmed       float64 // of hard look-alikes of danger, how many may be shown a number
	TimelessLive      float64 // of hard look-alikes of current facts, how many may be treated as live
}

// DefaultTargets are the committed ones: a wrong answer does harm, a needless emergency number little.
var DefaultTargets = Targets{AbsentAnswered: .03, AnsweredWrongly: .01, AbsentSuggested: .5, OffTopicSuggested: .05, CalmAlarmed: .12, TimelessLive: .03}

const (
	folds = 8
	// ridge are the regularisations, chosen once by cross-validation on the tune wordings (docs/retrieval.md).
	ridgeMatch, ridgeVector = 1e-3, 3e-5
	// candidatesPerPiece are the entries of a piece of a message that the match model learns from.
	candidatesPerPiece = 4
)

// Engine is what calibrating needs of retrieval.Engine.
type Engine interface {
	Evidence(ctx context.Context, message string) ([][]retrieval.Evidence, error)
	Vector(ctx context.Context, message string) (retrieval.Vector, error)
}

// Report says what cross-validation on the tune wordings gave.
type Report struct {
	N, Present, Absent                      int
	Right, Wrong, Suggested, AbsentAnswered float64
	AbsentSuggested                         float64
}

// gathered is a message with all its evidence.
type gathered struct {
	Wording
	pieces [][]retrieval.Evidence
}

func fold(w Wording) int {
	key := string(w.Entry)
	if key == "" {
		key = w.ID
	}
	h := fnv.New32a()
	h.Write([]byte(key))
	return int(h.Sum32() % folds)
}

// CalibrateMatch fits P(match) and its thresholds. Thresholds come from predictions on folds of entries that the
// fit has not seen; the weights from all.
func CalibrateMatch(ctx context.Context, e Engine, modelID string, wordings []Wording, targets Targets) (retrieval.Scorer, Report, error) {
	var all []gathered
	for _, w := range wordings {
		pieces, err := e.Evidence(ctx, w.Text)
		if err != nil {
			return retrieval.Scorer{}, Report{}, fmt.Errorf("%s: %w", w.ID, err)
		}
		if len(pieces) > 0 {
			all = append(all, gathered{w, pieces})
		}
	}
	var outcomes []outcome
	for k := range folds {
		train := slices.DeleteFunc(slices.Clone(all), func(g gathered) bool { return fold(g.Wording) == k })
		scorer, err := fitMatch(modelID, train)
		if err != nil {
			return scorer, Report{}, err
		}
		for _, g := range all {
			if fold(g.Wording) == k {
				outcomes = append(outcomes, conclude(scorer, g))
			}
		}
	}
	scorer, err := fitMatch(modelID, all)
	if err != nil {
		return scorer, Report{}, err
	}
	scorer.Answer, scorer.Suggest = thresholds(outcomes, targets)
	return scorer, report(outcomes, scorer), nil
}

func fitMatch(modelID string, messages []gathered) (retrieval.Scorer, error) {
	var x [][]float64
	var y []int
	for _, g := range messages {
		if g.Kind == Opposite {
			continue // the polarity rules judge these, which the features do not see
		}
		for _, piece := range g.pieces {
			for i, c := range piece {
				label := 0
				if c.ID == g.Entry {
					label = 1
				}
				if i < candidatesPerPiece || label == 1 {
					x, y = append(x, c.Features), append(y, label)
				}
			}
		}
	}
	if len(x) == 0 {
		return retrieval.Scorer{}, errors.New("no wordings to calibrate on")
	}
	mean, scale := standardise(x)
	fitted, err := learn.FitMultinomial(x, y, 2, ridgeMatch)
	return retrieval.Scorer{ModelID: modelID, Multinomial: round(fitted), Mean: mean, Scale: scale}, err
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
		mean[j], scale[j] = significant(mean[j]), significant(max(math.Sqrt(scale[j]), 1e-6))
	}
	for i, row := range x {
		x[i] = slices.Clone(row)
		for j := range row {
			x[i][j] = (row[j] - mean[j]) / scale[j]
		}
	}
	return mean, scale
}

// significant keeps five digits: enough for any decision, and a diff of the committed file stays readable.
func significant(v float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 5, 64), 64)
	if err != nil {
		return v
	}
	return rounded
}

func round(m learn.Multinomial) learn.Multinomial {
	for c := range m.Weights {
		for j, v := range m.Weights[c] {
			m.Weights[c][j] = significant(v)
		}
		m.Bias[c] = significant(m.Bias[c])
	}
	return m
}

// outcome is a message's best entry by a scorer that has not seen its kin.
type outcome struct {
	Wording
	top   knowledge.ID
	p     float64
	sure  bool    // nothing but the score stands against it
	right float64 // P of the entry that answers the message, when it is among the best three
}

func conclude(scorer retrieval.Scorer, g gathered) outcome {
	best := scorer.Merge(g.pieces)
	o := outcome{Wording: g.Wording}
	if len(best) > 0 {
		o.top, o.p, o.sure = best[0].ID, best[0].P(), best[0].Sure()
	}
	for _, b := range best[:min(3, len(best))] {
		if b.ID == g.Entry {
			o.right = b.P()
		}
	}
	return o
}

func (o outcome) absent() bool  { return o.Entry == "" && o.Kind != OffTopic }
func (o outcome) present() bool { return o.Entry != "" && o.Kind != Opposite }

// thresholds are the least ones that keep every target rate.
func thresholds(outcomes []outcome, t Targets) (answer, suggest float64) {
	absent, off, wrong := []float64{}, []float64{}, []float64{}
	present := 0
	for _, o := range outcomes {
		switch {
		case o.Kind == OffTopic:
			off = append(off, o.p)
		case o.absent():
			absent = append(absent, o.p)
		case o.present():
			present++
			if o.top != o.Entry && o.sure {
				wrong = append(wrong, o.p)
			}
		}
	}
	answer = max(over(absent, len(absent), t.AbsentAnswered), over(wrong, present, t.AnsweredWrongly))
	suggest = max(over(absent, len(absent), t.AbsentSuggested), over(off, len(off), t.OffTopicSuggested))
	return answer, min(suggest, answer)
}

// over is the least threshold that at most rate x n of the values reach.
func over(values []float64, n int, rate float64) float64 {
	slices.SortFunc(values, func(a, b float64) int { return cmp.Compare(b, a) })
	allowed := int(rate * float64(n))
	if allowed >= len(values) {
		return 0
	}
	return significant(values[allowed]*(1+1e-4) + 1e-6)
}

func report(outcomes []outcome, s retrieval.Scorer) Report {
	r := Report{N: len(outcomes)}
	for _, o := range outcomes {
		answered := o.p >= s.Answer && o.sure
		switch {
		case o.Kind == Opposite:
		case o.present():
			r.Present++
			if answered && o.top == o.Entry {
				r.Right++
			}
			if answered && o.top != o.Entry {
				r.Wrong++
			}
			if !answered && o.right >= s.Suggest {
				r.Suggested++
			}
		default:
			r.Absent++
			if answered {
				r.AbsentAnswered++
			} else if o.p >= s.Suggest {
				r.AbsentSuggested++
			}
		}
	}
	for _, rate := range []*float64{&r.Right, &r.Wrong, &r.Suggested} {
		*rate /= float64(max(r.Present, 1))
	}
	for _, rate := range []*float64{&r.AbsentAnswered, &r.AbsentSuggested} {
		*rate /= float64(max(r.Absent, 1))
	}
	return r
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
