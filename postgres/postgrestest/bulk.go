package postgrestest

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/pgvector/pgvector-go"
	pgxvec "github.com/pgvector/pgvector-go/pgx"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
)

// BulkEntry is an entry to load, published with one review, or a draft.
type BulkEntry struct {
	Entry     knowledge.Entry
	Passages  []ingest.IndexedPassage
	Published bool
}

// Step is one part of a load and how long it took.
type Step struct {
	Name string
	Took time.Duration
}

// bulkBatch is how many entries go into the tables at once.
const bulkBatch = 500

// bulkExpiry is when what is loaded expires: a kept database is to be served for long.
var bulkExpiry = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// Load fills an empty database as the store would, by COPY: without triggers, the statistics counted at the end and the
// product's own indexes built over the full tables. Superusers only.
func Load(ctx context.Context, dsn, model string, dimensions int, entries iter.Seq2[BulkEntry, error]) ([]Step, error) {
	if err := prepare(ctx, dsn, model, dimensions); err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	l := &loader{conn: conn}
	if err := l.begin(ctx, model); err != nil {
		return nil, fmt.Errorf("begin the load: %w", err)
	}
	err = l.timed("tables", func() error { return l.tables(ctx, entries) })
	if err != nil {
		return nil, fmt.Errorf("load the tables: %w", err)
	}
	if err := l.finish(ctx); err != nil {
		return l.steps, err
	}
	return l.steps, l.timed("vectors", func() error { return maintain(ctx, dsn) })
}

// prepare makes the schema and the model, as the product does.
func prepare(ctx context.Context, dsn, model string, dimensions int) error {
	return with(ctx, dsn, func(store *postgres.Store) error {
		_, err := store.EnsureModel(ctx, model, dimensions)
		return err
	})
}

// maintain builds the index of the vectors, as the product does.
func maintain(ctx context.Context, dsn string) error {
	return with(ctx, dsn, func(store *postgres.Store) error { return store.Maintain(ctx) })
}

func with(ctx context.Context, dsn string, do func(*postgres.Store) error) error {
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer store.Close()
	return do(store)
}

type loader struct {
	conn     *pgx.Conn
	model    int16
	indexes  [][2]string // name and definition
	passages int64
	steps    []Step
}

func (l *loader) timed(name string, do func() error) error {
	start := time.Now()
	err := do()
	l.steps = append(l.steps, Step{name, time.Since(start)})
	return err
}

// begin takes the indexes away and turns the triggers off.
func (l *loader) begin(ctx context.Context, model string) error {
	if err := pgxvec.RegisterTypes(ctx, l.conn); err != nil {
		return err
	}
	if err := l.conn.QueryRow(ctx, `SELECT id FROM embedding_models WHERE name = $1`, model).Scan(&l.model); err != nil {
		return err
	}
	rows, err := l.conn.Query(ctx, `
		SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
		 WHERE i.indrelid IN ('passages'::regclass, 'passage_vectors'::regclass)
		   AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid) ORDER BY 1`)
	if err != nil {
		return err
	}
	l.indexes, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (index [2]string, err error) {
		return index, row.Scan(&index[0], &index[1])
	})
	if err != nil {
		return err
	}
	for _, index := range l.indexes {
		if _, err := l.conn.Exec(ctx, "DROP INDEX "+index[0]); err != nil {
			return err
		}
	}
	_, err = l.conn.Exec(ctx, `
		SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '3GB';
		CREATE TEMP TABLE incoming AS SELECT id, entry_id, version, status, expires_at, regions, kind, ordinal, text, siblings, terms, tfs, length
		  FROM passages`)
	return err
}

func (l *loader) tables(ctx context.Context, entries iter.Seq2[BulkEntry, error]) error {
	var batch []BulkEntry
	for e, err := range entries {
		if err != nil {
			return err
		}
		if batch = append(batch, e); len(batch) == bulkBatch {
			if err := l.write(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return l.write(ctx, batch)
}

func (l *loader) write(ctx context.Context, batch []BulkEntry) error {
	r, err := rowsOf(batch, l.model, l.passages)
	if err != nil {
		return err
	}
	for _, t := range []struct {
		table   string
		columns []string
		rows    [][]any
	}{
		{"entries", []string{"id"}, r.entries},
		{"entry_versions", []string{"entry_id", "version", "content_hash", "document", "status", "approvals", "experts", "editors", "published_at", "expires_at"}, r.versions},
		{"incoming", []string{"id", "entry_id", "version", "status", "expires_at", "regions", "kind", "ordinal", "text", "siblings", "terms", "tfs", "length"}, r.passages},
		{"passage_vectors", []string{"model_id", "passage_id", "v"}, r.vectors},
	} {
		if _, err := l.conn.CopyFrom(ctx, pgx.Identifier{t.table}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
			return fmt.Errorf("%s: %w", t.table, err)
		}
	}
	if l.passages == 0 { // any batch is as long as the others on average; the product lets avgdl drift by 10%
		_, err := l.conn.Exec(ctx, `UPDATE bm25_settings SET avgdl = (SELECT avg(length) FROM incoming WHERE length > 0)`)
		if err != nil {
			return err
		}
	}
	l.passages += int64(len(r.passages))
	_, err = l.conn.Exec(ctx, `
		INSERT INTO passages (id, entry_id, version, status, expires_at, regions, kind, ordinal, text, siblings, terms, tfs, length, weights)
		OVERRIDING SYSTEM VALUE SELECT *, bm25_weights(terms, tfs, length) FROM incoming;
		TRUNCATE incoming`)
	return err
}

type bulkRows struct{ entries, versions, passages, vectors [][]any }

// rowsOf numbers the passages from the one after first.
func rowsOf(batch []BulkEntry, model int16, first int64) (r bulkRows, err error) {
	for _, e := range batch {
		document, err := json.Marshal(e.Entry)
		if err != nil {
			return r, err
		}
		id, hash := string(e.Entry.ID), e.Entry.Hash()
		status, signatures, published := "draft", 0, pgtype.Timestamptz{}
		expires := pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
		if e.Published {
			signed := bulkExpiry.AddDate(-100, 0, 0)
			status, signatures, published = "published", 1, pgtype.Timestamptz{Time: signed, Valid: true}
			expires = pgtype.Timestamptz{Time: bulkExpiry, Valid: true}
		}
		r.entries = append(r.entries, []any{id})
		r.versions = append(r.versions, []any{id, 1, hash[:], document, status, 2 * signatures, signatures, signatures, published, expires})
		siblings, regions := siblingsOf(e.Passages), append([]string{}, e.Entry.Regions...)
		for _, p := range e.Passages {
			ids, counts, length := termColumns(p)
			row := first + int64(len(r.passages)) + 1
			r.passages = append(r.passages, []any{row, id, 1, status, expires, regions, string(p.Kind), p.Ordinal, p.Text, siblings, ids, counts, length})
			r.vectors = append(r.vectors, []any{model, row, pgvector.NewHalfVector(p.Vector)})
		}
	}
	return r, nil
}

func siblingsOf(passages []ingest.IndexedPassage) (n int) {
	for _, p := range passages {
		if p.Kind.Answers() {
			n++
		}
	}
	return n
}

func termColumns(p ingest.IndexedPassage) (ids, counts []int32, length int32) {
	ids, counts = []int32{}, []int32{}
	for _, t := range p.Terms {
		ids, counts, length = append(ids, t.ID), append(counts, t.Count), length+t.Count
	}
	return ids, counts, length
}

// finish counts the statistics, builds the indexes and readies the planner.
func (l *loader) finish(ctx context.Context) error {
	run := func(name, sql string) error {
		return l.timed(name, func() error {
			if _, err := l.conn.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	err := run("statistics", `
		INSERT INTO term_stats (published, term, df) SELECT status = 'published', unnest(terms) AS term, count(*) FROM passages GROUP BY 1, 2;
		UPDATE corpus_stats s SET passages = c.passages, length = c.length
		  FROM (SELECT status = 'published' AS published, count(*) AS passages, sum(length) AS length FROM passages WHERE length > 0 GROUP BY 1) c
		 WHERE c.published = s.published;
		SELECT setval(pg_get_serial_sequence('passages', 'id'), (SELECT max(id) FROM passages))`)
	for _, index := range l.indexes {
		if err == nil {
			err = run(index[0], index[1])
		}
	}
	if err == nil {
		err = run("vacuum", `VACUUM (ANALYZE)`)
	}
	return err
}
