package postgres

import (
	"context"
	"math"
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
	noneLeft  = math.MaxInt64
)

// waiting are the counts of a node's ledger, by channel. One channel's count keeps no other waiting: the lock is not held meanwhile.
type waiting struct {
	mu sync.Mutex
	of map[string]counted
}

// counted is what was counted last on a channel, of each broadcast; it is not changed any more.
type counted struct {
	at  time.Time
	ids []int64
	n   map[int64]int64
	low map[int64]int64 // where what waits begins: what lies before does not wait again
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
	c := l.waiting.of[channel]
	l.waiting.mu.Unlock()
	if time.Since(c.at) >= countEvery || !slices.Equal(c.ids, ids) {
		var err error
		if c, err = l.count(ctx, channel, ids, c.low); err != nil {
			return err
		}
		l.waiting.mu.Lock()
		l.waiting.of[channel] = c
		l.waiting.mu.Unlock()
	}
	for i := range orders {
		orders[i].Waiting = c.n[orders[i].ID]
	}
	return nil
}

// count counts from the end, and no further than to where what waits began the last time: before that lie the entries of what was claimed since the
// fan-out, all of which are passed while an open snapshot keeps them.
func (l *Ledger) count(ctx context.Context, channel string, ids []int64, low map[int64]int64) (counted, error) {
	c := counted{time.Now(), ids, map[int64]int64{}, map[int64]int64{}}
	from := make([]int64, len(ids))
	for i, id := range ids {
		from[i] = low[id]
	}
	rows, err := l.pool.Query(ctx, `
		SELECT b.id, b.low, count(w.n), coalesce(min(w.n), $4)
		  FROM unnest($1::bigint[], $5::bigint[]) AS b(id, low) LEFT JOIN LATERAL (
		       SELECT n FROM deliveries WHERE broadcast_id = b.id AND channel = $2 AND state = 'waiting' AND n >= b.low
		        ORDER BY n DESC LIMIT $3) AS w ON true
		 GROUP BY b.id, b.low`, ids, channel, countMost, int64(noneLeft), from)
	if err != nil {
		return c, err
	}
	var id, was, n, first int64
	_, err = pgx.ForEachRow(rows, []any{&id, &was, &n, &first}, func() error {
		c.n[id], c.low[id] = n, first
		if n >= countMost { // there may be more before
			c.low[id] = was
		}
		return nil
	})
	return c, err
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
	if b.References != 0 && !b.Exercise {
		corrected, err := s.begunLevel(ctx, b.References)
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
