// Package postgres holds all SQL of the project, one file a concept.
package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	pgxvec "github.com/pgvector/pgvector-go/pgx"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"qiuzhen/migrations"
)

// Store is the database. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	// passages counted at the last search or fold: chooses between the exact scan and the indexes
	passages atomic.Int64
	counted  atomic.Bool
	models   sync.Map // model name -> Model
	// how many passages pass a filter, as of the last count: see passing
	estimates sync.Map
	auditor   *Auditor // nil: no log is kept, as in scratch databases
}

// Open checks the server, migrates the schema under an advisory lock and connects a pool.
func Open(ctx context.Context, dsn string) (*Store, error) {
	if err := CheckServer(ctx, dsn); err != nil {
		return nil, err
	}
	if err := Migrate(ctx, dsn); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL is not a connection string: %w", redact(err))
	}
	config.AfterConnect = connection
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", redact(err))
	}
	return &Store{pool: pool}, nil
}

// connection readies one: pgvector's types have no fixed oid and are learnt, which needs the migrated schema; the HNSW
// index looks at 200 candidates, so that the dense leg's 100 mostly come from one look, and goes on until enough of them pass the filter; the search is planned once a connection,
// since planning it anew costs as much as running it.
func connection(ctx context.Context, conn *pgx.Conn) error {
	if err := pgxvec.RegisterTypes(ctx, conn); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, `
		SET hnsw.ef_search = 200; SET hnsw.iterative_scan = relaxed_order; SET plan_cache_mode = force_generic_plan`)
	return err
}

// Close waits for queries under way and closes all connections.
func (s *Store) Close() { s.pool.Close() }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.pool.Ping(ctx) }

// Migrate brings the schema up to date. Processes that start at once wait for each other.
func Migrate(ctx context.Context, dsn string) error {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("DATABASE_URL is not a connection string: %w", redact(err))
	}
	// CREATE EXTENSION IF NOT EXISTS answers with a notice at each start
	config.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) {}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	if err := migrate(ctx, db); err != nil {
		return err
	}
	return migrateJobs(ctx, dsn)
}

func migrate(ctx context.Context, db *sql.DB) error {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("migration lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	pending, err := provider.HasPending(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if !pending {
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the schema: %w", err)
	}
	return nil
}

// redact keeps a parse error from repeating the connection string, which can hold a password.
func redact(err error) error {
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		return errors.New("it cannot be parsed (expected postgres://user@host:5432/database)")
	}
	return err
}
