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
)

// Passage is a searchable piece of a version.
type Passage struct {
	Kind    PassageKind
	Ordinal int // from 0 within its kind
	Text    string
}
