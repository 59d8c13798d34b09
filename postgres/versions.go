package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// Version is one version of an entry with where it stands.
type Version struct {
	Entry       knowledge.Entry
	Number      int
	Status      knowledge.Status // or superseded
	Emergency   bool
	Round       int // of reviewing, from 1
	CreatedAt   time.Time
	PublishedAt *time.Time // nil: never was
	ExpiresAt   *time.Time // nil: not published
	Reason      string     // why it was withdrawn
	Author      string     // name; empty: the program
	Needs, Has  Signatures
	Reviews     []knowledge.Review // of every round, oldest first
}

// Signatures counts those of one round by role; Reviewers are experts and editors together.
type Signatures struct{ Experts, Editors, Reviewers int }

// Missing says in words which signatures a version still needs; empty: none.
func (v Version) Missing() string {
	switch {
	case v.Has.Experts < v.Needs.Experts && v.Has.Editors < v.Needs.Editors:
		return "还差专家和编辑签字"
	case v.Has.Experts < v.Needs.Experts:
		return "还差专家签字"
	case v.Has.Editors < v.Needs.Editors:
		return "还差编辑签字"
	case v.Has.Reviewers < v.Needs.Reviewers:
		return fmt.Sprintf("还差%d个人签字", v.Needs.Reviewers-v.Has.Reviewers)
	}
	return ""
}

var statusWords = map[knowledge.Status]string{
	knowledge.Draft: "草稿", knowledge.InReview: "审核中", knowledge.Published: "已发布", knowledge.Withdrawn: "已撤下", "superseded": "已被新版代替",
}

// StatusLine says in words where the version stands.
func (v Version) StatusLine() string {
	line := statusWords[v.Status]
	switch {
	case v.Status == knowledge.InReview:
		if missing := v.Missing(); missing != "" {
			return line + "，" + missing
		}
		return line + "，可以发布"
	case v.Status == knowledge.Published && v.Emergency:
		return "紧急核发，24小时内复核，到" + v.ExpiresAt.Format(time.DateTime)
	case v.Status == knowledge.Published:
		return line + "，到" + v.ExpiresAt.Format(time.DateOnly)
	case v.Status == knowledge.Withdrawn && v.Reason != "":
		return line + "：" + v.Reason
	}
	return line
}

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
