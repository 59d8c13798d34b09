package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bundle"
	"qiuzhen/ingest"
	"qiuzhen/knowledge"
)

// Taking in bundles of other cities. What becomes of an entry is decided by bundle.Held, from what is here; each is written in a
// transaction of its own that decides again under the entry's lock. That nothing is published on the word of a city that nobody here
// trusts, and nothing that a person here wrote, is held by constraints (migrations/00010).

// BundleKey is another city's key.
type BundleKey struct {
	Key          bundle.PublicKey
	City         string // as it was trusted
	TrustedAt    time.Time
	DistrustedAt *time.Time // nil: it is trusted
}

const bundleKeyColumns = `public_key, city, trusted_at, distrusted_at`

func scanBundleKey(row pgx.CollectableRow) (k BundleKey, err error) {
	var key []byte
	err = row.Scan(&key, &k.City, &k.TrustedAt, &k.DistrustedAt)
	copy(k.Key[:], key)
	return k, err
}

// BundleKeys lists the keys that were ever trusted, oldest first.
func (s *Store) BundleKeys(ctx context.Context) ([]BundleKey, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+bundleKeyColumns+` FROM bundle_keys ORDER BY trusted_at, public_key`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanBundleKey)
}

// HeldOf tells what is here of the entries, for a bundle of the key.
func (s *Store) HeldOf(ctx context.Context, key bundle.PublicKey, ids []knowledge.ID) (map[knowledge.ID]bundle.Held, error) {
	return heldOf(ctx, s.pool, key, ids)
}

func heldOf(ctx context.Context, db querier, key bundle.PublicKey, ids []knowledge.ID) (map[knowledge.ID]bundle.Held, error) {
	rows, err := db.Query(ctx, `
		SELECT want.id, coalesce(n.version, 0), n.content_hash, coalesce(n.status, ''), n.author_id IS NOT NULL, b.public_key IS NOT NULL,
		       coalesce(b.public_key = $1 AND (n.shared OR NOT b.adopted), false), coalesce(n.withdrawn_by = $1, false), `+endedHere+`,
		       (SELECT count(*) FROM `+servingTheirs+` AND v.entry_id = want.id),
		       (SELECT count(*) FROM entry_versions v WHERE v.entry_id = want.id AND v.status IN ('draft', 'in_review', 'published')),
		       k.said_at, k.content_hash
		  FROM unnest($2::text[]) AS want(id)
		  LEFT JOIN LATERAL (SELECT * FROM entry_versions v WHERE v.entry_id = want.id ORDER BY v.version DESC LIMIT 1) n ON true
		  LEFT JOIN version_bundles b ON b.entry_id = n.entry_id AND b.version = n.version
		  LEFT JOIN bundle_entries k ON k.public_key = $1 AND k.entry_id = want.id`, key[:], ids)
	if err != nil {
		return nil, fmt.Errorf("look up what is here: %w", err)
	}
	held := map[knowledge.ID]bundle.Held{}
	var id string
	var hash, knownHash []byte
	var knownAt *time.Time
	var h bundle.Held
	into := []any{&id, &h.Version, &hash, &h.Status, &h.Written, &h.Foreign, &h.Theirs, &h.TakenBack, &h.Ended, &h.Serving, &h.Own, &knownAt, &knownHash}
	_, err = pgx.ForEachRow(rows, into, func() error {
		one := h
		copy(one.Hash[:], hash)
		copy(one.KnownHash[:], knownHash)
		if knownAt != nil {
			one.KnownAt = *knownAt
		}
		one.Own -= one.Serving
		held[knowledge.ID(id)] = one
		return nil
	})
	return held, err
}

// servingTheirs are the versions under way that came from the key $1, or are published on its word.
const servingTheirs = `entry_versions v JOIN version_bundles b ON b.entry_id = v.entry_id AND b.version = v.version
	WHERE b.public_key = $1 AND (v.shared OR NOT b.adopted) AND v.status IN ('draft', 'in_review', 'published')`

// endedHere reports whether people here withdrew a version of the entry want.id: no bundle brings it back.
const endedHere = `EXISTS (SELECT FROM entry_versions v WHERE v.entry_id = want.id AND v.status = 'withdrawn' AND v.withdrawn_by IS NULL)`

// BundleReceipt is a bundle as it begins to be taken in.
type BundleReceipt struct {
	*bundle.Bundle
	Trust bool // somebody here has compared the fingerprint, and the key is trusted from now on
	// Entries and Withdrawn are those that only have to be remembered (bundle.Remember).
	Entries   []bundle.Item
	Withdrawn []bundle.Tombstone
	At        time.Time
}

// BeginBundle notes that a bundle is taken in and returns its number; for one that was before, and has nothing to remember, nothing is
// written. The key must be trusted, or is from now on. What is to be remembered was planned before: when it is more by now, because the
// same city's bundle was taken in at the same time, nothing is written and the answer is Conflict.
func (s *Store) BeginBundle(ctx context.Context, r BundleReceipt) (id int64, err error) {
	err = s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, takers); err != nil {
			return err
		}
		if err := lockKey(ctx, tx, r.Key); err != nil {
			return err
		}
		if err := s.trust(ctx, tx, r); err != nil {
			return err
		}
		if err := stillOnlyRemembered(ctx, tx, r); err != nil {
			return err
		}
		fresh := true
		err := tx.QueryRow(ctx, `
			INSERT INTO bundles (manifest_hash, public_key, created_at, imported_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (manifest_hash) DO NOTHING RETURNING id`, r.Hash[:], r.Key[:], r.Created, r.At).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			fresh = false
			err = tx.QueryRow(ctx, `SELECT id FROM bundles WHERE manifest_hash = $1`, r.Hash[:]).Scan(&id)
		}
		if err != nil || !fresh && len(r.Entries)+len(r.Withdrawn) == 0 {
			return err
		}
		for _, i := range r.Entries {
			if err := remember(ctx, tx, r.Key, i.ID, i.Published, i.SHA256[:]); err != nil {
				return err
			}
		}
		for _, t := range r.Withdrawn {
			if err := remember(ctx, tx, r.Key, t.ID, t.At, nil); err != nil {
				return err
			}
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.BundleImported, ContentHash: r.Hash, Detail: map[string]string{
			"city": r.City, "key": r.Key.Fingerprint(), "created": r.Created.UTC().Format(time.RFC3339),
		}})
	})
	return id, err
}

// trust holds the key trusted until the transaction ends. A key that was distrusted can be trusted again.
func (s *Store) trust(ctx context.Context, tx pgx.Tx, r BundleReceipt) error {
	var trusted bool
	err := tx.QueryRow(ctx, `SELECT distrusted_at IS NULL FROM bundle_keys WHERE public_key = $1 FOR SHARE`, r.Key[:]).Scan(&trusted)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) || trusted {
		return err
	}
	if !r.Trust {
		return &knowledge.Error{Code: knowledge.Forbidden, Message: "这把钥匙还没有人认可"}
	}
	if err := somebodyMay(ctx, tx, knowledge.Administrator); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO bundle_keys (public_key, city, trusted_at) VALUES ($1, $2, $3)
		ON CONFLICT (public_key) DO UPDATE SET city = excluded.city, trusted_at = excluded.trusted_at, distrusted_at = NULL`, r.Key[:], r.City, r.At)
	if err != nil {
		return err
	}
	return s.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.BundleKeyTrust, Detail: map[string]string{"city": r.City, "key": r.Key.Fingerprint()}})
}

// takers are who may take bundles in: it writes drafts and withdraws.
var takers = []knowledge.Role{knowledge.Publisher, knowledge.Administrator}

// somebodyMay is mayDo for what is never done without a name: to trust another city, and to publish on its word.
func somebodyMay(ctx context.Context, tx pgx.Tx, role knowledge.Role) error {
	by := knowledge.ActorOf(ctx).Person
	if by == 0 {
		return &knowledge.Error{Code: knowledge.Forbidden, Message: "这件事要以某个人的名义做：加上 --as 登录名"}
	}
	return mayDo(ctx, tx, by, []knowledge.Role{role})
}

// lockKey lets one writer at a time act on what a city says, until the transaction ends. It comes before the lock of an entry.
func lockKey(ctx context.Context, tx pgx.Tx, key bundle.PublicKey) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('bundle key ' || encode($1, 'hex'), 0))`, key[:])
	return err
}

// stillOnlyRemembered refuses a plan that another import has overtaken. What a newer bundle said meanwhile remember passes over.
func stillOnlyRemembered(ctx context.Context, tx pgx.Tx, r BundleReceipt) error {
	var ids []knowledge.ID
	for _, i := range r.Entries {
		ids = append(ids, i.ID)
	}
	for _, t := range r.Withdrawn {
		ids = append(ids, t.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	held, err := heldOf(ctx, tx, r.Key, ids)
	if err != nil {
		return err
	}
	fine := func(a bundle.Action) bool { return a == bundle.Remember || a == bundle.Same || a == bundle.Older }
	for _, i := range r.Entries {
		if !fine(held[i.ID].Take(i)) {
			return overtaken(i.ID)
		}
	}
	for _, t := range r.Withdrawn {
		if !fine(held[t.ID].TakeBack(t)) {
			return overtaken(t.ID)
		}
	}
	return nil
}

func overtaken(id knowledge.ID) error {
	return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("%s 刚刚有了变化，什么也没有写入：请再运行一次", id)}
}

// remember keeps the latest that a city told of an entry, in whatever order it is read: of one moment, that it took the entry back.
func remember(ctx context.Context, tx pgx.Tx, key bundle.PublicKey, id knowledge.ID, at time.Time, hash []byte) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO bundle_entries (public_key, entry_id, said_at, content_hash) VALUES ($1, $2, $3, $4)
		ON CONFLICT (public_key, entry_id) DO UPDATE SET said_at = excluded.said_at, content_hash = excluded.content_hash
		 WHERE bundle_entries.said_at < excluded.said_at
		    OR bundle_entries.said_at = excluded.said_at AND bundle_entries.content_hash IS NOT NULL AND excluded.content_hash IS NULL`,
		key[:], string(id), at, hash)
	return err
}

// TakeEntry stores an entry of a bundle as a draft with its reviews, or gives a draft of the same content the reviews, whole or not at
// all; it returns what it did. The draft has no author here: the person who takes it in did not write it.
func (s *Store) TakeEntry(ctx context.Context, bundleID int64, key bundle.PublicKey, i bundle.Item, e knowledge.Entry, passages []ingest.IndexedPassage, model string) (did bundle.Action, err error) {
	modelID, err := s.modelFor(ctx, model, passages)
	if err != nil {
		return "", err
	}
	err = s.changeBundled(ctx, key, i.ID, func(tx pgx.Tx, held bundle.Held) error {
		did = held.Take(i)
		version, action := held.Version, knowledge.ReviewsReceived
		switch did {
		case bundle.Signed:
		case bundle.New, bundle.Changed:
			version, action = held.Version+1, knowledge.DraftSaved
			if err := insertVersion(unauthored(ctx), tx, e, i.SHA256, version, true, written); err != nil {
				return err
			}
			if err := insertPassages(ctx, tx, e, version, passages, modelID); err != nil {
				return err
			}
		case bundle.Remember: // somebody was faster with the same content
			return remember(ctx, tx, key, i.ID, i.Published, i.SHA256[:])
		default:
			return nil
		}
		if err := attachBundle(ctx, tx, bundleID, key, i, version, did == bundle.Signed); err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{
			Action: action, Entry: i.ID, Version: version, ContentHash: i.SHA256, Detail: map[string]string{"key": key.Fingerprint()},
		})
	})
	if err != nil {
		return "", fmt.Errorf("store %s: %w", i.ID, err)
	}
	return did, nil
}

// unauthored acts in nobody's name where an author is looked for.
func unauthored(ctx context.Context) context.Context {
	actor := knowledge.ActorOf(ctx)
	actor.Person = 0
	return knowledge.WithActor(ctx, actor)
}

// attachBundle says where a version came from and who signed it there.
func attachBundle(ctx context.Context, tx pgx.Tx, bundleID int64, key bundle.PublicKey, i bundle.Item, version int, adopted bool) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO version_bundles (entry_id, version, content_hash, bundle_id, public_key, adopted, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		string(i.ID), version, i.SHA256[:], bundleID, key[:], adopted, i.Expires)
	for _, r := range i.Reviews {
		batch.Queue(`
			INSERT INTO foreign_reviews (entry_id, version, content_hash, public_key, reviewer, title, institution, role, reviewed_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			string(i.ID), version, i.SHA256[:], key[:], r.Reviewer, r.Title, r.Institution, r.Role, r.At)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	return remember(ctx, tx, key, i.ID, i.Published, i.SHA256[:])
}

// changeBundled decides under the locks of the key and the entry, by somebody who may take bundles in.
func (s *Store) changeBundled(ctx context.Context, key bundle.PublicKey, id knowledge.ID, do func(pgx.Tx, bundle.Held) error) error {
	return s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, takers); err != nil {
			return err
		}
		if err := lockKey(ctx, tx, key); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO entries (id) VALUES ($1) ON CONFLICT DO NOTHING`, string(id)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT FROM entries WHERE id = $1 FOR UPDATE`, string(id)); err != nil {
			return err
		}
		held, err := heldOf(ctx, tx, key, []knowledge.ID{id})
		if err != nil {
			return err
		}
		return do(tx, held[id])
	})
}
