package knowledge

// PassageKind says which part of an entry a passage is.
type PassageKind string

// The kinds of passage.
const (
	ClaimPassage    PassageKind = "claim"
	QuestionPassage PassageKind = "question"
	NegativePassage PassageKind = "negative" // looks alike, is not this entry
	SummaryPassage  PassageKind = "summary"
	BodyPassage     PassageKind = "body"
	// WholePassage is title and body in one, for their meaning alone: it has no terms.
	WholePassage PassageKind = "whole"
)

// Answers reports whether a passage of the kind is a piece of the entry that a message can match by itself.
func (k PassageKind) Answers() bool { return k != NegativePassage && k != WholePassage }

// Passage is a searchable piece of a version.
type Passage struct {
	Kind    PassageKind
	Ordinal int // from 0 within its kind
	Text    string
}
