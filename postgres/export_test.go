package postgres

import (
	"context"
	"strings"

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

// Explain returns the plan of the search for q as every connection makes it: without knowing the parameters.
func (s *Store) Explain(ctx context.Context, q retrieval.Query) (string, error) {
	plan, err := s.plan(ctx, q)
	if err != nil {
		return "", err
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	results, err := conn.Conn().PgConn().Exec(ctx, "EXPLAIN (GENERIC_PLAN) "+plan.sql()).ReadAll() // pgx would want the parameters
	if err != nil {
		return "", err
	}
	var lines []string
	for _, row := range results[0].Rows {
		lines = append(lines, string(row[0]))
	}
	return strings.Join(lines, "\n"), nil
}
