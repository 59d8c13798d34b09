package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

func onePassage() []ingest.IndexedPassage {
	return []ingest.IndexedPassage{{
		Passage: knowledge.Passage{Kind: knowledge.ClaimPassage, Text: "说法"}, Terms: []text.IndexTerm{{ID: 1, Count: 1}}}}
}

func TestSaveDraftIsIdempotent(t *testing.T) {
	ctx := context.Background()
	store := postgrestest.New(t)
	for i, want := range []bool{true, false} {
		created, err := store.SaveDraft(ctx, entry("one", 1), onePassage(), "")
		if err != nil || created != want {
			t.Fatalf("save %d: created %t, %v; want %t", i, created, err, want)
		}
	}
	if created, err := store.SaveDraft(ctx, entry("one", 2), onePassage(), ""); err != nil || !created {
		t.Fatalf("changed content: created %t, %v", created, err)
	}
	counts, err := store.Counts(ctx)
	if err != nil || counts.Drafts != 1 || counts.Passages != 1 {
		t.Fatalf("the older draft is still there: %+v, %v", counts, err)
	}
}

// TestConcurrentSaves: many writers of one entry make one version of each content, never a broken one.
func TestConcurrentSaves(t *testing.T) {
	ctx := context.Background()
	store := postgrestest.New(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := store.SaveDraft(ctx, entry("one", 1), onePassage(), ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if v, err := store.OpenVersion(ctx, "one"); err != nil || v != 1 {
		t.Fatalf("version %d, %v", v, err)
	}
}

func TestPublishNeedsAReviewOfThisContent(t *testing.T) {
	ctx := context.Background()
	store := postgrestest.New(t)
	e := entry("one", 1)
	if _, err := store.SaveDraft(ctx, e, onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	var known *knowledge.Error
	if err := store.Publish(ctx, "one", now, 12); !errors.As(err, &known) || known.Code != knowledge.Conflict {
		t.Fatalf("unsigned content was published: %v", err)
	}
	review := knowledge.Review{Reviewer: "测试", Institution: "测试", Decision: "approve", At: now, ContentHash: entry("one", 2).Hash()}
	if err := store.AddReview(ctx, "one", 1, review); !errors.As(err, &known) || known.Code != knowledge.Conflict {
		t.Fatalf("a review of other content was taken: %v", err)
	}
	review.ContentHash = e.Hash()
	if err := store.AddReview(ctx, "one", 1, review); err != nil {
		t.Fatal(err)
	}
	review.Decision = "return"
	if err := store.AddReview(ctx, "one", 1, review); err != nil {
		t.Fatal(err)
	}
	if err := store.Publish(ctx, "one", now, 12); !errors.As(err, &known) || known.Code != knowledge.Conflict {
		t.Fatalf("content that was sent back is published: %v", err)
	}
	review.Decision = "approve"
	if err := store.AddReview(ctx, "one", 1, review); err != nil {
		t.Fatal(err)
	}
	if err := store.Publish(ctx, "one", now, 12); err != nil {
		t.Fatal(err)
	}
	loaded, err := store.Load(ctx, []retrieval.Ref{{ID: "one", Version: 1}, {ID: "none", Version: 1}}, false, now)
	if err != nil || len(loaded) != 1 || !loaded[0].Signed || len(loaded[0].Reviews) != 2 || loaded[0].Hash() != e.Hash() {
		t.Fatalf("loaded %+v, %v", loaded, err)
	}
	if gone, err := store.Load(ctx, []retrieval.Ref{{ID: "one", Version: 1}}, true, now.AddDate(1, 0, 0)); err != nil || len(gone) != 0 {
		t.Errorf("an expired version is loaded: %+v, %v", gone, err)
	}
	if err := store.Publish(ctx, "one", now, 12); !errors.As(err, &known) || known.Code != knowledge.NotFound {
		t.Fatalf("nothing is waiting, but: %v", err)
	}
}

// TestInvariants: the database itself refuses what must never be.
func TestInvariants(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	publish(t, store, entry("one", 1), onePassage())
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for sql, constraint := range map[string]string{
		`UPDATE entry_versions SET document = document || '{"short": "x"}'`: "version_is_immutable",
		`UPDATE reviews SET reviewer = 'x'`:                                 "review_is_append_only",
		`DELETE FROM reviews`:                                               "review_is_append_only",
		`DELETE FROM entry_versions`:                                        "version_is_immutable",
		`INSERT INTO entries (id) VALUES ('Bad Id')`:                        "entry_id_is_slug",
		`INSERT INTO entry_versions (entry_id, version, content_hash, document) VALUES ('one', 2, '\x00', '{"id": "one", "kind": "guide"}')`:    "version_hash_is_sha256",
		`INSERT INTO entry_versions (entry_id, version, content_hash, document) SELECT 'one', 2, sha256('x'), '{"id":"one","kind":"rebuttal"}'`: "version_rebuttal_has_verdict",
		`UPDATE passages SET status = 'draft'`:                                     "passage_mirrors_version",
		`INSERT INTO bm25_settings (single, k1, b, avgdl) VALUES (false, 1, 1, 1)`: "bm25_settings_is_one_row",
	} {
		_, err := conn.Exec(ctx, sql)
		if err == nil || !strings.Contains(err.Error(), constraint) && postgres.Constraint(err) != constraint {
			t.Errorf("%s: got %v, want %s", sql, err, constraint)
		}
	}
}
