package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
)

func original(content string) ingest.Original {
	return ingest.NewOriginal("通知.docx", "text/plain", 3, []byte(content), []byte(`[{"kind":"paragraph","text":"一"}]`))
}

func imported(id knowledge.ID, title string) ingest.Draft {
	return ingest.Draft{
		Entry:  knowledge.Entry{ID: id, Kind: knowledge.Rebuttal, Title: title, Body: "正文", Actions: []string{}, Sources: []knowledge.Source{{Title: "通知"}}},
		Fields: map[string]string{"title": "第3页", "body[0]": "第3页第2段"},
	}
}

// TestImportedDrafts: an incomplete draft is kept with its original, found by nobody, never published; a person's version is
// never overwritten by a file.
func TestImportedDrafts(t *testing.T) {
	ctx := context.Background()
	store := postgrestest.New(t)
	o := original("内容")
	save := func(d ingest.Draft, want ingest.Outcome) {
		t.Helper()
		if err := store.SaveOriginal(ctx, o); err != nil {
			t.Fatal(err)
		}
		if got, err := store.SaveImported(ctx, d, o, false, nil, ""); err != nil || got != want {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
	}
	save(imported("one", "甲"), ingest.Stored)
	save(imported("one", "甲"), ingest.Same)
	save(imported("one", "乙"), ingest.Stored) // the file was read with another column mapping
	origin, err := store.Origin(ctx, "one", 2)
	if err != nil || origin.Fields["body[0]"] != "第3页第2段" || origin.Name != "通知.docx" || origin.Pages != 3 || origin.SHA256 != o.SHA256 {
		t.Fatalf("%+v, %v", origin, err)
	}
	if content, err := store.OriginalContent(ctx, o.SHA256); err != nil || !bytes.Equal(content, o.Content) {
		t.Fatalf("the original reads %q, %v", content, err)
	}
	if loaded, err := store.Load(ctx, []retrieval.Ref{{ID: "one", Version: 2}}, true, now); err != nil || len(loaded) != 0 {
		t.Errorf("an incomplete draft is served: %+v, %v", loaded, err)
	}
	var known *knowledge.Error
	if _, err := store.Submit(ctx, "one"); !errors.As(err, &known) || known.Code != knowledge.Conflict {
		t.Errorf("an incomplete draft is submitted: %v", err)
	}
	if err := store.Publish(ctx, "one", false, now); !errors.As(err, &known) || known.Code != knowledge.Conflict {
		t.Errorf("an incomplete draft is published: %v", err)
	}
	if broken, versions, err := store.CheckWhole(ctx, ""); err != nil || versions != 0 || len(broken) != 0 {
		t.Errorf("%d searchable versions, broken %v, %v", versions, broken, err)
	}

	if _, err := store.SaveDraft(ctx, entry("one", 3), onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	save(imported("one", "丙"), ingest.Kept)
	if err := store.Withdraw(ctx, "one", "试验"); err != nil {
		t.Fatal(err)
	}
	save(imported("one", "丁"), ingest.Kept)
	if _, err := store.Origin(ctx, "one", 3); !errors.As(err, &known) || known.Code != knowledge.NotFound {
		t.Errorf("a person's version has an original: %v", err)
	}
}

// TestIncompleteInvariants: the database itself refuses to make an incomplete version searchable or to let it move on.
func TestIncompleteInvariants(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	o := original("内容")
	if err := store.SaveOriginal(ctx, o); err != nil {
		t.Fatal(err)
	}
	if _, err := store.SaveImported(ctx, imported("one", "甲"), o, false, nil, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := store.SaveImported(ctx, imported("two", "甲"), o, false, onePassage(), ""); err == nil {
		t.Error("an incomplete version got passages")
	}
	if _, err := store.SaveImported(ctx, imported("three", "甲"), o, true, onePassage(), ""); err == nil {
		t.Error("a complete rebuttal without a verdict was stored")
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for _, sql := range []string{
		`UPDATE entry_versions SET status = 'in_review' WHERE entry_id = 'one'`,
		`UPDATE entry_versions SET complete = true WHERE entry_id = 'one'`,
		`INSERT INTO passages (entry_id, version, status, expires_at, kind, ordinal, text, siblings, terms, tfs, length, weights)
		 VALUES ('one', 1, 'draft', 'infinity', 'claim', 0, 'x', 1, '{}', '{}', 0, '{}/1000000000')`,
		`INSERT INTO passages (entry_id, version, status, expires_at, kind, ordinal, text, siblings, terms, tfs, length, weights, complete)
		 VALUES ('one', 1, 'draft', 'infinity', 'claim', 0, 'x', 1, '{}', '{}', 0, '{}/1000000000', false)`,
		`UPDATE originals SET content = 'other'`,
		`DELETE FROM originals`,
	} {
		if _, err := conn.Exec(ctx, sql); err == nil {
			t.Errorf("done: %s", sql)
		}
	}
}
