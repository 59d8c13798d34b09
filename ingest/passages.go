package ingest

import (
	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// windowRunes bounds a body passage: the measured best for finding one text among many (docs/retrieval.md).
const windowRunes = 140

// IndexedPassage is a passage with what both search legs need.
type IndexedPassage struct {
	knowledge.Passage
	Terms  []text.IndexTerm
	Vector []float32 // unit length; nil when there is no embedding model
}

// Passages splits an entry into its searchable pieces, in a fixed order.
func Passages(e knowledge.Entry) []knowledge.Passage {
	var all []knowledge.Passage
	add := func(kind knowledge.PassageKind, texts ...string) {
		for i, t := range texts {
			all = append(all, knowledge.Passage{Kind: kind, Ordinal: i, Text: t})
		}
	}
	add(knowledge.ClaimPassage, e.Claims...)
	add(knowledge.QuestionPassage, e.Questions...)
	add(knowledge.NegativePassage, e.Negatives...)
	add(knowledge.SummaryPassage, e.Title+"。"+e.Summary)
	add(knowledge.BodyPassage, text.Windows(e.Body, windowRunes)...)
	return all
}
