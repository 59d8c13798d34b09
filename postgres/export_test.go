package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"qiuzhen/retrieval"
)

// Constraint is exported for tests.
var Constraint = constraint

// SearchExact scores everything, whatever the size.
func (s *Store) SearchExact(ctx context.Context, q retrieval.Query) ([]retrieval.Hit, error) {
	return s.searchOfSize(ctx, q, 0)
}

// SearchIndexed goes by the indexes, whatever the size.
func (s *Store) SearchIndexed(ctx context.Context, q retrieval.Query) ([]retrieval.Hit, error) {
	return s.searchOfSize(ctx, q, exactBelow)
}

func (s *Store) searchOfSize(ctx context.Context, q retrieval.Query, size int64) ([]retrieval.Hit, error) {
	old := s.passages.Swap(size)
	defer s.passages.Store(old)
	s.counted.Store(true)
	return s.Search(ctx, q)
}

// Explain returns the plan of the search for q.
func (s *Store) Explain(ctx context.Context, q retrieval.Query) (string, error) {
	plan, err := s.plan(ctx, q)
	if err != nil {
		return "", err
	}
	rows, err := s.pool.Query(ctx, "EXPLAIN "+plan.sql(), searchArguments(q, plan)...)
	if err != nil {
		return "", err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return strings.Join(lines, "\n"), err
}
