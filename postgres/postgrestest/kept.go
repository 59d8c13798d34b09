package postgrestest

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"qiuzhen/postgres/cluster"
)

// Fingerprint tells one state of the schema from another.
func Fingerprint() (string, error) { return migrator{}.Hash() }

// Keep returns the address of a database of the cluster that holds what fill once put there; note is what fill said then.
// One that was left half filled is made again.
func Keep(ctx context.Context, c *cluster.Cluster, name string, fill func(dsn string) (note string, err error)) (dsn, note string, err error) {
	conn, err := pgx.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return "", "", err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, `
		SELECT coalesce((SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1), '')`, name).Scan(&note)
	if err != nil || note != "" {
		return c.DSN(name), note, err
	}
	identifier := pgx.Identifier{name}.Sanitize() // DDL takes no parameters
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + identifier + " WITH (FORCE)", "CREATE DATABASE " + identifier} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return "", "", fmt.Errorf("make database %s: %w", name, err)
		}
	}
	if note, err = fill(c.DSN(name)); err != nil {
		return "", "", fmt.Errorf("fill database %s: %w", name, err)
	}
	var literal string
	if err := conn.QueryRow(ctx, `SELECT quote_literal($1)`, note).Scan(&literal); err != nil {
		return "", "", err
	}
	_, err = conn.Exec(ctx, "COMMENT ON DATABASE "+identifier+" IS "+literal)
	return c.DSN(name), note, err
}

// DropKept removes the kept databases whose name begins so and that are not the one to keep: those of an older schema or
// corpus.
func DropKept(ctx context.Context, c *cluster.Cluster, prefix, keep string) error {
	conn, err := pgx.Connect(ctx, c.DSN("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT datname FROM pg_database WHERE starts_with(datname, $1) AND datname <> $2`, prefix, keep)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, name := range names {
		if _, err := conn.Exec(ctx, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"); err != nil {
			return err
		}
	}
	return err
}

// Size is a table's or index's bytes, without its parts (TOAST, free space map).
type Size struct {
	Name  string
	Bytes int64
}

// Sizes are those of the search's tables and their indexes, the largest first.
func Sizes(ctx context.Context, dsn string) ([]Size, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `
		SELECT relname, pg_relation_size(oid) FROM pg_class
		 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') AND pg_relation_size(oid) > 1 << 20 ORDER BY 2 DESC`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Size])
}
