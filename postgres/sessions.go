package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

const (
	// A session ends sessionMost after signing in, and sessionIdle after it was last used.
	sessionMost = 12 * time.Hour
	sessionIdle = time.Hour
	// seenEvery keeps a page from being a write: a use is noted when the last one noted is older.
	seenEvery = time.Minute
)

// OpenSession signs a person in, as SignIn, and returns the token that the browser holds. The table knows its hash only.
func (s *Store) OpenSession(ctx context.Context, login, secret string, now time.Time) (string, error) {
	var password string // of before it is checked: one that is changed meanwhile opens no session
	err := s.pool.QueryRow(ctx, `SELECT password_hash FROM people WHERE login = $1`, login).Scan(&password)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", err
	}
	p, err := s.SignIn(ctx, login, secret, now)
	if err != nil {
		return "", err
	}
	token := make([]byte, 32)
	if _, err := rand.Read(token); err != nil {
		return "", err
	}
	actor := knowledge.ActorOf(ctx)
	actor.Person, actor.ID, actor.Name = p.ID, p.Login, p.Name
	ctx = knowledge.WithActor(ctx, actor)
	encoded := base64.RawURLEncoding.EncodeToString(token)
	return encoded, s.change(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM sessions WHERE created_at < $1 OR seen_at < $2`, now.Add(-sessionMost), now.Add(-sessionIdle)); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			WITH p AS (SELECT id FROM people WHERE id = $2 AND password_hash = $3 AND disabled_at IS NULL FOR SHARE)
			INSERT INTO sessions (token_hash, person_id, created_at, seen_at) SELECT $1, p.id, $4, $4 FROM p`,
			tokenHash(encoded), p.ID, password, now)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return &knowledge.Error{Code: knowledge.Forbidden, Message: "账号刚刚改过，请再登录一次"}
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.SessionOpened})
	})
}

func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Session is who holds the token now, with the roles of this moment; NotFound when the session has ended or the account has.
func (s *Store) Session(ctx context.Context, token string, now time.Time) (knowledge.Session, error) {
	var session knowledge.Session
	var seen time.Time
	p := &session.Person
	err := s.pool.QueryRow(ctx, `
		SELECT `+personColumns+`, s.said, s.seen_at FROM sessions s JOIN people p ON p.id = s.person_id
		 WHERE s.token_hash = $1 AND p.disabled_at IS NULL AND s.created_at > $2 AND s.seen_at > $3`,
		tokenHash(token), now.Add(-sessionMost), now.Add(-sessionIdle)).
		Scan(&p.ID, &p.Login, &p.Name, &p.Title, &p.Institution, &p.Disabled, &p.Roles, &session.Said, &seen)
	if err != nil {
		return session, missing(err, "请先登录")
	}
	if now.Sub(seen) > seenEvery {
		_, err = s.pool.Exec(ctx, `UPDATE sessions SET seen_at = $2 WHERE token_hash = $1`, tokenHash(token), now)
	}
	return session, err
}

// Say keeps what the session's next page says was done; empty: it was said.
func (s *Store) Say(ctx context.Context, token, said string) error {
	_, err := s.pool.Exec(ctx, `UPDATE sessions SET said = $2 WHERE token_hash = $1`, tokenHash(token), said)
	return err
}

// CloseSession signs out; a session that has ended already is none.
func (s *Store) CloseSession(ctx context.Context, token string) error {
	return s.change(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM sessions WHERE token_hash = $1`, tokenHash(token))
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.SessionClosed})
	})
}
