package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
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

// TestVersionsBeginUnsigned: no new row brings signatures along, in whatever column; what the store itself makes has none.
func TestVersionsBeginUnsigned(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	conn := connect(t, ctx, dsn)
	insert := func(columns, values string) error {
		_, err := conn.Exec(ctx, `
			INSERT INTO entries (id) VALUES ('forged') ON CONFLICT DO NOTHING;
			INSERT INTO entry_versions (entry_id, version, content_hash, document, published_at, expires_at, `+columns+`)
			VALUES ('forged', 1, sha256('x'), '{"id": "forged", "kind": "guide", "topic": "fraud"}', now(), now() + interval '1 hour', `+values+`)`)
		return err
	}
	for columns, values := range map[string]string{
		"status, approvals": "'published', 1", "status, approvals, experts, editors": "'published', 2, 1, 1", "approvals": "-1",
		"status, emergency, publishers": "'published', true, 2", "status, shared, foreign_experts": "'published', true, 1",
		"foreign_editors": "1", "round": "2",
	} {
		if err := insert(columns, values); postgres.Constraint(err) != "version_begins_unsigned" {
			t.Errorf("%s = %s: %v", columns, values, err)
		}
	}
	if err := insert("status", "'published'"); postgres.Constraint(err) != "version_published_has_reviews" {
		t.Errorf("published without a signature: %v", err)
	}
	if err := insert("status", "'draft'"); err != nil {
		t.Errorf("a draft: %v", err)
	}
}
