package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"qiuzhen/authoring"
	"qiuzhen/knowledge"
)

// NearPair is two wordings of different entries that mean much the same to the embedding model.
type NearPair struct {
	A, B         knowledge.ID // A < B
	TextA, TextB string
	Cosine       float64
}

// nearMemory keeps the wordings of 200,000 passages in memory while each is compared with all others: read from a file each time they take twice as long.
const nearMemory = `SET LOCAL work_mem = '256MB'`

// NearWordings compares every claim and question with those of other entries, exactly, and returns the pairs of at least
// the given cosine, nearest first: duplicate or contradicting claims for an editor to settle.
func (s *Store) NearWordings(ctx context.Context, model string, cosine float64) (pairs []NearPair, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, nearMemory); err != nil {
			return err
		}
		// of unit vectors the product is the cosine but for their rounding, and costs half as much
		rows, err := tx.Query(ctx, `
			WITH w AS MATERIALIZED (
			    SELECT p.entry_id, p.text, v.v FROM passages p
			      JOIN passage_vectors v ON v.passage_id = p.id
			      JOIN embedding_models m ON m.id = v.model_id AND m.name = $1
			     WHERE p.kind IN ('claim', 'question'))
			SELECT a.entry_id, b.entry_id, a.text, b.text, 1 - (a.v <=> b.v) AS cosine
			  FROM w a JOIN w b ON a.v <#> b.v <= 0.01 - $2::float8 AND a.entry_id < b.entry_id AND 1 - (a.v <=> b.v) >= $2
			 ORDER BY cosine DESC, 1, 2, 3, 4`, model, cosine)
		if err != nil {
			return err
		}
		pairs, err = pgx.CollectRows(rows, pgx.RowToStructByPos[NearPair])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("compare wordings: %w", err)
	}
	return pairs, nil
}

// mostNeighbours bounds what is compared further; the starter pack's entries have at most a dozen at a cosine of 0.75.
const mostNeighbours = 30

// Neighbours compares a version's claims and questions with those of other entries that are published, under review or drafts, exactly, and
// returns the entries with a pair of at least the cosine, the most alike first, each with its pairs, nearest first.
func (s *Store) Neighbours(ctx context.Context, id knowledge.ID, version int, model string, cosine float64) ([]authoring.Neighbour, error) {
	rows, err := s.pool.Query(ctx, `
		WITH m AS MATERIALIZED (SELECT id FROM embedding_models WHERE name = $3),
		mine AS MATERIALIZED (
		    SELECT p.id, p.kind, p.text, v.v FROM m JOIN passages p ON p.entry_id = $1 AND p.version = $2 AND p.kind IN ('claim', 'question')
		      JOIN passage_vectors v ON v.passage_id = p.id AND v.model_id = m.id),
		compared AS MATERIALIZED (
		    SELECT mine.id AS mine, p.id AS theirs, p.entry_id, p.version, 1 - (mine.v <=> v.v) AS cosine
		      FROM m JOIN passages p ON p.entry_id <> $1 AND p.status IN ('published', 'in_review', 'draft') AND p.kind IN ('claim', 'question')
		      JOIN passage_vectors v ON v.passage_id = p.id AND v.model_id = m.id
		     CROSS JOIN mine),
		alike AS MATERIALIZED (
		    SELECT entry_id, version, avg(best) AS mean FROM (
		        SELECT entry_id, version, max(cosine) AS best FROM compared GROUP BY entry_id, version, mine) each_wording
		     GROUP BY entry_id, version HAVING max(best) >= $4
		     ORDER BY mean DESC, entry_id, version LIMIT $5)
		SELECT e.document, e.version, e.status, a.mean, mine.text, p.text, mine.kind, p.kind, c.cosine
		  FROM alike a JOIN entry_versions e USING (entry_id, version)
		  JOIN compared c USING (entry_id, version) JOIN mine ON mine.id = c.mine JOIN passages p ON p.id = c.theirs
		 WHERE c.cosine >= $4
		 ORDER BY a.mean DESC, e.entry_id, e.version, c.cosine DESC, mine.text, p.text`,
		string(id), version, model, cosine, mostNeighbours)
	if err != nil {
		return nil, fmt.Errorf("look for near entries: %w", err)
	}
	var out []authoring.Neighbour
	var document []byte
	var n authoring.Neighbour
	var w authoring.Near
	_, err = pgx.ForEachRow(rows, []any{&document, &n.Version, &n.Status, &n.Mean, &w.Mine, &w.Theirs, &w.MyKind, &w.TheirKind, &w.Cosine}, func() error {
		n.Entry = knowledge.Entry{}
		if err := json.Unmarshal(document, &n.Entry); err != nil {
			return fmt.Errorf("stored document: %w", err)
		}
		if last := len(out) - 1; last < 0 || out[last].Entry.ID != n.Entry.ID || out[last].Version != n.Version {
			out = append(out, n)
		}
		out[len(out)-1].Near = append(out[len(out)-1].Near, w)
		return nil
	})
	return out, err
}

// Comparable reports whether a version has claims or questions, and the model's vector of each.
func (s *Store) Comparable(ctx context.Context, id knowledge.ID, version int, model string) (whole bool, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT coalesce(bool_and(EXISTS (SELECT FROM passage_vectors v JOIN embedding_models m ON m.id = v.model_id
		                                  WHERE v.passage_id = p.id AND m.name = $3)), false)
		  FROM passages p WHERE p.entry_id = $1 AND p.version = $2 AND p.kind IN ('claim', 'question')`, string(id), version, model).Scan(&whole)
	if err != nil {
		return false, fmt.Errorf("look for the vectors of %s: %w", id, err)
	}
	return whole, nil
}
