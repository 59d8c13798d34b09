package postgres

import (
	"context"
	"fmt"
)

// Counts is what the database holds.
type Counts struct{ Published, Drafts, Withdrawn, Passages, Vectors int64 }

func (c Counts) String() string {
	return fmt.Sprintf("%d published, %d drafts, %d withdrawn versions; %d passages, %d vectors",
		c.Published, c.Drafts, c.Withdrawn, c.Passages, c.Vectors)
}

// Counts counts versions by status, passages and vectors.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	err := s.pool.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE status = 'published'), count(*) FILTER (WHERE status IN ('draft', 'in_review')),
		       count(*) FILTER (WHERE status = 'withdrawn'),
		       (SELECT count(*) FROM passages), (SELECT count(*) FROM passage_vectors)
		  FROM entry_versions`).Scan(&c.Published, &c.Drafts, &c.Withdrawn, &c.Passages, &c.Vectors)
	if err != nil {
		return c, fmt.Errorf("count entries: %w", err)
	}
	return c, nil
}
