package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// What the schema needs of a server: pgvector before 0.8.3 has an HNSW vacuum corruption and an overflow in
// parallel builds.
const minServer, minVector = 150000, "0.8.3"

// ServerInfo is what CheckServer found.
type ServerInfo struct{ Postgres, Vector string }

// CheckServer says in one line what a server lacks: reachable, Postgres 15 or newer, pgvector 0.8.3 or newer.
func CheckServer(ctx context.Context, dsn string) error {
	_, err := Inspect(ctx, dsn)
	return err
}

// Inspect is CheckServer that also returns the versions found.
func Inspect(ctx context.Context, dsn string) (ServerInfo, error) {
	var info ServerInfo
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return info, fmt.Errorf("DATABASE_URL: %w", redact(err))
	}
	config.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) {}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return info, fmt.Errorf("the database does not answer: %w; check DATABASE_URL and that the server runs", redact(err))
	}
	defer conn.Close(ctx)
	var number int
	var installed, available *string
	err = conn.QueryRow(ctx, `
		SELECT current_setting('server_version'), current_setting('server_version_num')::int,
		       (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
		       (SELECT default_version FROM pg_available_extensions WHERE name = 'vector')`).
		Scan(&info.Postgres, &number, &installed, &available)
	if err != nil {
		return info, fmt.Errorf("ask the database its version: %w", err)
	}
	if number < minServer {
		return info, fmt.Errorf("Postgres %s is too old: 15 or newer is needed; upgrade the server or unset DATABASE_URL to use the private one", info.Postgres) //nolint:staticcheck // a name begins it
	}
	switch {
	case installed != nil:
		info.Vector = *installed
	case available == nil:
		return info, errors.New("pgvector is not installed on the server; install its package (postgresql-NN-pgvector, 0.8.3 or newer), then as an administrator: CREATE EXTENSION vector")
	default:
		info.Vector = *available
	}
	if older(info.Vector, minVector) {
		return info, fmt.Errorf("pgvector %s has a known index corruption: %s or newer is needed; upgrade its package, then as an administrator: ALTER EXTENSION vector UPDATE", info.Vector, minVector)
	}
	if installed == nil {
		if _, err := conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS vector"); err != nil {
			return info, fmt.Errorf("this user may not create the extension; as an administrator of database %q run: CREATE EXTENSION vector", config.Database)
		}
	}
	return info, nil
}

// older compares dotted versions number by number; what is not a number counts as 0.
func older(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		if x, y := part(as, i), part(bs, i); x != y {
			return x < y
		}
	}
	return false
}

func part(version []string, i int) int {
	if i >= len(version) {
		return 0
	}
	n, _ := strconv.Atoi(version[i])
	return n
}

// IsEmpty reports whether the database holds no tables of anybody's.
func IsEmpty(ctx context.Context, dsn string) (bool, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return false, fmt.Errorf("the database does not answer: %w", redact(err))
	}
	defer conn.Close(ctx)
	var empty bool
	err = conn.QueryRow(ctx, `
		SELECT NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		                    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
		                      AND n.nspname NOT LIKE 'pg_toast%')`).Scan(&empty)
	return empty, err
}

// GatherStatistics readies the planner after a restore: a backup holds no statistics, and without them the search takes every filter
// for a narrow one (passing).
func GatherStatistics(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("the database does not answer: %w", redact(err))
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace`)
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, t := range tables {
		if _, err := conn.Exec(ctx, "VACUUM (ANALYZE) "+pgx.Identifier{t}.Sanitize()); err != nil { // DDL takes no parameters
			return fmt.Errorf("gather the statistics of %s: %w", t, err)
		}
	}
	return nil
}
