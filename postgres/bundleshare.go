package postgres

import (
	"context"
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
		var ended, said bool
		err := tx.QueryRow(ctx, `
			SELECT v.version, b.public_key, w.ended, coalesce(k.content_hash = v.content_hash, false)
			  FROM entry_versions v JOIN version_bundles b USING (entry_id, version)
			  LEFT JOIN bundle_entries k ON k.public_key = b.public_key AND k.entry_id = v.entry_id
			  CROSS JOIN LATERAL (SELECT `+endedHere+` AS ended FROM (SELECT $1::text AS id) want) w
			 WHERE v.entry_id = $1 AND v.status = 'draft'`, string(id)).Scan(&version, &key, &ended, &said)
		switch {
		case err != nil:
			return missing(err, fmt.Sprintf("%s 没有从别的城市转来的草稿", id))
		case ended:
			return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("%s 本地撤下过，要由本地的人签", id)}
		case !said:
			return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("%s 对方已经撤下或改过，不能凭它的签字发布", id)}
		}
		if err := somebodyMay(ctx, tx, knowledge.Publisher); err != nil {
			return err
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
