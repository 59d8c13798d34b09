package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// Begin fans out one broadcast whose hour has come: its state and all of its deliveries in one transaction, Actual before Exercise. What an
// Update or Cancel corrects is stopped first; while something of it is in flight the correction waits (at most for a lease), so that its
// recipients are exactly those who got, or may have got, what it corrects. What waits or fails holds up none of the others: the next is begun, and the
// error told beside it. Nothing began when the broadcast's number is 0.
func (l *Ledger) Begin(ctx context.Context) (begun broadcast.Begun, err error) {
	var passed []int64
	var failed []error
	for begun.Broadcast == 0 {
		next, id, err := l.beginNext(ctx, orNone(passed))
		if err != nil {
			failed = append(failed, fmt.Errorf("begin broadcast %d: %w", id, err))
		} else {
			begun.Broadcast, begun.Recipients, begun.Waits = next.Broadcast, next.Recipients, cmp.Or(next.Waits, begun.Waits)
		}
		if id == 0 || ctx.Err() != nil {
			break
		}
		passed = append(passed, id)
	}
	l.store.auditor.committed(ctx)
	return begun, errors.Join(failed...)
}

// beginNext begins the next one but those passed over, and names it whatever becomes of it.
func (l *Ledger) beginNext(ctx context.Context, passed []int64) (next broadcast.Begun, id int64, err error) {
	err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		var b knowledge.Broadcast
		var mine bool
		if id, mine, err = nextChain(ctx, tx, passed); err != nil || !mine {
			return err
		}
		b, err = scanBroadcast(tx.QueryRow(ctx, `SELECT `+broadcastColumns+` FROM broadcasts WHERE id = $1 AND `+mayBegin+` FOR UPDATE SKIP LOCKED`, id))
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		// before what is stopped below: whoever withdraws its entry locks that first, and then what is sent on its word
		_, err := tx.Exec(ctx, `SELECT FROM entry_versions WHERE entry_id = $1 AND version = $2 FOR SHARE`, string(b.Content.Entry), b.Content.Version)
		if err != nil {
			return err
		}
		var chain []int64
		var stopped []knowledge.Broadcast
		if b.Type != knowledge.Alert {
			var inFlight bool
			if gone, err := listDeleted(ctx, tx, b.ID); err != nil {
				return err
			} else if gone { // for good: what was deleted does not come back
				return l.store.stepTo(ctx, tx, b, "cancelled", knowledge.BroadcastStopped, listGone)
			}
			if chain, stopped, inFlight, err = l.stopCorrected(ctx, tx, b); err != nil {
				return err
			}
			if inFlight {
				next.Waits = b.ID
				return l.tellStopped(ctx, tx, b, stopped) // stopped now, fanned out soon
			}
		}
		next.Broadcast = b.ID
		if next.Recipients, err = l.fanOut(ctx, tx, b, chain); err != nil {
			return err
		}
		if err := l.tellStopped(ctx, tx, b, stopped); err != nil {
			return err
		}
		return l.store.auditor.Append(ctx, tx, aboutBroadcast(knowledge.BroadcastBegun, b,
			map[string]string{"recipients": strconv.FormatInt(next.Recipients, 10)}))
	})
	return next, id, err
}

// mayBegin holds of what is begun.
const mayBegin = `state = 'approved' AND coalesce(send_at, '-infinity') <= clock_timestamp() AND expires_at > clock_timestamp()
	AND approval_holds(approved_at, send_at, clock_timestamp()) AND broadcast_entry_served(entry_id, version, clock_timestamp())
	AND approver_may(approved_by) AND NOT broadcast_taken_back(id, msg_type)`

// nextChain finds the next one that may begin, and takes its chain's turn: of one chain one begins at a time, so that nothing begins beside the Cancel that
// takes it back. Not mine: another node has the turn, or there is nothing (0).
func nextChain(ctx context.Context, tx pgx.Tx, passed []int64) (id int64, mine bool, err error) {
	var root int64
	err = tx.QueryRow(ctx, `
		SELECT id, (SELECT min(c) FROM broadcast_chain(id) c) FROM broadcasts WHERE `+mayBegin+` AND id <> ALL ($1::bigint[])
		 ORDER BY exercise, msg_type = 'Alert', msg_type = 'Update', id LIMIT 1`, passed).Scan(&id, &root)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err == nil {
		err = tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1::int, $2::int)`, chainsLock, root).Scan(&mine)
	}
	return id, mine, err
}

// stopCorrected stops what is still being sent of a correction's chain, and reports whether some of it is in flight. No claim of it is made
// until the transaction ends. A Cancel also ends what of its chain has not begun: nothing is said any more of what does not count.
func (l *Ledger) stopCorrected(ctx context.Context, tx pgx.Tx, by knowledge.Broadcast) (chain []int64, stopped []knowledge.Broadcast, inFlight bool, err error) {
	if chain, err = chainOf(ctx, tx, by.ID, by.ID); err != nil {
		return nil, nil, false, err
	}
	states := []string{"sending", "paused"}
	if by.Type == knowledge.Cancel {
		states = append(states, "draft", "submitted", "approved")
	}
	// what has not begun first, as whoever withdraws the entry has it (lapseUpdates): else each might wait for the other
	_, err = tx.Exec(ctx, `SELECT FROM broadcasts WHERE id = ANY ($1) AND state = ANY ($2) ORDER BY begun_at IS NOT NULL, id FOR UPDATE`, chain, states)
	if err != nil {
		return nil, nil, false, err
	}
	rows, err := tx.Query(ctx, `
		UPDATE broadcasts SET state = 'cancelled' WHERE id = ANY ($1) AND state = ANY ($2) RETURNING `+broadcastColumns, chain, states)
	if err != nil {
		return nil, nil, false, err
	}
	stopped, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (knowledge.Broadcast, error) { return scanBroadcast(row) })
	if err != nil {
		return nil, nil, false, err
	}
	if _, err = tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, id::int) FROM unnest($2::bigint[]) AS id`, claimsLock, chain); err != nil {
		return nil, nil, false, err
	}
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM deliveries WHERE broadcast_id = ANY ($1) AND state = 'claimed'
		    AND leased_to > clock_timestamp() AND leased_to <= clock_timestamp() + make_interval(secs => $2))`, chain, broadcast.LongestLease.Seconds()).Scan(&inFlight)
	return chain, stopped, inFlight, err
}

// chainOf are the broadcasts of one chain but for one: upwards from any of it to the original, then all that was ever made of that.
func chainOf(ctx context.Context, q querier, of, without int64) ([]int64, error) {
	rows, err := q.Query(ctx, `SELECT id FROM broadcast_chain($1) id WHERE id <> $2 ORDER BY id`, of, without)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

func (l *Ledger) tellStopped(ctx context.Context, tx pgx.Tx, by knowledge.Broadcast, stopped []knowledge.Broadcast) error {
	for _, b := range stopped {
		detail := map[string]string{"corrected_by": by.Identifier}
		if b.BegunAt.IsZero() {
			detail["reason"] = fmt.Sprintf("第%d号开始发了，它要更正的已经作废", by.ID)
		}
		err := l.store.auditor.Append(ctx, tx, aboutBroadcast(knowledge.BroadcastStopped, b, detail))
		if err != nil {
			return err
		}
	}
	return nil
}

// fanOut writes the ledger of a broadcast: of a correction from those of its chain.
func (l *Ledger) fanOut(ctx context.Context, tx pgx.Tx, b knowledge.Broadcast, chain []int64) (int64, error) {
	if _, err := l.store.beginBroadcast(ctx, tx, b.ID); err != nil {
		return 0, err
	}
	sql, args := recipientsSelect(b, chain)
	if b.Audience.ReadersOf != "" { // groups whose members asked: the ledger holds no name
		_, err := tx.Exec(ctx, `
			INSERT INTO readers (channel, name, seen_at) SELECT channel, recipient, clock_timestamp() FROM (`+sql+`) AS a WHERE reader_id IS NULL
			ON CONFLICT DO NOTHING`, args...)
		if err != nil {
			return 0, err
		}
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO deliveries (broadcast_id, channel, recipient, reader_id, county)
		SELECT $`+strconv.Itoa(len(args)+1)+`::bigint, channel, CASE WHEN reader_id IS NULL THEN recipient END, reader_id, coalesce(county, '')
		  FROM (`+sql+`) AS a`, append(args, b.ID)...)
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `ANALYZE deliveries`) // the claims are planned once, and not for an empty table
	return tag.RowsAffected(), err
}

// recipientsSelect is whom a broadcast goes to. A correction goes to those who got, or may have got, something of its chain, on the same channel:
// in whatever state their subscription is, and whether or not they left the exercise group since. Who had their data deleted gets none.
func recipientsSelect(b knowledge.Broadcast, chain []int64) (sql string, args []any) {
	if b.Type == knowledge.Alert {
		return audienceSelect(b)
	}
	return `
		SELECT DISTINCT ON (d.channel, d.reader_id, d.recipient) d.channel, d.recipient, d.reader_id, d.county
		  FROM deliveries d WHERE d.broadcast_id = ANY ($1::bigint[]) AND (d.state IN ('sent', 'claimed') OR d.unclear)
		   AND (d.reader_id IS NULL OR EXISTS (SELECT FROM readers r WHERE r.id = d.reader_id))
		 ORDER BY d.channel, d.reader_id, d.recipient, d.broadcast_id`, []any{chain}
}

// End ends the broadcasts of which nothing waits any more, and does what else the clock asks for.
func (l *Ledger) End(ctx context.Context) (ended []int64, err error) {
	rows, err := l.pool.Query(ctx, `SELECT id FROM broadcasts WHERE state IN ('sending', 'paused') ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("end broadcasts: %w", err)
	}
	open, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("end broadcasts: %w", err)
	}
	for _, id := range open {
		waits, err := l.waits(ctx, id)
		if err != nil {
			return ended, err
		}
		if waits {
			continue
		}
		changed, err := l.store.settle(ctx, id, "done", `state IN ('sending', 'paused')`, knowledge.BroadcastFinished, "")
		if err != nil {
			return ended, fmt.Errorf("end broadcast %d: %w", id, err)
		}
		if changed > 0 {
			ended = append(ended, id)
		}
	}
	if _, err := l.store.SettleBroadcasts(ctx); err != nil {
		return ended, fmt.Errorf("end broadcasts: %w", err)
	}
	return ended, l.dropSlots(ctx)
}

// waits reports whether a broadcast has anything to be sent. Both are looked for from the end, where they
// are while there are any: at the beginning lie the entries that an open snapshot keeps.
func (l *Ledger) waits(ctx context.Context, id int64) (waits bool, err error) {
	err = l.pool.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM (SELECT n FROM deliveries WHERE broadcast_id = $1 AND state IN ('claimed', 'postponed')
		                             ORDER BY channel DESC, leased_to DESC LIMIT 1) AS due)
		    OR EXISTS (SELECT FROM (SELECT n FROM deliveries WHERE broadcast_id = $1 AND state = 'waiting' ORDER BY channel DESC, n DESC LIMIT 1) AS last)`, id).Scan(&waits)
	if err != nil {
		return false, fmt.Errorf("what waits of broadcast %d: %w", id, err)
	}
	return waits, nil
}
