package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"qiuzhen/eval/scale"
	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/text"
)

// realPassages is how many passages have a text and a vector of their own, unless said otherwise; a larger corpus repeats them with noise.
const realPassages = 100_000

// scaleLoad counts up when the way of loading changes what a database holds.
const scaleLoad = 2

// dataAtStart is the data folder that the run was given, before TestMain hides it.
var dataAtStart = os.Getenv("QIUZHEN_DATA")

// scaled is the program on a kept database of so many passages.
type scaled struct {
	*App
	passages int
	real     int                 // so many of them are no copies
	steps    []postgrestest.Step // how it was built, maybe in an earlier run
}

// openScale opens the program on a corpus of n passages, at most so many of them real. Vectors and databases are kept in the folder "scale" of the data
// folder (QIUZHEN_DATA), for the next run.
func openScale(b *testing.B, n, real int) *scaled {
	b.Helper()
	dir, err := dataFolder(dataAtStart)
	if err != nil {
		b.Fatal(err)
	}
	s, err := loadSettings(filepath.Join(dir, "scale"), nil)
	if err != nil {
		b.Fatal(err)
	}
	app, err := newApp(context.Background(), s)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(app.Close)
	out := &scaled{App: app, passages: n, real: min(n, real)}
	if err := out.keep(context.Background()); err != nil {
		b.Fatal(err)
	}
	return out
}

// keep finds or makes the database and turns the program to it.
func (s *scaled) keep(ctx context.Context) error {
	docs, sum, err := s.corpus()
	if err != nil {
		return err
	}
	prefix := fmt.Sprintf("scale_%d_", s.passages)
	name := prefix + sum
	if err := postgrestest.DropKept(ctx, s.cluster, prefix, name); err != nil {
		return err
	}
	dsn, note, err := postgrestest.Keep(ctx, s.cluster, name, func(dsn string) (string, error) { return s.fill(ctx, dsn, docs) })
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(note), &s.steps); err != nil {
		return err
	}
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		return err
	}
	s.Store.Close()
	s.Store, s.dsn = store, dsn
	s.wire()
	return nil
}

// corpus is the real part, with what tells it and the schema from others.
func (s *scaled) corpus() (docs []scale.Document, sum string, err error) {
	pool, err := scalePool()
	if err != nil {
		return nil, "", err
	}
	schema, err := postgrestest.Fingerprint()
	if err != nil {
		return nil, "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, schema, s.model.ID(), scaleLoad)
	for d := range pool.Corpus(s.real) {
		docs = append(docs, d)
		for _, p := range d.Passages {
			io.WriteString(h, p.Text)
		}
	}
	return docs, fmt.Sprintf("%x", h.Sum(nil)[:6]), nil
}

// scalePool is the text of the shared collections, or of our own content where they are not there.
func scalePool() (*scale.Pool, error) {
	shared := os.Getenv("QIUZHEN_SHARED")
	if shared == "" {
		shared = "../../../shared"
	}
	pool, err := scale.ReadPool(filepath.Join(shared, "data/retrieval"))
	if err != nil || !pool.Empty() {
		return pool, err
	}
	entries, err := embeddedEntries()
	return scale.PoolOf(entries), err
}

// fill embeds what the cache does not have yet and loads the database; the note says how long each step took.
func (s *scaled) fill(ctx context.Context, dsn string, docs []scale.Document) (note string, err error) {
	if err := s.room(); err != nil {
		return "", err
	}
	vectors, err := scale.OpenVectors(filepath.Join(s.Settings.dataDir, "vectors"), s.model)
	if err != nil {
		return "", err
	}
	defer vectors.Close()
	var texts []string
	for _, d := range docs {
		for _, p := range d.Passages {
			texts = append(texts, p.Text)
		}
	}
	said := time.Now()
	err = vectors.Fill(ctx, texts, func(done, total int) {
		if time.Since(said) > 10*time.Second || done == total {
			fmt.Fprintf(os.Stderr, "embedding the scale corpus: %d of %d passages\n", done, total)
			said = time.Now()
		}
	})
	if err != nil {
		return "", err
	}
	steps, err := postgrestest.Load(ctx, dsn, s.model.ID(), s.model.Dimensions(), s.entries(docs, vectors))
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(steps)
	return string(data), err
}

// entries are the documents with terms and vectors, and as many noisy copies as the size asks for. One in twenty is a draft.
func (s *scaled) entries(docs []scale.Document, vectors *scale.Vectors) iter.Seq2[postgrestest.BulkEntry, error] {
	return func(yield func(postgrestest.BulkEntry, error) bool) {
		made := 0
		for copied := 0; made < s.passages; copied++ {
			r := rand.New(rand.NewPCG(uint64(copied), 7)) //nolint:gosec // a fixed seed
			at := 0
			for i, d := range docs {
				if copied > 0 {
					d = noisyCopy(d, copied, r)
				}
				e := postgrestest.BulkEntry{Entry: d.Entry, Published: i%20 != 0}
				for _, p := range d.Passages[:min(len(d.Passages), s.passages-made)] {
					v, err := vectors.At(at)
					if err != nil {
						yield(e, err)
						return
					}
					if copied > 0 {
						disturb(v, r)
					}
					e.Passages = append(e.Passages, s.indexed(p, v))
					at++
				}
				made += len(e.Passages)
				if !yield(e, nil) || made == s.passages {
					return
				}
			}
		}
	}
}

func (s *scaled) indexed(p knowledge.Passage, v []float32) ingest.IndexedPassage {
	out := ingest.IndexedPassage{Passage: p, Vector: v}
	if p.Kind != knowledge.WholePassage {
		out.Terms = s.segmenter.IndexTerms(text.Normalize(p.Text))
	}
	return out
}

// noisyCopy is another entry of the same words in another order, clause by clause, with a number of its own.
func noisyCopy(d scale.Document, n int, r *rand.Rand) scale.Document {
	d.Entry.ID = knowledge.ID(fmt.Sprintf("%s-copy-%d", d.Entry.ID, n))
	d.Passages = slices.Clone(d.Passages)
	for i, p := range d.Passages {
		clauses := strings.Split(p.Text, "，")
		r.Shuffle(len(clauses), func(i, j int) { clauses[i], clauses[j] = clauses[j], clauses[i] })
		d.Passages[i].Text = fmt.Sprintf("%s，第%d号", strings.Join(clauses, "，"), n)
	}
	return d
}

// noise is the length of what is added to a copy's unit vector: the copy then lies at a cosine of about 0.9, as a paraphrase does.
const noise = 0.48

// disturb adds noise of that length and makes v a unit vector again.
func disturb(v []float32, r *rand.Rand) {
	scale, sum := noise/math.Sqrt(float64(len(v))), 0.0
	for i := range v {
		v[i] += float32(scale * r.NormFloat64())
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
}

// room refuses to begin what the disk cannot hold: three times the finished size, of which building an index and the log of
// changes take a part.
func (s *scaled) room() error {
	const each = 12_000 // bytes a passage
	var fs syscall.Statfs_t
	if err := syscall.Statfs(s.Settings.dataDir, &fs); err != nil {
		return err
	}
	free := int64(fs.Bavail) * fs.Bsize //nolint:gosec // fits
	if need := int64(s.passages) * each; free < need {
		return fmt.Errorf("%d passages need %.1f GB free in %s, and %.1f GB are; free some space, or name another folder with QIUZHEN_DATA",
			s.passages, float64(need)/1e9, s.Settings.dataDir, float64(free)/1e9)
	}
	return nil
}
