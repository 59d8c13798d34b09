package postgres_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/text"
)

var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// entry is a valid one whose content depends on n.
func entry(id string, n int) knowledge.Entry {
	return knowledge.Entry{
		ID: knowledge.ID(id), Kind: knowledge.Rebuttal, Topic: knowledge.Rumour, Verdict: knowledge.False,
		Title: fmt.Sprintf("%s %d", id, n), Short: "短", Claims: []string{"说法"}, Actions: []string{"不要转发"},
	}
}

// passage is one of random terms 1..vocabulary, Zipf-like.
func passage(r *rand.Rand, ordinal, vocabulary int) ingest.IndexedPassage {
	counts := map[int32]int32{}
	for range 5 + r.IntN(40) {
		counts[1+int32(float64(vocabulary)*math.Pow(r.Float64(), 3))]++ //nolint:gosec // small
	}
	p := ingest.IndexedPassage{Passage: knowledge.Passage{Kind: knowledge.BodyPassage, Ordinal: ordinal, Text: fmt.Sprint(ordinal)}}
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		p.Terms = append(p.Terms, text.IndexTerm{ID: id, Count: counts[id]})
	}
	return p
}
