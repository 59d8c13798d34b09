package postgres_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"qiuzhen/migrations"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestUpgrade: what installations hold comes through the migrations that change rows; each row is put there as an earlier version of the schema had it.
func TestUpgrade(t *testing.T) {
	ctx := context.Background()
	dsn := empty(t)
	db, err := sql.Open("pgx", dsn)
	must(t, err)
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.FS)
	must(t, err)
	_, err = provider.UpTo(ctx, 34)
	must(t, err)
	conn := connect(t, ctx, dsn)
	for _, sql := range []string{
		`SET session_replication_role = replica`, // without the accounts and the log that belong to the rows
		`INSERT INTO entries (id) SELECT unnest(ARRAY['ended', 'lacks', 'reviewed', 'by-file', 'by-hand'])`,
		`INSERT INTO entry_versions (entry_id, version, content_hash, document, status, author_id, approvals, experts, editors, publishers, needs_experts,
		        needs_editors, needs_reviewers, months, emergency, published_at, expires_at)
		 SELECT id, 1, sha256(id::bytea), jsonb_build_object('id', id, 'kind', 'guide'), status, author, 2 * signed, signed, signed, 2, 1, 1, 0, 6, emergency, at, until
		   FROM (VALUES ('ended', 'published', NULL, 1, true, now() - interval '3 days', now() - interval '2 days'),
		                ('lacks', 'published', NULL, 0, true, now() - interval '1 hour', now() + interval '23 hours'),
		                ('reviewed', 'published', NULL, 1, true, now() - interval '1 hour', now() + interval '23 hours'),
		                ('by-file', 'draft', 1, 0, false, NULL, 'infinity'), ('by-hand', 'draft', 1, 0, false, NULL, 'infinity'))
		        v(id, status, author, signed, emergency, at, until)`,
		`INSERT INTO reviews (entry_id, version, content_hash, reviewer, title, institution, role, decision, reviewed_at, reviewer_id, round)
		 SELECT 'reviewed', 1, sha256('reviewed'), role, '-', '-', role, 'approve', '2026-11-01 08:00+08', n, 1 FROM (VALUES ('expert', 1), ('editor', 2)) r(role, n)`,
		`INSERT INTO audit_log (seq, at, actor, actor_name, from_where, action, entry_id, version, content_hash, key_id, mac)
		 SELECT n, now(), 'wang', '王', place, 'draft.saved', id, 1, sha256(id::bytea), '\x00', sha256('')
		   FROM (VALUES (1, 'terminal', 'by-file'), (2, 'console 127.0.0.1', 'by-hand')) l(n, place, id)`,
	} {
		mustExec(t, ctx, conn, sql)
	}
	must(t, postgres.Migrate(ctx, dsn))
	got := lines(t, dsn, `SELECT concat_ws(' ', entry_id, emergency, from_file, CASE WHEN status = 'published' THEN to_char(expires_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')
	    = CASE entry_id WHEN 'reviewed' THEN '2027-05-01' ELSE to_char((published_at + interval '1 day') AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD') END END) FROM entry_versions ORDER BY 1`)
	want := "by-file f t\nby-hand f f\nended f f t\nlacks t f t\nreviewed f f t"
	if strings.Join(got, "\n") != want {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

// empty is a database without tables.
func empty(t *testing.T) (dsn string) {
	t.Helper()
	ctx := context.Background()
	base := postgrestest.DSN(t)
	conn := connect(t, ctx, base)
	mustExec(t, ctx, conn, `DROP SCHEMA public CASCADE`)
	mustExec(t, ctx, conn, `CREATE SCHEMA public`)
	return base
}
