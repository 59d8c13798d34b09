package postgres

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// How much of what is sent waits on a channel: what a preview tells, and what decides between two that are as urgent.

const (
	countEvery = 10 * time.Second
	// countMost bounds the count of one broadcast on one channel: it takes some 20 ms.
	countMost = 100_000
)

// waiting are the counts of a node's ledger, by channel.
type waiting struct {
	mu sync.Mutex
	of map[string]*counted
}

type counted struct {
	at  time.Time
	ids []int64
	n   map[int64]int64
}

// countWaiting fills in how much of each order was not tried yet, when two of them differ in nothing else: counted now and then.
func (l *Ledger) countWaiting(ctx context.Context, channel string, orders []broadcast.Order) error {
	var ids []int64
	for i, o := range orders {
		if slices.ContainsFunc(orders, func(other broadcast.Order) bool { return other.ID != o.ID && broadcast.Alike(o, other) }) {
			ids = append(ids, orders[i].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	l.waiting.mu.Lock()
	defer l.waiting.mu.Unlock()
	c := l.waiting.of[channel]
	if c == nil || time.Since(c.at) >= countEvery || !slices.Equal(c.ids, ids) {
		c = &counted{time.Now(), ids, map[int64]int64{}}
		rows, err := l.pool.Query(ctx, `
			SELECT b, (SELECT count(*) FROM (SELECT FROM deliveries WHERE broadcast_id = b AND channel = $2 AND state = 'waiting' LIMIT $3) AS w)
			  FROM unnest($1::bigint[]) AS b`, ids, channel, countMost)
		if err != nil {
			return err
		}
		var id, n int64
		if _, err := pgx.ForEachRow(rows, []any{&id, &n}, func() error { c.n[id] = n; return nil }); err != nil {
			return err
		}
		l.waiting.of[channel] = c
	}
	for i := range orders {
		orders[i].Waiting = c.n[orders[i].ID]
	}
	return nil
}

// fillAhead fills in how many messages of others leave before those of b on each channel, if b were begun now. What it corrects would be stopped.
func (s *Store) fillAhead(ctx context.Context, b knowledge.Broadcast, chain []int64, reach []knowledge.Reach) error {
	if len(reach) == 0 {
		return nil
	}
	mine := broadcast.Order{ID: b.ID, Type: b.Type, Exercise: b.Exercise, Level: b.Level()}
	if b.ID == 0 {
		mine.ID = 1<<63 - 1 // the newest
	}
	if len(chain) > 0 && !b.Exercise {
		var corrected int
		err := s.pool.QueryRow(ctx, `SELECT coalesce(max(broadcast_level(document)), 0) FROM broadcasts WHERE id = ANY ($1) AND begun_at IS NOT NULL`, chain).Scan(&corrected)
		if err != nil {
			return err
		}
		mine.Level = max(mine.Level, corrected)
	}
	mine.Urgent = mine.Level > 0
	rows, err := s.pool.Query(ctx, `
		SELECT s.id, s.msg_type, s.exercise, `+level+`, d.channel, count(*) FROM broadcasts s JOIN deliveries d ON d.broadcast_id = s.id
		 WHERE s.state = 'sending' AND s.expires_at > clock_timestamp() AND s.id <> $1 AND s.id <> ALL ($2::bigint[])
		   AND d.state IN ('waiting', 'claimed', 'postponed') GROUP BY s.id, d.channel`, b.ID, orNone(chain))
	if err != nil {
		return err
	}
	var other broadcast.Order
	var channel string
	_, err = pgx.ForEachRow(rows, []any{&other.ID, &other.Type, &other.Exercise, &other.Level, &channel, &other.Waiting}, func() error {
		other.Urgent, mine.Waiting = other.Level > 0, 0
		for _, r := range reach {
			if r.Channel == channel {
				mine.Waiting += int64(r.N)
			}
		}
		if broadcast.CompareOrders(other, mine) < 0 {
			for i := range reach {
				if reach[i].Channel == channel {
					reach[i].Ahead += int(other.Waiting)
				}
			}
		}
		return nil
	})
	return err
}
