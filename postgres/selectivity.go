package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"qiuzhen/retrieval"
)

// passing estimates how many passages pass the query's filter. It is the planner's estimate, from the statistics that Maintain
// and autovacuum gather: right where a region or status is common, and small where it is rare, which is all that is asked of it. It is kept
// until the passages are counted again.
func (s *Store) passing(ctx context.Context, q retrieval.Query) (float64, error) {
	sorted := slices.Sorted(slices.Values(q.Regions))
	key := fmt.Sprint(q.Unsigned, strings.Join(sorted, " "))
	if known, ok := s.estimates.Load(key); ok {
		return known.(float64), nil
	}
	// unlike the search this is no statement that a connection plans once: EXPLAIN plans with its parameters
	sql := `EXPLAIN (FORMAT JSON) SELECT FROM passages WHERE status = ANY($1::text[]) AND ($2::text[] IS NULL OR regions = '{}' OR regions && $2::text[])`
	var data []byte
	if err := s.pool.QueryRow(ctx, sql, statuses(q.Unsigned), q.Regions).Scan(&data); err != nil {
		return 0, fmt.Errorf("estimate what passes the filter: %w", err)
	}
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal(data, &plans); err != nil || len(plans) == 0 {
		return 0, fmt.Errorf("estimate what passes the filter: %w", errors.Join(err, errors.New("no plan")))
	}
	s.estimates.Store(key, plans[0].Plan.Rows)
	return plans[0].Plan.Rows, nil
}
