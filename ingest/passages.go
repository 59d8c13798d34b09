package ingest

import (
	"strings"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// windowRunes bounds a body passage: longer texts are truncated in meaning by the embedding.
const windowRunes = 140

// IndexedPassage is a passage with what both search legs need.
type IndexedPassage struct {
	knowledge.Passage
	Terms  []text.IndexTerm
	Vector []float32 // unit length; nil when there is no embedding model
}

// StoredPassage is a passage in the database, by its row's id.
type StoredPassage struct {
	ID   int64
	Text string
}

// Passages splits an entry into its searchable pieces, in a fixed order.
func Passages(e knowledge.Entry) []knowledge.Passage {
	var all []knowledge.Passage
	add := func(kind knowledge.PassageKind, texts ...string) {
		for i, t := range texts {
			if text.Normalize(t) == "" {
				continue // decoration alone: nothing to find it by
			}
			all = append(all, knowledge.Passage{Kind: kind, Ordinal: i, Text: t})
		}
	}
	add(knowledge.ClaimPassage, e.Claims...)
	add(knowledge.QuestionPassage, e.Questions...)
	add(knowledge.NegativePassage, e.Negatives...)
	if e.Summary != "" { // what eval rank loads has none
		add(knowledge.SummaryPassage, e.Title+"。"+e.Summary)
	}
	add(knowledge.BodyPassage, text.Windows(e.Body, windowRunes)...)
	if e.Body != "" {
		add(knowledge.WholePassage, strings.TrimSpace(e.Title+"\n"+e.Body))
	}
	return all
}
