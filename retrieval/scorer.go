package retrieval

import (
	"slices"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// Scorer turns what a search found into a score per entry and thresholds it. It is bound to an embedding
// model: cosines of another model mean something else, so with another (or none) nothing is answered for sure.
type Scorer struct {
	ModelID string
	// CoverageWeight is the share of lexical coverage beside the cosine.
	CoverageWeight float64
	// Answer and Suggest are the least scores for an answer and for a suggestion.
	Answer, Suggest float64
	// Margin is how far the best entry must be ahead of the next to be answered alone.
	Margin float64
}

// DefaultScorer is the first, untrained rule: cosine of the best passage plus 0.3 x coverage, divided by 1.3 to
// lie in [0, 1]. Its thresholds were read off eval/testdata/wordings/first.jsonl for target rates: of 90 claims that no
// entry answers at most 3% are answered (at 0.59: one) and at most 15% get suggestions (at 0.52: 13). They are to be
// replaced by calibrated ones, bound to the model in the same way.
var DefaultScorer = Scorer{
	ModelID:        "bge-small-zh-v1.5-int8",
	CoverageWeight: 0.3,
	Answer:         0.59,
	Suggest:        0.52,
	Margin:         0.02,
}

// scored is one entry's best evidence for one piece of the message.
type scored struct {
	Ref
	score    float64
	passage  string // the wording or passage that matched best
	kind     knowledge.PassageKind
	segment  string // the piece of the message that it matched
	opposes  bool   // seems to say the opposite, or another number
	negative bool   // a wording marked "is not this" matched better
}

// sure reports whether nothing but the score stands between the entry and an answer.
func (s scored) sure() bool { return !s.opposes && !s.negative }

func (r Scorer) score(h Hit) float64 {
	return (h.Cosine + r.CoverageWeight*min(h.Coverage, 1)) / (1 + r.CoverageWeight)
}

// sameWording is how close in score another wording of the entry must be to speak for the message's polarity too.
const sameWording = 0.08

// rank groups the hits of one piece of the message by entry, best first, equal scores by id.
func (r Scorer) rank(segment string, hits []Hit) []scored {
	byEntry := map[Ref][]Hit{}
	for _, h := range hits {
		byEntry[h.Ref] = append(byEntry[h.Ref], h)
	}
	var all []scored
	for ref, group := range byEntry {
		if s, ok := r.entry(ref, segment, group); ok {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, bestFirst)
	return all
}

func (r Scorer) entry(ref Ref, segment string, hits []Hit) (scored, bool) {
	best, negative := scored{Ref: ref, segment: segment}, 0.0
	found := false
	for _, h := range hits {
		score := r.score(h)
		if h.Kind == knowledge.NegativePassage {
			negative = max(negative, score)
			continue
		}
		if !found || score > best.score {
			best.score, best.passage, best.kind, found = score, h.Text, h.Kind, true
		}
	}
	if !found {
		return best, false
	}
	best.negative = negative > best.score
	best.opposes = r.opposes(best, hits)
	return best, true
}

// opposes compares the message with the wordings of the entry that match it about equally well: one that agrees
// in polarity and numbers is enough.
func (r Scorer) opposes(best scored, hits []Hit) bool {
	wordings := 0
	for _, h := range hits {
		isWording := h.Kind == knowledge.ClaimPassage || h.Kind == knowledge.QuestionPassage
		if !isWording || r.score(h) < best.score-sameWording {
			continue
		}
		wordings++
		if !Opposes(best.segment, text.Normalize(h.Text)) {
			return false
		}
	}
	return wordings > 0
}
