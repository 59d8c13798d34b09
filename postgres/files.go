package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
)

// SaveFile stores the text of a file in our own format as a new version, whole or not at all, in place of what an earlier file brought. People's
// work is left as it is: what they wrote, have under review, took over from another city, or withdrew (ingest.Kept; ingest.Old when the file says
// only what was here before). What was published from a file stays served until the new draft is published.
func (s *Store) SaveFile(ctx context.Context, e knowledge.Entry, passages []ingest.IndexedPassage, model string) (outcome ingest.Outcome, err error) {
	modelID, err := s.modelFor(ctx, model, passages)
	if err != nil {
		return "", err
	}
	hash := e.Hash()
	err = s.change(ctx, func(tx pgx.Tx) error {
		version, same, err := nextVersion(ctx, tx, e.ID, hash)
		if err != nil {
			return err
		}
		if same {
			outcome = ingest.Same
			return nil
		}
		if outcome, err = overPeople(ctx, tx, e.ID, version-1, hash); err != nil || outcome != ingest.Stored {
			return err
		}
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, []knowledge.Role{knowledge.Author, knowledge.Editor}); err != nil {
			return err
		}
		if err := insertVersion(ctx, tx, e, hash, version, true, fromFile); err != nil {
			return err
		}
		if err := insertPassages(ctx, tx, e, version, passages, modelID); err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.DraftSaved, Entry: e.ID, Version: version, ContentHash: hash})
	})
	if err != nil {
		return "", fmt.Errorf("store %s: %w", e.ID, err)
	}
	return outcome, nil
}

// overPeople says what becomes of a file's text after an entry's newest version, which says something else: Stored unless a person had the last
// word on it. Only the demo withdraws by itself, what a newer one no longer has; that may come again.
func overPeople(ctx context.Context, tx pgx.Tx, id knowledge.ID, newest int, hash [32]byte) (ingest.Outcome, error) {
	if newest == 0 {
		return ingest.Stored, nil
	}
	var kept, known bool
	err := tx.QueryRow(ctx, `
		SELECT v.status = 'in_review'
		       OR v.status = 'withdrawn' AND (v.withdrawn_by IS NOT NULL OR NOT EXISTS (SELECT FROM audit_log l WHERE l.entry_id = v.entry_id
		              AND l.version = v.version AND l.action = 'entry.withdrawn' AND l.actor = 'system'))
		       OR v.status <> 'withdrawn' AND v.author_id IS NOT NULL AND NOT v.from_file AND o.original IS NULL
		       OR v.status <> 'withdrawn' AND b.entry_id IS NOT NULL AND (v.shared OR NOT b.adopted),
		       EXISTS (SELECT FROM entry_versions w WHERE w.entry_id = v.entry_id AND w.content_hash = $3)
		  FROM entry_versions v LEFT JOIN version_originals o USING (entry_id, version) LEFT JOIN version_bundles b USING (entry_id, version)
		 WHERE v.entry_id = $1 AND v.version = $2`, string(id), newest, hash[:]).Scan(&kept, &known)
	switch {
	case err != nil:
		return "", err
	case kept && known:
		return ingest.Old, nil
	case kept:
		return ingest.Kept, nil
	}
	return ingest.Stored, nil
}
