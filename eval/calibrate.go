package eval

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"

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

// Lesson is what a classifier learns from.
type Lesson struct {
	Wordings []Wording // teach its classes, and hard look-alikes of them
	Others   []Wording // are examples of nothing, whatever their class
	Alarms   float64   // of the hard look-alikes, how many may be reported
	Words    bool      // whether it reads grams beside the vector
	Doubts   bool      // whether it may doubt the patterns of dangers, and says when it is certain of a class
	// Tails are worries that anybody may add (，万一出事咋办): each wording is also learnt with one of them, so that they say nothing.
	Tails []string
}

const (
	// commonGram: a gram in fewer wordings than that is not learnt.
	commonGram = 3
	// doubtful is the share of the pattern's own dangers that a classifier may doubt away, wrongClass that of the dangers seen which
	// may be named alone and wrongly.
	doubtful, wrongClass = .02, .01
	// fewAuthors: with fewer authors than that, folds do not keep authors together.
	fewAuthors = 3
)

// Fitted is a classifier and its cross-validated figures.
type Fitted struct {
	*retrieval.Classifier
	Seen, Positive, Alarmed, Calm int
	Named                         int // of the seen, how many by their class alone
}

func (f Fitted) String() string {
	return fmt.Sprintf("reported from P %.3f, doubted under %.3f, certain from %.2f, %d grams; cross-validated: of %d %.1f%% seen, %.1f%% named, of %d look-alikes %.1f%% reported", f.Threshold,
		f.Doubted, f.Certain, len(f.Grams), f.Positive, 100*portion(f.Seen, f.Positive), 100*portion(f.Named, f.Positive), f.Calm, 100*portion(f.Alarmed, f.Calm))
}

func portion(k, n int) float64 { return float64(k) / float64(max(n, 1)) }

// CalibrateClassifier fits a classifier of messages. Thresholds are taken from fits that have not seen the author of the
// messages that they are judged on.
func CalibrateClassifier(ctx context.Context, e Engine, modelID string, l Lesson) (Fitted, error) {
	c := &retrieval.Classifier{ModelID: modelID, Classes: []string{"none"}}
	if l.Words {
		c.Grams, c.Rarity = grams(l.Wordings)
	}
	c.Index()
	d, err := gather(ctx, e, c, l)
	if err != nil {
		return Fitted{}, err
	}
	fitted := Fitted{Classifier: c}
	if err := d.crossValidate(&fitted, l); err != nil {
		return Fitted{}, err
	}
	m, err := d.fit(-1)
	c.Multinomial = round(m)
	return fitted, err
}

// grams are those in at least three wordings, with the rarity of each.
func grams(wordings []Wording) (known []string, rarity []float64) {
	held := map[string]int{}
	for _, w := range wordings {
		for _, g := range retrieval.GramsOf(w.Text) {
			held[g]++
		}
	}
	for g, n := range held {
		if n >= commonGram {
			known = append(known, g)
		}
	}
	slices.Sort(known)
	for _, g := range known {
		rarity = append(rarity, learn.Significant(1+math.Log(float64(1+len(wordings))/float64(1+held[g]))))
	}
	return known, rarity
}

// lessonData are the examples: those of the wordings first, then the others, then the wordings with their tails.
type lessonData struct {
	text     []string
	x        []learn.Sparse
	y        []int
	fold     []int // -1: always learnt from
	own      int
	classes  []string
	features int
	folds    int
}

func gather(ctx context.Context, e Engine, c *retrieval.Classifier, l Lesson) (*lessonData, error) {
	d := &lessonData{folds: folds}
	author, authors := byAuthor(l.Wordings)
	if authors >= fewAuthors {
		d.folds = authors
	}
	index := map[string]int{"": 0}
	add := func(w Wording, fold int) error {
		v, err := e.Vector(ctx, w.Text)
		if err != nil || v.V == nil {
			return err
		}
		if _, ok := index[w.Class]; !ok {
			index[w.Class] = len(c.Classes)
			c.Classes = append(c.Classes, w.Class)
		}
		d.features = len(v.V) + len(c.Grams)
		d.text, d.x, d.y, d.fold = append(d.text, w.Text), append(d.x, c.Features(w.Text, v.V)), append(d.y, index[w.Class]), append(d.fold, fold)
		return nil
	}
	foldOf := func(i int) int {
		if authors >= fewAuthors {
			return author[i]
		}
		return i % folds
	}
	for i, w := range l.Wordings {
		if err := add(w, foldOf(i)); err != nil {
			return nil, fmt.Errorf("%s: %w", w.ID, err)
		}
	}
	d.own = len(d.x)
	for _, w := range l.Others {
		w.Class = ""
		if err := add(w, -1); err != nil {
			return nil, fmt.Errorf("%s: %w", w.ID, err)
		}
	}
	for i, w := range l.Wordings {
		if len(l.Tails) == 0 {
			break
		}
		w.Text += l.Tails[hash(w.ID)%uint32(len(l.Tails))] //nolint:gosec // a handful
		if err := add(w, foldOf(i)); err != nil {
			return nil, fmt.Errorf("%s: %w", w.ID, err)
		}
	}
	d.classes = c.Classes
	return d, nil
}

// byAuthor numbers the authors, whom the ids name before their dash.
func byAuthor(wordings []Wording) (of []int, authors int) {
	number := map[string]int{}
	for _, w := range wordings {
		name, _, _ := strings.Cut(w.ID, "-")
		if _, ok := number[name]; !ok {
			number[name] = len(number)
		}
		of = append(of, number[name])
	}
	return of, len(number)
}

// fit learns from all but one fold.
func (d *lessonData) fit(without int) (learn.Multinomial, error) {
	var x []learn.Sparse
	var y []int
	for i := range d.x {
		if d.fold[i] != without || without < 0 {
			x, y = append(x, d.x[i]), append(y, d.y[i])
		}
	}
	return learn.FitSparse(x, y, d.features, len(d.classes), ridgeVector)
}

func (d *lessonData) crossValidate(f *Fitted, l Lesson) error {
	readings := make([]retrieval.Reading, d.own)
	for k := range d.folds {
		m, err := d.fit(k)
		if err != nil {
			return err
		}
		for i := range d.own {
			if d.fold[i] == k {
				readings[i] = retrieval.Read(d.classes, m.Of(d.x[i]))
			}
		}
	}
	var calm, patterned []float64
	for i, r := range readings {
		if d.y[i] == 0 {
			calm = append(calm, r.P)
		} else if l.Doubts && retrieval.DetectUrgent(retrieval.Normalised(d.text[i]), retrieval.Vector{}) != nil {
			patterned = append(patterned, r.P)
		}
	}
	f.Calm, f.Positive = len(calm), d.own-len(calm)
	f.Threshold = over(calm, len(calm), l.Alarms)
	if l.Doubts {
		slices.Sort(patterned)
		f.Doubted = learn.Significant(patterned[int(doubtful*float64(len(patterned)))])
		f.Certain = d.certain(readings, f.Threshold)
	}
	for i, r := range readings {
		switch {
		case r.P < f.Threshold:
		case d.y[i] == 0:
			f.Alarmed++
		default:
			f.Seen++
			if r.Shares[0] >= f.Certain {
				f.Named++
			}
		}
	}
	return nil
}

// certain is the least share, in steps of .05, from which at most one seen message in a hundred is named wrongly.
func (d *lessonData) certain(readings []retrieval.Reading, threshold float64) float64 {
	for c := 10; c < 20; c++ {
		seen, wrong := 0, 0
		for i, r := range readings {
			if d.y[i] > 0 && r.P >= threshold {
				seen++
				if r.Shares[0] >= float64(c)/20 && r.Classes[0] != d.classes[d.y[i]] {
					wrong++
				}
			}
		}
		if float64(wrong) <= wrongClass*float64(seen) {
			return float64(c) / 20
		}
	}
	return 1
}
