package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// order is what is fanned out.
type order struct {
	ID        int64
	Hash      []byte
	Exercise  bool
	Type      knowledge.MsgType
	Audience  knowledge.Audience
	corrected []int64 // the others of its chain, for an Update or Cancel
}

// Begin fans out one broadcast whose hour has come: its state and all of its deliveries in one transaction, Actual before Exercise. What an
// Update or Cancel corrects is stopped first; while something of it is in flight the correction waits (at most for a lease), so that its
// recipients are exactly those who got, or may have got, what it corrects. Nothing began when the broadcast's number is 0.
func (l *Ledger) Begin(ctx context.Context) (begun broadcast.Begun, err error) {
	err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		begun = broadcast.Begun{}
		var o order
		err := tx.QueryRow(ctx, `
			SELECT id, hash, exercise, msg_type, document::jsonb -> 'audience' FROM broadcasts
			 WHERE state = 'approved' AND coalesce(send_at, '-infinity') <= clock_timestamp() AND expires_at > clock_timestamp()
			   AND approval_holds(approved_at, send_at, clock_timestamp()) AND broadcast_entry_served(entry_id, version, clock_timestamp())
			 ORDER BY exercise, msg_type = 'Alert', id FOR UPDATE SKIP LOCKED LIMIT 1`).Scan(&o.ID, &o.Hash, &o.Exercise, &o.Type, &o.Audience)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		var stopped []int64
		if o.Type != knowledge.Alert {
			var inFlight bool
			if o.corrected, stopped, inFlight, err = l.stopCorrected(ctx, tx, o.ID); err != nil {
				return err
			}
			if inFlight {
				begun.Waits = o.ID
				return l.tellStopped(ctx, tx, o.ID, stopped) // stopped now, fanned out soon
			}
		}
		begun.Broadcast = o.ID
		if begun.Recipients, err = fanOut(ctx, tx, o); err != nil {
			return err
		}
		if err := l.tellStopped(ctx, tx, o.ID, stopped); err != nil {
			return err
		}
		return l.store.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.BroadcastBegun, ContentHash: [32]byte(o.Hash),
			Detail: map[string]string{"broadcast": strconv.FormatInt(o.ID, 10), "recipients": strconv.FormatInt(begun.Recipients, 10)}})
	})
	if err != nil {
		return begun, fmt.Errorf("begin a broadcast: %w", err)
	}
	l.store.auditor.committed(ctx)
	return begun, nil
}

// stopCorrected stops what is still being sent of a correction's chain, and reports whether some of it is in flight. No claim of it is made
// until the transaction ends.
func (l *Ledger) stopCorrected(ctx context.Context, tx pgx.Tx, id int64) (chain, stopped []int64, inFlight bool, err error) {
	// upwards to the original, then all that was ever made of it
	rows, err := tx.Query(ctx, `
		WITH RECURSIVE up AS (
		    SELECT id, references_id FROM broadcasts WHERE id = $1 UNION SELECT b.id, b.references_id FROM broadcasts b JOIN up ON b.id = up.references_id),
		down AS (
		    SELECT id FROM up WHERE references_id IS NULL UNION SELECT b.id FROM broadcasts b JOIN down ON b.references_id = down.id)
		SELECT id FROM down WHERE id <> $1 ORDER BY id`, id)
	if err != nil {
		return nil, nil, false, err
	}
	if chain, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return nil, nil, false, err
	}
	rows, err = tx.Query(ctx, `
		UPDATE broadcasts SET state = 'cancelled' WHERE id = ANY ($1) AND state IN ('sending', 'paused') RETURNING id`, chain)
	if err != nil {
		return nil, nil, false, err
	}
	if stopped, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return nil, nil, false, err
	}
	if _, err = tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, id::int) FROM unnest($2::bigint[]) AS id`, claimsLock, chain); err != nil {
		return nil, nil, false, err
	}
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM deliveries WHERE broadcast_id = ANY ($1) AND state = 'claimed' AND leased_to > clock_timestamp())`, chain).Scan(&inFlight)
	return chain, stopped, inFlight, err
}

func (l *Ledger) tellStopped(ctx context.Context, tx pgx.Tx, by int64, stopped []int64) error {
	for _, id := range stopped {
		err := l.store.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.BroadcastStopped,
			Detail: map[string]string{"broadcast": strconv.FormatInt(id, 10), "corrected_by": strconv.FormatInt(by, 10)}})
		if err != nil {
			return err
		}
	}
	return nil
}

// fanOut writes the ledger. Whoever is forgotten (readers) gets no correction: deletion wins.
func fanOut(ctx context.Context, tx pgx.Tx, o order) (int64, error) {
	if _, err := tx.Exec(ctx, `UPDATE broadcasts SET state = 'sending' WHERE id = $1`, o.ID); err != nil {
		return 0, err
	}
	sql, args := recipientsSelect(o)
	tag, err := tx.Exec(ctx, `
		INSERT INTO deliveries (broadcast_id, channel, recipient, reader_id, county)
		SELECT `+fmt.Sprintf("$%d::bigint", len(args)+1)+`, channel, CASE WHEN reader_id IS NULL THEN recipient END, reader_id, coalesce(county, '')
		  FROM (`+sql+`) AS a`, append(args, o.ID)...)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `ANALYZE deliveries`) // the claims are planned once, and not for an empty table
	return tag.RowsAffected(), err
}

// recipientsSelect is whom a broadcast goes to. A correction goes to those who got, or may have got, something of its chain, on the same channel: in
// whatever state their subscription is, and whether or not they left the exercise group since.
func recipientsSelect(o order) (sql string, args []any) {
	if o.Type == knowledge.Alert {
		return audienceSelect(knowledge.Broadcast{ID: o.ID, Type: o.Type, Exercise: o.Exercise, Audience: o.Audience})
	}
	return `
		SELECT DISTINCT ON (d.channel, d.reader_id, d.recipient) d.channel, d.recipient, d.reader_id, d.county
		  FROM deliveries d WHERE d.broadcast_id = ANY ($1) AND (d.state IN ('sent', 'claimed') OR d.unclear)
		   AND (d.reader_id IS NULL OR EXISTS (SELECT FROM readers r WHERE r.id = d.reader_id))
		 ORDER BY d.channel, d.reader_id, d.recipient, d.broadcast_id`, []any{o.corrected}
}

// End ends the broadcasts of which nothing waits any more, and those whose last hour has come.
func (l *Ledger) End(ctx context.Context) (ended []int64, err error) {
	rows, err := l.pool.Query(ctx, `
		SELECT id, begun_at IS NOT NULL, expires_at <= clock_timestamp() FROM broadcasts
		 WHERE state IN ('sending', 'paused') OR state = 'approved' AND expires_at <= clock_timestamp() ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("end broadcasts: %w", err)
	}
	type running struct {
		ID             int64
		Begun, Expired bool
	}
	open, err := pgx.CollectRows(rows, pgx.RowToStructByPos[running])
	if err != nil {
		return nil, fmt.Errorf("end broadcasts: %w", err)
	}
	for _, b := range open {
		waits := !b.Begun
		if b.Begun {
			if waits, err = l.waits(ctx, b.ID); err != nil {
				return ended, err
			}
		}
		if waits && !b.Expired {
			continue
		}
		state := "done"
		if waits {
			state = "expired"
		}
		if err := l.end(ctx, b.ID, state); err != nil {
			return ended, err
		}
		ended = append(ended, b.ID)
	}
	return ended, nil
}

// waits reports whether a broadcast has anything to be sent. What was never claimed is looked for from the end, where it is while anything is.
func (l *Ledger) waits(ctx context.Context, id int64) (waits bool, err error) {
	err = l.pool.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM deliveries WHERE broadcast_id = $1 AND state IN ('claimed', 'postponed'))
		    OR EXISTS (SELECT FROM (SELECT n FROM deliveries WHERE broadcast_id = $1 AND state = 'waiting' ORDER BY channel DESC, n DESC LIMIT 1) AS last)`, id).Scan(&waits)
	if err != nil {
		return false, fmt.Errorf("what waits of broadcast %d: %w", id, err)
	}
	return waits, nil
}

var ended = map[string]knowledge.Action{"done": knowledge.BroadcastFinished, "expired": knowledge.BroadcastRanOut}

func (l *Ledger) end(ctx context.Context, id int64, state string) error {
	err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE broadcasts SET state = $2 WHERE id = $1 AND state IN ('sending', 'paused', 'approved')`, id, state)
		if err != nil || tag.RowsAffected() == 0 { // another node was first, or it was cancelled
			return err
		}
		return l.store.auditor.Append(ctx, tx, knowledge.Event{Action: ended[state], Detail: map[string]string{"broadcast": strconv.FormatInt(id, 10)}})
	})
	if err != nil {
		return fmt.Errorf("end broadcast %d: %w", id, err)
	}
	l.store.auditor.committed(ctx)
	return nil
}
