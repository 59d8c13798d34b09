package postgrestest_test

import (
	"context"
	"math"
	"reflect"
	"testing"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/text"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

const model = "test"

func bulkEntries() []postgrestest.BulkEntry {
	var all []postgrestest.BulkEntry
	for i, id := range []knowledge.ID{"one", "two", "three"} {
		n := int32(i + 1) //nolint:gosec // small
		e := knowledge.Entry{ID: id, Kind: knowledge.Guide, Title: string(id), Claims: []string{"甲"}, Body: "乙"}
		all = append(all, postgrestest.BulkEntry{Entry: e, Published: i != 1, Passages: []ingest.IndexedPassage{
			{Passage: knowledge.Passage{Kind: knowledge.ClaimPassage, Text: "甲"}, Terms: []text.IndexTerm{{ID: 7, Count: n}, {ID: 7 + n, Count: 1}}, Vector: []float32{1, 0}},
			{Passage: knowledge.Passage{Kind: knowledge.WholePassage, Text: "乙"}, Vector: []float32{0, 1}},
		}})
	}
	return all
}

// TestLoadCountsAsTheStoreDoes: what Load puts there has the statistics and weights that SaveDraft and Maintain give.
func TestLoadCountsAsTheStoreDoes(t *testing.T) {
	ctx := context.Background()
	saved, dsn := postgrestest.New(t), postgrestest.DSN(t)
	for _, e := range bulkEntries() {
		if _, err := saved.SaveDraft(ctx, e.Entry, e.Passages, model); err != nil {
			t.Fatal(err)
		}
	}
	entries := func(yield func(postgrestest.BulkEntry, error) bool) {
		for _, e := range bulkEntries() {
			e.Published = false
			if !yield(e, nil) {
				return
			}
		}
	}
	if _, err := postgrestest.Load(ctx, dsn, model, 2, entries); err != nil {
		t.Fatal(err)
	}
	loaded, err := postgres.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	for _, s := range []*postgres.Store{saved, loaded} {
		if err := s.Maintain(ctx); err != nil {
			t.Fatal(err)
		}
	}
	want, wantErr := saved.Counts(ctx)
	got, err := loaded.Counts(ctx)
	if err != nil || wantErr != nil || got != want {
		t.Errorf("holds %v (%v), want %v (%v)", got, err, want, wantErr)
	}
	if broken, n, err := loaded.CheckWhole(ctx, ""); err != nil || n != 3 || len(broken) != 3 { // without a summary each has a passage too few
		t.Errorf("%d versions, broken: %v, %v", n, broken, err)
	}
}

// TestLoadPublishes: the statistics are apart for what is published.
func TestLoadPublishes(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	_, err := postgrestest.Load(ctx, dsn, model, 2, func(yield func(postgrestest.BulkEntry, error) bool) {
		for _, e := range bulkEntries() {
			if !yield(e, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	stats, err := store.Statistics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Passages != 2 || stats.Length != 6 || math.Abs(stats.AverageLength-3) > 1e-9 || !reflect.DeepEqual(stats.DF, map[int32]int64{7: 2, 8: 1, 10: 1}) {
		t.Errorf("%+v", stats)
	}
}
