// Package authoring helps who writes an entry, before anybody reviews it: does it read well for old people, and does it say again, or say the
// contrary of, what others say. What it finds are notes; a person decides.
package authoring

import (
	"context"

	"qiuzhen/knowledge"
)

// Store finds what is near a version among what is published, under review or being written.
type Store interface {
	// Neighbours returns the other entries that have a claim or question of at least the cosine to one of the version's, by the model's
	// vectors: the most alike first, each with those pairs, nearest first.
	Neighbours(ctx context.Context, id knowledge.ID, version int, model string, cosine float64) ([]Neighbour, error)
	// Comparable reports whether the version has wordings and the model's vector of each: else Neighbours finds nothing, or not all.
	Comparable(ctx context.Context, id knowledge.ID, version int, model string) (bool, error)
}

// Neighbour is another entry with wordings that mean much the same.
type Neighbour struct {
	Entry   knowledge.Entry
	Version int
	Status  knowledge.Status
	// Mean is how near the neighbour's nearest wording is to each of the version's, on average.
	Mean float64
	Near []Near
}

// Near is a wording of the version and one of the neighbour.
type Near struct {
	Mine, Theirs      string
	MyKind, TheirKind knowledge.PassageKind // claim or question
	Cosine            float64
}

// Checker looks at a stored version.
type Checker struct {
	Store Store
	Model string // whose vectors are compared
	// Compare says how two normalised texts differ in what they assert: one denies or turns round what the other says, or they name other
	// numbers of the same unit. alike is false where they have too little in common to be compared.
	Compare func(a, b string) (contrary, numbers, alike bool)
}

// Report is all that was found.
type Report struct {
	Readability Readability
	Pairs       []Pair // what matters most first
	// Compared is false for a version that cannot be held against others, or not whole: no pairs then says nothing.
	Compared bool
}

// UncomparedWhy says to the staff what a version lacks that was not compared.
const UncomparedWhy = "这一版还没有写全，或者没有语义向量（没有装语义模型，或者用的不是同一个）。写全以后再看；一直这样，请告诉管理员。"

// Check looks at a version of an entry.
func (c Checker) Check(ctx context.Context, e knowledge.Entry, version int) (Report, error) {
	r := Report{Readability: Read(e, firstLine(e))}
	var err error
	if r.Compared, err = c.Store.Comparable(ctx, e.ID, version, c.Model); err != nil {
		return r, err
	}
	neighbours, err := c.Store.Neighbours(ctx, e.ID, version, c.Model, RelatedCosine)
	if err != nil {
		return r, err
	}
	for _, n := range neighbours {
		r.Pairs = append(r.Pairs, c.pairs(e, n)...)
	}
	sortPairs(r.Pairs)
	return r, nil
}

// firstLine is empty while the draft has nothing to make it of.
func firstLine(e knowledge.Entry) string {
	if e.Kind == knowledge.Guide && len(e.Actions) == 0 || e.Kind == knowledge.Rebuttal && e.Verdict == "" {
		return ""
	}
	return e.FirstLine()
}

// Contradictions are the pairs that stop a submission until its author says why: another verdict than a published one.
func (r Report) Contradictions() []Pair {
	var out []Pair
	for _, p := range r.Pairs {
		if p.Kind == Contradiction && p.Status == knowledge.Published {
			out = append(out, p)
		}
	}
	return out
}
