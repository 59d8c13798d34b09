package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"

	"qiuzhen/knowledge"
)

// Forget deletes all there is of a person on a channel, in its groups too, and counts it; a question that nobody else asked
// is deleted with them. Of an update of theirs that is being dealt with
// only the platform's number stays, so that it is not dealt with again.
func (s *Store) Forget(ctx context.Context, channel, person, update string, reply func(bot.Forgotten) bot.Kept) (f bot.Forgotten, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := markForgotten(ctx, tx, channel, person); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			SELECT id FROM readers WHERE channel = $1 AND (name = $2 OR strpos(name, E'\n') > 0 AND split_part(name, E'\n', 2) = $2) FOR UPDATE`, channel, person)
		if err != nil {
			return err
		}
		readers, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM answers WHERE reader_id = ANY ($1)), (SELECT count(useful) FROM answers WHERE reader_id = ANY ($1)),
			       (SELECT count(*) FROM question_readers WHERE reader_id = ANY ($1)), (SELECT count(*) FROM readers WHERE id = ANY ($1) AND wishes ? 'sent')`,
			readers).Scan(&f.Messages, &f.Opinions, &f.Questions, &f.Subscriptions)
		if err != nil {
			return err
		}
		if err := forgetAsked(ctx, tx, readers); err != nil {
			return err
		}
		if err := deleteReaders(ctx, tx, readers); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `DELETE FROM inbox WHERE channel = $1 AND chat = $2 AND (done_at IS NOT NULL OR channel = $4 AND id <> $3)`, channel, person, update, forms)
		if err != nil {
			return err
		}
		f.Updates = int(tag.RowsAffected())
		_, err = tx.Exec(ctx, `UPDATE inbox SET chat = '', reply = NULL WHERE channel = $1 AND chat = $2 AND (token > 0 OR channel = $3)`, channel, person, forms)
		if err != nil || update == "" {
			return err
		}
		return keepReply(ctx, tx, channel, update, reply(f))
	})
	if err != nil {
		return f, fmt.Errorf("forget a reader of %s: %w", channel, err)
	}
	return f, nil
}

// forgetAsked takes readers from the count of those who asked each of their questions, and deletes those that nobody is left of: whoever of several goes
// last takes the words along. Questions are locked in order, since others of their readers may be going too.
func forgetAsked(ctx context.Context, tx pgx.Tx, readers []int64) error {
	_, err := tx.Exec(ctx, `
		WITH mine AS (SELECT question_id, count(*) AS n FROM question_readers WHERE reader_id = ANY ($1) GROUP BY question_id),
		     held AS (SELECT id FROM questions WHERE id IN (SELECT question_id FROM mine) ORDER BY id FOR UPDATE)
		UPDATE questions q SET asked = q.asked - mine.n FROM mine JOIN held ON held.id = mine.question_id WHERE q.id = held.id`, readers)
	if err == nil {
		_, err = tx.Exec(ctx, `
			DELETE FROM questions WHERE asked <= 0 AND id IN (SELECT question_id FROM question_readers WHERE reader_id = ANY ($1))`, readers)
	}
	return err
}

// markForgotten waits for turns of the person that are being kept and lets none be kept any more that began before.
func markForgotten(ctx context.Context, tx pgx.Tx, channel, person string) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock`+lockPerson, channel, person); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO forgotten (channel, mark, at) VALUES ($1, reader_mark($1, $2), clock_timestamp())
		ON CONFLICT (channel, mark) DO UPDATE SET at = excluded.at`, channel, person)
	return err
}

// deleteReaders leaves of who is blocked a mark that keeps them so.
func deleteReaders(ctx context.Context, tx pgx.Tx, readers []int64) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO readers AS r (channel, name, seen_at, blocked_at)
		SELECT channel, reader_mark(channel, name), blocked_at, blocked_at FROM readers WHERE id = ANY ($1) AND blocked_at IS NOT NULL
		ON CONFLICT (channel, name) DO UPDATE SET blocked_at = coalesce(r.blocked_at, excluded.blocked_at)`, readers)
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM readers WHERE id = ANY ($1)`, readers)
	}
	return err
}

// ForgetOld deletes readers who have said nothing since and want nothing, or have been gone since then whatever they wanted, the answers
// older than that, who asked what the experts were asked, unless they wait to be told (of what needs no answer nobody is), what is remembered of a conversation, and the ledgers of broadcasts; false when nothing is left to delete. It goes in portions, so that no lock is held for long.
func (s *Store) ForgetOld(ctx context.Context, since time.Time) (more bool, err error) {
	const portion = 1000
	for _, sql := range []string{
		`DELETE FROM question_readers WHERE (question_id, reader_id) IN (
		   SELECT question_id, reader_id FROM question_readers r WHERE at < $1 AND (NOT agreed OR told_at IS NOT NULL
		      OR EXISTS (SELECT FROM questions q WHERE q.id = r.question_id AND q.closed_at IS NOT NULL)) LIMIT $2)`,
		`DELETE FROM readers WHERE id IN (SELECT id FROM readers r WHERE seen_at < $1 AND blocked_at IS NULL AND (gone_at < $1
		   OR NOT wishes ?| '{sent,auto}' AND NOT EXISTS (SELECT FROM question_readers q JOIN questions ON questions.id = q.question_id
		      WHERE q.reader_id = r.id AND q.agreed AND q.told_at IS NULL AND questions.closed_at IS NULL)) LIMIT $2)`,
		`UPDATE readers SET memory = '{}' WHERE id IN (SELECT id FROM readers WHERE seen_at < $1 AND memory <> '{}' LIMIT $2)`,
		`DELETE FROM answers WHERE id IN (SELECT id FROM answers WHERE at < $1 LIMIT $2)`,
		// marks are for turns that are being kept: a day is long enough, by the clock that they were noted by
		`DELETE FROM forgotten WHERE (channel, mark) IN (
		   SELECT channel, mark FROM forgotten WHERE at < greatest($1, clock_timestamp() - interval '1 day') LIMIT $2)`,
	} {
		tag, err := s.pool.Exec(ctx, sql, since, portion)
		if err != nil {
			return false, fmt.Errorf("forget what is old: %w", err)
		}
		more = more || tag.RowsAffected() == portion
	}
	ledgers, err := s.forgetDeliveries(ctx, since)
	return more || ledgers, err
}

// Recipients are those who were answered with an entry, any version, since then, by channel: whom a correction goes to.
func (s *Store) Recipients(ctx context.Context, id knowledge.ID, since time.Time) ([]knowledge.Recipient, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT r.channel, count(DISTINCT r.id) FROM answer_entries e JOIN answers a ON a.id = e.answer_id JOIN readers r ON r.id = a.reader_id
		 WHERE e.entry_id = $1 AND e.quoted AND a.at >= $2 GROUP BY r.channel ORDER BY r.channel`, string(id), since)
	if err != nil {
		return nil, fmt.Errorf("recipients of %s: %w", id, err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[knowledge.Recipient])
}
