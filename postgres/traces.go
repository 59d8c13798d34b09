package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
)

// KeepTrace notes with what a message was answered last.
func (s *Store) KeepTrace(ctx context.Context, t bot.Trace) error {
	_, err := s.pool.Exec(ctx, `
		INSERT INTO telegram_replies (message, words, reply, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (message) DO UPDATE SET words = excluded.words, reply = excluded.reply, at = excluded.at`, t.Message[:], t.Words[:], t.Reply, t.At)
	if err != nil {
		return fmt.Errorf("note a reply for edits: %w", err)
	}
	return nil
}

// TraceOf is with what a message was answered last; false when that is not known.
func (s *Store) TraceOf(ctx context.Context, message [16]byte) (t bot.Trace, ok bool, err error) {
	var words []byte
	err = s.pool.QueryRow(ctx, `SELECT words, reply, at FROM telegram_replies WHERE message = $1`, message[:]).Scan(&words, &t.Reply, &t.At)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return t, false, nil
	case err != nil:
		return t, false, fmt.Errorf("look for a reply that is edited: %w", err)
	}
	t.Message = message
	copy(t.Words[:], words)
	return t, true, nil
}

// DropTraces deletes those from before then.
func (s *Store) DropTraces(ctx context.Context, before time.Time) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM telegram_replies WHERE at < $1`, before); err != nil {
		return fmt.Errorf("drop what was noted for edits: %w", err)
	}
	return nil
}
