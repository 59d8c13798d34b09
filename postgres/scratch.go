package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// scratchPrefix begins the names of scratch databases and schemas, so that left-overs of a kill can be told.
const scratchPrefix = "qiuzhen_scratch_"

// OpenScratch opens an empty, migrated store beside the database at dsn: a database of its own, or a schema where the role
// may not create databases. drop closes and removes it, even after ctx has ended.
func OpenScratch(ctx context.Context, dsn string) (store *Store, drop func() error, err error) {
	name, err := scratchName()
	if err != nil {
		return nil, nil, err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to the database: %w", redact(err))
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var mayCreate bool
	if err := conn.QueryRow(ctx, `SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user`).Scan(&mayCreate); err != nil {
		return nil, nil, fmt.Errorf("look up the role's rights: %w", err)
	}
	kind, scratch, cascade := "DATABASE", withParameter(dsn, "dbname", name), " WITH (FORCE)"
	if !mayCreate {
		kind, scratch, cascade = "SCHEMA", withParameter(dsn, "search_path", name+",public"), " CASCADE"
	}
	identifier := pgx.Identifier{name}.Sanitize() // DDL takes no parameters
	if _, err := conn.Exec(ctx, "CREATE "+kind+" "+identifier); err != nil {
		return nil, nil, fmt.Errorf("make a scratch %s: %w", strings.ToLower(kind), err)
	}
	remove := func() error { return dropScratch(context.WithoutCancel(ctx), dsn, "DROP "+kind+" "+identifier+cascade) }
	if store, err = Open(ctx, scratch); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return store, func() error { store.Close(); return remove() }, nil
}

// OpenScratchReaders opens a scratch store that keeps readers and what they were answered, of entries that are served from another store:
// whoever asks cases of a store leaves nothing in it.
func OpenScratchReaders(ctx context.Context, dsn string) (store *Store, drop func() error, err error) {
	if store, drop, err = OpenScratch(ctx, dsn); err != nil {
		return nil, nil, err
	}
	if _, err = store.pool.Exec(ctx, `ALTER TABLE answer_entries DROP CONSTRAINT answer_entries_entry_id_version_fkey`); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("ready a scratch store for readers: %w", err), drop())
	}
	return store, drop, nil
}

func scratchName() (string, error) {
	random := make([]byte, 6)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	return scratchPrefix + hex.EncodeToString(random), nil
}

func dropScratch(ctx context.Context, dsn, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err == nil {
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, statement)
	}
	if err != nil {
		return fmt.Errorf("remove the scratch data (%s): %w", statement, redact(err))
	}
	return nil
}

// withParameter sets a parameter of a connection string, URL or keywords.
func withParameter(dsn, name, value string) string {
	u, err := url.Parse(dsn)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return dsn + " " + name + "='" + value + "'" // of a keyword named twice the last counts
	}
	if name == "dbname" {
		u.Path = "/" + value
		return u.String()
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}
