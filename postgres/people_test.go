package postgres_test

import (
	"context"
	"fmt"
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

const otherPassword = "另一个也很长的好密码呀"

// TestAuditTellsOfPeople: each change of the staff list is one row with who did it and to whom; what changes nothing, or is refused, is none;
// no row has a password or its hash.
func TestAuditTellsOfPeople(t *testing.T) {
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	as := func(login string, roles ...knowledge.Role) context.Context {
		id, err := store.AddPerson(context.Background(), knowledge.Person{Login: login, Name: "姓名", Institution: "市科协", Roles: roles}, goodPassword)
		if err != nil {
			t.Fatal(err)
		}
		return knowledge.WithActor(context.Background(), knowledge.Actor{Person: id, ID: login, Name: "姓名", From: "test"})
	}
	admin, wang := as("admin", knowledge.Administrator), as("wang", knowledge.Editor)
	change := func(ctx context.Context, login string, c knowledge.PersonChange) error {
		_, err := store.ChangePerson(ctx, login, c)
		return err
	}
	signIn := func(secret string, at time.Time) { _, _ = store.SignIn(context.Background(), "wang", secret, at) }
	for _, step := range []struct {
		what string
		do   func() error
		want knowledge.Code
		row  string // of the log, or none
	}{
		{"an editor changes roles", func() error { return store.SetRoles(wang, "wang", knowledge.Roles) }, knowledge.Forbidden, ""},
		{"an administrator does", func() error {
			return store.SetRoles(admin, "wang", []knowledge.Role{knowledge.Publisher, knowledge.Editor})
		}, "", "admin person.roles_set wang editor>editor,publisher"},
		{"the same once more", func() error {
			return store.SetRoles(admin, "wang", []knowledge.Role{knowledge.Editor, knowledge.Publisher})
		}, "", ""},
		{"a title by herself", func() error { return change(wang, "wang", describes("", "编审", "")) }, knowledge.Forbidden, ""},
		{"an expert without a title", func() error {
			return store.SetRoles(admin, "wang", []knowledge.Role{knowledge.Expert})
		}, knowledge.Invalid, ""},
		{"with a title", func() error {
			c := describes("", "主任医师", "市医院")
			c.Roles = []knowledge.Role{knowledge.Expert, knowledge.Editor, knowledge.Publisher}
			return change(admin, "wang", c)
		}, "", "admin person.changed wang; admin person.roles_set wang editor,publisher>editor,expert,publisher"},
		{"the same title", func() error { return change(admin, "wang", describes("", "主任医师", "")) }, "", ""},
		{"an expert's title away", func() error {
			none := ""
			return change(admin, "wang", knowledge.PersonChange{Title: &none})
		}, knowledge.Invalid, ""},
		{"another name", func() error { return change(admin, "wang", describes("王小明", "", "")) }, "", "admin person.changed wang"},
		{"nobody's name", func() error { return change(admin, "nobody", describes("某某", "", "")) }, knowledge.NotFound, ""},
		{"nobody's roles", func() error { return store.SetRoles(admin, "nobody", nil) }, knowledge.NotFound, ""},
		{"one's own password", func() error { return store.SetPassword(wang, "wang", otherPassword) }, "", "wang person.password_set wang"},
		{"somebody else's", func() error { return store.SetPassword(wang, "admin", otherPassword) }, knowledge.Forbidden, ""},
		{"anybody's by an administrator", func() error { return store.SetPassword(admin, "wang", goodPassword) }, "", "admin person.password_set wang"},
		{"a password that is too short", func() error { return store.SetPassword(admin, "wang", "短") }, knowledge.Invalid, ""},
		{"the login again", func() error {
			_, err := store.AddPerson(admin, knowledge.Person{Login: "wang", Name: "又一个"}, goodPassword)
			return err
		}, knowledge.Conflict, ""},
		{"added by an editor", func() error {
			_, err := store.AddPerson(wang, knowledge.Person{Login: "li", Name: "李"}, goodPassword)
			return err
		}, knowledge.Forbidden, ""},
		{"four wrong passwords", func() error {
			for range 4 {
				signIn(otherPassword, now)
			}
			return nil
		}, "", ""},
		{"the fifth", func() error { signIn(otherPassword, now); return nil }, "", "system person.locked_out wang"},
		{"while it rests", func() error { signIn(otherPassword, now.Add(time.Minute)); return nil }, "", ""},
		{"after the rest", func() error { signIn(otherPassword, now.Add(16*time.Minute)); return nil }, "", "system person.locked_out wang"},
		{"disabled by an editor", func() error { return store.DisablePerson(wang, "admin", now) }, knowledge.Forbidden, ""},
		{"disabled", func() error { return store.DisablePerson(admin, "wang", now) }, "", "admin person.disabled wang"},
		{"and again", func() error { return store.DisablePerson(admin, "wang", now) }, "", ""},
	} {
		before := len(peopleRows(t, dsn))
		if err := step.do(); code(err) != step.want || err != nil && step.want == "" {
			t.Fatalf("%s: %v, want %q", step.what, err, step.want)
		}
		if got := strings.Join(peopleRows(t, dsn)[before:], "; "); got != step.row {
			t.Errorf("%s: the log says %q, want %q", step.what, got, step.row)
		}
	}
	if got := peopleRows(t, dsn)[:2]; !slices.Equal(got, []string{"system person.added admin administrator", "system person.added wang editor"}) {
		t.Errorf("hired: %q", got)
	}
	checkNoSecrets(t, dsn)
	history, err := store.PersonHistory(context.Background(), "wang")
	if err != nil || len(history) != 10 || history[0].What != "person.added" || history[2].What != "person.changed" || history[5].Who != "姓名" || history[9].What != "person.disabled" {
		t.Errorf("history: %+v, %v", history, err)
	}
	if report := verify(t, store); len(report.Broken) > 0 {
		t.Errorf("%+v", report)
	}
}

// describes changes what is not empty.
func describes(name, title, institution string) (c knowledge.PersonChange) {
	for _, f := range []struct {
		value string
		into  **string
	}{{name, &c.Name}, {title, &c.Title}, {institution, &c.Institution}} {
		if f.value != "" {
			*f.into = &f.value
		}
	}
	return c
}

// TestAuthorBecomesExpert: who was added without a title and an institution is given them with the role, and the log says what was.
func TestAuthorBecomesExpert(t *testing.T) {
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	p, err := store.AddPerson(context.Background(), knowledge.Person{Login: "sun", Name: "孙作者", Roles: []knowledge.Role{knowledge.Author}}, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	c := describes("孙医生", "主治医师", "县医院")
	c.Roles = []knowledge.Role{knowledge.Author, knowledge.Expert}
	got, err := store.ChangePerson(context.Background(), "sun", c)
	if err != nil || got.ID != p || got.Name != "孙医生" || got.Title != "主治医师" || got.Institution != "县医院" || !got.Holds(knowledge.Expert) {
		t.Fatalf("%+v, %v", got, err)
	}
	if stored, err := store.Person(context.Background(), "sun"); err != nil || stored.Title != "主治医师" || stored.SigningRole() != knowledge.Expert {
		t.Errorf("%+v, %v", stored, err)
	}
	if got := lines(t, dsn, `SELECT detail::text FROM audit_log WHERE action = 'person.changed'`); len(got) != 1 ||
		!strings.Contains(got[0], `"was_name": "孙作者"`) || !strings.Contains(got[0], `"title": "主治医师"`) {
		t.Errorf("%q", got)
	}
}

// peopleRows are the log's rows about people: actor, action, person and roles.
func peopleRows(t *testing.T, dsn string) []string {
	t.Helper()
	return lines(t, dsn, `
		SELECT concat_ws(' ', actor, action, detail ->> 'person', nullif(concat(detail ->> 'was', CASE WHEN detail ? 'was' THEN '>' END, detail ->> 'roles'), ''))
		  FROM audit_log WHERE action LIKE 'person.%' ORDER BY seq`)
}

// lines are a query's rows of one text.
func lines(t testing.TB, dsn, sql string) []string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func checkNoSecrets(t *testing.T, dsn string) {
	t.Helper()
	for _, row := range lines(t, dsn, `SELECT audit_log::text FROM audit_log`) {
		if strings.Contains(row, goodPassword) || strings.Contains(row, otherPassword) || strings.Contains(row, "argon2") {
			t.Errorf("a secret in the log: %s", row)
		}
	}
}

// TestLockOutWithoutTheAuditKey: changes are refused, and an account that is guessed at rests all the same.
func TestLockOutWithoutTheAuditKey(t *testing.T) {
	dsn := postgrestest.DSN(t)
	file := filepath.Join(t.TempDir(), "audit.head")
	ctx := context.Background()
	hire(t, audited(t, dsn, file, auditKey, nil))
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.StartAudit(ctx, postgres.AuditConfig{HeadFile: file}); err != nil {
		t.Fatal(err)
	}
	if err := store.DisablePerson(ctx, "author", now); code(err) != knowledge.Unavailable {
		t.Errorf("a change without the key: %v", err)
	}
	for i := range 5 {
		if _, err := store.SignIn(ctx, "author", fmt.Sprintf("猜的第%d个密码哦哦", i), now); code(err) != knowledge.Forbidden {
			t.Fatal(err)
		}
	}
	if _, err := store.SignIn(ctx, "author", goodPassword, now); code(err) != knowledge.Forbidden {
		t.Errorf("it did not rest: %v", err)
	}
}
