package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
)

// Receive stores an update; false when it is there already, dealt with or not.
func (s *Store) Receive(ctx context.Context, u bot.Update) (fresh bool, err error) {
	tag, err := s.pool.Exec(ctx, `
		INSERT INTO inbox (channel, id, chat, payload, received_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (channel, id) DO NOTHING`,
		u.Channel, u.ID, u.Chat, u.Payload, u.Received)
	if err != nil {
		return false, fmt.Errorf("store update of %s: %w", u.Channel, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Claim leases up to n waiting updates of a channel, oldest first and of each chat one at a time. What is not finished by then is claimed
// again by somebody.
func (s *Store) Claim(ctx context.Context, channel string, n int, now time.Time, lease time.Duration) ([]bot.Update, error) {
	rows, err := s.pool.Query(ctx, `
		WITH next AS (
		    SELECT channel, id FROM inbox i
		     WHERE channel = $1 AND done_at IS NULL AND leased_to <= $3
		       AND NOT EXISTS (SELECT FROM inbox earlier WHERE earlier.channel = $1 AND earlier.chat = i.chat AND earlier.done_at IS NULL AND earlier.n < i.n)
		     ORDER BY n LIMIT $2 FOR UPDATE SKIP LOCKED)
		UPDATE inbox i SET leased_to = $4, token = token + 1 FROM next WHERE i.channel = next.channel AND i.id = next.id
		RETURNING i.channel, i.id, i.chat, i.payload, i.received_at, i.token`, channel, n, now, now.Add(lease))
	if err != nil {
		return nil, fmt.Errorf("claim updates of %s: %w", channel, err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[bot.Update])
}

// Finish marks an update as dealt with and drops its words; false when the lease was lost to another worker.
func (s *Store) Finish(ctx context.Context, u bot.Update, now time.Time) (mine bool, err error) {
	tag, err := s.pool.Exec(ctx, `
		UPDATE inbox SET done_at = $4, payload = NULL WHERE channel = $1 AND id = $2 AND token = $3 AND done_at IS NULL`, u.Channel, u.ID, u.Token, now)
	if err != nil {
		return false, fmt.Errorf("finish update of %s: %w", u.Channel, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Postpone moves the end of a lease: to renew it, or to have the update claimed again then. False when the lease was lost.
func (s *Store) Postpone(ctx context.Context, u bot.Update, to time.Time) (mine bool, err error) {
	tag, err := s.pool.Exec(ctx, `
		UPDATE inbox SET leased_to = $4 WHERE channel = $1 AND id = $2 AND token = $3 AND done_at IS NULL`, u.Channel, u.ID, u.Token, to)
	if err != nil {
		return false, fmt.Errorf("postpone update of %s: %w", u.Channel, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Waiting counts the updates of a channel that are not dealt with.
func (s *Store) Waiting(ctx context.Context, channel string) (n int, err error) {
	if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM inbox WHERE channel = $1 AND done_at IS NULL`, channel).Scan(&n); err != nil {
		return 0, fmt.Errorf("count updates of %s: %w", channel, err)
	}
	return n, nil
}

// DropDone deletes the names of updates dealt with before then.
func (s *Store) DropDone(ctx context.Context, before time.Time) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM inbox WHERE done_at < $1`, before); err != nil {
		return fmt.Errorf("drop old updates: %w", err)
	}
	return nil
}
