package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// NearPair is two wordings of different entries that mean much the same to the embedding model.
type NearPair struct {
	A, B         knowledge.ID // A < B
	TextA, TextB string
	Cosine       float64
}

// NearWordings compares every claim and question with those of other entries, exactly, and returns the pairs of at least
// the given cosine, nearest first: duplicate or contradicting claims for an editor to settle.
func (s *Store) NearWordings(ctx context.Context, model string, cosine float64) ([]NearPair, error) {
	rows, err := s.pool.Query(ctx, `
		WITH w AS MATERIALIZED (
		    SELECT p.entry_id, p.text, v.v FROM passages p
		      JOIN passage_vectors v ON v.passage_id = p.id
		      JOIN embedding_models m ON m.id = v.model_id AND m.name = $1
		     WHERE p.kind IN ('claim', 'question'))
		SELECT a.entry_id, b.entry_id, a.text, b.text, 1 - (a.v <=> b.v) AS cosine
		  FROM w a JOIN w b ON a.entry_id < b.entry_id AND 1 - (a.v <=> b.v) >= $2
		 ORDER BY cosine DESC, 1, 2, 3, 4`, model, cosine)
	if err != nil {
		return nil, fmt.Errorf("compare wordings: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (NearPair, error) {
		var p NearPair
		err := row.Scan(&p.A, &p.B, &p.TextA, &p.TextB, &p.Cosine)
		return p, err
	})
}
