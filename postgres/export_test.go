package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// Constraint is exported for tests.
var Constraint = constraint

// Pushes is exported for tests.
var Pushes = pushes

// AudienceSelect is exported for tests.
var AudienceSelect = audienceSelect

// Begin begins a broadcast with nobody to send it to.
func (s *Store) Begin(ctx context.Context, id int64) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := s.beginBroadcast(ctx, tx, id)
		return err
	})
}

// SearchExact scores everything, whatever the size.
func (s *Store) SearchExact(ctx context.Context, q retrieval.Query) ([]retrieval.Hit, error) {
	return s.searchOfSize(ctx, q, 0)
}

// SearchIndexed goes by the indexes, whatever the size.
func (s *Store) SearchIndexed(ctx context.Context, q retrieval.Query) ([]retrieval.Hit, error) {
	return s.searchOfSize(ctx, q, exactBelow)
}

func (s *Store) searchOfSize(ctx context.Context, q retrieval.Query, size int64) ([]retrieval.Hit, error) {
	old := s.passages.Swap(size)
	defer s.passages.Store(old)
	s.counted.Store(true)
	return s.Search(ctx, q)
}

// Explain returns the plan of the search for q as every connection makes it: without knowing the parameters.
func (s *Store) Explain(ctx context.Context, q retrieval.Query) (string, error) {
	plan, err := s.plan(ctx, q)
	if err != nil {
		return "", err
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Release()
	results, err := conn.Conn().PgConn().Exec(ctx, "EXPLAIN (GENERIC_PLAN) "+plan.sql()).ReadAll() // pgx would want the parameters
	if err != nil {
		return "", err
	}
	var lines []string
	for _, row := range results[0].Rows {
		lines = append(lines, string(row[0]))
	}
	return strings.Join(lines, "\n"), nil
}

// Change is exported for tests.
func (s *Store) Change(ctx context.Context, do func(tx pgx.Tx) error) error { return s.change(ctx, do) }

// BeforeSync sets what runs between a commit and the head file.
func (a *Auditor) BeforeSync(f func()) { a.beforeSync = f }

// VerifyTx is Verify as a transaction under way sees the log.
func (a *Auditor) VerifyTx(ctx context.Context, tx pgx.Tx) (AuditReport, error) {
	head, err := a.readHead()
	return a.verify(ctx, tx, head, err)
}

// Rechain makes the MACs from a row on anew with this auditor's key, as somebody would who changed rows and has another key; with
// claim it says so in key_id. It returns the function that seals the head file with that key too.
func (a *Auditor) Rechain(ctx context.Context, tx pgx.Tx, from int64, claim bool) (seal func() error, err error) {
	last := genesis()
	err = tx.QueryRow(ctx, `SELECT seq, mac FROM audit_log WHERE seq < $1 ORDER BY seq DESC LIMIT 1`, from).Scan(&last.seq, &last.mac)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT `+auditColumns+` FROM audit_log WHERE seq >= $1 ORDER BY seq`, from)
	if err != nil {
		return nil, err
	}
	chain, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (auditRow, error) {
		var r auditRow
		return r, row.Scan(r.fields()...)
	})
	if err != nil {
		return nil, err
	}
	for _, r := range chain {
		if claim {
			r.keyID = a.id
		}
		last = link{*r.seq, r.sum(a.rowKey, last.mac)}
		if _, err := tx.Exec(ctx, `UPDATE audit_log SET mac = $2, key_id = $3 WHERE seq = $1`, last.seq, last.mac, r.keyID); err != nil {
			return nil, err
		}
	}
	_, err = tx.Exec(ctx, `
		UPDATE audit_head SET (seq, mac, key_id) = (SELECT seq, mac, key_id FROM audit_log ORDER BY seq DESC LIMIT 1)`)
	return func() error { return a.writeHead(last) }, err
}

// Unreviewed counts published versions without the signatures that they need, in an emergency two publishers', from the reviews themselves; and
// those that have them and are an emergency nevertheless.
func (s *Store) Unreviewed(ctx context.Context) (n int, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT count(*) FROM entry_versions v WHERE v.status = 'published' AND (
		    SELECT CASE WHEN count(DISTINCT r.reviewer_id) FILTER (WHERE r.role = 'expert') >= v.needs_experts
		                 AND count(DISTINCT r.reviewer_id) FILTER (WHERE r.role = 'editor') >= v.needs_editors
		                 AND count(DISTINCT r.reviewer_id) FILTER (WHERE r.role IN ('expert', 'editor')) >= v.needs_reviewers
		                THEN v.emergency
		                ELSE NOT (v.emergency AND count(DISTINCT r.reviewer_id) FILTER (WHERE r.role = 'publisher') >= 2) END
		      FROM reviews r WHERE r.entry_id = v.entry_id AND r.version = v.version AND r.round = v.round
		       AND r.decision = 'approve' AND r.content_hash = v.content_hash AND r.reviewer_id <> ALL (v.authors))`).Scan(&n)
	return n, err
}

// Exec runs a statement.
func (s *Store) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := s.pool.Exec(context.Background(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// Dump is every row of the tables as text; none named: of all but the search's.
func (s *Store) Dump(t testing.TB, tables ...string) string {
	t.Helper()
	ctx := context.Background()
	rows, err := s.pool.Query(ctx, `
		SELECT format('SELECT %L || %s FROM %I', c.relname || ': ', string_agg(format('coalesce(%s, %L)',
		           CASE a.atttypid WHEN 'bytea'::regtype THEN format('encode(%I, ''escape'')', a.attname) ELSE format('%I::text', a.attname) END, ''), ' || '' '' || '), c.relname)
		  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND CASE WHEN $1::text[] IS NULL
		           THEN c.relname NOT LIKE 'passage%' AND c.relname NOT LIKE 'term%' ELSE c.relname = ANY ($1) END
		 GROUP BY c.relname`, tables)
	if err != nil {
		t.Fatal(err)
	}
	selects, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, sql := range selects {
		rows, err := s.pool.Query(ctx, sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		all = append(all, lines...)
	}
	return strings.Join(all, "\n")
}

// Count is what a SELECT count(*) says.
func (s *Store) Count(t testing.TB, sql string) (n int) {
	t.Helper()
	if err := s.pool.QueryRow(context.Background(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Strings are what a SELECT of one column says.
func (s *Store) Strings(t testing.TB, sql string) []string {
	t.Helper()
	rows, err := s.pool.Query(context.Background(), sql)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ExplainPublic returns the plans of the pages of public changes, oldest and newest first, as every connection makes them.
func (s *Store) ExplainPublic(t testing.TB) (plans []string) {
	t.Helper()
	conn, err := s.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, sql := range []string{publicOldestSQL, publicNewestSQL} {
		results, err := conn.Conn().PgConn().Exec(t.Context(), "EXPLAIN (GENERIC_PLAN) "+sql).ReadAll() // pgx would want the parameters
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, row := range results[0].Rows {
			lines = append(lines, string(row[0]))
		}
		plans = append(plans, strings.Join(lines, "\n"))
	}
	return plans
}

// SetRoles replaces a person's roles, and nothing else.
func (s *Store) SetRoles(ctx context.Context, login string, roles []knowledge.Role) error {
	_, err := s.ChangePerson(ctx, login, knowledge.PersonChange{Roles: append([]knowledge.Role{}, roles...)})
	return err
}

// ForgetCounts makes the ledger count anew what waits on these channels (none: on all), as after countEvery.
func (l *Ledger) ForgetCounts(channels ...string) {
	l.waiting.mu.Lock()
	defer l.waiting.mu.Unlock()
	for channel, c := range l.waiting.of {
		if len(channels) == 0 || slices.Contains(channels, channel) {
			c.at = time.Time{}
			l.waiting.of[channel] = c
		}
	}
}
