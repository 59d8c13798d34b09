package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"qiuzhen/bot"
)

// Reader is somebody of a channel as they are kept; one who was never seen has number 0 until the first turn is kept.
func (s *Store) Reader(ctx context.Context, channel, name string) (bot.Reader, error) {
	r := bot.Reader{Channel: channel, Name: name}
	err := s.pool.QueryRow(ctx, `
		SELECT clock_timestamp(), coalesce(id, 0), coalesce(memory, '{}'), coalesce(wishes, '{}'), blocked_at IS NOT NULL OR marked, gone_at IS NOT NULL, w.waits, w.due
		  FROM (SELECT EXISTS (SELECT FROM readers WHERE channel = $1 AND name = reader_mark($1, $2) AND blocked_at IS NOT NULL) AS marked) m
		  LEFT JOIN LATERAL (SELECT * FROM readers WHERE channel = $1 AND name = $2) readers ON true
		  CROSS JOIN LATERAL (SELECT count(*) > 0 AS waits, count(questions.entry_id) > 0 AS due FROM question_readers q JOIN questions ON questions.id = q.question_id
		          WHERE q.reader_id = readers.id AND q.agreed AND q.told_at IS NULL AND questions.closed_at IS NULL) w`, channel, name).
		Scan(&r.Read, &r.ID, &r.Memory, &r.Wishes, &r.Blocked, &r.Gone, &r.Waits, &r.Due)
	r.Had = r.Wishes
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return r, fmt.Errorf("read reader of %s: %w", channel, err)
	}
	return r, nil
}

// errForgotten means that the reader has had their data deleted since the turn began: nothing of it is kept.
var errForgotten = errors.New("the reader has been forgotten")

// Keep saves a turn of a conversation in one transaction and numbers its answer; 0 when nothing was answered, or the reader was forgotten meanwhile.
func (s *Store) Keep(ctx context.Context, t bot.Turn) (answer int64, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		reader, err := keepReader(ctx, tx, t.Reader)
		if err != nil {
			return err
		}
		var question *int64
		if t.Filed != "" {
			if question, err = fileQuestion(ctx, tx, reader, t.Filed, t.Reader.Memory.At); err != nil {
				return err
			}
		}
		if err := judgeAndAgree(ctx, tx, reader, t); err != nil {
			return err
		}
		if t.Answered != nil {
			if answer, err = keepAnswer(ctx, tx, reader, question, t.Answered); err != nil {
				return err
			}
		}
		if t.Reply == nil {
			return nil
		}
		kept := *t.Reply
		kept.Answer = answer
		return keepReply(ctx, tx, t.Reader.Channel, t.Update, kept)
	})
	if errors.Is(err, errForgotten) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("keep turn on %s: %w", t.Reader.Channel, err)
	}
	return answer, nil
}

// judgeAndAgree keeps what a reader thinks of what they were told before, and that they were told what they waited for.
func judgeAndAgree(ctx context.Context, tx pgx.Tx, reader int64, t bot.Turn) error {
	if t.Feedback != nil {
		if err := keepFeedback(ctx, tx, reader, *t.Feedback); err != nil {
			return err
		}
	}
	if t.Enough {
		if _, err := tx.Exec(ctx, `UPDATE question_readers SET agreed = false WHERE reader_id = $1 AND agreed AND told_at IS NULL`, reader); err != nil {
			return err
		}
	}
	if t.Agreed {
		if err := agree(ctx, tx, reader, t.About); err != nil {
			return err
		}
	}
	if len(t.Told) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		UPDATE question_readers SET told_at = $3 WHERE reader_id = $1 AND question_id = ANY ($2) AND told_at IS NULL`, reader, t.Told, t.Reader.Memory.At)
	return err
}

// lockPerson holds off who forgets a person ($1 channel, $2 name, of a group's member too) while a turn of theirs is kept, and the other way round.
const lockPerson = `(hashtextextended($1 || E'\n' || split_part($2, E'\n', CASE WHEN strpos($2, E'\n') > 0 THEN 2 ELSE 1 END), 0))`

// wished is what a reader wishes: as it is in the table, with what the turn has changed ($4 now, $7 as it was read). What another node has kept
// meanwhile stays, such as that they want to be sent nothing.
const wished = `(r.wishes - ARRAY (SELECT k FROM jsonb_object_keys($7::jsonb) k WHERE NOT $4::jsonb ? k))
	|| (SELECT coalesce(jsonb_object_agg(n.key, n.value), '{}') FROM jsonb_each($4::jsonb) n WHERE n.value IS DISTINCT FROM $7::jsonb -> n.key)`

func keepReader(ctx context.Context, tx pgx.Tx, r bot.Reader) (id int64, err error) {
	var both pgx.Batch // one round trip; the second statement sees what the first has waited for
	both.Queue(`SELECT pg_advisory_xact_lock_shared`+lockPerson, r.Channel, r.Name)
	both.Queue(`
		INSERT INTO readers AS r (channel, name, memory, wishes, seen_at)
		SELECT $1, $2, $3::jsonb, $4::jsonb, $5::timestamptz
		 WHERE $6::timestamptz IS NULL OR NOT EXISTS (SELECT FROM forgotten WHERE channel = $1 AND at >= $6
		       AND mark = reader_mark($1, split_part($2, E'\n', CASE WHEN strpos($2, E'\n') > 0 THEN 2 ELSE 1 END)))
		ON CONFLICT (channel, name) DO UPDATE SET memory = excluded.memory, wishes = `+wished+`,
		       seen_at = greatest(r.seen_at, excluded.seen_at), gone_at = NULL
		RETURNING id`, r.Channel, r.Name, r.Memory, r.Wishes, r.Memory.At, pgtype.Timestamptz{Time: r.Read, Valid: !r.Read.IsZero()}, r.Had).
		QueryRow(func(row pgx.Row) error { return row.Scan(&id) })
	err = tx.SendBatch(ctx, &both).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, errForgotten
	}
	return id, err
}

func keepAnswer(ctx context.Context, tx pgx.Tx, reader int64, question *int64, a *bot.Answered) (id int64, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO answers (reader_id, at, message, decision, urgent, live, took_ms, question_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`,
		reader, a.At, storable(a.Message), a.Decision, a.Urgent, a.Live, a.Took.Milliseconds(), question).Scan(&id)
	if err != nil || len(a.Shown) == 0 {
		return id, err
	}
	entries, versions := make([]string, len(a.Shown)), make([]int32, len(a.Shown))
	scores, quoted := make([]float32, len(a.Shown)), make([]bool, len(a.Shown))
	for i, s := range a.Shown {
		entries[i], versions[i], scores[i], quoted[i] = string(s.ID), int32(s.Version), float32(s.Score), s.Quoted //nolint:gosec // versions count from 1
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO answer_entries (answer_id, entry_id, version, score, quoted, ordinal)
		SELECT $1, e, v, s, q, n FROM unnest($2::text[], $3::integer[], $4::real[], $5::boolean[]) WITH ORDINALITY AS t(e, v, s, q, n)`, id, entries, versions, scores, quoted)
	return id, err
}

// fileQuestion files what nothing vetted answered; a reader who asks it again is not counted twice.
func fileQuestion(ctx context.Context, tx pgx.Tx, reader int64, words string, at time.Time) (id *int64, err error) {
	err = tx.QueryRow(ctx, `
		WITH question AS (
		    INSERT INTO questions AS q (words, first_at, last_at) VALUES ($2, $3, $3)
		    ON CONFLICT (words) DO UPDATE SET last_at = greatest(q.last_at, excluded.last_at),
		           asked = q.asked + (NOT EXISTS (SELECT FROM question_readers r WHERE r.question_id = q.id AND r.reader_id = $1))::int
		    RETURNING id)
		INSERT INTO question_readers (question_id, reader_id, at) SELECT id, $1, $3 FROM question
		ON CONFLICT (question_id, reader_id) DO UPDATE SET at = excluded.at
		RETURNING question_id`, reader, storable(words), at).Scan(&id)
	return id, err
}

// agree notes that the reader wants to be told of the question that a reply filed, or of the one that they asked last; again, if they were
// told already.
func agree(ctx context.Context, tx pgx.Tx, reader, about int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE question_readers SET agreed = true, told_at = NULL, tries = 0, leased_to = '-infinity' WHERE reader_id = $1 AND question_id = coalesce(
		    (SELECT question_id FROM answers WHERE id = $2 AND reader_id = $1),
		    (SELECT question_id FROM question_readers WHERE reader_id = $1 ORDER BY at DESC, question_id DESC LIMIT 1))`, reader, about)
	return err
}

// keepFeedback notes what a reader thought of a reply of theirs, or of one in their group, whoever asked; the last word counts.
func keepFeedback(ctx context.Context, tx pgx.Tx, reader int64, f bot.Feedback) error {
	_, err := tx.Exec(ctx, `
		UPDATE answers SET useful = $3, reason = $4 WHERE id = CASE WHEN $2::bigint > 0 THEN (
		    SELECT a.id FROM answers a JOIN readers r ON r.id = a.reader_id JOIN readers by ON by.id = $1 AND by.channel = r.channel
		     WHERE a.id = $2 AND split_part(r.name, E'\n', 1) = split_part(by.name, E'\n', 1))
		  ELSE (SELECT max(id) FROM answers WHERE reader_id = $1) END`, reader, f.Answer, f.Useful, storable(f.Reason))
	return err
}

// MarkGone notes that a reader blocked us or left the channel, or that a group put us out, with all its members: nothing is sent to them
// until they say something again.
func (s *Store) MarkGone(ctx context.Context, channel, name string, at time.Time) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE readers SET gone_at = $3 WHERE channel = $1 AND gone_at IS NULL
		   AND (name = $2 OR strpos(name, E'\n') > 0 AND starts_with(name, $2 || E'\n'))`, channel, name, at)
	if err != nil {
		return fmt.Errorf("mark a reader of %s as gone: %w", channel, err)
	}
	return nil
}

// Said is a reply to the reader, or to another member of the same group, whose own words are not shown.
func (s *Store) Said(ctx context.Context, r bot.Reader, answer int64) (bot.Said, bool, error) {
	var said bot.Said
	err := s.pool.QueryRow(ctx, `
		SELECT CASE WHEN r.id = $2 THEN a.message ELSE '' END, r.id = $2 AND a.question_id IS NOT NULL FROM answers a JOIN readers r ON r.id = a.reader_id
		 WHERE a.id = $1 AND r.channel = $3 AND split_part(r.name, E'\n', 1) = split_part($4, E'\n', 1)`,
		answer, r.ID, r.Channel, r.Name).Scan(&said.Message, &said.Filed)
	if errors.Is(err, pgx.ErrNoRows) {
		return said, false, nil
	}
	if err != nil {
		return said, false, fmt.Errorf("read answer %d: %w", answer, err)
	}
	rows, err := s.pool.Query(ctx, `SELECT entry_id, version, score, quoted FROM answer_entries WHERE answer_id = $1 ORDER BY ordinal`, answer)
	if err != nil {
		return said, false, fmt.Errorf("read answer %d: %w", answer, err)
	}
	said.Shown, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (shown bot.Shown, err error) {
		return shown, row.Scan(&shown.ID, &shown.Version, &shown.Score, &shown.Quoted)
	})
	return said, err == nil, err
}
