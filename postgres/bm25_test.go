//go:build !race

package postgres_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"testing"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// TestBM25 publishes, replaces and withdraws at random, then compares the statistics with a recount and the
// search's scores with a textbook BM25 over what is left.
func TestBM25(t *testing.T) {
	ctx := context.Background()
	store := postgrestest.New(t)
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a fixed seed
	live := map[knowledge.ID][]ingest.IndexedPassage{}
	const vocabulary = 400
	for step := range 1000 {
		id := fmt.Sprintf("entry-%d", r.IntN(150))
		if passages, ok := live[knowledge.ID(id)]; ok && r.IntN(3) == 0 && passages != nil {
			if err := store.Withdraw(ctx, knowledge.ID(id), "试验"); err != nil {
				t.Fatal(err)
			}
			delete(live, knowledge.ID(id))
		} else {
			passages := make([]ingest.IndexedPassage, 1+r.IntN(4))
			for i := range passages {
				passages[i] = passage(r, i, vocabulary)
			}
			publish(t, store, entry(id, step), passages)
			live[knowledge.ID(id)] = passages
		}
		if step%97 == 0 { // folding at any moment changes nothing
			if err := store.Maintain(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	checkStatistics(t, store, live)
	checkScores(t, store, live, r, vocabulary)
	if err := store.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	checkStatistics(t, store, live)
	checkScores(t, store, live, r, vocabulary)
}

func checkStatistics(t *testing.T, store *postgres.Store, live map[knowledge.ID][]ingest.IndexedPassage) {
	t.Helper()
	want := postgres.Statistics{DF: map[int32]int64{}}
	for _, passages := range live {
		for _, p := range passages {
			want.Passages++
			for _, term := range p.Terms {
				want.DF[term.ID]++
				want.Length += int64(term.Count)
			}
		}
	}
	got, err := store.Statistics(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got.Passages != want.Passages || got.Length != want.Length || !maps.Equal(got.DF, want.DF) {
		t.Fatalf("statistics differ from a recount: got %d passages, length %d, %d terms; want %d, %d, %d",
			got.Passages, got.Length, len(got.DF), want.Passages, want.Length, len(want.DF))
	}
	if math.Abs(got.AverageLength/(float64(want.Length)/float64(want.Passages))-1) > 0.10+1e-9 {
		t.Errorf("avgdl %f has drifted more than 10%% from %f", got.AverageLength, float64(want.Length)/float64(want.Passages))
	}
}

// textbook is BM25 as Robertson and Zaragoza define it, k1 = 1.2, b = 0.75, idf = ln(1 + (N-df+.5)/(df+.5)).
func textbook(query, document []text.IndexTerm, s postgres.Statistics) float64 {
	const k1, b = 1.2, 0.75
	length, score := 0.0, 0.0
	tf := map[int32]float64{}
	for _, term := range document {
		tf[term.ID] = float64(term.Count)
		length += float64(term.Count)
	}
	for _, q := range query {
		df := float64(s.DF[q.ID])
		idf := math.Log(1 + (float64(s.Passages)-df+0.5)/(df+0.5))
		f := tf[q.ID]
		score += idf * float64(q.Count) * f * (k1 + 1) / (f + k1*(1-b+b*length/s.AverageLength))
	}
	return score
}

func checkScores(t *testing.T, store *postgres.Store, live map[knowledge.ID][]ingest.IndexedPassage, r *rand.Rand, vocabulary int) {
	t.Helper()
	stats, err := store.Statistics(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		query := passage(r, 0, vocabulary+50).Terms // some terms that no passage holds
		self := textbook(query, query, stats)
		hits, err := store.Search(context.Background(), retrieval.Query{Terms: query, Now: now, Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(hits)) != stats.Passages {
			t.Fatalf("the exact search returned %d of %d passages", len(hits), stats.Passages)
		}
		for _, h := range hits {
			var ordinal int
			if _, err := fmt.Sscan(h.Text, &ordinal); err != nil {
				t.Fatal(err)
			}
			want := textbook(query, live[h.ID][ordinal].Terms, stats)
			if got := h.Coverage * self; math.Abs(got-want) > 1e-6*max(1, want) {
				t.Fatalf("%s/%d: score %.9f, textbook %.9f", h.ID, ordinal, got, want)
			}
		}
	}
}
