package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// totalsSQL counts a ledger by channel, county, state and reason, from its rows or from what stayed of them.
const totalsSQL = `
	SELECT channel, county, state, CASE WHEN state IN ('failed', 'postponed') THEN coalesce(reason, '') ELSE '' END AS reason, count(*) AS n
	  FROM deliveries WHERE broadcast_id = $1 GROUP BY 1, 2, 3, 4`

// delaysSQL is the time from the fan-out to the platform's yes, in seconds.
const delaysSQL = `
	SELECT channel, percentile_cont(0.5) WITHIN GROUP (ORDER BY s) AS p50, percentile_cont(0.95) WITHIN GROUP (ORDER BY s) AS p95
	  FROM (SELECT channel, extract(epoch FROM settled_at - b.begun_at)::float8 AS s
	          FROM deliveries d JOIN broadcasts b ON b.id = d.broadcast_id WHERE d.broadcast_id = $1 AND d.state = 'sent') AS sent GROUP BY channel`

// Deliveries counts what became of a broadcast, by channel, county, state and reason of failure, or of waiting for another try. It reads the whole ledger of the broadcast
// (a million rows: about a second): ask no more than once in some seconds. What was not sent when the broadcast ended is still "waiting" or "postponed".
func (s *Store) Deliveries(ctx context.Context, id int64) ([]knowledge.DeliveryCount, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT channel, county, state, reason, n FROM (SELECT * FROM (`+totalsSQL+`) AS live
		 UNION ALL SELECT channel, county, state, reason, n FROM delivery_totals WHERE broadcast_id = $1) AS a ORDER BY 1, 2, 3, 4`, id)
	if err != nil {
		return nil, fmt.Errorf("count deliveries of broadcast %d: %w", id, err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[knowledge.DeliveryCount])
}

// DeliveryDelays are how long it took from the fan-out until a channel's platform had the messages.
func (s *Store) DeliveryDelays(ctx context.Context, id int64) ([]knowledge.DeliveryDelay, error) {
	rows, err := s.pool.Query(ctx, delaysSQL+` UNION ALL SELECT channel, p50, p95 FROM delivery_delays WHERE broadcast_id = $1 ORDER BY channel`, id)
	if err != nil {
		return nil, fmt.Errorf("delays of broadcast %d: %w", id, err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[knowledge.DeliveryDelay])
}

// forgetDeliveries turns the ledger of one broadcast that ended before then into totals, whole, so that nobody counts it in part. Nobody waits for
// the locks: nothing of it is claimed any more. False when nothing is left to delete.
func (s *Store) forgetDeliveries(ctx context.Context, before time.Time) (more bool, err error) {
	if _, err := s.pool.Exec(ctx, `DELETE FROM delivery_slots WHERE next_at < clock_timestamp() - interval '1 hour'`); err != nil {
		return false, fmt.Errorf("forget old slots: %w", err)
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT id FROM broadcasts b WHERE ended_at < $1 AND EXISTS (SELECT FROM deliveries d WHERE d.broadcast_id = b.id)
			 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`, before)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil || len(ids) == 0 {
			return err
		}
		more = true
		for _, sql := range []string{
			`INSERT INTO delivery_totals (broadcast_id, channel, county, state, reason, n) SELECT $1, * FROM (` + totalsSQL + `) AS t`,
			`INSERT INTO delivery_delays (broadcast_id, channel, p50, p95) SELECT $1, * FROM (` + delaysSQL + `) AS t`,
			`DELETE FROM deliveries WHERE broadcast_id = $1`,
		} {
			if _, err := tx.Exec(ctx, sql, ids[0]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("forget old deliveries: %w", err)
	}
	return more, nil
}
