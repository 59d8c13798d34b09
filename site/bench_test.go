package site_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/site"
	"qiuzhen/text"
)

// benchEntries is ten times what one city has.
const benchEntries = 10_000

// BenchmarkPublic reads what is public of 10,000 entries, from as many readers as there are cores: p50-ms and p99-ms are over requests.
func BenchmarkPublic(b *testing.B) {
	handler := serve(site.New(benchStore(b), address, false, time.Now, slog.New(slog.DiscardHandler)))
	tag := get(b, handler, "/e/entry-7").header.Get("ETag")
	for _, c := range []struct {
		name, tag string
		target    func(i int) string
	}{
		{"page", "", func(i int) string { return fmt.Sprintf("/e/entry-%d", i*7919%benchEntries) }},
		{"page-unchanged", tag, func(int) string { return "/e/entry-7" }},
		{"page-unknown", "", func(i int) string { return fmt.Sprintf("/e/none-%d", i) }},
		{"api-entry", "", func(i int) string { return fmt.Sprintf("/api/v1/entries/entry-%d", i*7919%benchEntries) }},
		{"api-list", "", func(int) string { return "/api/v1/entries" }},
		{"api-changes", "", func(int) string { return "/api/v1/entries?updated_since=2100-01-01T00:00:00Z" }},
		{"feed", "", func(int) string { return "/feed.atom" }},
		{"sitemap", "", func(int) string { return "/sitemap.xml" }},
	} {
		b.Run(c.name, func(b *testing.B) { load(b, handler, c.target, c.tag) })
	}
}

func load(b *testing.B, handler http.Handler, target func(int) string, tag string) {
	var took []time.Duration
	var mu sync.Mutex
	want := http.StatusOK
	if tag != "" {
		want = http.StatusNotModified
	} else if strings.Contains(target(0), "none") {
		want = http.StatusNotFound
	}
	b.RunParallel(func(pb *testing.PB) {
		var mine []time.Duration
		for i := 0; pb.Next(); i++ {
			r := httptest.NewRequest(http.MethodGet, target(i), nil)
			if tag != "" {
				r.Header.Set("If-None-Match", tag)
			}
			w := httptest.NewRecorder()
			start := time.Now()
			handler.ServeHTTP(w, r)
			mine = append(mine, time.Since(start))
			if w.Code != want {
				b.Errorf("%s: %d", target(i), w.Code)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, mine...)
	})
	slices.Sort(took)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(took[len(took)*p/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
	}
}

func benchStore(b *testing.B) *postgres.Store {
	ctx := context.Background()
	dsn := postgrestest.DSN(b)
	_, err := postgrestest.Load(ctx, dsn, "none", 2, func(yield func(postgrestest.BulkEntry, error) bool) {
		for i := range benchEntries {
			e := rebuttal(fmt.Sprintf("entry-%d", i))
			e.Topic = []knowledge.Topic{knowledge.Health, knowledge.Fraud, knowledge.Disaster, knowledge.Rumour}[i%4]
			e.Body = strings.Repeat("这一段把道理讲清楚，句子不长，老人也听得懂。\n\n", 12)
			passage := ingest.IndexedPassage{
				Passage: knowledge.Passage{Kind: knowledge.ClaimPassage, Text: "说法"}, Terms: []text.IndexTerm{{ID: 1, Count: 1}}, Vector: []float32{1, 0},
			}
			if !yield(postgrestest.BulkEntry{Entry: e, Passages: []ingest.IndexedPassage{passage}, Published: true}, nil) {
				return
			}
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(store.Close)
	return store
}
