package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestPublicPagesAreRanges: a page of changes is read from the indexes in their order, whatever there is, in both directions; not made of all versions.
func TestPublicPagesAreRanges(t *testing.T) {
	dsn := postgrestest.DSN(t)
	_, err := postgrestest.Load(t.Context(), dsn, "none", 2, func(yield func(postgrestest.BulkEntry, error) bool) {
		for i := range 1000 {
			passages := []ingest.IndexedPassage{{Passage: onePassage()[0].Passage, Terms: onePassage()[0].Terms, Vector: []float32{1, 0}}}
			if !yield(postgrestest.BulkEntry{Entry: entry(fmt.Sprintf("entry-%d", i), i), Passages: passages, Published: true}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, plan := range store.ExplainPublic(t) {
		if !strings.Contains(plan, "versions_changed") || !strings.Contains(plan, "versions_expired") || strings.Contains(plan, "Seq Scan on entry_versions") {
			t.Errorf("the page is read so:\n%s", plan)
		}
	}
	var seen int
	q := knowledge.PublicQuery{Limit: 64, Now: time.Now()}
	for {
		found, err := store.PublicEntries(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if seen += len(found); len(found) < q.Limit {
			break
		}
		last := found[len(found)-1]
		q.After = knowledge.PublicCursor{UpdatedAt: last.UpdatedAt, ID: last.Entry.ID}
	}
	if seen != 1000 {
		t.Errorf("%d of 1,000 entries on all pages, whose changes fall together", seen)
	}
}
