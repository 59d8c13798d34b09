package postgres_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

var auditKey = []byte("the key of these tests, 32 bytes")

// audited opens a store on dsn that keeps the audit log; what it warns of fails the test unless expected.
func audited(t testing.TB, dsn, file string, key []byte, warn func(error)) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	if warn == nil {
		warn = func(err error) { t.Errorf("warned: %v", err) }
	}
	if err := store.StartAudit(context.Background(), postgres.AuditConfig{Key: key, HeadFile: file, Warn: warn}); err != nil {
		t.Fatal(err)
	}
	return store
}

// note appends one event.
func note(store *postgres.Store, e knowledge.Event) error {
	ctx := context.Background()
	return store.Change(ctx, func(tx pgx.Tx) error { return store.Auditor().Append(ctx, tx, e) })
}

func notes(t testing.TB, store *postgres.Store, n int) {
	t.Helper()
	for i := range n {
		if err := note(store, knowledge.Event{Action: "test.noted", Detail: map[string]string{"n": fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
	}
}

func verify(t testing.TB, store *postgres.Store) postgres.AuditReport {
	t.Helper()
	report, err := store.Auditor().Verify(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// expect fails unless verifying finds exactly these kinds.
func expect(t testing.TB, store *postgres.Store, rows, behind int64, kinds ...postgres.BreakKind) {
	t.Helper()
	report := verify(t, store)
	var found []postgres.BreakKind
	for _, b := range report.Broken {
		found = append(found, b.Kind)
	}
	if !slices.Equal(found, kinds) || report.Rows != rows || report.Behind != behind {
		t.Fatalf("found %+v; want %d rows, %d behind, %v", report, rows, behind, kinds)
	}
}

// superuser runs SQL with triggers disabled.
func superuser(t testing.TB, dsn string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, s := range append([]string{`SET session_replication_role = replica`}, statements...) {
		if _, err := conn.Exec(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

const headAtLastRow = `UPDATE audit_head SET (seq, mac, key_id) = (SELECT seq, mac, key_id FROM audit_log ORDER BY seq DESC LIMIT 1)`

// TestAuditTellsOfAnEntrysLife: each change is one row that says who, and an unchanged draft is none.
func TestAuditTellsOfAnEntrysLife(t *testing.T) {
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	ctx := knowledge.WithActor(context.Background(), knowledge.Actor{ID: "wang", Name: "王编辑", From: "console 10.0.0.7\x00\xff"})
	publish(t, store, entry("one", 1), onePassage())
	if _, err := store.SaveDraft(ctx, entry("one", 1), onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := store.SaveDraft(ctx, entry("one", 2), onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds nothing to withdraw
		if err := store.Withdraw(ctx, "one", "试验"); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT concat_ws(' ', actor, action, entry_id, version, octet_length(content_hash)) FROM audit_log WHERE action NOT LIKE 'person.%' ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	want := []string{
		"author draft.saved one 1 32", "author draft.submitted one 1 32", "expert review.approved one 1 32", "editor review.approved one 1 32",
		"publisher entry.published one 1 32",
		"wang draft.saved one 2 32", "wang entry.withdrawn one 1 32", "wang entry.withdrawn one 2 32",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	expect(t, store, 8+5, 0) // and five people were hired
}

// TestAuditIsAppendOnly: ordinary ways of changing the log are refused, and so is a row that does not follow.
func TestAuditIsAppendOnly(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	notes(t, store, 3)
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	const copied = `INSERT INTO audit_log SELECT seq + %d, at, actor, actor_name, from_where, action, entry_id, version, content_hash, detail, key_id, mac FROM audit_log WHERE seq = 3`
	for sql, constraint := range map[string]string{
		`UPDATE audit_log SET actor = 'x'`: "audit_is_append_only",
		`DELETE FROM audit_log`:            "audit_is_append_only",
		`TRUNCATE audit_log`:               "audit_is_append_only",
		`UPDATE audit_head SET seq = 2`:    "audit_is_append_only",
		`DELETE FROM audit_head`:           "audit_is_append_only",
		`TRUNCATE audit_head`:              "audit_is_append_only",
		`INSERT INTO audit_head (single, seq, mac) VALUES (true, 0, '')`: "audit_is_append_only",
		fmt.Sprintf(copied, 2): "audit_has_no_gaps",
		fmt.Sprintf(copied, 0): "audit_has_no_gaps",
	} {
		if _, err := conn.Exec(ctx, sql); postgres.Constraint(err) != constraint {
			t.Errorf("%s: got %v, want %s", sql, err, constraint)
		}
	}
	expect(t, store, 3, 0)
}

// TestAuditWritersFollowOneAnother: 8 writers of two processes' stores on one file; changes that fail leave no gap.
func TestAuditWritersFollowOneAnother(t *testing.T) {
	dsn, file := postgrestest.DSN(t), filepath.Join(t.TempDir(), "audit.head")
	stores := []*postgres.Store{audited(t, dsn, file, auditKey, nil), audited(t, dsn, file, auditKey, nil)}
	failed := errors.New("changed my mind")
	ctx := context.Background()
	var group errgroup.Group
	for w := range 8 {
		store := stores[w%2]
		group.Go(func() error {
			for i := range 50 {
				if i%10 == 0 {
					err := store.Change(ctx, func(tx pgx.Tx) error {
						return errors.Join(store.Auditor().Append(ctx, tx, knowledge.Event{Action: "test.undone"}), failed)
					})
					if !errors.Is(err, failed) {
						return err
					}
				}
				if err := note(store, knowledge.Event{Action: "test.noted", Version: i + 1}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	expect(t, stores[0], 400, 0)
}

// TestAuditAfterKill: a process is killed between its commit and the head file. Verify says by how much the file is behind, and the
// next start makes up for it.
func TestAuditAfterKill(t *testing.T) {
	if dsn := os.Getenv("QIUZHEN_TEST_AUDIT_DSN"); dsn != "" { // we are the process to be killed
		store := audited(t, dsn, os.Getenv("QIUZHEN_TEST_AUDIT_FILE"), auditKey, nil)
		notes(t, store, 3)
		store.Auditor().BeforeSync(func() {
			fmt.Println("committed")
			time.Sleep(time.Minute)
		})
		notes(t, store, 1)
		return
	}
	dsn, file := postgrestest.DSN(t), filepath.Join(t.TempDir(), "audit.head")
	child := exec.Command(os.Args[0], "-test.run=^TestAuditAfterKill$")
	child.Env = append(os.Environ(), "QIUZHEN_TEST_AUDIT_DSN="+dsn, "QIUZHEN_TEST_AUDIT_FILE="+file)
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "committed" {
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	looking := audited(t, dsn, file+".elsewhere", auditKey, func(error) {})
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+".elsewhere", before, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, looking, 4, 1)
	expect(t, audited(t, dsn, file, auditKey, nil), 4, 0)
}

// TestAuditCutOff: rows that the file knows are gone, whether or not others took their place; only accepting goes on.
func TestAuditCutOff(t *testing.T) {
	dsn, file := postgrestest.DSN(t), filepath.Join(t.TempDir(), "audit.head")
	var warned []string
	store := audited(t, dsn, file, auditKey, func(err error) { warned = append(warned, err.Error()) })
	notes(t, store, 10)
	vouched, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	superuser(t, dsn, `DELETE FROM audit_log WHERE seq > 8`, headAtLastRow)
	expect(t, store, 8, 0, postgres.RowsCutOff)
	notes(t, store, 4)
	expect(t, store, 12, 0, postgres.TailReplaced)
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, vouched) {
		t.Fatalf("the file went along with it: %s (%v)", now, err)
	}
	if len(warned) != 4 || !strings.Contains(warned[0], "audit verify") {
		t.Errorf("warned %q", warned)
	}
	report := verify(t, store)
	if report.RowsWrong() {
		t.Errorf("%+v is not of the file only", report)
	}
	if err := store.Auditor().AcceptRestore(context.Background(), report); err != nil {
		t.Fatal(err)
	}
	notes(t, store, 1)
	expect(t, store, 14, 0)
	if report = verify(t, store); len(report.Accepted) != 1 || !strings.Contains(report.Accepted[0].Detail, "tail_replaced 10-10") {
		t.Errorf("the log tells of %+v", report.Accepted)
	}
}

// TestAuditHeadFile: a file that is missing, changed or sealed with another key is told, and never replaced by itself.
func TestAuditHeadFile(t *testing.T) {
	dsn, file := postgrestest.DSN(t), filepath.Join(t.TempDir(), "audit.head")
	ignore := func(error) {}
	store := audited(t, dsn, file, auditKey, ignore)
	notes(t, store, 3)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	audited(t, dsn, file, auditKey, ignore)
	expect(t, store, 3, 0, postgres.FileMissing)
	if err := store.Auditor().AcceptRestore(context.Background(), verify(t, store)); err != nil {
		t.Fatal(err)
	}
	expect(t, store, 4, 0)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, changed := range [][]byte{nil, []byte("{}"), bytes.Replace(content, []byte(`:4,`), []byte(`:3,`), 1), bytes.ToUpper(content), append(content, ' ')} {
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		expect(t, store, 4, 0, postgres.FileChanged)
	}
}

// TestAuditKeys: without the key, or with another, nothing is changed; a new key goes on only where that is accepted, and what the
// old one made is no longer proven.
func TestAuditKeys(t *testing.T) {
	dsn, file := postgrestest.DSN(t), filepath.Join(t.TempDir(), "audit.head")
	ignore := func(error) {}
	notes(t, audited(t, dsn, file, auditKey, nil), 3)
	other := audited(t, dsn, file, []byte("another key, also of 32 bytes ok"), ignore)
	for _, store := range []*postgres.Store{other, audited(t, dsn, file, nil, ignore)} {
		var known *knowledge.Error
		if _, err := store.SaveDraft(context.Background(), entry("one", 1), onePassage(), ""); !errors.As(err, &known) || known.Code != knowledge.Unavailable {
			t.Errorf("saved: %v", err)
		}
	}
	expect(t, other, 3, 0, postgres.RowsForeign, postgres.FileChanged)
	if err := other.Auditor().AcceptRestore(context.Background(), verify(t, other)); err != nil {
		t.Fatal(err)
	}
	notes(t, other, 2)
	expect(t, other, 6, 0, postgres.RowsForeign)
}

// TestAuditForgedRow: a row that somebody appended by ordinary SQL stops changes until it was looked into, and is told of for ever.
func TestAuditForgedRow(t *testing.T) {
	dsn, file := postgrestest.DSN(t), filepath.Join(t.TempDir(), "audit.head")
	store := audited(t, dsn, file, auditKey, func(error) {})
	notes(t, store, 2)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `INSERT INTO audit_log SELECT 3, at, 'wang', actor_name, from_where, action, entry_id, version, content_hash, detail, 'mine', sha256(mac) FROM audit_log WHERE seq = 2`)
	if err != nil {
		t.Fatal(err)
	}
	var known *knowledge.Error
	if err := note(store, knowledge.Event{Action: "test.noted"}); !errors.As(err, &known) || known.Code != knowledge.Unavailable {
		t.Errorf("went on: %v", err)
	}
	expect(t, store, 3, 1, postgres.RowsForeign)
	if err := store.Auditor().AcceptRestore(ctx, verify(t, store)); err != nil {
		t.Fatal(err)
	}
	notes(t, store, 2)
	expect(t, store, 6, 0, postgres.RowsForeign)
}
