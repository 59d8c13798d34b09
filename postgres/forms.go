package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
)

// forms is the channel whose updates nobody claims: a page's form is answered while its reader waits. Its row is there so that the form sent again,
// after a kill or to another node, gets the same reply, and so that any node can show the conversation, for a while.
const forms = "web"

// Ask notes a form and numbers it; one that came before has its number. Its payload is what the page shows of the question, masked.
func (s *Store) Ask(ctx context.Context, u bot.Update) (n int64, err error) {
	err = s.pool.QueryRow(ctx, `
		INSERT INTO inbox AS i (channel, id, chat, payload, received_at, lane) VALUES ($1, $2, $3, $4, $5, 0)
		ON CONFLICT (channel, id) DO UPDATE SET lane = i.lane RETURNING n`, forms, u.ID, u.Chat, []byte(storable(string(u.Payload))), u.Received).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("note a form: %w", err)
	}
	return n, nil
}

// KeepForm keeps the reply to a form that the desk kept none of, such as that it was said too often.
func (s *Store) KeepForm(ctx context.Context, id string, k bot.Kept) error {
	k.Text = storable(k.Text)
	if _, err := s.pool.Exec(ctx, `UPDATE inbox SET reply = $3 WHERE channel = $1 AND id = $2 AND reply IS NULL AND `+unfinished, forms, id, k); err != nil {
		return fmt.Errorf("keep the reply to a form: %w", err)
	}
	return nil
}

// Talk is the end of a reader's conversation on pages, oldest first.
func (s *Store) Talk(ctx context.Context, reader string, most int) ([]bot.Exchange, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT n, convert_from(payload, 'UTF8'), reply FROM inbox
		 WHERE channel = $1 AND chat = $2 AND done_at IS NULL AND reply IS NOT NULL ORDER BY n DESC LIMIT $3`, forms, reader, most)
	if err != nil {
		return nil, fmt.Errorf("read a conversation: %w", err)
	}
	talk, err := pgx.CollectRows(rows, pgx.RowToStructByPos[bot.Exchange])
	if err != nil {
		return nil, fmt.Errorf("read a conversation: %w", err)
	}
	slices.Reverse(talk)
	return talk, nil
}

// Known reports whether anything is kept of a reader of pages. Of a form that was given up only its name is, which is not looked for: strangers may ask
// this, and the index is of what is not dealt with.
func (s *Store) Known(ctx context.Context, reader string) (known bool, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM readers WHERE channel = $1 AND name = $2) OR EXISTS (SELECT FROM inbox WHERE channel = $1 AND chat = $2 AND done_at IS NULL)`, forms, reader).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("look for a reader of pages: %w", err)
	}
	return known, nil
}

// DropForms deletes forms sent before then.
func (s *Store) DropForms(ctx context.Context, before time.Time) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM inbox WHERE channel = $1 AND done_at IS NULL AND received_at < $2`, forms, before); err != nil {
		return fmt.Errorf("drop old forms: %w", err)
	}
	return nil
}
