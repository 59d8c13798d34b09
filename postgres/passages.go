package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// Model is a registered embedding model. Vectors of different models never mix.
type Model struct {
	ID         int16
	Name       string
	Dimensions int
}

// lookUpModel finds a registered model; ok is false when nothing was embedded with it yet.
func (s *Store) lookUpModel(ctx context.Context, name string) (m Model, ok bool, err error) {
	if known, ok := s.models.Load(name); ok {
		return known.(Model), true, nil
	}
	m.Name = name
	err = s.pool.QueryRow(ctx, `SELECT id, dimensions FROM embedding_models WHERE name = $1`, name).Scan(&m.ID, &m.Dimensions)
	if errors.Is(err, pgx.ErrNoRows) {
		return m, false, nil
	}
	if err != nil {
		return m, false, fmt.Errorf("look up the embedding model: %w", err)
	}
	s.models.Store(name, m)
	return m, true, nil
}

// EnsureModel registers an embedding model, once. Its HNSW index comes with Maintain.
func (s *Store) EnsureModel(ctx context.Context, name string, dimensions int) (Model, error) {
	m, ok, err := s.lookUpModel(ctx, name)
	if err != nil {
		return m, err
	}
	if ok && m.Dimensions == dimensions {
		return m, nil
	}
	_, err = s.pool.Exec(ctx, `
		INSERT INTO embedding_models (name, dimensions) SELECT $1, $2
		 WHERE NOT EXISTS (SELECT FROM embedding_models WHERE name = $1) ON CONFLICT (name) DO NOTHING`, name, dimensions)
	if err != nil {
		return m, fmt.Errorf("register the embedding model: %w", err)
	}
	if m, _, err = s.lookUpModel(ctx, name); err != nil {
		return m, err
	}
	if m.Dimensions != dimensions {
		return m, fmt.Errorf("embedding model %q gave %d dimensions before and %d now; give the changed model another name", name, m.Dimensions, dimensions)
	}
	return m, nil
}

// modelFor registers the model of the passages' vectors; a nil id means that they have none.
func (s *Store) modelFor(ctx context.Context, name string, passages []ingest.IndexedPassage) (*int16, error) {
	if len(passages) == 0 || passages[0].Vector == nil {
		return nil, nil
	}
	m, err := s.EnsureModel(ctx, name, len(passages[0].Vector))
	if err != nil {
		return nil, err
	}
	return &m.ID, nil
}

// insertPassages writes a new draft's passages in one round trip.
func insertPassages(ctx context.Context, tx pgx.Tx, e knowledge.Entry, version int, passages []ingest.IndexedPassage, model *int16) error {
	// holds off a recomputation of the weights (reweigh) until these, computed with the same avgdl, are committed
	if _, err := tx.Exec(ctx, `SELECT FROM bm25_settings FOR SHARE`); err != nil {
		return err
	}
	regions := e.Regions
	if regions == nil {
		regions = []string{}
	}
	siblings := 0
	for _, p := range passages {
		if p.Kind.Answers() {
			siblings++
		}
	}
	batch := &pgx.Batch{}
	for _, p := range passages {
		if (p.Vector == nil) != (model == nil) {
			return errors.New("some passages have a vector and some have none")
		}
		ids, tfs, length := columns(p.Terms)
		batch.Queue(`
			WITH p AS (
				INSERT INTO passages (entry_id, version, status, expires_at, regions, kind, ordinal, text, siblings, terms, tfs, length, weights)
				VALUES ($1, $2, 'draft', 'infinity', $3, $4, $5, $6, $12, $7::integer[], $8::integer[], $9, bm25_weights($7, $8, $9))
				RETURNING id)
			INSERT INTO passage_vectors (model_id, passage_id, v)
				SELECT $10::smallint, p.id, $11::halfvec FROM p WHERE $10::smallint IS NOT NULL`,
			string(e.ID), version, regions, string(p.Kind), p.Ordinal, p.Text, ids, tfs, length, model, halfVector(p.Vector), siblings)
	}
	return tx.SendBatch(ctx, batch).Close()
}

func columns(terms []text.IndexTerm) (ids, tfs []int32, length int32) {
	ids, tfs = make([]int32, len(terms)), make([]int32, len(terms))
	for i, t := range terms {
		ids[i], tfs[i] = t.ID, t.Count
		length += t.Count
	}
	return ids, tfs, length
}

// halfVector is nil for a missing vector, so that SQL sees NULL.
func halfVector(v []float32) any {
	if v == nil {
		return nil
	}
	return pgvector.NewHalfVector(v)
}

// WithoutVector returns at most limit passages that have no vector of the model, oldest first.
func (s *Store) WithoutVector(ctx context.Context, model string, limit int) ([]ingest.StoredPassage, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT p.id, p.text FROM passages p
		 WHERE NOT EXISTS (SELECT FROM passage_vectors v JOIN embedding_models m ON m.id = v.model_id
		                    WHERE v.passage_id = p.id AND m.name = $1)
		 ORDER BY p.id LIMIT $2`, model, limit)
	if err != nil {
		return nil, fmt.Errorf("look for passages without a vector: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ingest.StoredPassage])
}

// SaveVectors stores one vector a passage; a passage that is gone by now is passed over.
func (s *Store) SaveVectors(ctx context.Context, model string, passages []ingest.StoredPassage, vectors [][]float32) error {
	if len(passages) == 0 {
		return nil
	}
	m, err := s.EnsureModel(ctx, model, len(vectors[0]))
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for i, p := range passages {
		batch.Queue(`
			INSERT INTO passage_vectors (model_id, passage_id, v)
			SELECT $1, id, $3::halfvec FROM passages WHERE id = $2 ON CONFLICT DO NOTHING`, m.ID, p.ID, halfVector(vectors[i]))
	}
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("store vectors: %w", err)
	}
	return nil
}
