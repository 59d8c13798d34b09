package postgres

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
)

// SaveOriginal keeps a file that drafts are made of; a file of the same content is there already and stays as it is.
func (s *Store) SaveOriginal(ctx context.Context, o ingest.Original) error {
	var known bool
	err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM originals WHERE sha256 = $1)`, o.SHA256[:]).Scan(&known)
	if err == nil && !known { // asked first, so that a re-import does not send the file again
		_, err = s.pool.Exec(ctx, `
			INSERT INTO originals (sha256, media_type, pages, content, blocks)
			VALUES ($1, $2, nullif($3, 0), $4, $5) ON CONFLICT DO NOTHING`,
			o.SHA256[:], o.MediaType, o.Pages, o.Content, []byte(o.Blocks))
	}
	if err != nil {
		return fmt.Errorf("keep %s: %w", o.Name, err)
	}
	return nil
}

// SaveImported stores a draft that was made of an original, as a new version with its link, whole or not at all. It never
// overwrites people's work: when somebody has made or withdrawn the newest version, nothing is written (ingest.Kept).
func (s *Store) SaveImported(ctx context.Context, d ingest.Draft, o ingest.Original, complete bool, passages []ingest.IndexedPassage, model string) (ingest.Outcome, error) {
	fields, err := json.Marshal(d.Fields)
	if err != nil {
		return "", fmt.Errorf("encode the places of %s: %w", d.Entry.ID, err)
	}
	modelID, err := s.modelFor(ctx, model, passages)
	if err != nil {
		return "", err
	}
	outcome, hash := ingest.Stored, d.Entry.Hash()
	err = s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, []knowledge.Role{knowledge.Author, knowledge.Editor}); err != nil {
			return err
		}
		version, same, err := nextVersion(ctx, tx, d.Entry.ID, hash)
		if err != nil {
			return err
		}
		kept, err := touched(ctx, tx, d.Entry.ID, version-1)
		switch {
		case err != nil:
			return err
		case same:
			outcome = ingest.Same
			return nil
		case kept:
			outcome = ingest.Kept
			return nil
		}
		if err := insertVersion(ctx, tx, d.Entry, hash, version, complete, written); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO version_originals (entry_id, version, original, name, fields) VALUES ($1, $2, $3, $4, $5)`,
			string(d.Entry.ID), version, o.SHA256[:], o.Name, fields); err != nil {
			return err
		}
		if err := insertPassages(ctx, tx, d.Entry, version, passages, modelID); err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{
			Action: knowledge.DraftSaved, Entry: d.Entry.ID, Version: version, ContentHash: hash,
			Detail: map[string]string{"original": hex.EncodeToString(o.SHA256[:])},
		})
	})
	if err != nil {
		return "", fmt.Errorf("store %s: %w", d.Entry.ID, err)
	}
	return outcome, nil
}

// touched reports whether a person had the last word on an entry: its newest version was not made of a file, or is past
// being a draft.
func touched(ctx context.Context, tx pgx.Tx, id knowledge.ID, version int) (bool, error) {
	var kept bool
	err := tx.QueryRow(ctx, `
		SELECT v.status <> 'draft' OR o.original IS NULL
		  FROM entry_versions v LEFT JOIN version_originals o USING (entry_id, version)
		 WHERE v.entry_id = $1 AND v.version = $2`, string(id), version).Scan(&kept)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return kept, err
}

// Origin is the domain's.
type Origin = knowledge.Origin

// Origin returns the file that a version was made of; NotFound for one that a person wrote.
func (s *Store) Origin(ctx context.Context, id knowledge.ID, version int) (Origin, error) {
	o, from, err := s.NearestOrigin(ctx, id, version)
	if err == nil && from != version {
		return Origin{}, noOrigin(id, version)
	}
	return o, err
}

func noOrigin(id knowledge.ID, version int) error {
	return &knowledge.Error{Code: knowledge.NotFound, Message: fmt.Sprintf("%s 第%d版没有原件", id, version)}
}

// NearestOrigin returns the file that a version, or the newest before it that has one, was made of, and which version that is: people
// correct what was imported, and the file stays what a reviewer holds it against.
func (s *Store) NearestOrigin(ctx context.Context, id knowledge.ID, version int) (o Origin, from int, err error) {
	var hash []byte
	err = s.pool.QueryRow(ctx, `
		SELECT o.sha256, v.name, o.media_type, coalesce(o.pages, 0), o.blocks, v.fields, v.version
		  FROM version_originals v JOIN originals o ON o.sha256 = v.original
		 WHERE v.entry_id = $1 AND v.version <= $2 ORDER BY v.version DESC LIMIT 1`, string(id), version).
		Scan(&hash, &o.Name, &o.MediaType, &o.Pages, &o.Blocks, &o.Fields, &from)
	if errors.Is(err, pgx.ErrNoRows) {
		return o, 0, noOrigin(id, version)
	}
	if err != nil {
		return o, 0, fmt.Errorf("read the original of %s: %w", id, err)
	}
	o.SHA256 = [32]byte(hash)
	return o, from, nil
}

// OriginalContent is a kept file as it came.
func (s *Store) OriginalContent(ctx context.Context, sha256 [32]byte) ([]byte, error) {
	var content []byte
	err := s.pool.QueryRow(ctx, `SELECT content FROM originals WHERE sha256 = $1`, sha256[:]).Scan(&content)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, &knowledge.Error{Code: knowledge.NotFound, Message: "没有这个原件"}
	}
	return content, err
}
