package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// vectorIndexLock is the advisory lock under which one process at a time builds indexes of vectors.
const vectorIndexLock = maintenanceLock + 1

// The HNSW parameters: m = 16 is pgvector's default; ef_construction = 128 is twice its default, with which the ten nearest of 100,000 passages
// were found to .97 however many candidates a search looked at (connection).
const hnswParameters = `m = 16, ef_construction = 128`

// unindexed is a model with enough vectors for an index, and none.
type unindexed struct {
	ID         int16
	Dimensions int
	Vectors    int64
	Broken     bool // a build that was interrupted left an index that is not valid
}

// indexVectors builds the HNSW index of each model that has none: over the full table, not row by row while it fills, which costs an ingest of 10,000
// entries a quarter of its time. Until then, and where a search scores every passage anyway, there is none. Readers and writers go on meanwhile.
func (s *Store) indexVectors(ctx context.Context) error {
	models, err := s.unindexed(ctx)
	if err != nil || len(models) == 0 {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig.Copy()) // the lock and the settings go with it
	if err != nil {
		return redact(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var mine bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(vectorIndexLock)).Scan(&mine); err != nil || !mine {
		return err
	}
	if models, err = s.unindexed(ctx); err != nil { // another may have built them since
		return err
	}
	for _, m := range models {
		if err := buildVectorIndex(ctx, conn, m); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) unindexed(ctx context.Context) ([]unindexed, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT m.id, m.dimensions, v.n, i.indexrelid IS NOT NULL
		  FROM embedding_models m
		  LEFT JOIN pg_index i ON i.indexrelid = to_regclass('passage_vectors_hnsw_' || m.id)
		  CROSS JOIN LATERAL (SELECT count(*) AS n FROM passage_vectors v WHERE v.model_id = m.id) v
		 WHERE i.indisvalid IS NOT TRUE AND v.n >= $1`, exactBelow)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[unindexed])
}

// buildVectorIndex builds in memory, by several workers where the server has the shared memory for it. DDL takes no parameters; all in it are integers.
func buildVectorIndex(ctx context.Context, conn *pgx.Conn, m unindexed) error {
	name := fmt.Sprintf("passage_vectors_hnsw_%d", m.ID)
	drop := "DROP INDEX CONCURRENTLY IF EXISTS " + name
	if m.Broken {
		if _, err := conn.Exec(ctx, drop); err != nil {
			return err
		}
	}
	needs := m.Vectors * int64(2*m.Dimensions+1024) >> 10 // a halfvec and its neighbours, in kB
	if _, err := conn.Exec(ctx, `SELECT set_config('maintenance_work_mem', $1, false)`, fmt.Sprint(min(max(needs, 16<<10), 2<<20))); err != nil {
		return err
	}
	create := fmt.Sprintf(`
		CREATE INDEX CONCURRENTLY %s ON passage_vectors USING hnsw ((v::halfvec(%d)) halfvec_cosine_ops) WITH (%s) WHERE model_id = %d`,
		name, m.Dimensions, hnswParameters, m.ID)
	_, err := conn.Exec(ctx, create)
	if !outOfResources(err) {
		return err
	}
	for _, sql := range []string{drop, `SET max_parallel_maintenance_workers = 0`} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	_, err = conn.Exec(ctx, create)
	return err
}

// outOfResources: SQLSTATE class 53, such as no shared memory left (a container has 64 MB).
func outOfResources(err error) bool {
	var known *pgconn.PgError
	return errors.As(err, &known) && strings.HasPrefix(known.Code, "53")
}
