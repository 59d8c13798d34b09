package postgres_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/postgres/postgrestest"
)

// TestRemindersWithoutASigner: of what another city signed, and of what was signed by people who have no account any more, the publishers and
// administrators are told who still have one; of the rest its signers alone.
func TestRemindersWithoutASigner(t *testing.T) {
	ctx := context.Background()
	at := now.Add(time.Hour)
	from, to := newCity(t, 1), newCity(t, 2)
	from.publish(t, health("shared", 1), now)
	to.take(t, from.share(t, at))
	if err := to.PublishShared(to.publisher, "shared", at); err != nil {
		t.Fatal(err)
	}
	if err := to.DisablePerson(ctx, "publisher2", now); err != nil {
		t.Fatal(err)
	}
	due := now.AddDate(0, 6, 0).Add(-20 * day)
	if _, err := to.FileReminders(ctx, due); err != nil {
		t.Fatal(err)
	}
	if got, want := told(t, to.dsn), []string{"admin review_due_30 shared 1", "publisher review_due_30 shared 1"}; !slices.Equal(got, want) {
		t.Errorf("of another city's: told %q, want %q", got, want)
	}

	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	publish(t, store, entry("left", 1), onePassage())
	hireOne(t, store, "boss", knowledge.Administrator)
	for _, login := range []string{"expert", "editor"} {
		if err := store.DisablePerson(ctx, login, now); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := store.FileReminders(ctx, dueOn.Add(-20*day)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"boss review_due_30 left 1", "publisher review_due_30 left 1", "publisher2 review_due_30 left 1"}
	if got := told(t, dsn); !slices.Equal(got, want) {
		t.Errorf("of whose signers have left: told %q, want %q", got, want)
	}
}
