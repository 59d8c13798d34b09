package eval

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"qiuzhen/eval/stats"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// Answerer concludes on a message; retrieval.Engine is one.
type Answerer interface {
	Answer(ctx context.Context, m retrieval.Message) (retrieval.Result, error)
}

// Entries turns documents into entries to search, one each: the title, when there is one, as its claim, the text as its
// body. Entry ids ascend as the documents' own ids do, so that equal scores keep their order; the map leads back.
func Entries(documents []Document) ([]knowledge.Entry, map[knowledge.ID]string) {
	sorted := slices.SortedFunc(slices.Values(documents), func(a, b Document) int { return cmp.Compare(a.ID, b.ID) })
	entries := make([]knowledge.Entry, len(sorted))
	ids := make(map[knowledge.ID]string, len(sorted))
	for i, d := range sorted {
		e := knowledge.Entry{ID: knowledge.ID(fmt.Sprintf("document-%08d", i)), Kind: knowledge.Guide, Title: d.Title, Body: d.Text}
		if d.Title != "" {
			e.Claims = []string{d.Title}
		}
		entries[i], ids[e.ID] = e, d.ID
	}
	return entries, ids
}

// Ranked is what a query got.
type Ranked struct {
	Question
	Decision  retrieval.Decision
	Documents []Scored // the ten best
	Took      time.Duration
}

// Scored is a document with P(match).
type Scored struct {
	ID    string
	Score float64
}

func (r Ranked) score() float64 {
	if len(r.Documents) == 0 {
		return -1 // below every P
	}
	return r.Documents[0].Score
}

// depth is how many documents a query's run holds.
const depth = 10

// Rank asks the questions one after the other; progress is called after each.
func Rank(ctx context.Context, a Answerer, questions []Question, ids map[knowledge.ID]string, progress func(done, total int)) ([]Ranked, error) {
	all := make([]Ranked, len(questions))
	for i, q := range questions {
		start := time.Now()
		result, err := a.Answer(ctx, retrieval.Message{Text: q.Text})
		if err != nil {
			return nil, fmt.Errorf("query %s: %w", q.ID, err)
		}
		all[i] = Ranked{Question: q, Decision: result.Decision, Took: time.Since(start)}
		for _, e := range result.Ranking {
			all[i].Documents = append(all[i].Documents, Scored{ids[e.ID], printed(e.P())})
		}
		slices.SortFunc(all[i].Documents, func(a, b Scored) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
		})
		all[i].Documents = all[i].Documents[:min(depth, len(all[i].Documents))]
		progress(i+1, len(questions))
	}
	return all, nil
}

// printed is a score as the run file carries it, so that whoever scores the file sees the same ties.
func printed(p float64) float64 {
	v, err := strconv.ParseFloat(strconv.FormatFloat(p, 'g', 9, 64), 64)
	if err != nil {
		return p
	}
	return v
}

// WriteRun writes lines of: query Q0 document rank score decision.
func WriteRun(w io.Writer, ranked []Ranked) error {
	out := bufio.NewWriter(w)
	for _, r := range ranked {
		for i, d := range r.Documents {
			fmt.Fprintf(out, "%s Q0 %s %d %.9g %s\n", r.ID, d.ID, i+1, d.Score, r.Decision)
		}
	}
	return out.Flush()
}

// RankReport are the figures of a ranking; docs/schemas/rank.schema.json describes its JSON. What needs absent queries is nil
// without them.
type RankReport struct {
	N        int
	Present  int
	Absent   int
	Near     int // absent queries dropped for a near-duplicate of their document
	R1       *Figure
	R3       *Figure
	MRR10    *Figure
	NDCG10   *Figure
	Recall10 *Figure
	AUROC    *float64
	ECE      float64
	P50      float64
	P95      float64
	P99      float64
	AtFMR3   Block
	Shipped  Block
}

// Block says what readers would get at given thresholds, as shares of present and of absent queries.
type Block struct {
	Right           *Figure
	Wrong           *Figure
	SuggestedRight  *Figure // not answered, the right one among three suggestions
	FalseMatch      *Figure
	SuggestedAbsent *Figure
}

// falseMatchRate is the share of absent queries that the block at_fmr3 lets through.
const falseMatchRate = 0.03

// ReportRanking computes the figures of the present and absent queries' rankings; suggest is the committed least P of a suggestion.
func ReportRanking(present, absent []Ranked, relevant map[string]map[string]int, suggest float64) RankReport {
	r := RankReport{N: len(present) + len(absent), Present: len(present), Absent: len(absent)}
	over := func(of []Ranked, f func(Ranked) float64) *Figure {
		values := make([]float64, len(of))
		for i, q := range of {
			values[i] = f(q)
		}
		return Mean(values, nil)
	}
	measure := func(f func(docs []Scored, relevant map[string]int) float64) *Figure {
		return over(present, func(q Ranked) float64 { return f(q.Documents, relevant[q.ID]) })
	}
	r.R1, r.R3, r.MRR10, r.NDCG10, r.Recall10 = measure(hitWithin(1)), measure(hitWithin(3)), measure(reciprocalRank), measure(ndcg), measure(recall)
	topRight := func(q Ranked) bool { return hitWithin(1)(q.Documents, relevant[q.ID]) == 1 }
	r.calibration(present, absent, topRight)
	block := func(answered, suggested func(Ranked) bool) Block {
		hit := func(q Ranked) bool { return hitWithin(3)(q.Documents, relevant[q.ID]) == 1 }
		return Block{
			Right:           over(present, func(q Ranked) float64 { return one(answered(q) && topRight(q)) }),
			Wrong:           over(present, func(q Ranked) float64 { return one(answered(q) && !topRight(q)) }),
			SuggestedRight:  over(present, func(q Ranked) float64 { return one(!answered(q) && suggested(q) && hit(q)) }),
			FalseMatch:      over(absent, func(q Ranked) float64 { return one(answered(q)) }),
			SuggestedAbsent: over(absent, func(q Ranked) float64 { return one(!answered(q) && suggested(q)) }),
		}
	}
	r.Shipped = block(func(q Ranked) bool { return q.Decision == retrieval.Sure }, func(q Ranked) bool { return q.Decision == retrieval.Suggest })
	if len(absent) > 0 {
		threshold := stats.Percentile(scores(absent), 1-falseMatchRate)
		r.AtFMR3 = block(func(q Ranked) bool { return q.score() > threshold }, func(q Ranked) bool { return q.score() >= suggest })
	}
	return r
}

// calibration fills in what concerns the scores and the time taken.
func (r *RankReport) calibration(present, absent []Ranked, topRight func(Ranked) bool) {
	if len(absent) > 0 && len(present) > 0 {
		a := stats.AUROC(scores(present), scores(absent))
		r.AUROC = &a
	}
	var p, took []float64
	var right []bool
	for _, q := range slices.Concat(present, absent) {
		p, right = append(p, max(0, q.score())), append(right, topRight(q))
		took = append(took, float64(q.Took.Microseconds())/1000)
	}
	r.ECE = stats.ECE(p, right, eceBins)
	if len(took) > 0 {
		r.P50, r.P95, r.P99 = stats.Percentile(took, .5), stats.Percentile(took, .95), stats.Percentile(took, .99)
	}
}

func scores(of []Ranked) []float64 {
	out := make([]float64, len(of))
	for i, q := range of {
		out[i] = q.score()
	}
	return out
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func hitWithin(n int) func([]Scored, map[string]int) float64 {
	return func(docs []Scored, relevant map[string]int) float64 {
		return one(slices.ContainsFunc(docs[:min(n, len(docs))], func(d Scored) bool { return relevant[d.ID] > 0 }))
	}
}

func reciprocalRank(docs []Scored, relevant map[string]int) float64 {
	for i, d := range docs {
		if relevant[d.ID] > 0 {
			return 1 / float64(i+1)
		}
	}
	return 0
}

func ndcg(docs []Scored, relevant map[string]int) float64 {
	grades, ideal := make([]float64, len(docs)), make([]float64, 0, len(relevant))
	for i, d := range docs {
		grades[i] = float64(relevant[d.ID])
	}
	for _, g := range relevant {
		ideal = append(ideal, float64(g))
	}
	return stats.NDCG(grades, ideal, depth)
}

func recall(docs []Scored, relevant map[string]int) float64 {
	found := 0
	for _, d := range docs {
		if relevant[d.ID] > 0 {
			found++
		}
	}
	return float64(found) / float64(min(depth, len(relevant)))
}
