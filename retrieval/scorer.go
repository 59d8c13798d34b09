package retrieval

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"
	"unicode"
	"unicode/utf8"

	"qiuzhen/knowledge"
	"qiuzhen/learn"
)

// Scorer turns what a search found into P(match) per entry, and into trust that the best one may be answered with. It
// is bound to an embedding model: cosines of another model mean something else, so with another (or none) nothing is answered
// for sure.
type Scorer struct {
	ModelID string `json:"model_id"`
	// Class 1 of the regression is "this entry answers the message"; the features are FeatureNames, each
	// standardised by Mean and Scale.
	learn.Multinomial
	Mean  []float64 `json:"mean"`
	Scale []float64 `json:"scale"`
	// Verifier reads the wordings: class 1 is "the entry looks like the message, but must not answer it". Its features are
	// VerifierNames.
	Verifier learn.Boosted `json:"verifier"`
	// Answer is the least trust for an answer, Second for a second one in the same message, Suggest the least P(match) for a
	// suggestion; calibrate takes them from target rates.
	Answer  float64 `json:"answer"`
	Second  float64 `json:"second"`
	Suggest float64 `json:"suggest"`
}

// DefaultScorer is the committed one, that `qiuzhen eval calibrate` fitted.
var DefaultScorer = sync.OnceValue(func() Scorer {
	var s Scorer
	readModel("match.json", &s)
	return s
})

// FeatureNames are the features of a candidate entry, in order. They are few and tell the same of an entry with one
// passage as of one with twenty: what an entry's further wordings say is weighed by how many there are.
var FeatureNames = []string{
	"likeness",   // half the whole's cosine, half the best passage's, and coverage; less half the neighbourhood's (11th to 30th)
	"length",     // ln of the piece's characters
	"window",     // 1 for a window of a long message
	"wordings",   // ln of the passages that the entry could be matched by
	"pairs",      // wordings x share of the piece's character pairs that any passage of the entry holds
	"characters", // wordings x share of its characters that any passage of the entry holds
	"mean3",      // wordings x mean cosine of the entry's three best passages
}

// Evidence is what a search says for one entry and one piece of the message.
type Evidence struct {
	Ref
	Features []float64
	base     float64
	margin   float64 // base ahead of the best other entry's
	rivals   float64 // base ahead of the mean of the three best others
	level    float64 // base of the neighbourhood
	mean3    float64
	cover    cover
	coverage float64
	segment  string // the piece of the message
	said     tokens // its tokens, where the search has read them
	whole    string // see Piece
	hits     []Hit
	read     []float64 // see Condensed
	wordings []string  // see Condensed
	aligned  []float64 // see Aligner
	negative float64   // how much better a wording marked "is not this" matches than any other; at least -0.5
	p        float64
}

// CoverageWeight is the share of coverage beside cosine by which a search orders passages.
const CoverageWeight = 0.3

// passageScore weighs coverage by the passage's length: a long text that holds the words of the message says so on purpose,
// in a short one they may be the words of any question.
func passageScore(h Hit) float64 {
	weight := min(max(0.1*(math.Log(float64(1+utf8.RuneCountInString(h.Text)))-1.6), 0.03), 0.4)
	return h.Cosine + weight*min(h.Coverage, 1)
}

// bestFirst orders by P(match), equal ones by the base score, then by id.
func bestFirst(a, b Evidence) int {
	return cmp.Or(cmp.Compare(b.p, a.p), cmp.Compare(b.base, a.base), cmp.Compare(a.ID, b.ID))
}

// logOdds of P(match); a scorer without weights (no calibration yet) uses the base score alone.
func (r Scorer) logOdds(features []float64) float64 {
	if len(r.Weights) == 0 {
		return 10*features[0] - 8
	}
	sum := r.Bias[1] - r.Bias[0]
	for i, f := range features {
		sum += (r.Weights[1][i] - r.Weights[0][i]) * (f - r.Mean[i]) / r.Scale[i]
	}
	return sum
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// maxCovered is how many entries of a piece have their wordings looked through; those below cannot come first.
const maxCovered = 20

// Evidence computes what speaks for every entry among the piece's hits, best base score first.
func (p Piece) Evidence() []Evidence {
	byEntry := map[Ref][]Hit{}
	for _, h := range p.Hits {
		byEntry[h.Ref] = append(byEntry[h.Ref], h)
	}
	var all []Evidence
	for ref, group := range byEntry {
		if e, ok := gatherEntry(ref, p.Text, group); ok {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b Evidence) int {
		return cmp.Or(cmp.Compare(b.base, a.base), cmp.Compare(a.ID, b.ID))
	})
	level := neighbourhood(all)
	length, window := math.Log(float64(1+utf8.RuneCountInString(p.Text))), 0.0
	if isPart(p.Text, p.Whole) {
		window = 1
	}
	for i := range all {
		e := &all[i]
		e.whole, e.said = p.Whole, p.tokens
		if i < maxCovered {
			e.cover = covered(p.Text, e.hits)
		}
		e.level, e.margin, e.rivals = level, e.base, e.base
		if others := rivals(all, i); len(others) > 0 {
			e.margin, e.rivals = e.base-others[0].base, e.base-meanBase(others)
		}
		wordings := math.Log(float64(max(1, e.hits[0].Siblings)))
		e.Features = []float64{
			e.base - level/2, length, window,
			wordings, wordings * e.cover.pairs, wordings * e.cover.characters, wordings * e.mean3,
		}
	}
	return all
}

// rivals are the three best of the others.
func rivals(sorted []Evidence, i int) []Evidence {
	others := slices.Clone(sorted[:min(i, 3)])
	return append(others, sorted[min(i+1, len(sorted)):min(i+1+3-len(others), len(sorted))]...)
}

// neighbourhood is the level of entries about the same that are not meant: the 11th to 30th best; with fewer, the last.
func neighbourhood(sorted []Evidence) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return meanBase(sorted[min(10, len(sorted)-1):min(30, len(sorted))])
}

func meanBase(all []Evidence) float64 {
	sum := 0.0
	for _, e := range all {
		sum += e.base
	}
	return sum / float64(len(all))
}

func gatherEntry(ref Ref, segment string, hits []Hit) (Evidence, bool) {
	e := Evidence{Ref: ref, segment: segment, hits: hits}
	var cosines []float64
	best, negative, whole := 0.0, 0.0, math.Inf(-1)
	for _, h := range hits {
		switch h.Kind {
		case knowledge.WholePassage:
			whole = max(whole, h.Cosine)
		case knowledge.NegativePassage:
			negative = max(negative, passageScore(h))
		default:
			cosines = append(cosines, h.Cosine)
			e.coverage = max(e.coverage, min(h.Coverage, 1))
			best = max(best, passageScore(h))
		}
	}
	if len(cosines) == 0 && math.IsInf(whole, -1) {
		return e, false // negative wordings alone
	}
	if len(cosines) == 0 { // found by its whole meaning
		cosines, best = []float64{whole}, whole
	}
	cosine := 0.0
	cosine, e.mean3 = topMeans(cosines)
	if math.IsInf(whole, -1) { // an entry of one short text
		whole = cosine
	}
	e.base = best + (whole-cosine)/2
	e.negative = max(negative-best, -0.5)
	return e, true
}

type cover struct{ pairs, characters float64 }

// covered is how much of a piece all wordings of an entry together account for: what none of them holds may be what the
// message is really about.
func covered(segment string, hits []Hit) cover {
	pairs, characters := map[[2]rune]bool{}, map[rune]bool{}
	for _, h := range hits {
		if !h.Kind.Answers() {
			continue
		}
		var last rune
		for _, r := range h.Text {
			pairs[[2]rune{last, r}], characters[r] = true, true
			last = r
		}
	}
	var c cover
	var last rune
	n := 0
	for _, r := range segment {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			last = 0
			continue
		}
		n++
		if characters[r] {
			c.characters++
		}
		if last != 0 && pairs[[2]rune{last, r}] {
			c.pairs++
		}
		last = r
	}
	return cover{c.pairs / float64(max(n-1, 1)), c.characters / float64(max(n, 1))}
}

// topMeans returns the greatest value and the mean of the three greatest.
func topMeans(values []float64) (first, mean3 float64) {
	slices.SortFunc(values, func(a, b float64) int { return cmp.Compare(b, a) })
	top := values[:min(3, len(values))]
	for _, v := range top {
		mean3 += v
	}
	return values[0], mean3 / float64(len(top))
}

// P is P(match), in [0, 1].
func (e Evidence) P() float64 { return e.p }

// Score gives each entry of a piece its P(match) and sorts them, best first.
func (r Scorer) Score(piece []Evidence) []Evidence {
	for i := range piece {
		piece[i].p = sigmoid(r.logOdds(piece[i].Features))
	}
	slices.SortFunc(piece, bestFirst)
	return piece
}

// Merge keeps each entry's best showing among the scored pieces of a message, best first.
func Merge(pieces [][]Evidence) []Evidence {
	best := map[knowledge.ID]Evidence{}
	for _, piece := range pieces {
		for _, e := range piece {
			if old, ok := best[e.ID]; !ok || e.p > old.p {
				best[e.ID] = e
			}
		}
	}
	return slices.SortedFunc(maps.Values(best), bestFirst)
}
