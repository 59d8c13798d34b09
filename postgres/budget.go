package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
)

// updatesCounted is how many updates a budget remembers: those of some minutes. Telegram brings one again when the inbox could not store it.
const updatesCounted = 64

// Spend takes one of what a budget allows now, over all nodes and by this server's clock: each takes a share of the minute, and as many are taken
// ahead as fill one (the generic cell rate algorithm). What lies further ahead than a minute is of a clock that was set back. An update that was
// counted passes again and takes nothing; what is refused writes nothing. One statement: the row's lock keeps nodes from spending the same share.
func (s *Store) Spend(ctx context.Context, b bot.Budget, update string) (may bool, err error) {
	const known, paid, minute = `(g.counted @> ARRAY[$4::text])`, `(g.paid_to + $5 * interval '1 second')`, `interval '60.001 seconds'` // shares are rounded
	var id *string
	if update != "" {
		id = &update
	}
	err = s.pool.QueryRow(ctx, `
		INSERT INTO budgets AS g (channel, mark, what, paid_to, counted)
		SELECT $1, reader_mark($1, $2), $3, clock_timestamp() + $5 * interval '1 second', ARRAY[$4::text]
		ON CONFLICT (channel, mark, what) DO UPDATE SET
		   counted = CASE WHEN `+known+` THEN g.counted ELSE ($4::text || g.counted)[:$6] END,
		   paid_to = CASE WHEN `+known+` THEN g.paid_to
		                  WHEN g.paid_to > clock_timestamp() + `+minute+` THEN excluded.paid_to
		                  ELSE greatest(excluded.paid_to, `+paid+`) END
		 WHERE `+known+` OR `+paid+` <= clock_timestamp() + `+minute+` OR g.paid_to > clock_timestamp() + `+minute+`
		RETURNING true`, b.Channel, b.Name, b.What, id, 60/float64(b.AMinute), updatesCounted).Scan(&may)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("spend a budget on %s: %w", b.Channel, err)
	}
	return may, nil
}

// DropBudgets deletes those that nobody has spent of for an hour.
func (s *Store) DropBudgets(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM budgets WHERE paid_to < clock_timestamp() - interval '1 hour'`); err != nil {
		return fmt.Errorf("drop old budgets: %w", err)
	}
	return nil
}
