package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// CommonQuestions are questions of a topic (empty: any) and an audience (empty: any) as readers would ask them, one an entry that is served
// everywhere: those answered with most among the last 20,000 answers first, then those that go around in most wordings.
func (s *Store) CommonQuestions(
	ctx context.Context, topic knowledge.Topic, group knowledge.Group, unsigned bool, now time.Time, n int,
) ([]string, error) {
	rows, err := s.pool.Query(ctx, `
		WITH asked AS (
		    SELECT e.entry_id, count(*) AS n FROM (SELECT id FROM answers ORDER BY at DESC LIMIT 20000) a
		      JOIN answer_entries e ON e.answer_id = a.id AND e.quoted GROUP BY e.entry_id),
		served AS (
		    SELECT DISTINCT ON (entry_id) entry_id, document FROM entry_versions
		     WHERE status = ANY($1) AND expires_at > $2 AND complete
		     ORDER BY entry_id, status = 'published' DESC, version DESC)
		SELECT document -> 'questions' ->> 0 FROM served LEFT JOIN asked USING (entry_id)
		 WHERE document -> 'questions' ->> 0 IS NOT NULL AND NOT document ? 'regions'
		   AND ($3 = '' OR document ->> 'topic' = $3) AND ($4 = '' OR document -> 'groups' ? $4)
		 ORDER BY coalesce(asked.n, 0) DESC, jsonb_array_length(document -> 'questions') DESC, entry_id LIMIT $5`,
		statuses(unsigned), now, string(topic), string(group), n)
	if err != nil {
		return nil, fmt.Errorf("common questions: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
