package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// AnswerQuestion notes which entry answers a question that readers asked. Who agreed is told once it is published. One that was said to need no
// answer has one now.
func (s *Store) AnswerQuestion(ctx context.Context, question int64, entry knowledge.ID) error {
	err := s.changeEntry(ctx, entry, answerers, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE questions SET entry_id = $2, closed_at = NULL, closed_by = NULL, closed_why = NULL WHERE id = $1`, question, string(entry))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return &knowledge.Error{Code: knowledge.NotFound, Message: fmt.Sprintf("没有第%d个问题", question)}
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{
			Action: knowledge.QuestionAnswered, Entry: entry, Detail: map[string]string{"question": strconv.FormatInt(question, 10)},
		})
	})
	if err != nil {
		return fmt.Errorf("answer question %d: %w", question, err)
	}
	return nil
}

// unanswered picks the questions q that no entry answers: none was named, or all that there was of it was withdrawn since.
const unanswered = `NOT EXISTS (SELECT FROM entry_versions v WHERE v.entry_id = q.entry_id AND v.status IN ('draft', 'in_review', 'published'))
	AND q.closed_at IS NULL`

const questionColumns = `q.id, q.words, q.asked, q.first_at, q.last_at, coalesce(q.entry_id, ''),
	(SELECT count(*) FROM question_readers w WHERE w.question_id = q.id AND w.agreed AND w.told_at IS NULL),
	q.closed_at, coalesce((SELECT p.name FROM people p WHERE p.id = q.closed_by), ''), coalesce(q.closed_why, '')`

func scanQuestion(row pgx.CollectableRow) (q knowledge.Question, err error) {
	err = row.Scan(&q.ID, &q.Words, &q.Asked, &q.First, &q.Last, &q.Entry, &q.Waiting, &q.ClosedAt, &q.ClosedBy, &q.Why)
	q.Words = text.Mask(q.Words) // as it was before it was kept; what is masked now may not have been then
	return q, err
}

// Unanswered are the questions that no entry answers, those asked most first, and how many there are.
func (s *Store) Unanswered(ctx context.Context, limit int) (knowledge.QuestionBacklog, error) {
	return s.backlog(ctx, unanswered, `q.asked DESC, q.last_at DESC, q.id`, limit)
}

// ClosedQuestions are those that need no answer, the last closed first, and how many there are.
func (s *Store) ClosedQuestions(ctx context.Context, limit int) (knowledge.QuestionBacklog, error) {
	return s.backlog(ctx, closed, `q.closed_at DESC, q.id`, limit)
}

// closed picks the questions q that somebody said need no answer.
const closed = `q.closed_at IS NOT NULL`

// backlog lists the questions that a condition picks, in an order: constants of this file.
func (s *Store) backlog(ctx context.Context, condition, order string, limit int) (b knowledge.QuestionBacklog, err error) {
	err = s.pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE `+condition+`), count(*) FILTER (WHERE `+closed+`) FROM questions q`).Scan(&b.Of, &b.Closed)
	if err != nil {
		return b, fmt.Errorf("count what readers asked: %w", err)
	}
	rows, err := s.pool.Query(ctx, `SELECT `+questionColumns+` FROM questions q WHERE `+condition+` ORDER BY `+order+` LIMIT $1`, limit)
	if err != nil {
		return b, fmt.Errorf("list what readers asked: %w", err)
	}
	b.Questions, err = pgx.CollectRows(rows, scanQuestion)
	return b, err
}

// Question is one of them, answered or not.
func (s *Store) Question(ctx context.Context, id int64) (knowledge.Question, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+questionColumns+` FROM questions q WHERE q.id = $1`, id)
	if err != nil {
		return knowledge.Question{}, err
	}
	q, err := pgx.CollectExactlyOneRow(rows, scanQuestion)
	return q, missing(err, "没有这个问题")
}

// mostTries is how often it is tried to send an answer.
const mostTries = 5

const dueColumns = `r.id, r.channel, r.name, r.memory, r.wishes, q.id, q.words, v.entry_id, v.version, w.tries >= 5` // mostTries

// dueTables are the answers that readers wait for, as far as they are published.
const dueTables = ` JOIN questions q ON q.id = w.question_id JOIN readers r ON r.id = w.reader_id
	JOIN entry_versions v ON v.entry_id = q.entry_id AND v.status = 'published'`

func scanDue(row pgx.CollectableRow) (d bot.Due, err error) {
	err = row.Scan(&d.Reader.ID, &d.Reader.Channel, &d.Reader.Name, &d.Reader.Memory, &d.Reader.Wishes, &d.Question, &d.Words, &d.Entry.ID, &d.Entry.Version, &d.Missed)
	return d, err
}

// Due are the answers that a reader waits for; one that has expired takes no other's place.
func (s *Store) Due(ctx context.Context, r bot.Reader, now time.Time) ([]bot.Due, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT `+dueColumns+` FROM question_readers w`+dueTables+`
		 WHERE w.reader_id = $1 AND w.agreed AND w.told_at IS NULL AND v.expires_at > $2 ORDER BY w.at LIMIT 3`, r.ID, now)
	if err != nil {
		return nil, fmt.Errorf("what a reader waits for: %w", err)
	}
	return pgx.CollectRows(rows, scanDue)
}

// DueToTell claims answers for readers of a channel who agreed to be told, until the lease ends; what is not noted as told by then is
// claimed again, up to mostTries times.
func (s *Store) DueToTell(ctx context.Context, channel string, n int, now time.Time, lease time.Duration) ([]bot.Due, error) {
	rows, err := s.pool.Query(ctx, `
		WITH next AS (
		    SELECT w.question_id, w.reader_id FROM question_readers w`+dueTables+`
		     WHERE r.channel = $1 AND r.gone_at IS NULL AND r.blocked_at IS NULL AND v.expires_at > $3
		       AND w.agreed AND w.told_at IS NULL AND w.leased_to <= $3 AND w.tries < $5
		     ORDER BY w.at LIMIT $2 FOR UPDATE OF w SKIP LOCKED),
		w AS (
		    UPDATE question_readers t SET leased_to = $4, tries = tries + 1 FROM next
		     WHERE t.question_id = next.question_id AND t.reader_id = next.reader_id RETURNING t.question_id, t.reader_id, t.tries)
		SELECT `+dueColumns+` FROM w`+dueTables, channel, n, now, now.Add(lease), mostTries)
	if err != nil {
		return nil, fmt.Errorf("claim what readers of %s wait for: %w", channel, err)
	}
	return pgx.CollectRows(rows, scanDue)
}

// Told notes that a reader was told an answer, which counts as one for corrections; or that they are gone.
func (s *Store) Told(ctx context.Context, d bot.Due, now time.Time, gone bool) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if gone {
			_, err := tx.Exec(ctx, `UPDATE readers SET gone_at = $2 WHERE id = $1`, d.Reader.ID, now)
			return err
		}
		tag, err := tx.Exec(ctx, `
			UPDATE question_readers SET told_at = $3 WHERE question_id = $1 AND reader_id = $2 AND told_at IS NULL`, d.Question, d.Reader.ID, now)
		if err != nil || tag.RowsAffected() == 0 { // deleted meanwhile
			return err
		}
		_, err = keepAnswer(ctx, tx, d.Reader.ID, nil, &bot.Answered{
			At: now, Decision: retrieval.Sure, Shown: []bot.Shown{{Ref: d.Entry, Score: 1, Quoted: true}},
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("note what a reader was told: %w", err)
	}
	return nil
}
