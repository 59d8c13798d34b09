package postgres

import (
	"cmp"
	"context"
	"encoding/hex"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bundle"
	"qiuzhen/knowledge"
)

// TakeBack withdraws what came from the city and it took back, for its reason; what people here wrote or changed stays. Either way it
// is remembered: an older bundle's word counts no more.
func (s *Store) TakeBack(ctx context.Context, key bundle.PublicKey, city string, t bundle.Tombstone) (did bundle.Action, err error) {
	err = s.changeBundled(ctx, key, t.ID, func(tx pgx.Tx, held bundle.Held) error {
		if did = held.TakeBack(t); did == bundle.Older || did == bundle.Same {
			return nil
		}
		if err := remember(ctx, tx, key, t.ID, t.At, nil); err != nil || did != bundle.Withdraw {
			return err
		}
		_, err := s.withdrawTheirs(ctx, tx, key, withdrawal{shown: "转自" + city + "，对方已撤下：" + t.Reason, takenBack: true}, `AND v.entry_id = $2`, string(t.ID))
		return err
	})
	return did, err
}

// withdrawal is why versions of another city are withdrawn.
type withdrawal struct {
	shown     string // to everybody
	noted     string // in the audit log; empty: what is shown
	takenBack bool   // the city took it back; else people here decided
}

// notAdopted is what readers see of what was withdrawn with a key. The operator's words may name people: the audit log keeps them.
const notAdopted = "不再采用外地的这一条"

// withdrawTheirs withdraws versions that came from the key, with an event each; which, a constant of this package, narrows servingTheirs.
func (s *Store) withdrawTheirs(ctx context.Context, tx pgx.Tx, key bundle.PublicKey, why withdrawal, which string, arguments ...any) (int, error) {
	rows, err := tx.Query(ctx, `SELECT v.entry_id, v.version, v.content_hash, v.status FROM `+servingTheirs+` `+which+` ORDER BY 1, 2 FOR UPDATE OF v`,
		append([]any{key[:]}, arguments...)...)
	if err != nil {
		return 0, err
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (knowledge.Event, error) {
		e := knowledge.Event{Action: knowledge.EntryWithdrawn}
		var hash []byte
		var status string
		err := row.Scan(&e.Entry, &e.Version, &hash, &status)
		copy(e.ContentHash[:], hash)
		e.Detail = map[string]string{"was": status, "reason": cmp.Or(why.noted, why.shown), "key": key.Fingerprint()}
		return e, err
	})
	if err != nil {
		return 0, err
	}
	var by []byte
	if why.takenBack {
		by = key[:]
	}
	for _, e := range events {
		if _, err := tx.Exec(ctx, `DELETE FROM passages WHERE entry_id = $1 AND version = $2`, string(e.Entry), e.Version); err != nil {
			return 0, err
		}
		_, err := tx.Exec(ctx, `UPDATE entry_versions SET status = 'withdrawn', reason = $3, withdrawn_by = $4 WHERE entry_id = $1 AND version = $2`,
			string(e.Entry), e.Version, why.shown, by)
		if err != nil {
			return 0, err
		}
	}
	proposed, err := s.proposeCorrections(ctx, tx, events)
	if err != nil {
		return 0, err
	}
	for _, e := range append(events, proposed...) { // last: other writers wait from the first on
		if err := s.auditor.Append(ctx, tx, e); err != nil {
			return 0, err
		}
	}
	return len(events), nil
}

// DistrustKey ends the trust in a key, in the same moment withdraws what is published on its word alone, and returns how many that were.
// What people here have signed stays.
func (s *Store) DistrustKey(ctx context.Context, key bundle.PublicKey, reason string, now time.Time) (withdrawn int, err error) {
	err = s.change(ctx, func(tx pgx.Tx) error {
		if err := somebodyMay(ctx, tx, knowledge.Administrator); err != nil {
			return err
		}
		if err := lockKey(ctx, tx, key); err != nil {
			return err
		}
		var city string
		err := tx.QueryRow(ctx, `
			UPDATE bundle_keys SET distrusted_at = $2 WHERE public_key = $1 AND distrusted_at IS NULL RETURNING city`, key[:], now).Scan(&city)
		if err != nil {
			return missing(err, "没有认可过这把钥匙")
		}
		withdrawn, err = s.withdrawTheirs(ctx, tx, key, withdrawal{shown: notAdopted, noted: "转自" + city + "，不再认可它的钥匙：" + reason}, `AND v.shared AND v.status = 'published'`)
		if err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.BundleKeyRevoke, Detail: map[string]string{
			"city": city, "key": key.Fingerprint(), "reason": reason, "public_key": hex.EncodeToString(key[:]),
		}})
	})
	return withdrawn, err
}
