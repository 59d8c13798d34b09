package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// answerers are who may say what becomes of a reader's question.
var answerers = []knowledge.Role{knowledge.Author, knowledge.Editor, knowledge.Publisher}

// CloseQuestion notes that a question needs no answer of ours, and why. It leaves the list; how many asked it stays, and no reader is told.
func (s *Store) CloseQuestion(ctx context.Context, question int64, why knowledge.Closing, now time.Time) error {
	if why.Zh() == "" {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "请选一个不用答的原因"}
	}
	return s.decideQuestion(ctx, question, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE questions SET closed_at = $2, closed_by = nullif($3::bigint, 0), closed_why = $4 WHERE id = $1 AND closed_at IS NULL`,
			question, now, knowledge.ActorOf(ctx).Person, why)
		if err != nil || tag.RowsAffected() == 0 { // somebody was faster
			return err
		}
		return s.auditor.Append(ctx, tx, aboutQuestion(knowledge.QuestionClosed, question, string(why)))
	})
}

// ReopenQuestion takes that back: the question is on the list again, unless an entry answers it.
func (s *Store) ReopenQuestion(ctx context.Context, question int64) error {
	return s.decideQuestion(ctx, question, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE questions SET closed_at = NULL, closed_by = NULL, closed_why = NULL WHERE id = $1 AND closed_at IS NOT NULL`, question)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return s.auditor.Append(ctx, tx, aboutQuestion(knowledge.QuestionReopened, question, ""))
	})
}

// decideQuestion runs what one person decides on a question, alone at a time.
func (s *Store) decideQuestion(ctx context.Context, question int64, do func(pgx.Tx) error) error {
	return s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, answerers); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `SELECT FROM questions WHERE id = $1 FOR UPDATE`, question)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return &knowledge.Error{Code: knowledge.NotFound, Message: fmt.Sprintf("没有第%d个问题", question)}
		}
		return do(tx)
	})
}

func aboutQuestion(action knowledge.Action, question int64, why string) knowledge.Event {
	e := knowledge.Event{Action: action, Detail: map[string]string{"question": strconv.FormatInt(question, 10)}}
	if why != "" {
		e.Detail["why"] = why
	}
	return e
}
