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

// PublishShared serves an entry's draft on the word of the trusted city that it came from, when that city's reviews are what the topic
// asks for here. It expires when it does there, and no later than it would here. What is under review here is left to its reviewers.
func (s *Store) PublishShared(ctx context.Context, id knowledge.ID, now time.Time) error {
	err := s.changeEntry(ctx, id, []knowledge.Role{knowledge.Publisher}, func(tx pgx.Tx) error {
		var version int
		var key []byte
		err := tx.QueryRow(ctx, `
			SELECT v.version, b.public_key FROM entry_versions v JOIN version_bundles b USING (entry_id, version)
			 WHERE v.entry_id = $1 AND v.status = 'draft'`, string(id)).Scan(&version, &key)
		if err != nil {
			return missing(err, fmt.Sprintf("%s 没有从别的城市转来的草稿", id))
		}
		if err := retire(ctx, tx, id, "superseded", "published"); err != nil {
			return err
		}
		var hash []byte
		var until time.Time
		err = tx.QueryRow(ctx, `
			UPDATE entry_versions v SET status = 'published', shared = true, published_at = $3::timestamptz,
			       expires_at = least(b.expires_at, (SELECT max(reviewed_at) FROM foreign_reviews r
			           WHERE r.entry_id = $1 AND r.version = $2) + make_interval(months => v.months))
			  FROM version_bundles b
			 WHERE v.entry_id = $1 AND v.version = $2 AND b.entry_id = v.entry_id AND b.version = v.version
			RETURNING v.content_hash, v.expires_at`, string(id), version, now).Scan(&hash, &until)
		if err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{
			Action: knowledge.EntryPublished, Entry: id, Version: version, ContentHash: [32]byte(hash), Detail: map[string]string{
				"until": until.UTC().Format(time.RFC3339), "shared": "true", "key": bundle.PublicKey(key).Fingerprint(),
			},
		})
	})
	switch constraint(err) {
	case "version_published_has_reviews":
		return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("%s 对方的签字达不到本地的要求，要由本地的人签", id), Err: err}
	case "version_published_in_its_life":
		return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("%s 在对方那里的签审已经到期，不能发布", id), Err: err}
	case "version_shared_of_trusted":
		return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("%s 来自不再认可的钥匙，不能发布", id), Err: err}
	}
	return err
}

const (
	// originColumns and originTables tell of a version v which city it came from; where the content was here before, only when it is
	// published on that city's word.
	originColumns = `coalesce(k.city, ''), k.public_key, coalesce(i.imported_at, '-infinity')`
	originTables  = `LEFT JOIN version_bundles b ON b.entry_id = v.entry_id AND b.version = v.version AND (v.shared OR NOT b.adopted)
		  LEFT JOIN bundles i ON i.id = b.bundle_id LEFT JOIN bundle_keys k ON k.public_key = b.public_key`
	foreignReviews = `coalesce((SELECT jsonb_agg(jsonb_build_object('reviewer', r.reviewer, 'title', r.title,
		           'institution', r.institution, 'role', r.role, 'decision', 'approve', 'at', r.reviewed_at) ORDER BY r.id)
		           FROM foreign_reviews r WHERE r.entry_id = v.entry_id AND r.version = v.version), '[]')`
	// servedReviews are the reviews that a version v is served on: of its last round, those of publishers only in an emergency.
	servedReviews = `CASE WHEN v.shared THEN ` + foreignReviews + ` ELSE coalesce((SELECT jsonb_agg(jsonb_build_object('reviewer', r.reviewer, 'title', r.title,
		           'institution', r.institution, 'role', r.role, 'decision', r.decision, 'at', r.reviewed_at) ORDER BY r.id)
		           FROM reviews r WHERE r.entry_id = v.entry_id AND r.version = v.version AND r.decision = 'approve' AND r.round = v.round
		            AND (r.role <> 'publisher' OR v.emergency)), '[]') END`
)

// provenance is what originColumns give.
func provenance(city string, key []byte, at time.Time) knowledge.Provenance {
	if city == "" {
		return knowledge.Provenance{}
	}
	return knowledge.Provenance{City: city, Fingerprint: bundle.PublicKey(key).Fingerprint(), At: at}
}

// Provenance tells which city a version came from and who signed it there; both are empty for one that was written here.
func (s *Store) Provenance(ctx context.Context, id knowledge.ID, version int) (knowledge.Provenance, []knowledge.Review, error) {
	var city string
	var key, reviews []byte
	var at *time.Time
	err := s.pool.QueryRow(ctx, `
		SELECT k.city, b.public_key, i.imported_at, `+foreignReviews+`
		  FROM version_bundles b JOIN bundles i ON i.id = b.bundle_id JOIN bundle_keys k ON k.public_key = b.public_key
		  JOIN entry_versions v ON v.entry_id = b.entry_id AND v.version = b.version
		 WHERE b.entry_id = $1 AND b.version = $2`, string(id), version).Scan(&city, &key, &at, &reviews)
	if errors.Is(err, pgx.ErrNoRows) {
		return knowledge.Provenance{}, nil, nil
	}
	if err != nil {
		return knowledge.Provenance{}, nil, fmt.Errorf("look up where %s came from: %w", id, err)
	}
	var signed []knowledge.Review
	return provenance(city, key, *at), signed, unmarshalReviews(reviews, &signed)
}

// Selection narrows an export; empty lists: everything.
type Selection struct {
	Topics []knowledge.Topic
	IDs    []knowledge.ID
}

// Export hands over, in one snapshot and by id, what this city publishes on the signatures of its own people, then what it took back.
// What is published in an emergency, or on another city's word, is not its to share.
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

const selected = `($1::text[] = '{}' OR v.document ->> 'topic' = ANY($1)) AND ($2::text[] = '{}' OR v.entry_id = ANY($2))`

func exportPublished(ctx context.Context, tx pgx.Tx, topics []knowledge.Topic, ids []knowledge.ID, now time.Time, each func(bundle.Item, knowledge.Entry) error) error {
	rows, err := tx.Query(ctx, `
		SELECT v.document, v.version, v.content_hash, v.published_at, v.expires_at, `+originColumns+`,
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

// exportWithdrawn lists entries that were once published so and no longer are, with the last reason. When it happened the audit log knows.
func exportWithdrawn(ctx context.Context, tx pgx.Tx, topics []knowledge.Topic, ids []knowledge.ID, now time.Time) ([]bundle.Tombstone, error) {
	rows, err := tx.Query(ctx, `
		SELECT DISTINCT ON (v.entry_id COLLATE "C") v.entry_id, v.reason,
		       least($3, coalesce((SELECT max(a.at) FROM audit_log a
		           WHERE a.entry_id = v.entry_id AND a.version = v.version AND a.action = $4), v.published_at))
		  FROM entry_versions v
		 WHERE `+selected+` AND v.status = 'withdrawn' AND v.published_at IS NOT NULL AND NOT v.emergency AND NOT v.shared
		   AND NOT EXISTS (SELECT FROM entry_versions p WHERE p.entry_id = v.entry_id AND p.status = 'published')
		 ORDER BY v.entry_id COLLATE "C", v.version DESC`, topics, ids, now, knowledge.EntryWithdrawn)
	if err != nil {
		return nil, fmt.Errorf("read what was withdrawn: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t bundle.Tombstone, err error) {
		err = row.Scan(&t.ID, &t.Reason, &t.At)
		t.At, t.Reason = t.At.UTC(), bundle.Plain(t.Reason)
		return t, err
	})
}
