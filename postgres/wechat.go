package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
	"qiuzhen/bot/wechat"
)

// WeChat keeps what the channel of a WeChat official account shares between nodes.
type WeChat struct{ *Store }

// WeChat is that part of the store.
func (s *Store) WeChat() WeChat { return WeChat{s} }

const (
	// nonceGood is how long a nonce may come again with the same message: the platform's three posts take 15 seconds.
	nonceGood = 30 * time.Second
	// nonceKept is longer than the window in which a timestamp is accepted, both ways.
	nonceKept = 11 * time.Minute
	// replyGiven is how long a reply is kept that was given, for a post that follows because the answer was lost.
	replyGiven = time.Minute
	// replyKept is how long the platform takes customer messages after a reader's last message.
	replyKept = 48 * time.Hour
)

// Deliver notes a post and checks its nonce, in one statement.
func (s WeChat) Deliver(ctx context.Context, d wechat.Delivery) (p wechat.Place, err error) {
	err = s.pool.QueryRow(ctx, `
		WITH nonce AS (
		    INSERT INTO wechat_nonces AS n (digest, body, first_at) VALUES ($1, $2, $6)
		    ON CONFLICT (digest) DO UPDATE SET uses = n.uses + 1
		     WHERE n.body = excluded.body AND n.uses < $3 AND n.first_at > $6::timestamptz - $8::interval
		    RETURNING 1)
		INSERT INTO wechat_messages AS m (id, reader, created_at, tried_at) SELECT $4, $5, $6, $6 FROM nonce
		ON CONFLICT (id) DO UPDATE SET posts = m.posts + 1, reader = excluded.reader,
		       tries = m.tries + (excluded.tried_at >= m.tried_at + $7::interval)::int,
		       tried_at = CASE WHEN excluded.tried_at >= m.tried_at + $7::interval THEN excluded.tried_at ELSE m.tried_at END,
		       late = m.late AND excluded.tried_at < m.tried_at + $7::interval,
		       given_at = CASE WHEN excluded.tried_at < m.tried_at + $7::interval AND excluded.tried_at < m.given_at + $9::interval THEN m.given_at END
		RETURNING posts, tries, given_at IS NOT NULL OR sent`,
		d.Nonce, d.Body, d.Posts, d.ID, d.Reader, d.At, d.Retry, nonceGood, d.Again).Scan(&p.Number, &p.Try, &p.Given)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, wechat.ErrReplayed
	}
	if err != nil {
		return p, fmt.Errorf("store a post of wechat: %w", err)
	}
	return p, nil
}

// Answered are those of the messages that have a reply.
func (s WeChat) Answered(ctx context.Context, ids []string) ([]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT id FROM wechat_messages WHERE id = ANY($1) AND reply IS NOT NULL`, ids)
	if err != nil {
		return nil, fmt.Errorf("look for replies of wechat: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Take gives the reply to the last post of a message, once, together with the reader's late ones.
func (s WeChat) Take(ctx context.Context, id string, number int, now time.Time, join func(string, []string) (string, int)) (string, bool, error) {
	w := held{ID: id}
	var reader, reply string
	var owed bool
	err := s.pool.QueryRow(ctx, `
		WITH mine AS (
		    SELECT id, reader FROM wechat_messages
		     WHERE id = $2 AND posts = $3 AND reply IS NOT NULL AND given_at IS NULL AND NOT sent AND leased_to <= $1 FOR UPDATE)
		UPDATE wechat_messages m SET given_at = $1, reader = '' FROM mine WHERE m.id = mine.id
		RETURNING mine.reader, m.reply, m.shown, `+waitingGone+`, EXISTS (SELECT FROM wechat_messages o WHERE o.reader = mine.reader AND o.id <> m.id AND o.late
		          AND o.reply <> '' AND o.given_at IS NULL AND NOT o.sent AND o.leased_to <= $1)`, now, id, number).Scan(&reader, &w.Reply, &w.Shown, &w.Gone, &owed)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("take a reply of wechat: %w", err)
	case owed:
		if reply, err = s.takeLate(ctx, w, reader, now, join); err != nil {
			return "", false, err
		}
	default:
		reply, _ = w.now()
	}
	return reply, true, nil
}

// GiveBack says that a reply taken has not gone out.
func (s WeChat) GiveBack(ctx context.Context, id, reader string, number int) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE wechat_messages SET given_at = NULL, reader = $3 WHERE id = $1 AND posts = $2 AND NOT sent`, id, number, reader)
	if err != nil {
		return fmt.Errorf("give back a reply of wechat: %w", err)
	}
	return nil
}

// Leave says that no further post will come.
func (s WeChat) Leave(ctx context.Context, id string, number int) error {
	if _, err := s.pool.Exec(ctx, `UPDATE wechat_messages SET late = true WHERE id = $1 AND posts = $2 AND given_at IS NULL`, id, number); err != nil {
		return fmt.Errorf("leave a reply of wechat: %w", err)
	}
	return nil
}

// Answer stores what a message is answered with; the first answer stays.
func (s WeChat) Answer(ctx context.Context, id string, k bot.Kept) error {
	k.Text = storable(k.Text)
	_, err := s.pool.Exec(ctx, `UPDATE wechat_messages SET reply = $2, shown = $3 WHERE id = $1 AND reply IS NULL`, id, k.Text, k.Quotes())
	if err != nil {
		return fmt.Errorf("store a reply of wechat: %w", err)
	}
	return nil
}

// Expects reports whether a reader was promised a reply to another message.
func (s WeChat) Expects(ctx context.Context, reader, besides string) (yes bool, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM wechat_messages WHERE reader = $1 AND id <> $2 AND late AND reply IS DISTINCT FROM '' AND given_at IS NULL AND NOT sent)`,
		reader, besides).Scan(&yes)
	if err != nil {
		return false, fmt.Errorf("look for late replies of wechat: %w", err)
	}
	return yes, nil
}

// Left says that a reader has left: what would still be sent is deleted.
func (s WeChat) Left(ctx context.Context, channel, reader string, now time.Time) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM wechat_messages WHERE reader = $1 AND reply IS NOT NULL`, reader); err != nil {
		return fmt.Errorf("drop the late replies of wechat: %w", err)
	}
	return s.MarkGone(ctx, channel, reader, now)
}

// Due leases late replies that may be sent now.
func (s WeChat) Due(ctx context.Context, now time.Time, orphaned, lease time.Duration) ([]wechat.Late, error) {
	const portion = 20
	rows, err := s.pool.Query(ctx, `
		WITH due AS (
		    SELECT id FROM wechat_messages
		     WHERE reply <> '' AND given_at IS NULL AND NOT sent AND send_at <= $1 AND leased_to <= $1 AND (late OR tried_at < $1::timestamptz - $2::interval)
		     ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED)
		UPDATE wechat_messages m SET late = true, leased_to = $1::timestamptz + $4::interval, sends = sends + 1 FROM due WHERE m.id = due.id
		RETURNING m.id, m.reply, m.shown, `+waitingGone+`, m.reader, m.sends`, now, orphaned, portion, lease)
	if err != nil {
		return nil, fmt.Errorf("late replies of wechat: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l wechat.Late, err error) {
		var w held
		err = row.Scan(&w.ID, &w.Reply, &w.Shown, &w.Gone, &l.Reader, &l.Sends)
		l.ID = w.ID
		if err == nil {
			l.Reply, _ = w.now()
		}
		return l, err
	})
}

// Sent says that a late reply was sent, or never can be; its words go.
func (s WeChat) Sent(ctx context.Context, id string) error {
	if _, err := s.pool.Exec(ctx, `UPDATE wechat_messages SET sent = true, reader = '', reply = '', shown = '[]' WHERE id = $1`, id); err != nil {
		return fmt.Errorf("note a late reply of wechat: %w", err)
	}
	return nil
}

// PutOff keeps a late reply; a time beyond 48 hours leaves it to the reader's next message.
func (s WeChat) PutOff(ctx context.Context, id string, until time.Time) error {
	if _, err := s.pool.Exec(ctx, `UPDATE wechat_messages SET send_at = $2, leased_to = '-infinity' WHERE id = $1`, id, until); err != nil {
		return fmt.Errorf("postpone a late reply of wechat: %w", err)
	}
	return nil
}

// Sweep deletes what is older than its use, and makes late what no post has taken.
func (s WeChat) Sweep(ctx context.Context, now time.Time) error {
	for _, old := range []struct {
		sql  string
		args []any
	}{
		{`DELETE FROM wechat_nonces WHERE first_at < $1`, []any{now.Add(-nonceKept)}},
		{`DELETE FROM wechat_messages WHERE created_at < $1 OR tried_at < $2 AND (given_at < $2 OR sent OR reply = '')`,
			[]any{now.Add(-replyKept), now.Add(-replyGiven)}},
		{`UPDATE wechat_messages SET late = true WHERE NOT late AND given_at IS NULL AND reply <> '' AND tried_at < $1`, []any{now.Add(-nonceGood)}},
	} {
		if _, err := s.pool.Exec(ctx, old.sql, old.args...); err != nil {
			return fmt.Errorf("sweep wechat: %w", err)
		}
	}
	return nil
}

// Token is an account's access token and until when it is good; empty when there is none.
func (s WeChat) Token(ctx context.Context, appID string) (token string, until time.Time, err error) {
	err = s.pool.QueryRow(ctx, `SELECT token, greatest(expires_at, 'epoch') FROM wechat_tokens WHERE app_id = $1`, appID).Scan(&token, &until)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", time.Time{}, fmt.Errorf("read the token of wechat: %w", err)
	}
	return token, until, nil
}

// LeaseToken lets one node at a time fetch another token than the one given.
func (s WeChat) LeaseToken(ctx context.Context, appID, instead string, now time.Time, lease time.Duration) (mine bool, err error) {
	tag, err := s.pool.Exec(ctx, `
		INSERT INTO wechat_tokens AS t (app_id, leased_to) VALUES ($1, $3::timestamptz + $4::interval)
		ON CONFLICT (app_id) DO UPDATE SET leased_to = excluded.leased_to WHERE t.leased_to <= $3 AND t.token = $2`, appID, instead, now, lease)
	if err != nil {
		return false, fmt.Errorf("lease the token of wechat: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// KeepToken stores a new token for all nodes and ends the lease.
func (s WeChat) KeepToken(ctx context.Context, appID, token string, until time.Time) error {
	_, err := s.pool.Exec(ctx, `UPDATE wechat_tokens SET token = $2, expires_at = $3, leased_to = '-infinity' WHERE app_id = $1`, appID, token, until)
	if err != nil {
		return fmt.Errorf("store the token of wechat: %w", err)
	}
	return nil
}

var _ wechat.Store = WeChat{}
