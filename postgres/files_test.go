package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestSaveFile: a file takes the place of what an earlier file brought, never of what a person did; and a file that is as it was is no news.
func TestSaveFile(t *testing.T) {
	const old, changed = 1, 2 // the file as it was ingested, and as it is now
	type deed func(ctx context.Context, t *testing.T, store *postgres.Store, s staff)
	ingests := func(n int) deed {
		return func(_ context.Context, t *testing.T, store *postgres.Store, s staff) {
			t.Helper()
			if got, err := store.SaveFile(s.author, entry("one", n), onePassage(), ""); err != nil || got != ingest.Stored {
				t.Fatalf("ingested as %s, %v", got, err)
			}
		}
	}
	does := func(do func(store *postgres.Store, s staff) error) deed {
		return func(_ context.Context, t *testing.T, store *postgres.Store, s staff) {
			t.Helper()
			if err := do(store, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	edits := does(func(store *postgres.Store, s staff) error {
		_, err := store.SaveEdited(s.editor, entry("one", 7), true, onePassage(), "")
		return err
	})
	submits := does(func(store *postgres.Store, s staff) error { _, err := store.Submit(s.author, "one"); return err })
	returns := does(func(store *postgres.Store, s staff) error {
		return sign(s.expert, store, entry("one", old), 1, knowledge.Expert, "return")
	})
	publishes := func(n, version int) deed {
		return does(func(store *postgres.Store, s staff) error {
			if err := sign(s.expert, store, entry("one", n), version, knowledge.Expert, "approve"); err != nil {
				return err
			}
			return store.Publish(s.publisher, "one", false, now)
		})
	}
	withdraws := func(by func(staff) context.Context) deed {
		return does(func(store *postgres.Store, s staff) error { return store.Withdraw(by(s), "one", "有误") })
	}
	byPublisher, bySystem := func(s staff) context.Context { return s.publisher }, func(staff) context.Context { return context.Background() }
	for _, c := range []struct {
		name   string
		deeds  []deed
		ofOld  ingest.Outcome // the file as it was
		ofNew  ingest.Outcome // the file with other content
		served string         // afterwards, to the reader; "": nothing
	}{
		{"a file's draft", []deed{ingests(old)}, ingest.Same, ingest.Stored, ""},
		{"sent back", []deed{ingests(old), submits, returns}, ingest.Same, ingest.Stored, ""},
		{"under review", []deed{ingests(old), submits}, ingest.Same, ingest.Kept, ""},
		{"published", []deed{ingests(old), submits, publishes(old, 1)}, ingest.Same, ingest.Stored, "one 1"},
		{"edited in the console", []deed{ingests(old), edits}, ingest.Old, ingest.Kept, ""},
		{"edited, signed and published", []deed{ingests(old), edits, submits, publishes(7, 2)}, ingest.Old, ingest.Kept, "one 7"},
		{"written in the console alone", []deed{edits}, ingest.Kept, ingest.Kept, ""},
		{"withdrawn by a publisher", []deed{ingests(old), withdraws(byPublisher)}, ingest.Old, ingest.Kept, ""},
		{"withdrawn by the demo", []deed{ingests(old), withdraws(bySystem)}, ingest.Stored, ingest.Stored, ""},
		{"a file twice changed", []deed{ingests(5), ingests(old)}, ingest.Same, ingest.Stored, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := audited(t, postgrestest.DSN(t), t.TempDir()+"/audit.head", auditKey, nil)
			s := hire(t, store)
			for _, deed := range c.deeds {
				deed(t.Context(), t, store, s)
			}
			before, err := store.Version(t.Context(), "one", 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range []struct {
				n    int
				want ingest.Outcome
			}{{old, c.ofOld}, {changed, c.ofNew}} {
				got, err := store.SaveFile(s.author, entry("one", file.n), onePassage(), "")
				if err != nil || got != file.want {
					t.Errorf("file %d: %s, %v, want %s", file.n, got, err, file.want)
				}
			}
			after, err := store.Version(t.Context(), "one", 0)
			if changes := c.ofOld == ingest.Stored || c.ofNew == ingest.Stored; err != nil || (after.Number != before.Number) != changes {
				t.Errorf("version %d became %d, %v", before.Number, after.Number, err)
			}
			published, _, err := store.Pending(t.Context(), "one")
			if err != nil || !strings.HasPrefix(published.Entry.Title, c.served) || (c.served == "") != (published.Number == 0) {
				t.Errorf("served: %q, %v, want %q", published.Entry.Title, err, c.served)
			}
		})
	}
}

// TestSaveFileOverABundle: what came from another city is not replaced by a file either; and only who may write brings new text.
func TestSaveFileOverABundle(t *testing.T) {
	from, to := newCity(t, 1), newCity(t, 2)
	from.publish(t, health("one", 1), now)
	to.take(t, from.share(t, now.Add(time.Hour)))
	if got, err := to.SaveFile(to.author, health("one", 2), onePassage(), ""); err != nil || got != ingest.Kept {
		t.Errorf("over another city's: %s, %v", got, err)
	}
	if got, err := to.SaveFile(to.publisher, health("one", 1), onePassage(), ""); err != nil || got != ingest.Same {
		t.Errorf("the same again, by who may not write: %s, %v", got, err)
	}
	if _, err := to.SaveFile(to.publisher, health("two", 1), onePassage(), ""); code(err) != knowledge.Forbidden {
		t.Errorf("written by a publisher: %v", err)
	}
}
