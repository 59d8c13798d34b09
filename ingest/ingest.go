// Package ingest turns authored files into stored entries: read, lint, split into passages, embed, store.
package ingest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// Store is what ingest needs of the database.
type Store interface {
	// Hashes returns the content hash of each entry's newest version.
	Hashes(ctx context.Context) (map[knowledge.ID][32]byte, error)
	// SaveFile stores one entry of a file whole or not at all, but never over what a person has done.
	SaveFile(ctx context.Context, e knowledge.Entry, passages []IndexedPassage, model string) (Outcome, error)
	// WithoutVector returns at most limit passages that have no vector of the model.
	WithoutVector(ctx context.Context, model string, limit int) ([]StoredPassage, error)
	// SaveVectors stores one vector a passage.
	SaveVectors(ctx context.Context, model string, passages []StoredPassage, vectors [][]float32) error
	// Maintain brings the term statistics and the indexes up to date.
	Maintain(ctx context.Context) error
}

// Embedder gives the passages their vectors.
type Embedder interface {
	ID() string
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// Analyzer gives a text its BM25 terms, ascending by id.
type Analyzer interface {
	IndexTerms(s string) []text.IndexTerm
}

// Ingester stores entries. Embedder may be nil: passages then have no vectors.
type Ingester struct {
	Store    Store
	Analyzer Analyzer
	Embedder Embedder
}

// Report counts what an ingest did, and names the entries that it left alone since people had worked on them: those whose file says something
// new (Kept), and those whose file is as it was (Old). Both are in no order.
type Report struct {
	Created, Unchanged int
	Kept, Old          []knowledge.ID
}

func (r *Report) add(id knowledge.ID, outcome Outcome) {
	switch outcome {
	case Stored:
		r.Created++
	case Kept:
		r.Kept = append(r.Kept, id)
	case Old:
		r.Old = append(r.Old, id)
	default:
		r.Unchanged++
	}
}

// Run stores each entry that has changed, in a transaction of its own; progress is called after each. When ctx
// ends, the entries done so far are stored whole and the next run goes on with the others.
func (in *Ingester) Run(ctx context.Context, entries []knowledge.Entry, progress func(done, total int)) (Report, error) {
	stored, err := in.Store.Hashes(ctx)
	if err != nil {
		return Report{}, err
	}
	changed := slices.DeleteFunc(slices.Clone(entries), func(e knowledge.Entry) bool {
		hash, ok := stored[e.ID]
		return ok && hash == e.Hash()
	})
	report := Report{Unchanged: len(entries) - len(changed)}
	if err := in.saveAll(ctx, changed, &report, progress); err != nil {
		return report, err
	}
	if err := in.embedMissing(ctx); err != nil {
		return report, err
	}
	return report, in.Store.Maintain(ctx)
}

// atOnce is how many entries are under way at once: while one waits for the database another is embedded.
const atOnce = 4

func (in *Ingester) saveAll(ctx context.Context, entries []knowledge.Entry, report *Report, progress func(done, total int)) error {
	var mu sync.Mutex // guards report and the calls of progress
	done := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, e := range entries {
		group.Go(func() error {
			outcome, err := in.save(ctx, e)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			report.add(e.ID, outcome)
			done++
			progress(done, len(entries))
			return nil
		})
	}
	return group.Wait()
}

// missingBatch is how many passages are embedded between two writes.
const missingBatch = 100

// embedMissing gives their vectors to passages that were stored without the present model: with another, or none.
func (in *Ingester) embedMissing(ctx context.Context) error {
	for in.Embedder != nil {
		missing, err := in.Store.WithoutVector(ctx, in.Embedder.ID(), missingBatch)
		if err != nil || len(missing) == 0 {
			return err
		}
		texts := make([]string, len(missing))
		for i, m := range missing {
			texts[i] = text.Normalize(m.Text)
		}
		vectors, err := in.Embedder.Embed(ctx, texts)
		if err != nil {
			return fmt.Errorf("embed stored passages: %w", err)
		}
		if err := in.Store.SaveVectors(ctx, in.Embedder.ID(), missing, vectors); err != nil {
			return err
		}
	}
	return nil
}

func (in *Ingester) save(ctx context.Context, e knowledge.Entry) (Outcome, error) {
	if err := ctx.Err(); err != nil { // another entry failed, or the run was interrupted
		return "", err
	}
	indexed, model, err := in.index(ctx, e)
	if err != nil {
		return "", err
	}
	return in.Store.SaveFile(ctx, e, indexed, model)
}

// index gives an entry's passages what both search legs need; model is "" without an Embedder.
func (in *Ingester) index(ctx context.Context, e knowledge.Entry) (indexed []IndexedPassage, model string, err error) {
	passages := Passages(e)
	indexed = make([]IndexedPassage, len(passages))
	texts := make([]string, len(passages))
	for i, p := range passages {
		texts[i] = text.Normalize(p.Text)
		indexed[i] = IndexedPassage{Passage: p}
		if p.Kind != knowledge.WholePassage {
			indexed[i].Terms = in.Analyzer.IndexTerms(texts[i])
		}
	}
	if in.Embedder == nil {
		return indexed, "", nil
	}
	vectors, err := in.Embedder.Embed(ctx, texts)
	if err != nil {
		return nil, "", fmt.Errorf("embed %s: %w", e.ID, err)
	}
	for i := range indexed {
		indexed[i].Vector = vectors[i]
	}
	return indexed, in.Embedder.ID(), nil
}
