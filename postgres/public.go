package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// publicSQL is what the public sees of the entries that the condition lets through; of them the picked ones, in an order: constants of this file. $1 is now,
// $2 whether drafts are served. Documents and reviews are read of the picked ones only.
//
// Of an entry it is one version: the one served; under serve_unsigned else its draft; else the newest that was served once and has ended. What never
// was served is not there. It is dated by what the public saw last: for a withdrawal the audit log knows when.
func publicSQL(condition, pick, order string) string {
	return `
WITH chosen AS (
    SELECT DISTINCT ON (v.entry_id) v.entry_id, v.version, v.created_at, v.published_at, v.expires_at,
           CASE v.status WHEN 'published' THEN CASE WHEN v.expires_at > $1::timestamptz THEN 'published' ELSE 'expired' END
                         WHEN 'withdrawn' THEN 'withdrawn' ELSE 'unsigned' END AS standing
      FROM entry_versions v
     WHERE v.complete AND (v.status = 'published' OR v.status = 'withdrawn' AND (v.published_at IS NOT NULL OR $2::boolean)
                           OR v.status IN ('draft', 'in_review') AND $2::boolean)
       AND ` + condition + `
     ORDER BY v.entry_id, v.status = 'published' AND v.expires_at > $1::timestamptz DESC, v.status IN ('draft', 'in_review') DESC, v.version DESC
), public AS MATERIALIZED (
    SELECT entry_id, version, standing, CASE standing
           WHEN 'published' THEN greatest(published_at, (SELECT max(reviewed_at) FROM reviews r
                WHERE r.entry_id = c.entry_id AND r.version = c.version AND r.decision = 'approve'))
           WHEN 'expired' THEN expires_at
           WHEN 'withdrawn' THEN coalesce((SELECT max(at) FROM audit_log l
                WHERE l.entry_id = c.entry_id AND l.version = c.version AND l.action IN ('entry.withdrawn', 'review.returned')), published_at, created_at)
           ELSE created_at END AS updated_at
      FROM chosen c
), picked AS MATERIALIZED (
    SELECT p.* FROM public p ` + pick + `
)
SELECT v.document, v.version, v.content_hash, p.standing, v.emergency, v.published_at, nullif(v.expires_at, 'infinity'), p.updated_at, v.reason,
       EXISTS (SELECT FROM reviews r WHERE r.entry_id = v.entry_id AND r.version = v.version AND r.decision = 'return' AND r.comment = v.reason),
       coalesce(k.city, ''), ` + servedReviews + `
  FROM picked p JOIN entry_versions v ON v.entry_id = p.entry_id AND v.version = p.version ` + originTables + order
}

const (
	oldestFirst = ` ORDER BY p.updated_at, p.entry_id`
	newestFirst = ` ORDER BY p.updated_at DESC, p.entry_id`
	pickSQL     = `
     WHERE (p.standing IN ('published', 'unsigned') OR $3::boolean) AND p.updated_at >= $4 AND (p.updated_at, p.entry_id) > ($5::timestamptz, $6::text)
       AND ($7 = '' AND $8 = '' AND cardinality($9::text[]) = 0 -- documents are large: not opened for nothing
            OR EXISTS (SELECT FROM entry_versions v WHERE v.entry_id = p.entry_id AND v.version = p.version
                          AND ($7 = '' OR v.document ->> 'topic' = $7) AND ($8 = '' OR v.document ->> 'verdict' = $8)
                          AND (cardinality($9::text[]) = 0 OR NOT v.document ? 'regions' OR v.document -> 'regions' ?| $9::text[])))`
)

var (
	publicEntrySQL  = publicSQL(`v.entry_id = $3`, ``, ``)
	publicOldestSQL = publicSQL(`true`, pickSQL+oldestFirst+` LIMIT $10`, oldestFirst)
	publicNewestSQL = publicSQL(`true`, pickSQL+newestFirst+` LIMIT $10`, newestFirst)
)

// PublicEntry is one entry as the public sees it; NotFound when it never was served.
func (s *Store) PublicEntry(ctx context.Context, id knowledge.ID, unsigned bool, now time.Time) (knowledge.Public, error) {
	rows, err := s.pool.Query(ctx, publicEntrySQL, now, unsigned, string(id))
	if err != nil {
		return knowledge.Public{}, fmt.Errorf("look up %s: %w", id, err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, scanPublic)
	return p, missing(err, fmt.Sprintf("没有 %s 这个条目", id))
}

// PublicEntries lists entries as the public sees them.
func (s *Store) PublicEntries(ctx context.Context, q knowledge.PublicQuery) ([]knowledge.Public, error) {
	sql := publicOldestSQL
	if q.Newest {
		sql = publicNewestSQL
	}
	rows, err := s.pool.Query(ctx, sql, q.Now, q.Unsigned, q.Ended, q.Since, q.After.UpdatedAt, string(q.After.ID),
		string(q.Topic), string(q.Verdict), append([]string{}, q.Regions...), q.Limit)
	if err != nil {
		return nil, fmt.Errorf("list entries: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanPublic)
	if err != nil {
		return nil, fmt.Errorf("list entries: %w", err)
	}
	return found, nil
}

// returnedReason stands for what a reviewer wrote to colleagues when an emergency publication was sent back.
const returnedReason = "复核没有通过"

func scanPublic(row pgx.CollectableRow) (p knowledge.Public, err error) {
	var document, hash, reviews []byte
	var published, until *time.Time
	var returned bool
	err = row.Scan(&document, &p.Version, &hash, &p.Standing, &p.Emergency, &published, &until, &p.UpdatedAt, &p.Reason, &returned, &p.From, &reviews)
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(document, &p.Entry); err != nil {
		return p, fmt.Errorf("stored document: %w", err)
	}
	copy(p.Hash[:], hash)
	if published != nil {
		p.PublishedAt = *published
	}
	if until != nil {
		p.ReviewBy = *until
	}
	if returned {
		p.Reason = returnedReason
	}
	if !p.Readable() {
		e := p.Entry
		p.Entry = knowledge.Entry{ID: e.ID, Kind: e.Kind, Topic: e.Topic, Title: e.Title, Short: e.Short}
		return p, nil
	}
	return p, unmarshalReviews(reviews, &p.Reviews)
}

// PublicIDs lists the signed entries that are served, by id, from an offset, and counts all of them.
func (s *Store) PublicIDs(ctx context.Context, now time.Time, offset, limit int) (ids []knowledge.Changed, total int, err error) {
	rows, err := s.pool.Query(ctx, `
		SELECT v.entry_id, greatest(v.published_at, (SELECT max(reviewed_at) FROM reviews r
		           WHERE r.entry_id = v.entry_id AND r.version = v.version AND r.decision = 'approve')), count(*) OVER ()
		  FROM entry_versions v WHERE v.status = 'published' AND v.expires_at > $1
		 ORDER BY v.entry_id OFFSET $2 LIMIT $3`, now, offset, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("list ids: %w", err)
	}
	ids, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c knowledge.Changed, err error) {
		return c, row.Scan(&c.ID, &c.UpdatedAt, &total)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list ids: %w", err)
	}
	return ids, total, nil
}
