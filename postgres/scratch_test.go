package postgres_test

import (
	"context"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestScratch: a scratch store is empty, leaves the real data alone and is gone after; with and without CREATEDB.
func TestScratch(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct{ name, rights, left string }{
		{"database", "CREATEDB", `SELECT count(*) FROM pg_database WHERE datname LIKE 'qiuzhen\_scratch\_%' AND datdba = $1::regrole`},
		{"schema", "NOCREATEDB", `SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'qiuzhen\_scratch\_%' AND nspowner = $1::regrole`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dsn := postgrestest.DSN(t)
			conn, err := pgx.Connect(ctx, dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close(ctx) })
			role := "scratch_" + c.name + strconv.FormatInt(time.Now().UnixNano(), 36)
			for _, statement := range []string{
				`CREATE ROLE "` + role + `" LOGIN SUPERUSER`, // an extension needs one
				`GRANT ALL ON DATABASE "` + conn.Config().Database + `" TO "` + role + `"`,
			} {
				if _, err := conn.Exec(ctx, statement); err != nil {
					t.Fatal(err)
				}
			}
			t.Cleanup(func() {
				_, err := conn.Exec(ctx, `DROP OWNED BY "`+role+`"; DROP ROLE "`+role+`"`)
				if err != nil {
					t.Error(err)
				}
			})
			if c.rights == "NOCREATEDB" {
				if _, err := conn.Exec(ctx, `ALTER ROLE "`+role+`" NOSUPERUSER NOCREATEDB`); err != nil {
					t.Fatal(err)
				}
			}
			u, err := url.Parse(dsn)
			if err != nil {
				t.Fatal(err)
			}
			u.User = url.UserPassword(role, "unused")
			store, drop, err := postgres.OpenScratch(ctx, u.String())
			if err != nil {
				t.Fatal(err)
			}
			entry := knowledge.Entry{ID: "scratch-entry", Kind: knowledge.Guide, Topic: knowledge.Health, Title: "t"}
			if created, err := store.SaveDraft(ctx, entry, nil, ""); err != nil || !created {
				t.Fatalf("created %t, %v", created, err)
			}
			var entries int
			if err := conn.QueryRow(ctx, `SELECT count(*) FROM public.entries`).Scan(&entries); err != nil || entries != 0 {
				t.Errorf("%d entries in the real database, %v", entries, err)
			}
			if err := drop(); err != nil {
				t.Fatal(err)
			}
			var left int
			if err := conn.QueryRow(ctx, c.left, role).Scan(&left); err != nil || left != 0 {
				t.Errorf("%d left, %v", left, err)
			}
		})
	}
}
