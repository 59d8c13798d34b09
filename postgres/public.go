package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// What the public sees of an entry is one version: the one served; under serve_unsigned else its draft; else the newest that was served once and has
// ended. What never was served is not there. It is dated by what the public saw last: entry_versions.changed_at, or its expiry. Throughout, $1 is
// now and $2 whether drafts are served.

// visible is of a version that the public may see when no other of its entry comes before it.
func visible(v string) string {
	return strings.ReplaceAll(`v.complete AND (v.status = 'published' OR v.status = 'withdrawn' AND (v.published_at IS NOT NULL OR $2::boolean)
	       OR v.status IN ('draft', 'in_review') AND $2::boolean)`, `v.`, v+`.`)
}

// rank orders the visible versions of an entry: the greatest is the one.
func rank(v string) string {
	return strings.ReplaceAll(`(v.status = 'published' AND v.expires_at > $1::timestamptz, v.status IN ('draft', 'in_review'), v.version)`, `v.`, v+`.`)
}

// chosen is of the version v that the public sees of its entry. The aggregate is looked up for one row after the other, in an index's order and
// no further than the page goes; NOT EXISTS would be made a join over all versions.
var chosen = visible("v") + ` AND NOT coalesce((SELECT bool_or(` + rank("w") + ` > ` + rank("v") + `)
	          FROM entry_versions w WHERE w.entry_id = v.entry_id AND ` + visible("w") + `), false)`

const (
	standing = `CASE v.status WHEN 'published' THEN CASE WHEN v.expires_at > $1::timestamptz THEN 'published' ELSE 'expired' END
	                 WHEN 'withdrawn' THEN 'withdrawn' ELSE 'unsigned' END`
	filters = `($7 = '' AND $8 = '' AND cardinality($9::text[]) = 0 -- documents are large: not opened for nothing
	           OR ($7 = '' OR v.document ->> 'topic' = $7) AND ($8 = '' OR v.document ->> 'verdict' = $8)
	              AND (cardinality($9::text[]) = 0 OR NOT v.document ? 'regions' OR v.document -> 'regions' ?| $9::text[]))`
)

// publicSQL reads the documents and reviews of the picked versions p, in an order: constants of this file.
func publicSQL(pick, order string) string {
	return `
WITH picked AS MATERIALIZED (` + pick + `)
SELECT v.document, v.version, v.content_hash, p.standing, v.emergency, v.published_at, nullif(v.expires_at, 'infinity'), p.updated_at, v.reason,
       EXISTS (SELECT FROM reviews r WHERE r.entry_id = v.entry_id AND r.version = v.version AND r.decision = 'return' AND r.comment = v.reason),
       coalesce(k.city, ''), ` + servedReviews + `
  FROM picked p JOIN entry_versions v ON v.entry_id = p.entry_id AND v.version = p.version ` + originTables + order
}

// pageSQL picks a page of changes: the first of two ranges, each read from its index (migrations/00036) from the cursor on, of what has not expired and
// of what has. $3 says whether what has ended is wanted, $4 since when, $5 and $6 are the cursor, $7 to $9 the filters, $10 the length.
func pageSQL(direction string) string {
	arm := func(at, which string) string {
		return `(SELECT v.entry_id, v.version, ` + standing + ` AS standing, v.` + at + ` AS updated_at FROM entry_versions v
	      WHERE ` + which + ` AND v.` + at + ` >= $4 AND (v.` + at + `, v.entry_id) > ($5::timestamptz, $6::text) AND ` + filters + ` AND ` + chosen + `
	      ORDER BY v.` + at + direction + `, v.entry_id` + direction + ` LIMIT $10)`
	}
	return `SELECT * FROM (
	     ` + arm("changed_at", `v.status <> 'superseded' AND (v.status <> 'published' OR v.expires_at > $1::timestamptz) AND (v.status <> 'withdrawn' OR $3::boolean)`) + `
	     UNION ALL
	     ` + arm("expires_at", `$3::boolean AND v.status = 'published' AND v.expires_at <= $1::timestamptz`) + `) ranges
	 ORDER BY updated_at` + direction + `, entry_id` + direction + ` LIMIT $10`
}

var (
	publicEntrySQL = publicSQL(`SELECT v.entry_id, v.version, `+standing+` AS standing,
	     CASE WHEN v.status = 'published' AND v.expires_at <= $1::timestamptz THEN v.expires_at ELSE v.changed_at END AS updated_at
	  FROM entry_versions v WHERE v.entry_id = $3 AND `+chosen, ``)
	publicOldestSQL = publicSQL(pageSQL(``), ` ORDER BY p.updated_at, p.entry_id`)
	publicNewestSQL = publicSQL(pageSQL(` DESC`), ` ORDER BY p.updated_at DESC, p.entry_id DESC`)
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
		SELECT v.entry_id, v.changed_at, count(*) OVER () FROM entry_versions v WHERE v.status = 'published' AND v.expires_at > $1
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
