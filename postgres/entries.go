package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
)

// Hashes returns the content hash of each entry's newest version, without those withdrawn.
func (s *Store) Hashes(ctx context.Context) (map[knowledge.ID][32]byte, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT entry_id, content_hash FROM (
		    SELECT DISTINCT ON (entry_id) entry_id, content_hash, status FROM entry_versions
		     ORDER BY entry_id, version DESC) newest
		 WHERE status <> 'withdrawn'`)
	if err != nil {
		return nil, fmt.Errorf("read the stored versions: %w", err)
	}
	hashes := map[knowledge.ID][32]byte{}
	var id string
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &hash}, func() error {
		hashes[knowledge.ID(id)] = [32]byte(hash)
		return nil
	})
	return hashes, err
}

// SaveDraft stores what a person has written, with its passages and vectors, whole or not at all. When the
// newest version has the same content nothing is written and created is false. An open draft or version in
// review is superseded; what is published stays served until the new version is published. Files: SaveFile.
func (s *Store) SaveDraft(ctx context.Context, e knowledge.Entry, passages []ingest.IndexedPassage, model string) (created bool, err error) {
	return s.SaveEdited(ctx, e, true, passages, model)
}

// SaveEdited is SaveDraft of what a person has written, which may be incomplete still: it then has no passages. With
// knowledge.WithSeen a text that was made of another version than the newest is refused.
func (s *Store) SaveEdited(ctx context.Context, e knowledge.Entry, complete bool, passages []ingest.IndexedPassage, model string) (created bool, err error) {
	modelID, err := s.modelFor(ctx, model, passages)
	if err != nil {
		return false, err
	}
	hash := e.Hash()
	err = s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, []knowledge.Role{knowledge.Author, knowledge.Editor}); err != nil {
			return err
		}
		version, same, err := nextVersion(ctx, tx, e.ID, hash)
		if err != nil {
			return err
		}
		if err := unchanged(ctx, tx, e.ID); err != nil || same {
			return err
		}
		if err := insertVersion(ctx, tx, e, hash, version, complete, written); err != nil {
			return err
		}
		created = true
		if err := insertPassages(ctx, tx, e, version, passages, modelID); err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.DraftSaved, Entry: e.ID, Version: version, ContentHash: hash})
	})
	if err != nil {
		return false, fmt.Errorf("store %s: %w", e.ID, err)
	}
	return created, nil
}

// How a version came here, for insertVersion.
const written, fromFile = false, true

// insertVersion adds a draft in place of the version that is being worked on, if any.
func insertVersion(ctx context.Context, tx pgx.Tx, e knowledge.Entry, hash [32]byte, version int, complete, file bool) error {
	document, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := retireOpen(ctx, tx, e.ID); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO entry_versions (entry_id, version, content_hash, document, complete, author_id, from_file)
		VALUES ($1, $2, $3, $4, $5, nullif($6::bigint, 0), $7)`,
		string(e.ID), version, hash[:], document, complete, knowledge.ActorOf(ctx).Person, file)
	return err
}

// nextVersion locks the entry and numbers its next version; same is true when the newest already says this.
func nextVersion(ctx context.Context, tx pgx.Tx, id knowledge.ID, hash [32]byte) (version int, same bool, err error) {
	if _, err := tx.Exec(ctx, `INSERT INTO entries (id) VALUES ($1) ON CONFLICT DO NOTHING`, string(id)); err != nil {
		return 0, false, err
	}
	if _, err := tx.Exec(ctx, `SELECT FROM entries WHERE id = $1 FOR UPDATE`, string(id)); err != nil {
		return 0, false, err
	}
	var newest []byte
	var status string
	err = tx.QueryRow(ctx, `
		SELECT version, content_hash, status FROM entry_versions WHERE entry_id = $1 ORDER BY version DESC LIMIT 1`,
		string(id)).Scan(&version, &newest, &status)
	if errors.Is(err, pgx.ErrNoRows) {
		return 1, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	return version + 1, status != string(knowledge.Withdrawn) && [32]byte(newest) == hash, nil
}

// retireOpen supersedes the version that is being worked on, if any.
func retireOpen(ctx context.Context, tx pgx.Tx, id knowledge.ID) error {
	return retire(ctx, tx, id, "superseded", "draft", "in_review")
}

// retire ends versions in any of the given statuses and takes their passages out of the search.
func retire(ctx context.Context, tx pgx.Tx, id knowledge.ID, to string, from ...string) error {
	_, err := tx.Exec(ctx, `DELETE FROM passages WHERE entry_id = $1 AND status = ANY($2)`, string(id), from)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE entry_versions SET status = $3 WHERE entry_id = $1 AND status = ANY($2)`,
		string(id), from, to)
	return err
}

// OpenVersion is the number of the entry's draft or version in review; NotFound when there is none.
func (s *Store) OpenVersion(ctx context.Context, id knowledge.ID) (int, error) {
	return openVersion(ctx, s.pool, id)
}

func openVersion(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, id knowledge.ID) (version int, err error) {
	err = db.QueryRow(ctx, `
		SELECT version FROM entry_versions WHERE entry_id = $1 AND status IN ('draft', 'in_review')`,
		string(id)).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, &knowledge.Error{Code: knowledge.NotFound, Message: fmt.Sprintf("%s 没有等待发布的版本", id)}
	}
	return version, err
}

// withdrawals are the events of taking the entry's versions out of service.
func withdrawals(ctx context.Context, tx pgx.Tx, id knowledge.ID) ([]knowledge.Event, error) {
	rows, err := tx.Query(ctx, `
		SELECT version, content_hash, status FROM entry_versions
		 WHERE entry_id = $1 AND status IN ('draft', 'in_review', 'published') ORDER BY version`, string(id))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (knowledge.Event, error) {
		e := knowledge.Event{Action: knowledge.EntryWithdrawn, Entry: id}
		var hash []byte
		var status string
		err := row.Scan(&e.Version, &hash, &status)
		copy(e.ContentHash[:], hash)
		e.Detail = map[string]string{"was": status}
		return e, err
	})
}

// constraint names the violated constraint, or is empty.
func constraint(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.ConstraintName
	}
	return ""
}
