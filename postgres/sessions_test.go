package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestSessions: a session ends after an hour unused, after twelve in all, at sign-out, and with any change of its person.
func TestSessions(t *testing.T) {
	ctx := context.Background()
	store := postgrestest.New(t)
	hire(t, store)
	start := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	open := func() string {
		t.Helper()
		token, err := store.OpenSession(ctx, "editor", goodPassword, start)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	alive := func(token string, at time.Time) bool {
		t.Helper()
		s, err := store.Session(ctx, token, at)
		if err != nil && code(err) != knowledge.NotFound {
			t.Fatal(err)
		}
		return err == nil && s.Person.Login == "editor"
	}
	for name, c := range map[string]struct {
		do   func(token string) error
		at   time.Duration
		want bool
	}{
		"at once":              {nil, 0, true},
		"within the hour":      {nil, 59 * time.Minute, true},
		"after an hour unused": {nil, 61 * time.Minute, false},
		"signed out":           {func(token string) error { return store.CloseSession(ctx, token) }, 0, false},
		"another signed out":   {func(string) error { return store.CloseSession(ctx, open()) }, 0, true},
		"the password changed": {func(string) error { return store.SetPassword(ctx, "editor", goodPassword) }, 0, false},
		"the roles changed": {func(string) error {
			return store.SetRoles(ctx, "editor", []knowledge.Role{knowledge.Editor, knowledge.Author})
		}, 0, false},
		"somebody else's roles": {func(string) error { return store.SetRoles(ctx, "author", []knowledge.Role{knowledge.Author}) }, 0, true},
	} {
		token := open()
		if c.do != nil {
			if err := c.do(token); err != nil {
				t.Fatal(name, err)
			}
		}
		if got := alive(token, start.Add(c.at)); got != c.want {
			t.Errorf("%s: signed in is %t", name, got)
		}
	}

	token := open()
	for at := time.Duration(0); at < 12*time.Hour; at += 50 * time.Minute {
		if !alive(token, start.Add(at)) {
			t.Fatalf("ended after %s though it was used", at)
		}
	}
	if alive(token, start.Add(12*time.Hour+time.Second)) {
		t.Error("lives longer than 12 hours")
	}
	token = open()
	if err := store.DisablePerson(ctx, "editor", start); err != nil {
		t.Fatal(err)
	}
	if alive(token, start) {
		t.Error("a disabled person is signed in")
	}
	if _, err := store.OpenSession(ctx, "editor", goodPassword, start); code(err) != knowledge.Forbidden {
		t.Errorf("a disabled person signed in: %v", err)
	}
}

// TestSessionTable: who reads the table cannot sign in with it, and what was said is said once.
func TestSessionTable(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	hire(t, store)
	token, err := store.OpenSession(ctx, "editor", goodPassword, now)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var row string
	if err := conn.QueryRow(ctx, `SELECT convert_from(token_hash, 'LATIN1') FROM sessions`).Scan(&row); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", row, token + "x", token[:len(token)-1]} {
		if _, err := store.Session(ctx, wrong, now); code(err) != knowledge.NotFound {
			t.Errorf("%q is signed in: %v", wrong, err)
		}
	}
	if err := store.Say(ctx, token, "签了"); err != nil {
		t.Fatal(err)
	}
	if s, err := store.Session(ctx, token, now); err != nil || s.Said != "签了" {
		t.Errorf("%+v, %v", s, err)
	}
}
