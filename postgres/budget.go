package postgres

import (
	"context"
	"fmt"

	"qiuzhen/bot"
)

// spendBudget takes a share of $5 of the time up to which is paid, which may lie $6 ahead (the generic cell rate algorithm, over all nodes and by this
// server's clock). What lies further ahead than the most, $7, is of a clock that was set back, and begins anew. An update that was counted passes again and
// takes nothing. In the known case, by what was there when the statement began, what is refused or passes again locks and writes nothing; of those that
// take the same share at once the row's lock keeps all but one, and who waited for it in vain asks again.
const spendBudget = `
WITH was AS (
    SELECT paid_to, counted, $4::text <> '' AND counted @> ARRAY[$4::text] AS known
      FROM budgets WHERE channel = $1 AND mark = reader_mark($1, $2) AND what = $3),
refused AS (
    SELECT paid_to + $5::interval - $6::interval - clock_timestamp() AS due, counted FROM was
     WHERE NOT known AND paid_to + $5::interval > clock_timestamp() + $6::interval AND paid_to <= clock_timestamp() + $7::interval),
spent AS (
    INSERT INTO budgets AS g (channel, mark, what, paid_to, counted)
    SELECT $1, reader_mark($1, $2), $3, clock_timestamp() + $5::interval, array_remove(ARRAY[$4::text], '')
     WHERE NOT EXISTS (SELECT FROM refused) AND NOT EXISTS (SELECT FROM was WHERE known)
    ON CONFLICT (channel, mark, what) DO UPDATE SET
       counted = CASE WHEN g.counted @> excluded.counted THEN g.counted ELSE (excluded.counted || g.counted)[:$8::int] END,
       paid_to = CASE WHEN $4::text <> '' AND g.counted @> excluded.counted THEN g.paid_to
                      WHEN g.paid_to > clock_timestamp() + $7::interval THEN excluded.paid_to
                      ELSE greatest(excluded.paid_to, g.paid_to + $5::interval) END
     WHERE $4::text <> '' AND g.counted @> excluded.counted OR g.paid_to + $5::interval <= clock_timestamp() + $6::interval
        OR g.paid_to > clock_timestamp() + $7::interval
    RETURNING true)
SELECT EXISTS (SELECT FROM spent) OR EXISTS (SELECT FROM was WHERE known),
       coalesce((SELECT due FROM refused), interval '0'), coalesce((SELECT counted FROM refused), '{}')`

// Spend implements bot.Budgets.
func (s *Store) Spend(ctx context.Context, b bot.Budget, update string, urgent bool) (bot.Spent, error) {
	var spent bot.Spent
	err := s.pool.QueryRow(ctx, spendBudget, b.Channel, b.Name, b.What, update, b.Share(), b.Ahead(urgent), b.Ahead(true), bot.UpdatesCounted).
		Scan(&spent.May, &spent.Due, &spent.Counted)
	if err != nil {
		return bot.Spent{}, fmt.Errorf("spend a budget on %s: %w", b.Channel, err)
	}
	spent.Due = max(spent.Due, 0)
	return spent, nil
}

// DropBudgets deletes those that nobody has spent of for an hour.
func (s *Store) DropBudgets(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM budgets WHERE paid_to < clock_timestamp() - interval '1 hour'`); err != nil {
		return fmt.Errorf("drop old budgets: %w", err)
	}
	return nil
}
