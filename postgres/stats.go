package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// maintenanceLock is the advisory lock under which one process at a time folds and reweighs.
const maintenanceLock = 0x71697a68656e // "qizhen"

// driftLimit is how far avgdl may move before the stored weights are recomputed.
const driftLimit = 0.10

// Maintain folds the statistics' deltas into their totals and, when the average passage length has drifted by
// more than 10% from the frozen one, recomputes the weights. With nothing to fold, or another
// process at it already, nothing of that is done. Then it builds the indexes of vectors that are missing.
func (s *Store) Maintain(ctx context.Context) error {
	changed := false
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(maintenanceLock)).Scan(&mine); err != nil || !mine {
			return err
		}
		var err error
		if changed, err = fold(ctx, tx); err != nil || !changed {
			return err
		}
		return reweigh(ctx, tx)
	})
	if err == nil && changed {
		// the planner must know new content, and the index be rid of the old weights, before autovacuum comes to it
		_, err = s.pool.Exec(ctx, `VACUUM (ANALYZE) passages, passage_vectors, term_stats, term_deltas, corpus_deltas`)
	}
	if err != nil {
		return fmt.Errorf("maintain the term statistics: %w", err)
	}
	if err := s.indexVectors(ctx); err != nil {
		return fmt.Errorf("index the vectors: %w", err)
	}
	return s.countPassages(ctx)
}

// fold moves what it sees of the deltas, and only that, into the totals; changed is false when there were none.
func fold(ctx context.Context, tx pgx.Tx) (changed bool, err error) {
	_, err = tx.Exec(ctx, `
		WITH gone AS (DELETE FROM term_deltas RETURNING published, term, delta)
		MERGE INTO term_stats s
		USING (SELECT published, term, sum(delta) AS delta FROM gone GROUP BY published, term HAVING sum(delta) <> 0) d
		   ON s.term = d.term AND s.published = d.published
		WHEN MATCHED AND s.df + d.delta = 0 THEN DELETE
		WHEN MATCHED THEN UPDATE SET df = s.df + d.delta
		WHEN NOT MATCHED THEN INSERT (published, term, df) VALUES (d.published, d.term, d.delta)`)
	if err != nil {
		return false, err
	}
	tag, err := tx.Exec(ctx, `
		WITH gone AS (DELETE FROM corpus_deltas RETURNING published, passages, length)
		UPDATE corpus_stats s SET passages = s.passages + d.passages, length = s.length + d.length
		  FROM (SELECT published, sum(passages) AS passages, sum(length) AS length FROM gone GROUP BY published) d
		 WHERE s.published = d.published`)
	return tag.RowsAffected() > 0, err
}

func reweigh(ctx context.Context, tx pgx.Tx) error {
	tag, err := tx.Exec(ctx, `
		UPDATE bm25_settings SET avgdl = c.avgdl
		  FROM (SELECT sum(length)::float8 / sum(passages) AS avgdl FROM corpus_stats HAVING sum(passages) > 0 AND sum(length) > 0) c
		 WHERE abs(c.avgdl / bm25_settings.avgdl - 1) > $1`, driftLimit)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE passages SET weights = bm25_weights(terms, tfs, length)`)
	return err
}

// countPassages refreshes the size that Search plans by.
func (s *Store) countPassages(ctx context.Context) error {
	var n int64
	err := s.pool.QueryRow(ctx, `
		SELECT coalesce((SELECT sum(passages) FROM corpus_stats), 0) + coalesce((SELECT sum(passages) FROM corpus_deltas), 0)`).Scan(&n)
	if err != nil {
		return fmt.Errorf("count the passages: %w", err)
	}
	s.passages.Store(n)
	s.estimates.Clear()
	s.counted.Store(true)
	return nil
}

// Statistics are BM25's over what is published: what a search reads, deltas included.
type Statistics struct {
	Passages, Length int64
	AverageLength    float64 // the frozen one that the weights were computed with
	DF               map[int32]int64
}

// Statistics returns the statistics over published passages.
func (s *Store) Statistics(ctx context.Context) (Statistics, error) {
	stats := Statistics{DF: map[int32]int64{}}
	err := s.pool.QueryRow(ctx, `
		SELECT sum(passages), sum(length), (SELECT avgdl FROM bm25_settings) FROM (
		    SELECT passages, length FROM corpus_stats WHERE published
		    UNION ALL SELECT passages, length FROM corpus_deltas WHERE published) c`).
		Scan(&stats.Passages, &stats.Length, &stats.AverageLength)
	if err != nil {
		return stats, fmt.Errorf("read the corpus statistics: %w", err)
	}
	rows, err := s.pool.Query(ctx, `
		SELECT term, sum(df)::bigint FROM (
		    SELECT term, df FROM term_stats WHERE published
		    UNION ALL SELECT term, delta FROM term_deltas WHERE published) t
		 GROUP BY term HAVING sum(df) <> 0`)
	if err != nil {
		return stats, fmt.Errorf("read the term statistics: %w", err)
	}
	var term int32
	var df int64
	_, err = pgx.ForEachRow(rows, []any{&term, &df}, func() error {
		stats.DF[term] = df
		return nil
	})
	return stats, err
}
