package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

const (
	// exactBelow: with fewer passages that pass the filter all of them are scored, which is both faster and exact.
	exactBelow = 2000
	// dfBudget bounds the lexical candidates: the query's rarest terms until their document frequencies add up to
	// this. At 100,000 passages it finds the full scan's top-1 always and 95% of its top-10 in 2 ms.
	dfBudget = 1000
	// denseBudget is that bound beside the dense leg, which brings most of what is found: at 100,000 passages the ten best are as
	// often the full scan's as with 1,000, for 60% of the search's cost.
	denseBudget = 300
	// legSize is how many candidates each leg hands to the fused ranking.
	legSize = 60
)

// searchSQL is the hybrid search, one statement.
//
//	cosine   = 1 - (query vector <=> passage vector)
//	bm25     = sum over the query's terms of idf * qtf * weight, the weight stored with the passage
//	idf      = ln(1 + (N - df + 0.5) / (df + 0.5)), N and df over what this query may see
//	self     = the query's bm25 as if it were a passage: the denominator of coverage
//	order by cosine + retrieval.CoverageWeight * bm25 / self
//
// Whatever else is found of the entries of the best retrieval.Leading passages, their whole passage comes with it, so that the limit is exceeded by those.
//
// Both legs filter before they rank, so that a narrow filter still finds its candidates: the GIN index bounds
// the lexical leg by a document-frequency budget, the HNSW index iterates (hnsw.iterative_scan, set on each connection) until enough rows pass. Where
// the filter keeps fewer than exactBelow passages there are no legs: each of them is scored.
//
// The dense leg's filter is a scalar subquery, not a join: planned without knowing the parameters, a join's filter is taken to
// keep a passage in 500, and the planner sorts all vectors instead of following the index (140 ms for 1 ms at 35,000).
//
// Parameters: $1 term ids, $2 their counts, $3 published states to see, $4 now, $5 limit, then the vector (not in the lexical variant)
// and the regions (where there are some). The statuses are constants, so that the planner knows how many passages have them.
var searchSQL = template.Must(template.New("search").Parse(`
WITH n AS (
    SELECT greatest(coalesce(sum(passages), 0), 0)::float8 AS passages FROM (
        SELECT passages FROM corpus_stats WHERE published = ANY($3::boolean[])
        UNION ALL SELECT passages FROM corpus_deltas WHERE published = ANY($3::boolean[])) c
), q AS (
    SELECT t.term, t.tf,
           coalesce((SELECT sum(df) FROM term_stats s WHERE s.term = t.term AND s.published = ANY($3::boolean[])), 0)
         + coalesce((SELECT sum(delta) FROM term_deltas d WHERE d.term = t.term AND d.published = ANY($3::boolean[])), 0) AS df
      FROM unnest($1::integer[], $2::integer[]) AS t(term, tf)
), weighted AS (
    SELECT term, tf, df, ln(1 + greatest(n.passages - df + 0.5, 0.5) / (df + 0.5)) AS idf FROM q, n
), query AS MATERIALIZED (
    SELECT ('{' || coalesce(string_agg(term || ':' || idf * tf, ',' ORDER BY term), '') || '}/1000000000')::sparsevec AS v,
           coalesce(sum(idf * tf * (tf * (s.k1 + 1)) / (tf + s.k1 * (1 - s.b + s.b * len / s.avgdl))), 0) AS self
      FROM bm25_settings s, (SELECT coalesce(sum(tf), 0) AS len FROM q) l, weighted
){{if not .Exact}}, rarest AS MATERIALIZED (
    SELECT coalesce(array_agg(term), '{}') AS terms FROM (
        SELECT term, sum(df) OVER (ORDER BY df, term) - df AS before FROM weighted WHERE df > 0) r
     WHERE before < {{.Budget}}
), lexical AS MATERIALIZED (
    SELECT p.id FROM passages p
     WHERE p.terms && (SELECT terms FROM rarest) AND {{template "filter" .}}
     ORDER BY p.weights <#> (SELECT v FROM query)
     LIMIT {{.Leg}}
){{if .Dense}}, dense AS MATERIALIZED (
    SELECT pv.passage_id AS id, 1 - (pv.v::halfvec({{.Dimensions}}) <=> $6::halfvec({{.Dimensions}})) AS cosine FROM passage_vectors pv
     WHERE pv.model_id = {{.Model}} AND (SELECT {{template "filter" .}} FROM passages p WHERE p.id = pv.passage_id)
     ORDER BY pv.v::halfvec({{.Dimensions}}) <=> $6::halfvec({{.Dimensions}})
     LIMIT {{.Leg}}
){{end}}{{end}}, scored AS (
    SELECT p.id, p.entry_id, p.version, p.kind, p.text, p.siblings,
           {{if .Dense}}coalesce({{if not .Exact}}c.cosine, {{end}}(SELECT 1 - (pv.v::halfvec({{.Dimensions}}) <=> $6::halfvec({{.Dimensions}}))
               FROM passage_vectors pv WHERE pv.passage_id = p.id AND pv.model_id = {{.Model}}), 0){{else}}0::float8{{end}} AS cosine,
           coalesce(-(p.weights <#> query.v) / nullif(query.self, 0), 0) AS coverage
      FROM query{{if not .Exact}}, (
          {{if .Dense}}SELECT coalesce(d.id, l.id) AS id, d.cosine FROM lexical l FULL JOIN dense d ON d.id = l.id{{else}}SELECT id FROM lexical{{end}}) c{{end}}
      JOIN passages p ON {{if .Exact}}{{template "filter" .}}{{else}}p.id = c.id{{end}}
    OFFSET 0 -- a fence: the order below would compute both scores again
), best AS MATERIALIZED (
    SELECT * FROM scored ORDER BY cosine + {{.CoverageWeight}} * coverage DESC, id LIMIT $5
){{if .Dense}}, wholes AS (
    SELECT p.id, p.entry_id, p.version, p.kind, p.text, p.siblings,
           1 - (pv.v::halfvec({{.Dimensions}}) <=> $6::halfvec({{.Dimensions}})) AS cosine, 0::float8 AS coverage
      FROM (SELECT DISTINCT entry_id, version FROM (
               SELECT * FROM best ORDER BY cosine + {{.CoverageWeight}} * coverage DESC, id LIMIT {{.Leading}}) l) e
      JOIN passages p ON p.entry_id = e.entry_id AND p.version = e.version AND p.kind = 'whole'
      JOIN passage_vectors pv ON pv.passage_id = p.id AND pv.model_id = {{.Model}}
     WHERE p.id NOT IN (SELECT id FROM best)
){{end}}
SELECT entry_id, version, kind, CASE WHEN kind = 'whole' THEN '' ELSE text END, cosine, coverage, siblings
  FROM (SELECT * FROM best{{if .Dense}} UNION ALL SELECT * FROM wholes{{end}}) found
 ORDER BY cosine + {{.CoverageWeight}} * coverage DESC, id
{{define "filter"}}` + filterSQL + `{{end}}`))

// filterSQL is what a passage must be to be found.
const filterSQL = `p.status {{if .Unsigned}}IN ('published', 'draft', 'in_review'){{else}}= 'published'{{end}} AND p.expires_at > $4
       {{if .Regional}}AND (p.regions = '{}' OR p.regions && ${{if .Dense}}7{{else}}6{{end}}::text[]){{end}}`

type searchPlan struct {
	Exact, Dense bool
	// what the filter looks at beside the expiry
	Unsigned, Regional bool
	Model              int16
	Dimensions         int
	Budget, Leg        int
	Leading            int
	CoverageWeight     float64
}

// statements keeps the text of each plan: a handful a process, asked for by every search.
var statements sync.Map // searchPlan -> string

func (p searchPlan) sql() string {
	if text, ok := statements.Load(p); ok {
		return text.(string)
	}
	text := p.render()
	statements.Store(p, text)
	return text
}

func (p searchPlan) render() string {
	p.Budget, p.Leg, p.Leading, p.CoverageWeight = dfBudget, legSize, retrieval.Leading, retrieval.CoverageWeight
	if p.Dense {
		p.Budget = denseBudget
	}
	var b strings.Builder
	if err := searchSQL.Execute(&b, p); err != nil {
		panic("postgres: search template: " + err.Error()) // the template and the plan are constants of this file
	}
	return b.String()
}

// Search returns the passages of unexpired entries that best match q, best first (searchSQL has the formula).
func (s *Store) Search(ctx context.Context, q retrieval.Query) ([]retrieval.Hit, error) {
	plan, err := s.plan(ctx, q)
	if err != nil {
		return nil, err
	}
	rows, err := s.pool.Query(ctx, plan.sql(), searchArguments(q, plan)...)
	if err != nil {
		return nil, fmt.Errorf("search %v: %w", q, err)
	}
	hits, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (retrieval.Hit, error) {
		var h retrieval.Hit
		err := row.Scan(&h.ID, &h.Version, &h.Kind, &h.Text, &h.Cosine, &h.Coverage, &h.Siblings)
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("search %v: %w", q, err)
	}
	return hits, nil
}

func (s *Store) plan(ctx context.Context, q retrieval.Query) (searchPlan, error) {
	if !s.counted.Load() {
		if err := s.countPassages(ctx); err != nil {
			return searchPlan{}, err
		}
	}
	plan := searchPlan{Exact: q.Exact || s.passages.Load() < exactBelow, Dense: q.Vector != nil, Unsigned: q.Unsigned, Regional: q.Regions != nil}
	if !plan.Exact {
		passing, err := s.passing(ctx, q)
		if err != nil {
			return plan, err
		}
		plan.Exact = passing < exactBelow
	}
	if plan.Dense {
		m, ok, err := s.lookUpModel(ctx, q.Model)
		if err != nil {
			return plan, err
		}
		// a model that nothing was embedded with yet finds nothing by meaning
		plan.Dense = ok && m.Dimensions == len(q.Vector)
		plan.Model, plan.Dimensions = m.ID, m.Dimensions
	}
	return plan, nil
}

func searchArguments(q retrieval.Query, plan searchPlan) []any {
	ids, counts := make([]int32, len(q.Terms)), make([]int32, len(q.Terms))
	for i, t := range q.Terms {
		ids[i], counts[i] = t.ID, t.Count
	}
	published := []bool{true}
	if q.Unsigned {
		published = []bool{true, false}
	}
	args := []any{ids, counts, published, q.Now, q.Limit}
	if plan.Dense {
		args = append(args, halfVector(q.Vector))
	}
	if plan.Regional {
		args = append(args, q.Regions)
	}
	return args
}

// statuses are those that may be served.
func statuses(unsigned bool) []string {
	if unsigned {
		return []string{"published", "draft", "in_review"}
	}
	return []string{"published"}
}

// Load returns the given versions with their approving reviews, in the order asked; one that is no longer served is left out.
func (s *Store) Load(ctx context.Context, refs []retrieval.Ref, unsigned bool, now time.Time) ([]retrieval.Stored, error) {
	ids, versions := make([]string, len(refs)), make([]int32, len(refs))
	for i, r := range refs {
		ids[i], versions[i] = string(r.ID), int32(r.Version) //nolint:gosec // versions count from 1
	}
	rows, err := s.pool.Query(ctx, `
		SELECT v.document, v.version, v.status = 'published', v.emergency, `+originColumns+`, `+servedReviews+`
		  FROM unnest($1::text[], $2::integer[]) WITH ORDINALITY AS want(id, version, n)
		  JOIN entry_versions v ON v.entry_id = want.id AND v.version = want.version
		   AND v.status = ANY($3) AND v.expires_at > $4 AND v.complete
		  `+originTables+`
		 ORDER BY want.n`, ids, versions, statuses(unsigned), now)
	if err != nil {
		return nil, fmt.Errorf("load %v: %w", refs, err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (retrieval.Stored, error) {
		var e retrieval.Stored
		var document, key, reviews []byte
		var city string
		var imported pgtype.Timestamptz // infinite where nothing was
		if err := row.Scan(&document, &e.Version, &e.Signed, &e.Emergency, &city, &key, &imported, &reviews); err != nil {
			return e, err
		}
		e.Provenance = provenance(city, key, imported.Time)
		if err := json.Unmarshal(document, &e.Entry); err != nil {
			return e, fmt.Errorf("stored document: %w", err)
		}
		return e, unmarshalReviews(reviews, &e.Reviews)
	})
}

func unmarshalReviews(data []byte, into *[]knowledge.Review) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("stored reviews: %w", err)
	}
	return nil
}
