package retrieval

import (
	"context"
	"fmt"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// Query is one search: a claim or question with its terms and vector.
type Query struct {
	Text string // for people who read logs and test failures; the search uses Terms and Vector
	// Terms are distinct BM25 terms with their counts, ascending by id.
	Terms []text.IndexTerm
	// Vector is the text's unit vector by Model; nil searches lexically only.
	Vector []float32
	Model  string
	// Unsigned also searches drafts (the setting serve_unsigned).
	Unsigned bool
	// Regions are GB/T 2260 codes that hold for the reader, from province to county; nil: every region.
	Regions []string
	Now     time.Time
	Limit   int // passages to return
	// Exact scores every passage instead of candidates from the indexes.
	Exact bool
}

func (q Query) String() string {
	return fmt.Sprintf("%q (%d terms, %d dimensions of %q, unsigned=%t, regions=%v, limit=%d)",
		q.Text, len(q.Terms), len(q.Vector), q.Model, q.Unsigned, q.Regions, q.Limit)
}

// Ref names one version of an entry.
type Ref struct {
	ID      knowledge.ID
	Version int
}

// Hit is one passage that a search found.
type Hit struct {
	Ref
	Kind knowledge.PassageKind
	Text string
	// Cosine of query and passage, in [-1, 1]; 0 when the query or the passage has no vector.
	Cosine float64
	// Coverage is BM25 of the passage divided by the query's score against itself: how much of what is
	// distinctive in the query the passage holds; comparable between queries, about [0, 1].
	Coverage float64
	// Siblings is how many passages its version has that a message can match: all but the negative and the whole one.
	Siblings int
}

// Stored is a version as it is served.
type Stored struct {
	knowledge.Entry
	Version int
	// Signed: published with the reviews that follow; false for a draft.
	Signed bool
	// Emergency: published by two publishers, not fully reviewed yet; gone after 24 hours unless it is.
	Emergency bool
	Reviews   []knowledge.Review
	// Provenance is the city that the version came from; zero: this one.
	Provenance knowledge.Provenance
}

// Searcher finds passages and loads the versions they belong to.
type Searcher interface {
	Search(ctx context.Context, q Query) ([]Hit, error)
	Load(ctx context.Context, refs []Ref, unsigned bool, now time.Time) ([]Stored, error)
}
