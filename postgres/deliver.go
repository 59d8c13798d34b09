package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// Ledger is the deliveries, on connections of their own: readers' questions never wait for one that a broadcast holds.
type Ledger struct {
	store   *Store
	pool    *pgxpool.Pool
	waiting waiting
}

// ledgerConnections: of each node. One takes turns, one looks, one reserves; a fan-out or two channels at once wait for a moment.
const ledgerConnections = 3

// OpenLedger connects; Close it before the store.
func (s *Store) OpenLedger(ctx context.Context) (*Ledger, error) {
	config := s.pool.Config()
	config.AfterConnect, config.MaxConns, config.MinConns = nil, ledgerConnections, 0
	// a worker that stops amid a claim keeps no correction waiting for its locks
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "5s"
	config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_generic_plan"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect the ledger to the database: %w", redact(err))
	}
	return &Ledger{store: s, pool: pool, waiting: waiting{of: map[string]counted{}}}, nil
}

// Close waits for what is under way.
func (l *Ledger) Close() { l.pool.Close() }

// Look tells what is being sent on a channel.
func (l *Ledger) Look(ctx context.Context, channel string) (broadcast.Outlook, error) {
	o := broadcast.Outlook{}
	var wait, silent float64
	rows, err := l.pool.Query(ctx, `
		WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now)
		SELECT now, coalesce(extract(epoch FROM (SELECT next_at FROM delivery_slots WHERE channel = $1 ORDER BY next_at DESC LIMIT 1) - now), 0)::float8,
		       coalesce(extract(epoch FROM (SELECT until FROM delivery_silences WHERE channel = $1 AND set_at <= now) - now), 0)::float8,
		       coalesce(b.id, 0), coalesce(b.msg_type, ''), coalesce(b.exercise, false), coalesce(b.level, 0),
		       coalesce(extract(epoch FROM b.expires_at - now), 0)::float8
		  FROM clock LEFT JOIN LATERAL (SELECT s.id, s.msg_type, s.exercise, s.expires_at, `+level+` AS level
		                       FROM broadcasts s WHERE state = 'sending' AND expires_at > now) b ON true`, channel)
	if err != nil {
		return o, fmt.Errorf("look at what is sent on %s: %w", channel, err)
	}
	var order broadcast.Order
	var left float64
	_, err = pgx.ForEachRow(rows, []any{&o.Now, &wait, &silent, &order.ID, &order.Type, &order.Exercise, &order.Level, &left}, func() error {
		o.Wait, o.Silent = seconds(wait), seconds(silent)
		if order.ID != 0 {
			order.Urgent, order.Left = order.Level > 0, seconds(left)
			o.Orders = append(o.Orders, order)
		}
		return nil
	})
	if err == nil {
		err = l.countWaiting(ctx, channel, o.Orders)
	}
	if err != nil {
		return o, fmt.Errorf("look at what is sent on %s: %w", channel, err)
	}
	return o, nil
}

// level is how soon something of s has to be there (knowledge.Broadcast.Level); from 1 on it is sent at night too. Of a correction it is also the level of
// what people were, or may have been, woken for. No exercise has one.
const level = `CASE WHEN s.exercise THEN 0 ELSE greatest(broadcast_level(s.document), CASE WHEN s.msg_type <> 'Alert' THEN (
		SELECT max(broadcast_level(c.document)) FROM broadcasts c WHERE c.id IN (SELECT broadcast_chain(s.id)) AND c.begun_at IS NOT NULL) END) END`

// begunLevel is the level of what people were, or may have been, woken for in a chain, of which member is any: for what was not stored yet.
func (s *Store) begunLevel(ctx context.Context, member int64) (most int, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT coalesce(max(broadcast_level(document)), 0) FROM broadcasts WHERE id IN (SELECT broadcast_chain($1)) AND begun_at IS NOT NULL`, member).Scan(&most)
	return most, err
}

func seconds(s float64) time.Duration { return max(0, time.Duration(s*float64(time.Second))) }

// Texts are what a broadcast says on each channel.
func (l *Ledger) Texts(ctx context.Context, id int64) (map[string]string, error) {
	b, err := scanBroadcast(l.pool.QueryRow(ctx, `SELECT `+broadcastColumns+` FROM broadcasts WHERE id = $1`, id))
	if err != nil {
		return nil, fmt.Errorf("texts of broadcast %d: %w", id, err)
	}
	return b.Rendered, nil
}

// Reserve takes the channel's next n slots, so far apart, and tells how long it is until the first. Where the clock was set back, the slots
// taken by the old one do not count: none lies further ahead than what the nodes can hold at once.
func (l *Ledger) Reserve(ctx context.Context, channel string, n int, apart time.Duration) (time.Duration, error) {
	var wait float64
	batch := &pgx.Batch{} // one implicit transaction
	batch.Queue(`SELECT pg_advisory_xact_lock($1::int, hashtext($2))`, slotsLock, channel)
	batch.Queue(`
		DELETE FROM delivery_slots WHERE channel = $1 AND next_at > make_interval(secs => $2) + greatest(clock_timestamp(), `+silentUntil+`)`, channel, broadcast.SlotsAhead(apart).Seconds())
	batch.Queue(`
		INSERT INTO delivery_slots (channel, next_at)
		SELECT $1, make_interval(secs => $2) + greatest(clock_timestamp(), `+silentUntil+`,
		           (SELECT next_at FROM delivery_slots WHERE channel = $1 ORDER BY next_at DESC LIMIT 1))
		RETURNING (extract(epoch FROM next_at - clock_timestamp()) - $2::float8)::float8`, channel, (time.Duration(n) * apart).Seconds()).
		QueryRow(func(row pgx.Row) error { return row.Scan(&wait) })
	if err := l.pool.SendBatch(ctx, batch).Close(); err != nil {
		return 0, fmt.Errorf("reserve slots of %s: %w", channel, err)
	}
	return seconds(wait), nil
}

// Apart takes a recipient's turn, or tells how long it is until there is one. What lies further ahead than apart is of a clock that was set back.
func (l *Ledger) Apart(ctx context.Context, channel, recipient string, apart time.Duration) (time.Duration, error) {
	tag, err := l.pool.Exec(ctx, `
		INSERT INTO delivery_recipients AS r (channel, recipient, next_at) VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
		ON CONFLICT (channel, recipient) DO UPDATE SET next_at = excluded.next_at
		 WHERE r.next_at <= clock_timestamp() OR r.next_at > excluded.next_at`, channel, recipient, apart.Seconds())
	switch {
	case err != nil:
		return 0, fmt.Errorf("take the turn of a recipient of %s: %w", channel, err)
	case tag.RowsAffected() == 0:
		return apart, nil
	}
	return 0, nil
}

// silentUntil is the end of a channel's silence, unless the clock was set back since it was asked for: then it may be long over.
const silentUntil = `(SELECT until FROM delivery_silences WHERE channel = $1 AND set_at <= clock_timestamp())`

// Silence keeps the channel silent on all nodes, at most for a day.
func (l *Ledger) Silence(ctx context.Context, channel string, d time.Duration) error {
	_, err := l.pool.Exec(ctx, `
		INSERT INTO delivery_silences AS s (channel, until, set_at) SELECT $1, now + make_interval(secs => $2), now FROM clock_timestamp() AS now
		ON CONFLICT (channel) DO UPDATE SET set_at = excluded.set_at,
		    until = CASE WHEN s.set_at <= excluded.set_at THEN greatest(s.until, excluded.until) ELSE excluded.until END`, channel, min(d, 24*time.Hour).Seconds())
	if err != nil {
		return fmt.Errorf("silence %s: %w", channel, err)
	}
	return nil
}

// dropSlots deletes what lately became old. The entries of older ones may be dead; what a stopped program left is forgotten with the ledgers.
func (l *Ledger) dropSlots(ctx context.Context) error {
	channels := make([]string, len(knowledge.BroadcastChannels))
	for i, c := range knowledge.BroadcastChannels {
		channels[i] = c.Name
	}
	_, err := l.pool.Exec(ctx, `
		DELETE FROM delivery_slots WHERE channel = ANY ($1)
		   AND next_at BETWEEN clock_timestamp() - interval '2 minutes' AND clock_timestamp() - interval '1 minute'`, channels)
	return err
}

// Turn records what became of deliveries and claims others, in one transaction and one exchange with the server. What was lost to another
// worker meanwhile is not recorded.
func (l *Ledger) Turn(ctx context.Context, t broadcast.Turn) (claimed []broadcast.Claimed, err error) {
	batch := &pgx.Batch{}
	if len(t.Settled) > 0 {
		record(batch, t.Settled)
	}
	if t.Want > 0 {
		// shared with the other workers, and held off by what has to know all claims of a broadcast (see Begin)
		batch.Queue(`SELECT pg_advisory_xact_lock_shared($1::int, $2::int)`, claimsLock, t.Broadcast)
		batch.Queue(claimSQL, t.Broadcast, t.Channel, t.Want, t.After, t.Due, t.DueSince.Seconds(), t.Lease.Seconds(),
			broadcast.LongestLease.Seconds(), broadcast.LongestWait.Seconds()).
			Query(func(rows pgx.Rows) (err error) {
				claimed, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (broadcast.Claimed, error) {
					c := broadcast.Claimed{Delivery: knowledge.Delivery{Broadcast: t.Broadcast, Channel: t.Channel}}
					var heard *time.Time
					err := row.Scan(&c.N, &c.Token, &c.Tries, &c.Deaths, &c.To, &heard, &c.Lost, &c.Left)
					if heard != nil {
						c.Heard = *heard
					}
					c.Fresh = c.Token == 1
					return c, err
				})
				return err
			})
	}
	if batch.Len() == 0 {
		return nil, nil
	}
	if err := l.pool.SendBatch(ctx, batch).Close(); err != nil { // one implicit transaction
		return nil, fmt.Errorf("deliveries of %s: %w", t.Channel, err)
	}
	return claimed, nil
}

// The classes of advisory locks: on the claims of a broadcast, and on the slots of a channel.
const (
	claimsLock = 0x716C
	slotsLock  = 0x716D
	chainsLock = 0x716E // held by what begins of a chain (migrations/00032)
)

// claimSQL claims of one broadcast what is due, then what a clock that was set back since put too far ahead (looked for from time to time, when DueSince is
// 0), then what was never claimed. The outer statement names its rows one by one, so that no state of
// the statistics makes it read the table.
//
// An Alert's recipient is looked at again: an hour may lie between the fan-out and a message. A correction goes to whoever got what it corrects.
const claimSQL = `
	WITH b AS MATERIALIZED (
	    SELECT msg_type = 'Alert' AS alert, exercise, coalesce(document::jsonb #>> '{audience,readers_of}', '') = '' AS to_subscribed
	      FROM broadcasts WHERE id = $1),
	due AS (
	    SELECT n FROM deliveries
	     WHERE broadcast_id = $1 AND channel = $2 AND state IN ('claimed', 'postponed') AND leased_to <= now() AND $5
	       AND leased_to > CASE WHEN $6::float8 > 0 THEN now() - make_interval(secs => $6) ELSE '-infinity' END
	     ORDER BY leased_to LIMIT $3 FOR UPDATE SKIP LOCKED),
	ahead AS (
	    SELECT n FROM deliveries
	     WHERE broadcast_id = $1 AND channel = $2 AND state IN ('claimed', 'postponed') AND $5 AND $6 = 0
	       AND leased_to > now() + make_interval(secs => $8::float8)
	       AND (state = 'claimed' OR postponed_at > clock_timestamp() OR leased_to > now() + make_interval(secs => $9::float8))
	     ORDER BY leased_to DESC LIMIT $3 - (SELECT count(*) FROM due) FOR UPDATE SKIP LOCKED),
	again AS (SELECT n FROM due UNION SELECT n FROM ahead),
	fresh AS (
	    SELECT n FROM deliveries WHERE broadcast_id = $1 AND channel = $2 AND state = 'waiting' AND n > $4
	     ORDER BY n LIMIT $3 - (SELECT count(*) FROM again) FOR UPDATE SKIP LOCKED),
	mine AS (
	    UPDATE deliveries SET token = token + 1, tries = least(tries, 32766) + 1, deaths = least(deaths + (state = 'claimed')::int, 32767),
	           unclear = unclear OR state = 'claimed', state = 'claimed',
	           leased_to = now() + make_interval(secs => $7)
	     WHERE broadcast_id = $1 AND n = ANY (ARRAY(SELECT n FROM again UNION ALL SELECT n FROM fresh))
	       AND EXISTS (SELECT FROM broadcasts WHERE id = $1 AND state = 'sending' AND expires_at > clock_timestamp())
	    RETURNING n, token, tries, deaths, reader_id, recipient)
	SELECT m.n, m.token, m.tries, m.deaths, coalesce(m.recipient, r.name, ''), r.seen_at, m.recipient IS NULL AND r.id IS NULL,
	       CASE WHEN NOT b.alert THEN ''
	            WHEN b.exercise AND coalesce(r.exercise_at, e.exercise_at) IS NULL THEN '不在演练组'
	            WHEN coalesce(r.gone_at, r.blocked_at, e.gone_at) IS NOT NULL OR b.to_subscribed AND NOT coalesce(r.wishes ? 'sent', true) THEN '退订了'
	            ELSE '' END
	  FROM mine m CROSS JOIN b LEFT JOIN readers r ON r.id = m.reader_id LEFT JOIN endpoints e ON e.channel = $2 AND e.recipient = m.recipient ORDER BY m.n`

// record records outcomes (of what is still claimed, said so that the planner does not read all of deliveries_due for it) and ends the subscriptions of who is gone.
func record(batch *pgx.Batch, outcomes []broadcast.Outcome) {
	n := len(outcomes)
	broadcasts, numbers, tokens := make([]int64, n), make([]int64, n), make([]int64, n)
	ends, reasons, receipts := make([]string, n), make([]string, n), make([]string, n)
	unclear, untried, after := make([]bool, n), make([]bool, n), make([]float64, n)
	gone := false
	for i, o := range outcomes {
		broadcasts[i], numbers[i], tokens[i] = o.Broadcast, o.N, o.Token
		ends[i], reasons[i], receipts[i] = string(o.End), storable(short(o.Reason)), storable(short(o.Receipt))
		unclear[i], untried[i], after[i] = o.Unclear, o.Untried, min(o.After, 24*time.Hour).Seconds()
		gone = gone || o.Gone
	}
	batch.Queue(`
		UPDATE deliveries d SET state = o.state, unclear = d.unclear OR o.unclear, tries = d.tries - o.untried::int,
		       settled_at = CASE WHEN o.state <> 'postponed' THEN clock_timestamp() END,
		       postponed_at = CASE WHEN o.state = 'postponed' THEN clock_timestamp() END,
		       leased_to = CASE WHEN o.state = 'postponed' THEN clock_timestamp() + make_interval(secs => o.after) END,
		       reason = CASE WHEN o.untried AND o.reason = '' THEN d.reason ELSE nullif(o.reason, '') END, -- of the last try: a put back is none
		       receipt = nullif(o.receipt, '')
		  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::boolean[], $6::boolean[], $7::float8[], $8::text[], $9::text[])
		       AS o(broadcast_id, n, token, state, unclear, untried, after, reason, receipt)
		 WHERE d.broadcast_id = o.broadcast_id AND d.n = o.n AND d.token = o.token AND d.state NOT IN ('postponed', 'sent', 'failed')`,
		broadcasts, numbers, tokens, ends, unclear, untried, after, reasons, receipts)
	if gone {
		endSubscriptions(batch, outcomes)
	}
}

func short(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:200])
	}
	return s
}

// endSubscriptions marks who is gone; a reader who wrote to us since the message was claimed is not.
func endSubscriptions(batch *pgx.Batch, outcomes []broadcast.Outcome) {
	for _, o := range outcomes {
		if !o.Gone {
			continue
		}
		batch.Queue(`
			UPDATE readers r SET gone_at = clock_timestamp() FROM deliveries d
			 WHERE d.broadcast_id = $1 AND d.n = $2 AND d.token = $3 AND r.id = d.reader_id AND r.gone_at IS NULL AND r.seen_at <= $4`,
			o.Broadcast, o.N, o.Token, o.Heard)
		batch.Queue(`
			UPDATE endpoints e SET gone_at = clock_timestamp(), gone_reason = $4 FROM deliveries d
			 WHERE d.broadcast_id = $1 AND d.n = $2 AND d.token = $3 AND e.channel = d.channel AND e.recipient = d.recipient AND e.gone_at IS NULL`,
			o.Broadcast, o.N, o.Token, storable(short(o.Reason)))
	}
}
