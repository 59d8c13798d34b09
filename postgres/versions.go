package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// Version is the domain's.
type Version = knowledge.Version

const versionColumns = `v.document, v.version, v.status, v.emergency, v.round, v.created_at, v.published_at,
	nullif(v.expires_at, 'infinity'), v.reason, coalesce(a.name, ''), v.needs_experts, v.needs_editors, v.needs_reviewers, v.experts, v.editors, v.approvals,
	coalesce((SELECT jsonb_agg(jsonb_build_object('reviewer', r.reviewer, 'title', r.title, 'institution', r.institution,
	    'role', r.role, 'decision', r.decision, 'comment', r.comment, 'at', r.reviewed_at) ORDER BY r.id)
	    FROM reviews r WHERE r.entry_id = v.entry_id AND r.version = v.version), '[]')`

const versionTables = `entry_versions v LEFT JOIN people a ON a.id = v.author_id`

func scanVersion(row pgx.CollectableRow) (v Version, err error) {
	var document, reviews []byte
	err = row.Scan(&document, &v.Number, &v.Status, &v.Emergency, &v.Round, &v.CreatedAt, &v.PublishedAt, &v.ExpiresAt, &v.Reason, &v.Author,
		&v.Needs.Experts, &v.Needs.Editors, &v.Needs.Reviewers, &v.Has.Experts, &v.Has.Editors, &v.Has.Reviewers, &reviews)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(document, &v.Entry); err != nil {
		return v, fmt.Errorf("stored document: %w", err)
	}
	return v, unmarshalReviews(reviews, &v.Reviews)
}

// Newest lists every entry's newest version by id; a status other than "" picks those that stand so.
func (s *Store) Newest(ctx context.Context, status knowledge.Status) ([]Version, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT `+versionColumns+` FROM `+versionTables+`
		 WHERE NOT EXISTS (SELECT FROM entry_versions n WHERE n.entry_id = v.entry_id AND n.version > v.version)
		   AND ($1 = '' OR v.status = $1)
		 ORDER BY v.entry_id`, status)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanVersion)
}

// Version is one version of an entry; number 0 is the newest. NotFound when there is none.
func (s *Store) Version(ctx context.Context, id knowledge.ID, number int) (Version, error) {
	return s.oneVersion(ctx, fmt.Sprintf("没有 %s 这个条目或这一版", id), `v.entry_id = $1 AND ($2 = 0 OR v.version = $2)`, string(id), number)
}

// Pending is the published version (empty when there is none) and the newest one.
func (s *Store) Pending(ctx context.Context, id knowledge.ID) (before, after Version, err error) {
	if after, err = s.Version(ctx, id, 0); err != nil {
		return before, after, err
	}
	before, err = s.oneVersion(ctx, "", `v.entry_id = $1 AND v.status = 'published'`, string(id))
	var known *knowledge.Error
	if errors.As(err, &known) && known.Code == knowledge.NotFound {
		err = nil
	}
	return before, after, err
}

// oneVersion is the newest that the condition, a constant of this file, lets through.
func (s *Store) oneVersion(ctx context.Context, absent, condition string, arguments ...any) (Version, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+versionColumns+` FROM `+versionTables+` WHERE `+condition+` ORDER BY v.version DESC LIMIT 1`, arguments...)
	if err != nil {
		return Version{}, err
	}
	v, err := pgx.CollectExactlyOneRow(rows, scanVersion)
	return v, missing(err, absent)
}
