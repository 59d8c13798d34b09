package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bundle"
	"qiuzhen/knowledge"
)

// Selection narrows an export; empty lists: everything.
type Selection struct {
	Topics []knowledge.Topic
	IDs    []knowledge.ID
}

// Export hands over, in one snapshot and by id, what this city publishes on the signatures of its own people, then what it took back.
// What is published in an emergency, or on another city's word, is not its to share.
// What was published in an emergency and then signed counts from the last signature: before, a tombstone may have been told.
func (s *Store) Export(ctx context.Context, which Selection, now time.Time, each func(bundle.Item, knowledge.Entry) error) (withdrawn []bundle.Tombstone, err error) {
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.pool, snapshot, func(tx pgx.Tx) error {
		topics, ids := append([]knowledge.Topic{}, which.Topics...), append([]knowledge.ID{}, which.IDs...)
		if err := exportPublished(ctx, tx, topics, ids, now, each); err != nil {
			return err
		}
		withdrawn, err = exportWithdrawn(ctx, tx, topics, ids, now)
		return err
	})
	return withdrawn, err
}

// selected picks the versions v of the wanted entries. An entry is of a topic that it had in any version that could be shared: whoever takes
// only that topic has it, and is to get what took its place.
const selected = `($1::text[] = '{}' OR v.document ->> 'topic' = ANY($1) OR EXISTS (SELECT FROM entry_versions x
       WHERE x.entry_id = v.entry_id AND x.document ->> 'topic' = ANY($1) AND ` + onceExported + `))
   AND ($2::text[] = '{}' OR v.entry_id = ANY($2))`

func exportPublished(ctx context.Context, tx pgx.Tx, topics []knowledge.Topic, ids []knowledge.ID, now time.Time, each func(bundle.Item, knowledge.Entry) error) error {
	rows, err := tx.Query(ctx, `
		SELECT v.document, v.version, v.content_hash, greatest(v.published_at, (SELECT max(r.reviewed_at)
		          FROM reviews r WHERE r.entry_id = v.entry_id AND r.version = v.version AND r.round = v.round AND r.decision = 'approve')),
		       v.expires_at, `+originColumns+`,
		       (SELECT jsonb_agg(jsonb_build_object('reviewer', r.reviewer, 'title', r.title, 'institution', r.institution, 'role', r.role,
		            'at', r.reviewed_at) ORDER BY r.id)
		          FROM reviews r WHERE r.entry_id = v.entry_id AND r.version = v.version AND r.round = v.round
		           AND r.decision = 'approve' AND r.role IN ('expert', 'editor'))
		  FROM entry_versions v `+originTables+`
		 WHERE `+selected+` AND v.status = 'published' AND NOT v.emergency AND NOT v.shared AND v.expires_at > $3
		 ORDER BY v.entry_id COLLATE "C"`, topics, ids, now)
	if err != nil {
		return fmt.Errorf("read what is published: %w", err)
	}
	var document, hash, key, reviews []byte
	var i bundle.Item
	var city string
	var at any
	_, err = pgx.ForEachRow(rows, []any{&document, &i.Version, &hash, &i.Published, &i.Expires, &city, &key, &at, &reviews}, func() error {
		item := i
		item.Published, item.Expires = i.Published.UTC(), i.Expires.UTC()
		var e knowledge.Entry
		if err := errors.Join(json.Unmarshal(document, &e), json.Unmarshal(reviews, &item.Reviews)); err != nil {
			return fmt.Errorf("stored version: %w", err)
		}
		item.Reviews = people(item.Reviews)
		if e.Hash() != [32]byte(hash) {
			return fmt.Errorf("%s is stored with another content than was signed; run: qiuzhen audit verify", e.ID)
		}
		if city != "" {
			item.Origin = &bundle.Origin{City: city, Key: bundle.PublicKey(key)}
		}
		return each(item, e)
	})
	return err
}

// people are the reviews as another city can read them: two of one name and institution are one signature there.
func people(reviews []bundle.Review) []bundle.Review {
	type person struct{ name, institution string }
	seen := map[person]bool{}
	var out []bundle.Review
	for _, r := range reviews {
		r.Reviewer, r.Title, r.Institution, r.At = bundle.Plain(r.Reviewer), bundle.Plain(r.Title), bundle.Plain(r.Institution), r.At.UTC()
		if who := (person{r.Reviewer, r.Institution}); !seen[who] {
			seen[who], out = true, append(out, r)
		}
	}
	return out
}

// endedSQL lists, by id, what this city once shared and no longer does: no version is exported now. The last that was (x) was withdrawn,
// or another one took its place that is not this city's to share (n: published in an emergency or on another city's word), which may
// itself have been withdrawn. What only expired is not told, its date went with it; unless a version before was to last longer.
const endedSQL = `
SELECT v.entry_id, CASE WHEN e.status <> 'withdrawn' THEN '' WHEN EXISTS (SELECT FROM reviews r WHERE r.entry_id = e.entry_id AND r.version = e.version
               AND r.decision = 'return' AND r.comment = e.reason) THEN $4 ELSE e.reason END,
       v.status, least($3, coalesce(CASE WHEN e.status = 'withdrawn' THEN (SELECT max(a.at) FROM audit_log a
               WHERE a.entry_id = e.entry_id AND a.version = e.version AND a.action IN ('entry.withdrawn', 'review.returned'))
           WHEN v.status = 'published' THEN v.expires_at END, e.published_at))
  FROM (SELECT DISTINCT ON (x.entry_id) x.* FROM entry_versions x WHERE ` + onceExported + ` ORDER BY x.entry_id, x.version DESC) v
 CROSS JOIN LATERAL (SELECT n.* FROM entry_versions n WHERE n.entry_id = v.entry_id AND n.published_at IS NOT NULL
      AND (v.status <> 'withdrawn' OR n.version = v.version) ORDER BY n.version DESC LIMIT 1) e
 WHERE ` + selected + `
   AND (v.status <> 'published' OR v.expires_at <= $3 AND EXISTS (SELECT FROM entry_versions x
           WHERE x.entry_id = v.entry_id AND x.version < v.version AND x.expires_at > $3 AND ` + onceExported + `))
 ORDER BY v.entry_id COLLATE "C"`

// onceExported picks the versions x that were published on the signatures of this city's people.
const onceExported = `x.published_at IS NOT NULL AND NOT x.emergency AND NOT x.shared`

// What an importer's readers are told where nobody wrote a reason.
const (
	replacedReason = "已由另一版代替"
	expiredReason  = "审核到期"
)

func exportWithdrawn(ctx context.Context, tx pgx.Tx, topics []knowledge.Topic, ids []knowledge.ID, now time.Time) ([]bundle.Tombstone, error) {
	rows, err := tx.Query(ctx, endedSQL, topics, ids, now, returnedReason)
	if err != nil {
		return nil, fmt.Errorf("read what was withdrawn: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t bundle.Tombstone, err error) {
		var status knowledge.Status
		err = row.Scan(&t.ID, &t.Reason, &status, &t.At)
		switch {
		case t.Reason != "":
		case status == knowledge.Published:
			t.Reason = expiredReason
		default:
			t.Reason = replacedReason
		}
		t.At, t.Reason = t.At.UTC(), bundle.Plain(t.Reason)
		return t, err
	})
}
