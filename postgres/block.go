package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// mayBlock are who blocks readers.
var mayBlock = []knowledge.Role{knowledge.Publisher, knowledge.Administrator}

// Block lets nothing of a reader, or of a whole group, be answered any more, and empties what they wanted and talked about. The audit log
// names them by number.
func (s *Store) Block(ctx context.Context, channel, name, reason string, now time.Time) error {
	if reason == "" {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "拉黑要写明原因"}
	}
	return s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, mayBlock); err != nil {
			return err
		}
		var id int64
		err := tx.QueryRow(ctx, `
			INSERT INTO readers AS r (channel, name, seen_at, blocked_at) VALUES ($1, $2, $3, $3)
			ON CONFLICT (channel, name) DO UPDATE SET blocked_at = coalesce(r.blocked_at, excluded.blocked_at), memory = '{}', wishes = '{}'
			RETURNING id`, channel, name, now).Scan(&id)
		if err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, readerEvent(knowledge.ReaderBlocked, id, map[string]string{"channel": channel, "reason": reason}))
	})
}

// Unblock answers a reader again, also one of whom a mark is all that is left; such a mark does for the name.
func (s *Store) Unblock(ctx context.Context, channel, name string) error {
	return s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, mayBlock); err != nil {
			return err
		}
		var id int64
		err := tx.QueryRow(ctx, `
			UPDATE readers SET blocked_at = NULL WHERE channel = $1 AND name IN ($2, reader_mark($1, $2)) AND blocked_at IS NOT NULL RETURNING id`, channel, name).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return &knowledge.Error{Code: knowledge.NotFound, Message: fmt.Sprintf("%s 上没有拉黑 %s", channel, name)}
		}
		if err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, readerEvent(knowledge.ReaderUnblocked, id, map[string]string{"channel": channel}))
	})
}

func readerEvent(a knowledge.Action, reader int64, detail map[string]string) knowledge.Event {
	detail["reader"] = strconv.FormatInt(reader, 10)
	return knowledge.Event{Action: a, Detail: detail}
}

// Sender is a reader as the staff sees who sends much.
type Sender struct {
	Channel, Name string
	Messages      int        // kept since then
	Blocked       *time.Time // nil: not
}

// Senders are all who are blocked, and the n who sent most since then.
func (s *Store) Senders(ctx context.Context, since time.Time, n int) ([]Sender, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT r.channel, r.name, coalesce(a.n, 0), r.blocked_at FROM readers r
		  LEFT JOIN (SELECT reader_id, count(*) AS n FROM answers WHERE at >= $1 GROUP BY reader_id ORDER BY n DESC, reader_id LIMIT $2) a ON a.reader_id = r.id
		 WHERE r.blocked_at IS NOT NULL OR a.n IS NOT NULL ORDER BY r.blocked_at NULLS LAST, a.n DESC, r.id`, since, n)
	if err != nil {
		return nil, fmt.Errorf("list readers: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Sender])
}
