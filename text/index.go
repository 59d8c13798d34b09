package text

import "slices"

// IndexTerm is a term as BM25 stores it: its dimension (see TermID) and how often it occurs.
type IndexTerm struct{ ID, Count int32 }

// IndexTerms returns the terms of a text by ascending id, each id once.
func (g *Segmenter) IndexTerms(s string) []IndexTerm {
	terms := Terms(g, s)
	out := make([]IndexTerm, 0, len(terms))
	for _, t := range terms {
		out = append(out, IndexTerm{TermID(t.Text), int32(t.Count)}) //nolint:gosec // bounded by the text's length
	}
	slices.SortFunc(out, func(a, b IndexTerm) int { return int(a.ID) - int(b.ID) })
	// two terms that share a dimension are one to BM25
	merged := out[:0]
	for _, t := range out {
		if n := len(merged); n > 0 && merged[n-1].ID == t.ID {
			merged[n-1].Count += t.Count
			continue
		}
		merged = append(merged, t)
	}
	return merged
}
