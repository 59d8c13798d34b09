package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
)

// Receive stores an update; false when it is there already, dealt with or not.
func (s *Store) Receive(ctx context.Context, u bot.Update) (fresh bool, err error) {
	tag, err := s.pool.Exec(ctx, `
		INSERT INTO inbox (channel, id, chat, payload, received_at, lane) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (channel, id) DO NOTHING`,
		u.Channel, u.ID, u.Chat, u.Payload, u.Received, u.Lane)
	if err != nil {
		return false, fmt.Errorf("store update of %s: %w", u.Channel, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Claim leases up to n waiting updates of a channel, at most so many of them slow: first those of dangers, which overtake their chat's others,
// then the oldest, of each chat one at a time. What is not finished by then is claimed again by somebody.
func (s *Store) Claim(ctx context.Context, channel string, n, slow int, now time.Time, lease time.Duration) ([]bot.Update, error) {
	rows, err := s.pool.Query(ctx, `
		WITH danger AS (
		    SELECT channel, id FROM inbox i
		     WHERE channel = $1 AND lane = 2 AND done_at IS NULL AND leased_to <= $3
		       AND NOT EXISTS (SELECT FROM inbox e WHERE e.channel = $1 AND e.chat = i.chat AND e.lane = 2 AND e.done_at IS NULL AND e.n < i.n)
		     ORDER BY n LIMIT $2 FOR UPDATE SKIP LOCKED),
		slow AS (
		    SELECT channel, id FROM inbox i
		     WHERE channel = $1 AND lane = 1 AND done_at IS NULL AND leased_to <= $3
		       AND NOT EXISTS (SELECT FROM inbox e WHERE e.channel = $1 AND e.chat = i.chat AND e.done_at IS NULL AND e.n < i.n)
		     ORDER BY n LIMIT least($5, $2 - (SELECT count(*) FROM danger)) FOR UPDATE SKIP LOCKED),
		words AS (
		    SELECT channel, id FROM inbox i
		     WHERE channel = $1 AND lane = 0 AND done_at IS NULL AND leased_to <= $3
		       AND NOT EXISTS (SELECT FROM inbox e WHERE e.channel = $1 AND e.chat = i.chat AND e.done_at IS NULL AND e.n < i.n)
		     ORDER BY n LIMIT $2 - (SELECT count(*) FROM danger) - (SELECT count(*) FROM slow) FOR UPDATE SKIP LOCKED),
		next AS (SELECT * FROM danger UNION ALL SELECT * FROM slow UNION ALL SELECT * FROM words)
		UPDATE inbox i SET leased_to = $4, token = token + 1 FROM next WHERE i.channel = next.channel AND i.id = next.id
		RETURNING i.channel, i.id, i.chat, i.payload, i.received_at, i.token, i.lane`, channel, n, now, now.Add(lease), slow)
	if err != nil {
		return nil, fmt.Errorf("claim updates of %s: %w", channel, err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[bot.Update])
}

// Finish marks an update as dealt with and drops its words and its reply's; false when the lease was lost to another worker.
func (s *Store) Finish(ctx context.Context, u bot.Update, now time.Time) (mine bool, err error) {
	tag, err := s.pool.Exec(ctx, `
		UPDATE inbox SET done_at = $4, payload = NULL, reply = NULL, lane = 0 WHERE channel = $1 AND id = $2 AND token = $3 AND `+unfinished, u.Channel, u.ID, u.Token, now)
	if err != nil {
		return false, fmt.Errorf("finish update of %s: %w", u.Channel, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Postpone moves the end of a lease: to renew it, or to have the update claimed again then. False when the lease was lost.
func (s *Store) Postpone(ctx context.Context, u bot.Update, to time.Time) (mine bool, err error) {
	tag, err := s.pool.Exec(ctx, `
		UPDATE inbox SET leased_to = $4 WHERE channel = $1 AND id = $2 AND token = $3 AND `+unfinished, u.Channel, u.ID, u.Token, to)
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

// DropStale drops the words of updates that nobody will answer any more: of channels that are not served, and received before then. Their
// names stay for the platform's repeats.
func (s *Store) DropStale(ctx context.Context, served []string, before, now time.Time) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE inbox SET done_at = $3, payload = NULL, reply = NULL, lane = 0 WHERE done_at IS NULL AND (received_at < $2 OR channel <> ALL (coalesce($1::text[], '{}')))`, served, before, now)
	if err != nil {
		return fmt.Errorf("drop updates that wait too long: %w", err)
	}
	return nil
}

// Kept is the reply to an update that waits to be sent.
func (s *Store) Kept(ctx context.Context, channel, update string) (k bot.Kept, ok bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT reply FROM inbox WHERE channel = $1 AND id = $2 AND reply IS NOT NULL`, channel, update).Scan(&k)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return k, false, nil
	case err != nil:
		return k, false, fmt.Errorf("read the reply to an update of %s: %w", channel, err)
	}
	return k, true, nil
}

// unfinished is of one update, found by its key, that is not done. Written as the partial indexes have it, the planner would take one of those for the
// key's while the table was small when it last looked, and a flood that begins then reads all that waits for each message.
const unfinished = `coalesce(done_at, 'infinity') = 'infinity'`

// keepReply stores the reply to an update until it is sent; bot.ErrAnswered when there is one.
func keepReply(ctx context.Context, tx pgx.Tx, channel, update string, k bot.Kept) error {
	k.Text = storable(k.Text)
	var before bool
	err := tx.QueryRow(ctx, `
		SELECT reply IS NOT NULL FROM inbox WHERE channel = $1 AND id = $2 AND `+unfinished+` FOR UPDATE`, channel, update).Scan(&before)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // it is not of the inbox, or was given up
		return nil
	case err != nil:
		return err
	case before:
		return bot.ErrAnswered
	}
	_, err = tx.Exec(ctx, `UPDATE inbox SET reply = $3 WHERE channel = $1 AND id = $2`, channel, update, k)
	return err
}
