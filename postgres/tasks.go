package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// tasksMost bounds the list of each kind of task.
const tasksMost = 100

// tasksSQL is what waits for a person: each entry's live version is of one kind at most, the first that holds.
//
// A signature is lacking that she can give: of her role, or of any reviewer once each role has its own.
//
// Parameters: $1 the person, $2 her roles, $3 now, $4 how many of each kind.
const tasksSQL = `
WITH live AS (
    SELECT v.*, coalesce(v.author_id = $1, false) AS mine, $1 = ANY(v.authors) AS wrote,
           v.experts >= v.needs_experts AND v.editors >= v.needs_editors AS each_role,
           EXISTS (SELECT FROM reviews r WHERE r.entry_id = v.entry_id AND r.version = v.version AND r.round = v.round
                      AND r.reviewer_id = $1) AS signed,
           EXISTS (SELECT FROM reviews r WHERE r.entry_id = v.entry_id AND r.version = v.version AND r.reviewer_id = $1) AS ever_signed
      FROM entry_versions v
     WHERE v.status IN ('draft', 'in_review')
        OR v.status = 'published' AND (v.emergency OR v.expires_at <= $3::timestamptz + interval '30 days')
), asked AS (
    SELECT *, each_role AND approvals >= needs_reviewers AS reviewed, NOT wrote AND NOT signed AND (
               'expert' = ANY($2::text[]) AND (experts < needs_experts OR each_role AND approvals < needs_reviewers)
            OR 'editor' = ANY($2::text[]) AND (editors < needs_editors OR each_role AND approvals < needs_reviewers)) AS can_sign
      FROM live
), kinds AS (
    SELECT *, CASE
        WHEN status = 'published' AND emergency THEN CASE WHEN can_sign OR mine OR 'publisher' = ANY($2) THEN 'recheck' END
        WHEN status = 'published' THEN CASE WHEN mine OR ever_signed OR 'publisher' = ANY($2) THEN 'expiring' END
        WHEN status = 'draft' AND mine THEN CASE WHEN round > 1 THEN 'returned' ELSE 'draft' END
        WHEN status = 'draft' THEN CASE WHEN author_id IS NULL AND $2 && ARRAY['author', 'editor'] THEN CASE WHEN round > 1 THEN 'returned' ELSE 'imported' END END
        WHEN can_sign THEN 'sign'
        WHEN reviewed AND 'publisher' = ANY($2) THEN 'publish'
        WHEN mine OR 'publisher' = ANY($2) THEN 'waiting'
        END AS kind
      FROM asked
), numbered AS (
    SELECT *, count(*) OVER (PARTITION BY kind) AS of_kind,
           row_number() OVER (PARTITION BY kind ORDER BY CASE WHEN status = 'published' THEN expires_at ELSE created_at END, entry_id) AS n
      FROM kinds WHERE kind IS NOT NULL
)
SELECT kind, entry_id, document ->> 'title', document ->> 'topic', created_at, CASE WHEN status = 'published' THEN expires_at END,
       coalesce((SELECT r.comment FROM reviews r WHERE r.entry_id = numbered.entry_id AND r.version = numbered.version
                    AND r.decision = 'return' ORDER BY r.id DESC LIMIT 1), ''),
       version, status, emergency, round, needs_experts, needs_editors, needs_reviewers, experts, editors, approvals, of_kind
  FROM numbered WHERE n <= $4
 ORDER BY array_position(ARRAY['recheck', 'returned', 'sign', 'publish', 'expiring', 'draft', 'waiting', 'imported'], kind), n`

// Tasks lists what waits for a person, most urgent first.
func (s *Store) Tasks(ctx context.Context, p knowledge.Person, now time.Time) ([]knowledge.Task, error) {
	rows, err := s.pool.Query(ctx, tasksSQL, p.ID, p.Roles, now, tasksMost)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t knowledge.Task, err error) {
		v := &t.Version
		err = row.Scan(&t.Kind, &t.Entry, &t.Title, &t.Topic, &t.Since, &t.Until, &t.Comment,
			&v.Number, &v.Status, &v.Emergency, &v.Round, &v.Needs.Experts, &v.Needs.Editors, &v.Needs.Reviewers,
			&v.Has.Experts, &v.Has.Editors, &v.Has.Reviewers, &t.Of)
		v.ExpiresAt = t.Until
		return t, err
	})
}

// Involvement is what a person had to do with a version.
func (s *Store) Involvement(ctx context.Context, id knowledge.ID, version int, by knowledge.PersonID) (st knowledge.Involvement, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT $3 = ANY(v.authors), v.publishers, v.months,
		       coalesce((SELECT r.role FROM reviews r WHERE r.entry_id = v.entry_id AND r.version = v.version AND r.round = v.round AND r.reviewer_id = $3), '')
		  FROM entry_versions v WHERE v.entry_id = $1 AND v.version = $2`, string(id), version, by).
		Scan(&st.Wrote, &st.Publishers, &st.Months, &st.SignedAs)
	st.Signed = st.SignedAs != ""
	return st, missing(err, "没有这一版")
}

// Find lists the newest versions of entries whose id or title has the words, by id; empty: of all.
func (s *Store) Find(ctx context.Context, words string, limit int) ([]knowledge.Version, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT `+versionColumns+` FROM `+versionTables+`
		 WHERE NOT EXISTS (SELECT FROM entry_versions n WHERE n.entry_id = v.entry_id AND n.version > v.version)
		   AND ($1 = '' OR strpos(v.entry_id, lower($1)) > 0 OR strpos(v.document ->> 'title', $1) > 0)
		 ORDER BY v.entry_id LIMIT $2`, words, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanVersion)
}
