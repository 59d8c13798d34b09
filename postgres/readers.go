package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
)

// Reader is somebody of a channel as they are kept; one who was never seen has number 0 until the first turn is kept.
func (s *Store) Reader(ctx context.Context, channel, name string) (bot.Reader, error) {
	r := bot.Reader{Channel: channel, Name: name}
	err := s.pool.QueryRow(ctx, `
		SELECT id, memory, wishes, blocked_at IS NOT NULL, gone_at IS NOT NULL FROM readers WHERE channel = $1 AND name = $2`, channel, name).
		Scan(&r.ID, &r.Memory, &r.Wishes, &r.Blocked, &r.Gone)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return r, fmt.Errorf("read reader of %s: %w", channel, err)
	}
	return r, nil
}

// Keep saves a turn of a conversation in one transaction and numbers its answer; 0 when nothing was answered.
func (s *Store) Keep(ctx context.Context, t bot.Turn) (answer int64, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		reader, err := keepReader(ctx, tx, t.Reader)
		if err != nil {
			return err
		}
		if t.Answered != nil {
			if answer, err = keepAnswer(ctx, tx, reader, t.Answered); err != nil {
				return err
			}
		}
		if t.Filed != "" {
			if err := fileQuestion(ctx, tx, reader, t.Filed, t.Reader.Memory.At); err != nil {
				return err
			}
		}
		if t.Agreed {
			if err := agree(ctx, tx, reader); err != nil {
				return err
			}
		}
		if t.Feedback != nil {
			return keepFeedback(ctx, tx, reader, *t.Feedback)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("keep turn on %s: %w", t.Reader.Channel, err)
	}
	return answer, nil
}

func keepReader(ctx context.Context, tx pgx.Tx, r bot.Reader) (id int64, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO readers AS r (channel, name, memory, wishes, seen_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (channel, name) DO UPDATE SET memory = excluded.memory, wishes = excluded.wishes,
		       seen_at = greatest(r.seen_at, excluded.seen_at), gone_at = NULL
		RETURNING id`, r.Channel, r.Name, r.Memory, r.Wishes, r.Memory.At).Scan(&id)
	return id, err
}

func keepAnswer(ctx context.Context, tx pgx.Tx, reader int64, a *bot.Answered) (id int64, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO answers (reader_id, at, message, decision, urgent, live, took_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
		reader, a.At, storable(a.Message), a.Decision, a.Urgent, a.Live, a.Took.Milliseconds()).Scan(&id)
	if err != nil || len(a.Shown) == 0 {
		return id, err
	}
	entries, versions := make([]string, len(a.Shown)), make([]int32, len(a.Shown))
	scores, quoted := make([]float32, len(a.Shown)), make([]bool, len(a.Shown))
	for i, s := range a.Shown {
		entries[i], versions[i], scores[i], quoted[i] = string(s.ID), int32(s.Version), float32(s.Score), s.Quoted //nolint:gosec // versions count from 1
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO answer_entries (answer_id, entry_id, version, score, quoted)
		SELECT $1, e, v, s, q FROM unnest($2::text[], $3::integer[], $4::real[], $5::boolean[]) AS t(e, v, s, q)`, id, entries, versions, scores, quoted)
	return id, err
}

// fileQuestion files what nothing vetted answered; a reader who asks it again is not counted twice.
func fileQuestion(ctx context.Context, tx pgx.Tx, reader int64, words string, at time.Time) error {
	_, err := tx.Exec(ctx, `
		WITH question AS (
		    INSERT INTO questions AS q (words, first_at, last_at) VALUES ($2, $3, $3)
		    ON CONFLICT (words) DO UPDATE SET last_at = greatest(q.last_at, excluded.last_at),
		           asked = q.asked + (NOT EXISTS (SELECT FROM question_readers r WHERE r.question_id = q.id AND r.reader_id = $1))::int
		    RETURNING id)
		INSERT INTO question_readers (question_id, reader_id, at) SELECT id, $1, $3 FROM question
		ON CONFLICT (question_id, reader_id) DO UPDATE SET at = excluded.at`, reader, storable(words), at)
	return err
}

// agree notes that the reader wants to be told of the question that they asked last.
func agree(ctx context.Context, tx pgx.Tx, reader int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE question_readers SET agreed = true WHERE reader_id = $1
		   AND question_id = (SELECT question_id FROM question_readers WHERE reader_id = $1 ORDER BY at DESC, question_id DESC LIMIT 1)`, reader)
	return err
}

// keepFeedback notes what a reader thought of a reply of theirs.
func keepFeedback(ctx context.Context, tx pgx.Tx, reader int64, f bot.Feedback) error {
	_, err := tx.Exec(ctx, `UPDATE answers SET useful = $3, reason = $4 WHERE id = $2 AND reader_id = $1`, reader, f.Answer, f.Useful, storable(f.Reason))
	return err
}

// MarkGone notes that a reader blocked us or left the channel: nothing is sent to them until they say something again.
func (s *Store) MarkGone(ctx context.Context, channel, name string, at time.Time) error {
	_, err := s.pool.Exec(ctx, `UPDATE readers SET gone_at = $3 WHERE channel = $1 AND name = $2 AND gone_at IS NULL`, channel, name, at)
	if err != nil {
		return fmt.Errorf("mark a reader of %s as gone: %w", channel, err)
	}
	return nil
}

// Forget deletes all there is of a reader.
func (s *Store) Forget(ctx context.Context, reader int64) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM readers WHERE id = $1`, reader); err != nil {
		return fmt.Errorf("forget a reader: %w", err)
	}
	return nil
}

// ForgetOld deletes readers who have said nothing since and want nothing, and the answers older than that; false when there was nothing
// left to delete. It goes in portions, so that no lock is held for long.
func (s *Store) ForgetOld(ctx context.Context, since time.Time) (more bool, err error) {
	const portion = 1000
	for _, sql := range []string{
		`DELETE FROM readers WHERE id IN (SELECT id FROM readers r WHERE seen_at < $1 AND wishes -> 'sent' IS NULL AND blocked_at IS NULL
		   AND NOT EXISTS (SELECT FROM question_readers q WHERE q.reader_id = r.id AND q.agreed AND q.told_at IS NULL) LIMIT $2)`,
		`DELETE FROM answers WHERE id IN (SELECT id FROM answers WHERE at < $1 LIMIT $2)`,
	} {
		tag, err := s.pool.Exec(ctx, sql, since, portion)
		if err != nil {
			return false, fmt.Errorf("forget what is old: %w", err)
		}
		more = more || tag.RowsAffected() == portion
	}
	return more, nil
}

// Recipient counts the readers of a channel who got an entry.
type Recipient struct {
	Channel string
	Readers int
}

// Recipients are those who were answered with an entry, any version, since then, by channel: whom a correction goes to.
func (s *Store) Recipients(ctx context.Context, entry string, since time.Time) ([]Recipient, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT r.channel, count(DISTINCT r.id) FROM answer_entries e JOIN answers a ON a.id = e.answer_id JOIN readers r ON r.id = a.reader_id
		 WHERE e.entry_id = $1 AND e.quoted AND a.at >= $2 GROUP BY r.channel ORDER BY r.channel`, entry, since)
	if err != nil {
		return nil, fmt.Errorf("recipients of %s: %w", entry, err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Recipient])
}
