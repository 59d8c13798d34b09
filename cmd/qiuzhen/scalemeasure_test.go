package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"qiuzhen/eval/scale"
	"qiuzhen/retrieval"
)

// BenchmarkScale measures answers and the search on 1,000, 10,000 and 100,000 passages. The first run embeds them, which
// takes ten minutes on two cores; the vectors and databases are kept.
func BenchmarkScale(b *testing.B) {
	for _, n := range []int{1_000, 10_000, realPassages} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { measureScale(b, openScale(b, n, realPassages), 100) })
	}
}

// measureScale runs every measure; recalled is how many queries the recall is taken over.
func measureScale(b *testing.B, s *scaled, recalled int) {
	all := s.trace(b, readWordings(b, "../../eval/testdata/wordings/tune_messages.jsonl"))
	short := slices.DeleteFunc(slices.Clone(all), func(t traced) bool { return utf8.RuneCountInString(t.message) > 60 })
	b.Run("short", func(b *testing.B) { s.measureOne(b, short) })
	b.Run("all", func(b *testing.B) { s.measureOne(b, all) })
	b.Run("clients=16/short", func(b *testing.B) { s.measureMany(b, short, 16) })
	b.Run("clients=16/all", func(b *testing.B) { s.measureMany(b, all, 16) })
	b.Run("recall", func(b *testing.B) { s.measureRecall(b, all[:min(recalled, len(all))]) })
}

// traced is a message with what its answer asks of the model and of the database.
type traced struct {
	message string
	pieces  []string
	queries []retrieval.Query
}

// tracer passes everything on and keeps what it saw; pieces come side by side.
type tracer struct {
	retrieval.Searcher
	retrieval.Embedder
	mu sync.Mutex
	traced
}

func (t *tracer) Search(ctx context.Context, q retrieval.Query) ([]retrieval.Hit, error) {
	t.mu.Lock()
	t.queries = append(t.queries, q)
	t.mu.Unlock()
	return t.Searcher.Search(ctx, q)
}

func (t *tracer) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	t.mu.Lock()
	t.pieces = append(t.pieces, texts...)
	t.mu.Unlock()
	return t.Embedder.Embed(ctx, texts)
}

// trace answers every message once, which also warms the caches.
func (s *scaled) trace(b *testing.B, messages []wording) []traced {
	var all []traced
	for _, m := range messages {
		t := &tracer{Searcher: s.Store, Embedder: s.model, traced: traced{message: m.Text}}
		engine := *s.engine
		engine.Searcher, engine.Embedder, engine.ReadPage = t, t, nil
		if _, err := engine.Answer(context.Background(), retrieval.Message{Text: m.Text}); err != nil {
			b.Fatal(err)
		}
		slices.SortFunc(t.queries, func(a, b retrieval.Query) int { return cmp.Compare(len(b.Text), len(a.Text)) }) // the whole first
		if len(t.pieces) > 0 {
			all = append(all, t.traced)
		}
	}
	return all
}

// measureOne is one client: whole answers, then the embeddings alone and the searches alone that they are made of.
// ratio is the median answer over the sum of the other two medians; cpu-ms is what the program and its server spent on an
// answer, which other work on the machine moves less. An iteration is all messages.
func (s *scaled) measureOne(b *testing.B, messages []traced) {
	var whole, embed, search timing
	for b.Loop() {
		s.measure(b, &whole, messages, s.answer)
		s.measure(b, &embed, messages, func(ctx context.Context, m traced) error {
			_, err := s.model.Embed(ctx, m.pieces)
			return err
		})
		s.measure(b, &search, messages, s.searches)
	}
	reportPercentiles(b, whole.took)
	b.ReportMetric(whole.cpuEach(), "cpu-ms")
	b.ReportMetric(embed.percentile(50), "embed-p50-ms")
	b.ReportMetric(embed.cpuEach(), "embed-cpu-ms")
	b.ReportMetric(search.percentile(50), "search-p50-ms")
	b.ReportMetric(search.percentile(99), "search-p99-ms")
	b.ReportMetric(search.cpuEach(), "search-cpu-ms")
	b.ReportMetric(whole.percentile(50)/(embed.percentile(50)+search.percentile(50)), "ratio")
}

// timing is how long each of many calls took, and what processor time all took.
type timing struct {
	took []time.Duration
	cpu  time.Duration
}

func (t *timing) percentile(p int) float64 {
	slices.Sort(t.took)
	return milliseconds(t.took[len(t.took)*p/100])
}

func (t *timing) cpuEach() float64 { return milliseconds(t.cpu / time.Duration(len(t.took))) }

func (s *scaled) measure(b *testing.B, into *timing, messages []traced, do func(ctx context.Context, m traced) error) {
	before := s.processorTime(b)
	for _, m := range messages {
		into.took = append(into.took, took(b, func(ctx context.Context) error { return do(ctx, m) }))
	}
	into.cpu += s.processorTime(b) - before
}

// processorTime is what this process and the server's have used. The kernel counts in hundredths of a second.
func (s *scaled) processorTime(b *testing.B) time.Duration {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	ticks := 0
	for _, path := range stats {
		data, _ := os.ReadFile(path) // a process may have ended since
		var pid, parent, user, system int
		name := strings.LastIndex(string(data), ")")
		if name < 0 {
			continue
		}
		fmt.Sscan(string(data), &pid)
		fields := strings.Fields(string(data)[name+1:]) // from the third on: see proc(5)
		fmt.Sscan(strings.Join([]string{fields[1], fields[11], fields[12]}, " "), &parent, &user, &system)
		if pid == os.Getpid() || parent == s.cluster.PID() {
			ticks += user + system
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func took(b *testing.B, do func(ctx context.Context) error) time.Duration {
	start := time.Now()
	if err := do(context.Background()); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

func (s *scaled) answer(ctx context.Context, m traced) error {
	_, err := s.Bot.Ask(ctx, retrieval.Message{Text: m.message})
	return err
}

// searches asks the database as an answer does, side by side.
func (s *scaled) searches(ctx context.Context, m traced) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, q := range m.queries {
		group.Go(func() error {
			_, err := s.Store.Search(ctx, q)
			return err
		})
	}
	return group.Wait()
}

// measureMany is so many clients at once, each asking as soon as it has its answer. An iteration is all messages.
func (s *scaled) measureMany(b *testing.B, messages []traced, clients int) {
	var mu sync.Mutex
	var all []time.Duration
	begin := time.Now()
	for b.Loop() {
		var next atomic.Int64
		var group sync.WaitGroup
		for range clients {
			group.Go(func() {
				for i := next.Add(1) - 1; i < int64(len(messages)); i = next.Add(1) - 1 {
					start := time.Now()
					if err := s.answer(context.Background(), messages[i]); err != nil {
						b.Error(err)
					}
					mu.Lock()
					all = append(all, time.Since(start))
					mu.Unlock()
				}
			})
		}
		group.Wait()
	}
	b.ReportMetric(float64(len(all))/time.Since(begin).Seconds(), "answers/s")
	reportPercentiles(b, all)
}

// measureRecall compares the ten nearest passages that the search finds by meaning with the ten that scoring everything finds,
// without a filter and under those that keep few.
func (s *scaled) measureRecall(b *testing.B, messages []traced) {
	for b.Loop() {
		s.recall(b, messages, nil, "100%")
		for _, f := range scale.Selective {
			s.recall(b, messages, []string{f.Region}, fmt.Sprintf("%g%%", 100*f.Share))
		}
	}
}

// recall also reports how long the filtered searches took. A corpus without a passage that passes the filter has none.
func (s *scaled) recall(b *testing.B, messages []traced, regions []string, filter string) {
	found, wanted := 0, 0
	var times []time.Duration
	for _, m := range messages {
		q := m.queries[0]
		q.Regions, q.Terms = regions, nil
		var got []string
		times = append(times, took(b, func(ctx context.Context) (err error) {
			got, err = s.nearest(ctx, q)
			return err
		}))
		q.Exact = true
		exact, err := s.nearest(context.Background(), q)
		if err != nil {
			b.Fatal(err)
		}
		for _, h := range exact {
			wanted++
			if slices.Contains(got, h) {
				found++
			}
		}
	}
	if wanted > 0 {
		b.ReportMetric(float64(found)/float64(wanted), "recall-"+filter)
	}
	slices.Sort(times)
	b.ReportMetric(milliseconds(times[len(times)/2]), filter+"-p50-ms")
	b.ReportMetric(milliseconds(times[len(times)*99/100]), filter+"-p99-ms")
}

// nearest names the ten passages of the largest cosine.
func (s *scaled) nearest(ctx context.Context, q retrieval.Query) ([]string, error) {
	hits, err := s.Store.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(hits, func(a, b retrieval.Hit) int { return cmp.Compare(b.Cosine, a.Cosine) })
	var names []string
	for _, h := range hits[:min(10, len(hits))] {
		names = append(names, fmt.Sprint(h.Ref, h.Kind, h.Text))
	}
	return names, nil
}
