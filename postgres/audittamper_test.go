package postgres_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

const (
	tamperings = 1000
	tamperRows = 25
)

// tamperer changes the log in a transaction that is rolled back: with a superuser's rights, without triggers or constraints.
type tamperer struct {
	*testing.T
	r     *rand.Rand
	tx    pgx.Tx
	store *postgres.Store // with the right key
	wrong *postgres.Auditor
	file  string

	untouched string // state
}

func (a *tamperer) exec(sql string, args ...any) {
	a.Helper()
	if _, err := a.tx.Exec(context.Background(), sql, args...); err != nil {
		a.Fatalf("%s: %v", sql, err)
	}
}

func (a *tamperer) seq() int64 { return 1 + a.r.Int64N(tamperRows) }

// unbound are the statements that drop the constraints that stand in the way of odd values.
func unbound() (statements []string) {
	for _, c := range []string{"audit_log_pkey", "audit_says_who_did_what", "audit_time_is_finite", "audit_detail_is_object", "audit_hash_is_sha256", "audit_mac_is_sha256"} {
		statements = append(statements, "ALTER TABLE audit_log DROP CONSTRAINT "+c)
	}
	for _, c := range []string{"seq", "at", "actor", "actor_name", "from_where", "action", "detail", "key_id", "mac"} {
		statements = append(statements, "ALTER TABLE audit_log ALTER COLUMN "+c+" DROP NOT NULL")
	}
	return append(statements, "ALTER TABLE audit_head ALTER COLUMN seq DROP NOT NULL, ALTER COLUMN mac DROP NOT NULL")
}

// changes of each column, by a row's number $1.
var columnChanges = []string{
	"seq = seq + 1000", "seq = -seq", "seq = NULL", "seq = seq - 1",
	"at = at + interval '1 microsecond'", "at = at - interval '1 day'", "at = 'infinity'", "at = '-infinity'", "at = NULL",
	"actor = actor || 'x'", "actor = NULL", "actor = ''", "actor = actor_name, actor_name = actor",
	"actor = actor || left(actor_name, 1), actor_name = substr(actor_name, 2)",
	"actor_name = '别人'", "actor_name = NULL",
	"from_where = from_where || ' '", "from_where = NULL", "from_where = action, action = from_where",
	"action = 'entry.withdrawn.'", "action = upper(action)", "action = NULL",
	"entry_id = coalesce(entry_id, '') || 'x'", "entry_id = CASE WHEN entry_id IS NULL THEN '' END",
	"version = coalesce(version, 0) + 1", "version = CASE WHEN version IS NULL THEN 0 END", "version = -version",
	"content_hash = set_byte(coalesce(content_hash, mac), 3, 7)", "content_hash = CASE WHEN content_hash IS NULL THEN ''::bytea END",
	"content_hash = substr(coalesce(content_hash, mac), 2)",
	`detail = detail || '{"more": "x"}'`, `detail = detail - 'reason'`, `detail = detail || '{"reason": null}'`, `detail = 'null'`, `detail = NULL`,
	`detail = '[]'`, `detail = detail || '{"reason": {"a": "b"}}'`, `detail = detail || '{"n": 1}'`, `detail = '"x"'`,
	`detail = detail || jsonb_build_object('n', detail ->> 'reason', 'reason', detail ->> 'n')`,
	"key_id = set_byte(key_id, 0, 255 - get_byte(key_id, 0))", "key_id = NULL", "key_id = ''",
	"mac = set_byte(mac, 31, 255 - get_byte(mac, 31))", "mac = NULL", "mac = substr(mac, 1, 31)", "mac = sha256(mac)",
}

const columns = `at, actor, actor_name, from_where, action, entry_id, version, content_hash, detail, key_id`

// ways to tamper, by name; each may be tried again when it happened to change nothing.
var ways = map[string]func(a *tamperer){
	"column": func(a *tamperer) {
		a.exec("UPDATE audit_log SET "+columnChanges[a.r.IntN(len(columnChanges))]+" WHERE seq = $1", a.seq())
		if a.r.IntN(2) == 0 {
			a.exec(headAtLastRow)
		}
	},
	"delete": func(a *tamperer) {
		from := a.seq()
		a.exec("DELETE FROM audit_log WHERE seq BETWEEN $1 AND $2", from, from+a.r.Int64N(3))
	},
	"delete and renumber": func(a *tamperer) {
		gone := a.seq()
		a.exec("DELETE FROM audit_log WHERE seq = $1", gone)
		a.exec("UPDATE audit_log SET seq = -seq WHERE seq > $1", gone)
		a.exec("UPDATE audit_log SET seq = -seq - 1 WHERE seq < 0")
		a.exec(headAtLastRow)
	},
	"swap whole rows": func(a *tamperer) {
		x, y := a.seq(), a.seq()
		a.exec("UPDATE audit_log SET seq = -seq WHERE seq IN ($1, $2)", x, y)
		a.exec("UPDATE audit_log SET seq = CASE seq WHEN -$1::bigint THEN $2 ELSE $1 END WHERE seq < 0", x, y)
		a.exec(headAtLastRow)
	},
	"swap contents": func(a *tamperer) {
		a.exec(`UPDATE audit_log l SET (`+columns+`) = (SELECT `+columns+` FROM audit_log o WHERE o.seq = $1 + $2 - l.seq) WHERE seq IN ($1, $2)`, a.seq(), a.seq())
	},
	"insert at the end": func(a *tamperer) {
		a.exec(`INSERT INTO audit_log SELECT $2, `+columns+`, CASE WHEN $3 THEN mac ELSE sha256(mac) END FROM audit_log WHERE seq = $1`,
			a.seq(), tamperRows+1+a.r.IntN(2), a.r.IntN(2) == 0)
		if a.r.IntN(3) > 0 {
			a.exec(headAtLastRow)
		}
	},
	"insert between": func(a *tamperer) {
		at := a.seq()
		a.exec("UPDATE audit_log SET seq = -seq - 1 WHERE seq >= $1", at)
		a.exec("UPDATE audit_log SET seq = -seq WHERE seq < 0")
		a.exec(`INSERT INTO audit_log SELECT $1, `+columns+`, mac FROM audit_log WHERE seq = $1::bigint + 1`, at)
		a.exec(headAtLastRow)
	},
	"insert twice": func(a *tamperer) {
		a.exec(`INSERT INTO audit_log SELECT * FROM audit_log WHERE seq = $1`, a.seq())
	},
	"cut the tail": func(a *tamperer) {
		a.exec("DELETE FROM audit_log WHERE seq >= $1", a.seq())
		a.exec("UPDATE audit_head SET seq = 0, mac = decode(repeat('00', 32), 'hex'), key_id = NULL")
		a.exec(headAtLastRow + " WHERE EXISTS (SELECT FROM audit_log)")
	},
	"cut the tail only": func(a *tamperer) { a.exec("DELETE FROM audit_log WHERE seq >= $1", a.seq()) },
	"cut and grow again": func(a *tamperer) { // rows that the program itself then wrote, with the right key
		from := 2 + a.r.Int64N(tamperRows-1)
		a.exec("DELETE FROM audit_log WHERE seq >= $1", from)
		a.exec(headAtLastRow)
		a.exec("SET LOCAL session_replication_role = origin")
		for range tamperRows - from + 1 + a.r.Int64N(4) {
			if err := a.store.Auditor().Append(context.Background(), a.tx, knowledge.Event{Action: "test.later"}); err != nil {
				a.Fatal(err)
			}
		}
	},
	"recompute with another key": func(a *tamperer) {
		from := a.seq()
		a.exec("UPDATE audit_log SET actor = 'nobody' WHERE seq = $1", from)
		if a.r.IntN(2) == 0 {
			a.exec("DELETE FROM audit_log WHERE seq > $1", from+a.r.Int64N(tamperRows))
		}
		seal, err := a.wrong.Rechain(context.Background(), a.tx, from, a.r.IntN(2) == 0)
		if err == nil && a.r.IntN(2) == 0 {
			err = seal()
		}
		if err != nil {
			a.Fatal(err)
		}
	},
	"head row": func(a *tamperer) {
		a.exec([]string{
			"UPDATE audit_head SET seq = seq + 1", "UPDATE audit_head SET seq = seq - 1", "UPDATE audit_head SET mac = sha256(mac)",
			"UPDATE audit_head SET key_id = NULL", "DELETE FROM audit_head",
		}[a.r.IntN(5)])
	},
	"head file": func(a *tamperer) {
		content, err := os.ReadFile(a.file)
		if err != nil {
			a.Fatal(err)
		}
		switch a.r.IntN(4) {
		case 0:
			content[a.r.IntN(len(content))] ^= 1 << a.r.IntN(8)
		case 1:
			content = content[:a.r.IntN(len(content))]
		case 2:
			content = []byte(strings.Replace(string(content), fmt.Sprint(tamperRows), fmt.Sprint(a.r.IntN(tamperRows)), 1))
		case 3:
			if err := os.Remove(a.file); err != nil {
				a.Fatal(err)
			}
			return
		}
		if err := os.WriteFile(a.file, content, 0o600); err != nil {
			a.Fatal(err)
		}
	},
}

// TestAuditFindsTampering: 1,000 random tamperings by somebody who may do anything to the database and has no key: all are found.
func TestAuditFindsTampering(t *testing.T) {
	ctx := context.Background()
	dsn, file := postgrestest.DSN(t), filepath.Join(t.TempDir(), "audit.head")
	store := audited(t, dsn, file, auditKey, nil)
	wrong := audited(t, dsn, file, []byte("another key, also of 32 bytes ok"), func(error) {}).Auditor()
	fillAudit(t, store)
	superuser(t, dsn, unbound()...)
	untouched, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SET session_replication_role = replica"); err != nil {
		t.Fatal(err)
	}
	a := &tamperer{T: t, r: rand.New(rand.NewPCG(5, 6)), store: store, wrong: wrong, file: file}
	names, done := slices.Sorted(maps.Keys(ways)), map[string]int{}
	for n := 0; n < tamperings; {
		if n%100 == 0 { // what was rolled back is in the way; and nothing is found where nothing is
			if _, err := conn.Exec(ctx, "VACUUM audit_log, audit_head"); err != nil {
				t.Fatal(err)
			}
			expect(t, store, tamperRows, 0)
		}
		name := names[a.r.IntN(len(names))]
		if a.r.IntN(3) == 0 { // there are most ways of changing a column
			name = "column"
		}
		if a.tampers(ctx, conn, name, n) {
			done[name]++
			n++
		}
		if err := os.WriteFile(file, untouched, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(done)
}

// tampers reports whether this time anything was changed, and fails when it was not found.
func (a *tamperer) tampers(ctx context.Context, conn *pgx.Conn, name string, n int) bool {
	var err error
	if a.tx, err = conn.Begin(ctx); err != nil {
		a.Fatal(err)
	}
	defer a.tx.Rollback(ctx)
	if a.untouched == "" {
		a.untouched = a.state()
	}
	ways[name](a)
	if a.state() == a.untouched {
		return false
	}
	report, err := a.store.Auditor().VerifyTx(ctx, a.tx)
	if err != nil {
		a.Fatalf("%s: %v", name, err)
	}
	if len(report.Broken) == 0 {
		a.Errorf("tampering %d (%s) was not found", n, name)
	}
	return true
}

// state is all that Verify may rely on, to tell a tampering from one that changed nothing.
func (a *tamperer) state() string {
	var state string
	err := a.tx.QueryRow(context.Background(), `
		SELECT coalesce((SELECT string_agg(l::text, E'\n' ORDER BY seq, mac) FROM audit_log l), '') || '/'
		    || coalesce((SELECT string_agg(h::text, '') FROM audit_head h), '')`).Scan(&state)
	if err != nil {
		a.Fatal(err)
	}
	file, _ := os.ReadFile(a.file)
	return state + "/" + string(file)
}

// fillAudit writes rows with and without each field.
func fillAudit(t *testing.T, store *postgres.Store) {
	t.Helper()
	for i := range tamperRows {
		e := knowledge.Event{Action: knowledge.EntryPublished}
		if i%3 > 0 {
			e.Entry, e.Version, e.ContentHash = "some-entry", i, [32]byte{byte(i), 1}
		}
		if i%4 > 0 {
			e.Detail = map[string]string{"reason": fmt.Sprint("理由 <&>\u2028", i), "n": "1"}
		}
		ctx := knowledge.WithActor(context.Background(), knowledge.Actor{ID: fmt.Sprint("user", i%2), Name: "某人", From: "console"})
		err := store.Change(ctx, func(tx pgx.Tx) error { return store.Auditor().Append(ctx, tx, e) })
		if err != nil {
			t.Fatal(err)
		}
	}
}
