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
	"qiuzhen/text"
)

// Scorer turns what a search found into P(match) per entry and thresholds it. It is bound to an embedding model:
// cosines of another model mean something else, so with another (or none) nothing is answered for sure.
type Scorer struct {
	ModelID string `json:"model_id"`
	// Class 1 of the regression is "this entry answers the message"; the features are FeatureNames, each
	// standardised by Mean and Scale.
	learn.Multinomial
	Mean  []float64 `json:"mean"`
	Scale []float64 `json:"scale"`
	// Answer and Suggest are the least P(match) for an answer and for a suggestion; calibrate takes them from target
	// rates.
	Answer  float64 `json:"answer"`
	Suggest float64 `json:"suggest"`
}

// DefaultScorer is the committed one, that `qiuzhen eval calibrate` fitted.
var DefaultScorer = sync.OnceValue(func() Scorer {
	var s Scorer
	readModel("match.json", &s)
	return s
})

// FeatureNames are the features of a candidate entry, in order.
var FeatureNames = []string{
	"cosine",     // of the best passage
	"mean3",      // mean cosine of the entry's three best passages
	"coverage",   // best lexical coverage of the piece by a passage
	"coverage3",  // mean of the three best coverages
	"margin",     // base score ahead of the best other entry
	"background", // base score ahead of the mean of the third to tenth best entries
	"length",     // ln of the piece's characters
	"union",      // share of the piece's character pairs that any wording of the entry holds
	"characters", // share of its characters that any wording of the entry holds
	"negative",   // how much better a wording marked "is not this" matches; below 0 when it does not
}

// Evidence is what a search says for one entry and one piece of the message.
type Evidence struct {
	Ref
	Features []float64
	base     float64
	segment  string   // the piece of the message
	wordings []string // of the entry, the claims (a guide's questions) that match best
	negative bool     // a wording marked "is not this" matched better
	p        float64
}

// CoverageWeight is the share of coverage beside cosine in a passage's score: the best of those measured untrained.
const CoverageWeight = 0.3

func passageScore(h Hit) float64 { return h.Cosine + CoverageWeight*min(h.Coverage, 1) }

// bestFirst orders by P(match), equal ones by the base score, then by id.
func bestFirst(a, b Evidence) int {
	return cmp.Or(cmp.Compare(b.p, a.p), cmp.Compare(b.base, a.base), cmp.Compare(a.ID, b.ID))
}

// probability is P(match); a scorer without weights (no calibration yet) uses the base score's features alone.
func (r Scorer) probability(features []float64) float64 {
	if len(r.Weights) == 0 {
		return min(1, max(0, (features[0]+CoverageWeight*features[2])/(1+CoverageWeight)))
	}
	x := make([]float64, len(features))
	for i, f := range features {
		x[i] = (f - r.Mean[i]) / r.Scale[i]
	}
	return r.Probabilities(x)[1]
}

// Gather computes the evidence of every entry among the hits, best base score first.
func Gather(segment string, hits []Hit) []Evidence {
	byEntry := map[Ref][]Hit{}
	for _, h := range hits {
		byEntry[h.Ref] = append(byEntry[h.Ref], h)
	}
	var all []Evidence
	for ref, group := range byEntry {
		if e, ok := gatherEntry(ref, segment, group); ok {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b Evidence) int {
		return cmp.Or(cmp.Compare(b.base, a.base), cmp.Compare(a.ID, b.ID))
	})
	background := meanBase(all)
	for i := range all {
		other := 0.0
		if len(all) > 1 {
			other = all[0].base
			if i == 0 {
				other = all[1].base
			}
		}
		all[i].Features[4], all[i].Features[5] = all[i].base-other, all[i].base-background
	}
	return all
}

// meanBase is the level of entries that are not meant: the third to tenth best; with fewer, the last.
func meanBase(sorted []Evidence) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rest := sorted[min(2, len(sorted)-1):min(10, len(sorted))]
	sum := 0.0
	for _, e := range rest {
		sum += e.base
	}
	return sum / float64(len(rest))
}

func gatherEntry(ref Ref, segment string, hits []Hit) (Evidence, bool) {
	e := Evidence{Ref: ref, segment: segment}
	var cosines, coverages []float64
	best, negative := 0.0, 0.0
	for _, h := range hits {
		if h.Kind == knowledge.NegativePassage {
			negative = max(negative, passageScore(h))
			continue
		}
		cosines, coverages = append(cosines, h.Cosine), append(coverages, min(h.Coverage, 1))
		best = max(best, passageScore(h))
	}
	if len(cosines) == 0 {
		return e, false
	}
	union := covered(segment, hits)
	cosine, mean3 := topMeans(cosines)
	coverage, coverage3 := topMeans(coverages)
	e.base = (cosine+mean3)/2 + CoverageWeight*coverage
	e.negative = negative > best
	e.wordings = bestWordings(hits)
	e.Features = []float64{
		cosine, mean3, coverage, coverage3, 0, 0,
		math.Log(float64(1 + utf8.RuneCountInString(segment))), union.pairs, union.characters, max(negative, best-0.5) - best,
	}
	return e, true
}

type cover struct{ pairs, characters float64 }

// covered is how much of a piece all wordings of an entry together account for: what none of them holds may be what the
// message is really about.
func covered(segment string, hits []Hit) cover {
	pairs, characters := map[[2]rune]bool{}, map[rune]bool{}
	for _, h := range hits {
		if h.Kind == knowledge.NegativePassage {
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

// jury is how many of the entry's best matching wordings judge whether the message agrees with them.
const jury = 3

// bestWordings are the claims that match best, or the questions of an entry without claims. A question takes no side.
func bestWordings(hits []Hit) []string {
	for _, kind := range []knowledge.PassageKind{knowledge.ClaimPassage, knowledge.QuestionPassage} {
		of := slices.DeleteFunc(slices.Clone(hits), func(h Hit) bool { return h.Kind != kind })
		slices.SortStableFunc(of, func(a, b Hit) int { return cmp.Compare(passageScore(b), passageScore(a)) })
		if len(of) == 0 {
			continue
		}
		var texts []string
		for _, h := range of[:min(jury, len(of))] {
			texts = append(texts, h.Text)
		}
		return texts
	}
	return nil
}

// opposes lets the entry's best matching wordings vote on whether the message says the contrary; those that share too
// little with it have no vote.
func (s Evidence) opposes() bool {
	against, votes := 0, 0
	for _, w := range s.wordings {
		opposes, alike := Opposes(s.segment, text.Normalize(w))
		if opposes {
			against++
		}
		if opposes || alike {
			votes++
		}
	}
	return 2*against > votes
}

// P is P(match), in [0, 1].
func (s Evidence) P() float64 { return s.p }

// Sure reports whether nothing but the score stands between the entry and an answer.
func (s Evidence) Sure() bool { return !s.negative && !s.opposes() }

// Merge scores the evidence of each piece of a message and keeps each entry's best showing, best first.
func (r Scorer) Merge(pieces [][]Evidence) []Evidence {
	best := map[knowledge.ID]Evidence{}
	for _, piece := range pieces {
		for _, e := range piece {
			e.p = r.probability(e.Features)
			if old, ok := best[e.ID]; !ok || better(e, old) {
				best[e.ID] = e
			}
		}
	}
	return slices.SortedFunc(maps.Values(best), bestFirst)
}
