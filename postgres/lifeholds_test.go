package postgres_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestRoleTakenMeanwhile: a role is taken away in another connection while its holder waits; she does nothing with it any more.
func TestRoleTakenMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name, login string
		role        knowledge.Role
		do          func(ctx context.Context, store *postgres.Store) error
	}{
		{"publish", "wang", knowledge.Publisher, func(ctx context.Context, store *postgres.Store) error { return store.Publish(ctx, "one", false, now) }},
		{"withdraw", "wang", knowledge.Publisher, func(ctx context.Context, store *postgres.Store) error { return store.Withdraw(ctx, "one", "有误") }},
		{"save", "wang", knowledge.Author, func(ctx context.Context, store *postgres.Store) error {
			_, err := store.SaveDraft(ctx, entry("one", 2), onePassage(), "")
			return err
		}},
		{"roles", "wang", knowledge.Administrator, func(ctx context.Context, store *postgres.Store) error {
			return store.SetRoles(ctx, "editor", knowledge.Roles)
		}},
		{"password", "wang", knowledge.Administrator, func(ctx context.Context, store *postgres.Store) error {
			return store.SetPassword(ctx, "editor", otherPassword)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := context.Background()
			dsn := postgrestest.DSN(t)
			store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
			s := hire(t, store)
			hireOne(t, store, "boss", knowledge.Administrator)
			wang := hireOne(t, store, c.login, c.role)
			e := entry("one", 1)
			submit(t, store, s, e, onePassage())
			if err := sign(s.editor, store, e, 1, knowledge.Editor, "approve"); err != nil {
				t.Fatal(err)
			}
			conn := connect(t, ctx, dsn)
			tx, err := conn.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, sql := range []string{
				`SELECT FROM people WHERE login = 'wang' FOR UPDATE`,
				`DELETE FROM person_roles WHERE person_id = (SELECT id FROM people WHERE login = 'wang')`,
			} {
				if _, err := tx.Exec(ctx, sql); err != nil {
					t.Fatal(err)
				}
			}
			done := make(chan error, 1)
			go func() { done <- c.do(wang, store) }()
			waitForLock(t, dsn)
			if err := tx.Commit(ctx); err != nil {
				t.Fatal(err)
			}
			if err := <-done; code(err) != knowledge.Forbidden {
				t.Errorf("done with a role taken away: %v", err)
			}
		})
	}
}

// hireOne is somebody of the staff, in whose name the context acts.
func hireOne(t testing.TB, store *postgres.Store, login string, roles ...knowledge.Role) context.Context {
	t.Helper()
	id, err := store.AddPerson(context.Background(), knowledge.Person{
		Login: login, Name: "姓名" + login, Title: "主任医师", Institution: "某医院", Roles: roles,
	}, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	return knowledge.WithActor(context.Background(), knowledge.Actor{Person: id, ID: login, Name: "姓名" + login, From: "test"})
}

// waitForLock returns once a statement waits for another transaction's.
func waitForLock(t *testing.T, dsn string) {
	t.Helper()
	for range 500 {
		if len(lines(t, dsn, `SELECT pid::text FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`)) > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("nothing waits")
}

// TestSignaturesRunOut: what was signed too long ago is not published in place of what is served; signatures of an earlier round and those of
// publishers make it live no longer.
func TestSignaturesRunOut(t *testing.T) {
	store := postgrestest.New(t)
	author2 := hireOne(t, store, "author2", knowledge.Author)
	good, e := entry("one", 1), entry("one", 2)
	good.Topic, e.Topic = knowledge.Health, knowledge.Health
	publish(t, store, good, onePassage())
	known, _ := hired.Load(store)
	s := known.(staff)
	at := func(by context.Context, role knowledge.Role, decision string, at time.Time) {
		t.Helper()
		err := store.Sign(by, postgres.Signature{Entry: "one", Version: 2, Hash: e.Hash(), Role: role, Decision: decision, Comment: "说明", At: at})
		if err != nil {
			t.Fatal(err)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	old := now.AddDate(0, -7, 0)
	if _, err := store.SaveDraft(author2, e, onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	_, err := store.Submit(author2, "one")
	must(err)
	at(s.expert, knowledge.Expert, "approve", now) // of a round that is sent back
	at(s.editor, knowledge.Editor, "return", now)
	_, err = store.Submit(author2, "one")
	must(err)
	at(s.expert, knowledge.Expert, "approve", old)
	at(s.editor, knowledge.Editor, "approve", old)
	at(s.publisher2, knowledge.Publisher, "approve", now)
	err = store.Publish(s.publisher, "one", false, now)
	if code(err) != knowledge.Conflict || !strings.Contains(err.Error(), "签字已经过期，要重新签") {
		t.Fatalf("published with signatures of seven months ago: %v", err)
	}
	before, after, err := store.Pending(context.Background(), "one")
	if err != nil || before.Number != 1 || after.Number != 2 || after.Status != knowledge.InReview {
		t.Fatalf("served: version %d, newest %d is %s, %v", before.Number, after.Number, after.Status, err)
	}
	at(s.publisher, knowledge.Publisher, "return", now)
	_, err = store.Submit(author2, "one")
	must(err)
	at(s.expert, knowledge.Expert, "approve", old.AddDate(0, 3, 0))
	at(s.editor, knowledge.Editor, "approve", old.AddDate(0, 2, 0))
	must(store.Publish(s.publisher, "one", false, now))
	v, err := store.Version(context.Background(), "one", 2)
	if want := old.AddDate(0, 9, 0); err != nil || v.ExpiresAt == nil || !v.ExpiresAt.Equal(want) {
		t.Errorf("served until %v (%v), want %v", v.ExpiresAt, err, want)
	}
}

// emergency publishes an entry on the word of two publishers.
func emergency(t *testing.T, store *postgres.Store, s staff, e knowledge.Entry) {
	t.Helper()
	version := submit(t, store, s, e, onePassage())
	err := errors.Join(sign(s.publisher, store, e, version, knowledge.Publisher, "approve"), sign(s.publisher2, store, e, version, knowledge.Publisher, "approve"),
		store.Publish(s.publisher, e.ID, true, now))
	if err != nil {
		t.Fatal(err)
	}
}

// TestLapsedEmergency: after its day an emergency is signed no more and answers nobody; sent back it can be written and published anew.
func TestLapsedEmergency(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	e := entry("one", 1)
	e.Topic = knowledge.Disaster
	emergency(t, store, s, e)
	at := func(by context.Context, role knowledge.Role, decision string, after time.Duration) error {
		return store.Sign(by, postgres.Signature{Entry: "one", Version: 1, Hash: e.Hash(), Role: role, Decision: decision, Comment: "说明", At: now.Add(after)})
	}
	if err := at(s.expert, knowledge.Expert, "approve", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := at(s.editor, knowledge.Editor, "approve", 24*time.Hour); code(err) != knowledge.Conflict || !strings.Contains(err.Error(), "紧急核发的时间已经过了") {
		t.Fatalf("the missing signature a day later: %v", err)
	}
	if v, err := store.Version(context.Background(), "one", 1); err != nil || !v.Emergency || !v.ExpiresAt.Equal(now.Add(24*time.Hour)) {
		t.Errorf("%+v, %v", v, err)
	}
	if err := at(s.editor, knowledge.Editor, "return", 25*time.Hour); err != nil {
		t.Fatal(err)
	}
	if version := submit(t, store, s, e, onePassage()); version != 2 {
		t.Errorf("written anew as version %d", version)
	}
}

// TestSignedTells: the audit log has an approval's comment and tells of the signature that ended an emergency.
func TestSignedTells(t *testing.T) {
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	s := hire(t, store)
	e := entry("one", 1)
	e.Topic = knowledge.Disaster
	emergency(t, store, s, e)
	if err := errors.Join(sign(s.expert, store, e, 1, knowledge.Expert, "approve"), sign(s.editor, store, e, 1, knowledge.Editor, "approve")); err != nil {
		t.Fatal(err)
	}
	got := lines(t, dsn, `SELECT detail::text FROM audit_log WHERE action = 'review.approved' ORDER BY seq DESC LIMIT 2`)
	want := []string{
		`{"role": "editor", "until": "2027-11-25T12:00:00Z", "comment": "说明", "emergency": "ended"}`, `{"role": "expert", "comment": "说明"}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEveryAuthor: whoever changed the text since it was last published signs it not, however many saved after her.
func TestEveryAuthor(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	first, second := hireOne(t, store, "first", knowledge.Author, knowledge.Editor), hireOne(t, store, "second", knowledge.Author, knowledge.Editor)
	save := func(by context.Context, n int) {
		t.Helper()
		if _, err := store.SaveDraft(by, entry("one", n), onePassage(), ""); err != nil {
			t.Fatal(err)
		}
	}
	signs := func(by context.Context, n int, want knowledge.Code) {
		t.Helper()
		if err := sign(by, store, entry("one", n), n, knowledge.Editor, "approve"); code(err) != want || want == "" && err != nil {
			t.Fatalf("version %d signed: %v, want %q", n, err, want)
		}
	}
	save(first, 1)
	save(second, 2)
	if err := store.Withdraw(context.Background(), "one", "试验"); err != nil { // never published: the next is made of it
		t.Fatal(err)
	}
	save(context.Background(), 3) // the program
	if _, err := store.Submit(s.author, "one"); err != nil {
		t.Fatal(err)
	}
	signs(first, 3, knowledge.Forbidden)
	signs(second, 3, knowledge.Forbidden)
	signs(s.editor, 3, "")
	if err := store.Publish(s.publisher, "one", false, now); err != nil {
		t.Fatal(err)
	}
	save(second, 4)
	if _, err := store.Submit(second, "one"); err != nil {
		t.Fatal(err)
	}
	signs(second, 4, knowledge.Forbidden)
	signs(first, 4, "")
}

// TestAuthorsOfAnEmergency: what two publishers let through was not reviewed; its author is one of the next version's.
func TestAuthorsOfAnEmergency(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	s.author = hireOne(t, store, "both", knowledge.Author, knowledge.Editor)
	emergency(t, store, s, entry("one", 1))
	if _, err := store.SaveDraft(s.editor, entry("one", 2), onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Submit(s.editor, "one"); err != nil {
		t.Fatal(err)
	}
	if err := sign(s.author, store, entry("one", 2), 2, knowledge.Editor, "approve"); code(err) != knowledge.Forbidden {
		t.Errorf("signed by the author of the emergency's text: %v", err)
	}
}

// TestLastAdministrator: the last one who can manage the staff list keeps the account and the role, also when two end each other at once.
func TestLastAdministrator(t *testing.T) {
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	ctx := context.Background()
	one := hireOne(t, store, "one", knowledge.Administrator, knowledge.Editor)
	hireOne(t, store, "ended", knowledge.Administrator)
	if err := store.DisablePerson(one, "ended", now); err != nil {
		t.Fatal(err)
	}
	for what, do := range map[string]func() error{
		"disabled":     func() error { return store.DisablePerson(ctx, "one", now) },
		"without role": func() error { return store.SetRoles(one, "one", []knowledge.Role{knowledge.Editor}) },
		"no role":      func() error { return store.SetRoles(ctx, "one", nil) },
	} {
		if err := do(); code(err) != knowledge.Conflict || !strings.Contains(err.Error(), "最后一位管理员") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := store.SetRoles(one, "one", []knowledge.Role{knowledge.Administrator, knowledge.Publisher}); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		logins := []string{"one", "two"}
		if _, err := store.Person(ctx, "two"); err != nil {
			hireOne(t, store, "two", knowledge.Administrator)
		}
		ended := make(chan error, len(logins))
		for i, login := range logins {
			p, err := store.Person(ctx, login)
			if err != nil {
				t.Fatal(err)
			}
			by := knowledge.WithActor(ctx, knowledge.Actor{Person: p.ID, ID: login, Name: login, From: "test"})
			go func() { ended <- store.DisablePerson(by, logins[1-i], now) }()
		}
		refused := 0
		for range logins {
			if err := <-ended; code(err) == knowledge.Forbidden || code(err) == knowledge.Conflict {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		left := lines(t, dsn, `SELECT login FROM people p JOIN person_roles r ON r.person_id = p.id WHERE role = 'administrator' AND disabled_at IS NULL`)
		if refused != 1 || len(left) != 1 {
			t.Fatalf("%d refused, %q left", refused, left)
		}
		if _, err := connect(t, ctx, dsn).Exec(ctx, `UPDATE people SET disabled_at = NULL WHERE login IN ('one', 'two')`); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCountsAreNotWritten: nobody gives a version signatures by writing their number.
func TestCountsAreNotWritten(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	submit(t, store, hire(t, store), entry("one", 1), onePassage())
	conn := connect(t, ctx, dsn)
	for _, column := range []string{"approvals", "experts", "editors", "publishers", "foreign_experts", "foreign_editors", "round"} {
		_, err := conn.Exec(ctx, `UPDATE entry_versions SET `+pgx.Identifier{column}.Sanitize()+` = 2`)
		if got := postgres.Constraint(err); got != "version_counts_follow_reviews" {
			t.Errorf("%s was written: %v", column, err)
		}
	}
	if _, err := conn.Exec(ctx, `UPDATE entry_versions SET authors = '{}'`); postgres.Constraint(err) != "version_is_immutable" {
		t.Errorf("authors were written: %v", err)
	}
}
