//go:build !race

package postgres_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

const testModel, testDimensions = "test-model", 8

func randomVector(r *rand.Rand) []float32 {
	v := make([]float32, testDimensions)
	var sum float64
	for i := range v {
		v[i] = float32(r.NormFloat64())
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

// fillers are n entries of ten passages with vectors; region and life of entry i are up to shape.
func fillers(r *rand.Rand, n int, shape func(i int, e *postgrestest.BulkEntry)) iter.Seq2[postgrestest.BulkEntry, error] {
	return func(yield func(postgrestest.BulkEntry, error) bool) {
		for i := range n {
			e := postgrestest.BulkEntry{Entry: entry(fmt.Sprintf("filler-%d", i), i), Published: true}
			shape(i, &e)
			for j := range 10 {
				p := passage(r, j, 3000)
				p.Vector = randomVector(r)
				e.Passages = append(e.Passages, p)
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func everywhere(int, *postgrestest.BulkEntry) {}

// filled is a store of so many fillers.
func filled(t testing.TB, r *rand.Rand, n int, shape func(i int, e *postgrestest.BulkEntry)) *postgres.Store {
	t.Helper()
	dsn := postgrestest.DSN(t)
	if _, err := postgrestest.Load(context.Background(), dsn, testModel, testDimensions, fillers(r, n, shape)); err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

// TestSearchUsesBothIndexes: over 2,000 passages the plan, made without knowing the parameters, has the GIN index in the lexical leg and the model's HNSW
// index in the dense one, and what it finds is what scoring everything finds.
func TestSearchUsesBothIndexes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a fixed seed
	store := filled(t, r, 2000, everywhere)
	q := retrieval.Query{Terms: passage(r, 0, 3000).Terms, Vector: randomVector(r), Model: testModel, Now: now, Limit: 10}
	plan, err := store.Explain(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range []string{"passages_terms", "passage_vectors_hnsw_1"} {
		if !strings.Contains(plan, index) {
			t.Errorf("%s is not used:\n%s", index, plan)
		}
	}
	if !strings.Contains(plan, "Filter: (SubPlan") || strings.Contains(plan, "Seq Scan on passage") {
		t.Errorf("the dense leg is free to read everything, which it did at 35,000 passages of 512 dimensions:\n%s", plan)
	}
	found, recalled := 0, 0
	for range 20 {
		q.Terms, q.Vector = passage(r, 0, 3000).Terms, randomVector(r)
		indexed, err := store.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		exact, err := store.SearchExact(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range exact {
			found++
			if slices.ContainsFunc(indexed, func(o retrieval.Hit) bool { return o.Ref == h.Ref && o.Text == h.Text }) {
				recalled++
			}
		}
	}
	if recalled < found*9/10 {
		t.Errorf("the indexes recalled %d of the %d best passages", recalled, found)
	}
}

// TestSearchScoresWhatFewPassagesPass: under a filter that keeps few passages every one of them is scored, by an index over what the
// filter looks at; a filter that keeps many leaves the search to its legs.
func TestSearchScoresWhatFewPassagesPass(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // a fixed seed
	store := filled(t, r, 1500, func(i int, e *postgrestest.BulkEntry) {
		e.Entry.Regions = []string{"110000"}
		if i%100 == 0 {
			e.Entry.Regions = []string{"320600"}
		}
	})
	drafts := filled(t, r, 1500, func(i int, e *postgrestest.BulkEntry) { e.Published = i%100 == 0 })
	for _, c := range []struct {
		name  string
		store *postgres.Store
		q     retrieval.Query
		index string
	}{
		{"a rare region", store, retrieval.Query{Regions: []string{"320000", "320600"}}, "passages_regions"},
		{"a common region", store, retrieval.Query{Regions: []string{"110000"}}, "passage_vectors_hnsw_1"},
		{"few published", drafts, retrieval.Query{}, "passages_published"},
		{"drafts too", drafts, retrieval.Query{Unsigned: true}, "passage_vectors_hnsw_1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q.Terms, c.q.Vector, c.q.Model, c.q.Now, c.q.Limit = passage(r, 0, 3000).Terms, randomVector(r), testModel, now, 10
			plan, err := c.store.Explain(context.Background(), c.q)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(plan, c.index) {
				t.Errorf("%s is not used:\n%s", c.index, plan)
			}
			if hits, err := c.store.Search(context.Background(), c.q); err != nil || len(hits) != 10 {
				t.Errorf("%d hits: %v", len(hits), err)
			}
		})
	}
}

func TestSearchFilters(t *testing.T) {
	ctx := context.Background()
	store := postgrestest.New(t)
	terms := []text.IndexTerm{{ID: 7, Count: 1}}
	save := func(id string, regions ...string) {
		e := entry(id, 1)
		e.Regions = regions
		p := ingest.IndexedPassage{Passage: knowledge.Passage{Kind: knowledge.ClaimPassage, Text: id}, Terms: terms}
		publish(t, store, e, []ingest.IndexedPassage{p})
	}
	save("everywhere")
	save("nantong", "320600")
	save("withdrawn")
	if err := store.Withdraw(ctx, "withdrawn", "试验"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.SaveDraft(ctx, entry("unsigned", 1), []ingest.IndexedPassage{{
		Passage: knowledge.Passage{Kind: knowledge.ClaimPassage, Text: "unsigned"}, Terms: terms}}, ""); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		q    retrieval.Query
		want string
	}{
		{"any region", retrieval.Query{Now: now}, "everywhere nantong"},
		{"its region", retrieval.Query{Now: now, Regions: []string{"320000", "320600"}}, "everywhere nantong"},
		{"another region", retrieval.Query{Now: now, Regions: []string{"110000"}}, "everywhere"},
		{"unsigned too", retrieval.Query{Now: now, Unsigned: true}, "everywhere nantong unsigned"},
		{"after expiry", retrieval.Query{Now: now.AddDate(1, 0, 0)}, ""},
		{"the second before", retrieval.Query{Now: now.AddDate(1, 0, 0).Add(-time.Second)}, "everywhere nantong"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q.Terms, c.q.Limit = terms, 10
			for name, search := range map[string]func(context.Context, retrieval.Query) ([]retrieval.Hit, error){
				"exact": store.SearchExact, "indexed": store.SearchIndexed,
			} {
				hits, err := search(ctx, c.q)
				if err != nil {
					t.Fatal(err)
				}
				var ids []string
				for _, h := range hits {
					ids = append(ids, string(h.ID))
				}
				slices.Sort(ids)
				if got := strings.Join(ids, " "); got != c.want {
					t.Errorf("%s: got %q, want %q", name, got, c.want)
				}
			}
		})
	}
}
