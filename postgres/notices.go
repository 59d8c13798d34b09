package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// due is a version of which somebody has something to be told.
type due struct {
	entry   knowledge.ID
	version int
	hash    []byte
	expires time.Time
	people  []knowledge.PersonID
}

// FileReminders tells the reviewers of each published version that its last day comes: within 30 days, and within 7. Of one that nobody here signed,
// or nobody who still has an account, the publishers and administrators are told. A person is told each
// about a version once, ever, however often and by how many programs this runs; when the program stood still so long that only the
// nearer one is left, the other is not filed any more. It returns how many notices it filed.
//
// Each version is a transaction of its own: a kill loses none, and the audit log is never held for long.
func (s *Store) FileReminders(ctx context.Context, now time.Time) (filed int, err error) {
	upper := now // what comes within a nearer reminder's days is not told by a farther one
	for _, r := range knowledge.Reminders {
		until := now.Add(r.Before)
		versions, err := s.dueBetween(ctx, r.Kind, upper, until)
		if err != nil {
			return filed, err
		}
		for _, v := range versions {
			n, err := s.remind(ctx, r.Kind, v, now)
			filed += n
			if err != nil {
				return filed, err
			}
		}
		upper = until
	}
	return filed, nil
}

// dueBetween lists the versions that stop being served after one time and not after the other, with those who are to be told and were not: who
// signed in the round that published it and still has an account, or else, as for what is published on another city's word, who can do
// something about it.
func (s *Store) dueBetween(ctx context.Context, kind knowledge.NoticeKind, after, until time.Time) ([]due, error) {
	rows, err := s.pool.Query(ctx, `
		WITH due AS MATERIALIZED (
		    SELECT v.entry_id, v.version, v.round, v.content_hash, v.expires_at FROM entry_versions v
		     WHERE v.status = 'published' AND NOT v.emergency AND v.expires_at > $2 AND v.expires_at <= $3
		), signers AS MATERIALIZED (
		    SELECT DISTINCT d.entry_id, d.version, p.id AS person
		      FROM due d JOIN reviews r ON r.entry_id = d.entry_id AND r.version = d.version AND r.round = d.round
		           AND r.decision = 'approve' AND r.role IN ('expert', 'editor')
		      JOIN people p ON p.id = r.reviewer_id AND p.disabled_at IS NULL
		), others AS MATERIALIZED (
		    SELECT p.id AS person FROM people p WHERE p.disabled_at IS NULL
		       AND EXISTS (SELECT FROM person_roles o WHERE o.person_id = p.id AND o.role IN ('publisher', 'administrator'))
		), told AS (
		    SELECT * FROM signers
		     UNION ALL
		    SELECT d.entry_id, d.version, o.person FROM due d CROSS JOIN others o
		     WHERE NOT EXISTS (SELECT FROM signers s WHERE s.entry_id = d.entry_id AND s.version = d.version)
		)
		SELECT d.entry_id, d.version, d.content_hash, d.expires_at, array_agg(t.person ORDER BY t.person)
		  FROM due d JOIN told t USING (entry_id, version)
		 WHERE NOT EXISTS (SELECT FROM notices n WHERE n.person = t.person AND n.kind = $1 AND n.entry = d.entry_id AND n.version = d.version)
		 GROUP BY d.entry_id, d.version, d.content_hash, d.expires_at
		 ORDER BY d.expires_at, d.entry_id`, kind, after, until)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d due, err error) {
		err = row.Scan(&d.entry, &d.version, &d.hash, &d.expires, &d.people)
		return d, err
	})
}

// remind files the notices of one version; those that another program filed meanwhile are left to it.
func (s *Store) remind(ctx context.Context, kind knowledge.NoticeKind, d due, now time.Time) (filed int, err error) {
	err = s.change(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			WITH told AS (
			    INSERT INTO notices (person, kind, entry, version, at)
			    SELECT p, $2, $3, $4, $5 FROM unnest($1::bigint[]) p
			    ON CONFLICT ON CONSTRAINT notice_once_each DO NOTHING RETURNING person)
			SELECT p.login FROM told JOIN people p ON p.id = told.person ORDER BY p.login`, d.people, kind, string(d.entry), d.version, now)
		if err != nil {
			return err
		}
		logins, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if filed = len(logins); err != nil || filed == 0 {
			return err
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{
			Action: knowledge.ReviewersReminded, Entry: d.entry, Version: d.version, ContentHash: [32]byte(d.hash),
			Detail: map[string]string{
				"kind": string(kind), "to": strings.Join(logins, ","), "until": d.expires.UTC().Format(time.RFC3339), "count": strconv.Itoa(filed),
			},
		})
	})
	if err != nil {
		filed = 0
	}
	return filed, err
}

// Notices are a person's open ones, what is due first: not read, about a version that is still the published one. all lists every one ever.
func (s *Store) Notices(ctx context.Context, person knowledge.PersonID, all bool) ([]knowledge.Notice, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT n.id, n.kind, n.entry, n.version, v.document ->> 'title', nullif(v.expires_at, 'infinity'), n.at, n.read_at
		  FROM notices n JOIN entry_versions v ON v.entry_id = n.entry AND v.version = n.version
		 WHERE n.person = $1 AND ($2 OR n.read_at IS NULL AND v.status = 'published')
		 ORDER BY v.expires_at, n.entry, n.at, n.id`, person, all)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n knowledge.Notice, err error) {
		err = row.Scan(&n.ID, &n.Kind, &n.Entry, &n.Version, &n.Title, &n.Due, &n.At, &n.Read)
		return n, err
	})
}

// ReadNotice notes that a person has seen one of hers. It is hers alone: nothing of the content or the staff changes, and the audit log is not told.
func (s *Store) ReadNotice(ctx context.Context, person knowledge.PersonID, id int64, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE notices SET read_at = greatest(at, $3::timestamptz) WHERE id = $2 AND person = $1 AND read_at IS NULL`, person, id, now)
	return err
}

// Expiring lists the published versions that stop being served by then, and those that did, soonest first.
func (s *Store) Expiring(ctx context.Context, by time.Time) ([]Version, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT `+versionColumns+` FROM `+versionTables+`
		 WHERE v.status = 'published' AND v.expires_at <= $1 ORDER BY v.expires_at, v.entry_id`, by)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanVersion)
}
