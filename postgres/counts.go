package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
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

// CheckWhole looks for versions that are searchable and lack passages, or vectors of the model ("": none is needed), and
// compares the statistics with
// a recount. It returns what is broken and how many versions are searchable.
func (s *Store) CheckWhole(ctx context.Context, model string) (broken []string, versions int, err error) {
	err = s.pool.QueryRow(ctx, `
		WITH open AS (
		    SELECT entry_id, version, jsonb_array_length(coalesce(document -> 'claims', '[]'))
		         + jsonb_array_length(coalesce(document -> 'questions', '[]'))
		         + jsonb_array_length(coalesce(document -> 'negatives', '[]')) + 2 AS least -- a summary, a body
		      FROM entry_versions WHERE status IN ('draft', 'in_review', 'published') AND complete
		), counted AS (
		    SELECT o.entry_id, o.least,
		           (SELECT count(*) FROM passages p WHERE p.entry_id = o.entry_id AND p.version = o.version) AS passages,
		           (SELECT count(*) FROM passages p JOIN passage_vectors v ON v.passage_id = p.id
		              JOIN embedding_models m ON m.id = v.model_id AND m.name = $1
		             WHERE p.entry_id = o.entry_id AND p.version = o.version) AS vectors
		      FROM open o
		), df AS (
		    SELECT term, sum(df) AS df FROM (
		        SELECT term, df FROM term_stats UNION ALL SELECT term, delta FROM term_deltas) t GROUP BY term HAVING sum(df) <> 0
		), recount AS (
		    SELECT unnest(terms) AS term, count(*) AS df FROM passages GROUP BY 1
		)
		SELECT (SELECT count(*) FROM open),
		       (SELECT coalesce(array_agg(entry_id || ': ' || passages || ' passages, ' || vectors || ' vectors, at least ' || least), '{}')
		          FROM counted WHERE passages < least OR $1 <> '' AND vectors <> passages)
		    || (SELECT coalesce(array_agg('document frequency of term ' || coalesce(df.term, r.term)), '{}')
		          FROM df FULL JOIN recount r ON df.term = r.term WHERE df.df IS DISTINCT FROM r.df)`, model).Scan(&versions, &broken)
	if err != nil {
		return nil, 0, fmt.Errorf("check the stored content: %w", err)
	}
	return broken, versions, nil
}

// CountVersions counts the versions in the database at dsn, whose schema may not be there yet.
func CountVersions(ctx context.Context, dsn string) (n int, err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return 0, redact(err)
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, `SELECT count(*) FROM entry_versions`).Scan(&n)
	return n, err
}

// Edition grows with each change of content: all of them are in the audit log, in the same transaction.
func (s *Store) Edition(ctx context.Context) (n int64, err error) {
	if err := s.pool.QueryRow(ctx, `SELECT seq FROM audit_head`).Scan(&n); err != nil {
		return 0, fmt.Errorf("edition of the content: %w", err)
	}
	return n, nil
}
