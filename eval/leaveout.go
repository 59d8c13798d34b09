package eval

import (
	"context"
	"crypto/sha256"
	"slices"
)

// LeaveOut takes documents out of a collection so that some queries have no answer any more.
type LeaveOut struct {
	// Share of the documents to take out, 0 to 1: those whose SHA-256 of the id begins with a byte below 256 x Share.
	Share float64
	// Near drops an absent query one of whose documents has a near-duplicate left in, by cosine; 0 keeps all.
	Near float64
}

func (l LeaveOut) out(id string) bool { return float64(sha256.Sum256([]byte(id))[0]) < 256*l.Share }

// Embedder gives texts their vectors.
type Embedder interface {
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// Apply returns the collection without the documents left out: present queries have all their documents, absent ones none;
// queries with some are dropped, and so are near ones, which it counts.
func (l LeaveOut) Apply(ctx context.Context, c Collection, e Embedder) (rest Collection, near int, err error) {
	rest = Collection{Relevant: c.Relevant, Absent: slices.Clone(c.Absent)}
	var gone []Document
	for _, d := range c.Documents {
		if l.out(d.ID) {
			gone = append(gone, d)
		} else {
			rest.Documents = append(rest.Documents, d)
		}
	}
	twins := map[string]bool{}
	if l.Near > 0 {
		if twins, err = nearDuplicates(ctx, e, gone, rest.Documents, l.Near); err != nil {
			return rest, 0, err
		}
	}
	for _, q := range c.Queries {
		out, twin := 0, false
		for id := range c.Relevant[q.ID] {
			if l.out(id) {
				out++
				twin = twin || twins[id]
			}
		}
		switch {
		case len(c.Relevant[q.ID]) == 0: // nothing judged, nothing to count
		case out == 0:
			rest.Queries = append(rest.Queries, q)
		case out == len(c.Relevant[q.ID]) && twin:
			near++
		case out == len(c.Relevant[q.ID]):
			rest.Absent = append(rest.Absent, q)
		}
	}
	return rest, near, nil
}

// nearDuplicates are the ids of the documents of which one of others is a near-duplicate.
func nearDuplicates(ctx context.Context, e Embedder, of, others []Document, least float64) (map[string]bool, error) {
	vectors := func(docs []Document) ([][]float32, error) {
		texts := make([]string, len(docs))
		for i, d := range docs {
			texts[i] = d.Title + " " + d.Text
		}
		return e.Embed(ctx, texts)
	}
	a, err := vectors(of)
	if err != nil {
		return nil, err
	}
	b, err := vectors(others)
	if err != nil {
		return nil, err
	}
	near := map[string]bool{}
	for i, d := range of {
		near[d.ID] = slices.ContainsFunc(b, func(v []float32) bool { return dot(a[i], v) >= least })
	}
	return near, nil
}

func dot(a, b []float32) float64 {
	sum := float32(0)
	for i, x := range a {
		sum += x * b[i]
	}
	return float64(sum)
}
