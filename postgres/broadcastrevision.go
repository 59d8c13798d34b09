package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// SubmittedRevisions is what was submitted of a broadcast, each revision as it was, oldest first. They have what the document says, and no state.
func (s *Store) SubmittedRevisions(ctx context.Context, id int64) ([]knowledge.Broadcast, error) {
	rows, err := s.pool.Query(ctx, `SELECT revision, document FROM broadcast_revisions WHERE broadcast_id = $1 ORDER BY revision`, id)
	if err != nil {
		return nil, fmt.Errorf("read what was submitted of broadcast %d: %w", id, err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (knowledge.Broadcast, error) {
		b := knowledge.Broadcast{ID: id}
		var document string
		if err := row.Scan(&b.Revision, &document); err != nil {
			return b, err
		}
		return b, b.ReadDocument([]byte(document))
	})
}
