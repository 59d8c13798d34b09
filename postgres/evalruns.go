package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"qiuzhen/eval/cases"
	"qiuzhen/knowledge"
)

// Servable are the versions that may be served, whatever a search finds of them; unsigned is the setting serve_unsigned.
func (s *Store) Servable(ctx context.Context, unsigned bool) ([]cases.Version, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT document, version, content_hash, expires_at FROM entry_versions
		 WHERE status = ANY($1) AND complete ORDER BY entry_id, version`, statuses(unsigned))
	if err != nil {
		return nil, fmt.Errorf("read what may be served: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (v cases.Version, err error) {
		var document, hash []byte
		var expires pgtype.Timestamptz // infinite until it is published
		if err := row.Scan(&document, &v.Number, &hash, &expires); err != nil {
			return v, err
		}
		v.Hash = [32]byte(hash)
		if expires.InfinityModifier == pgtype.Finite {
			v.Expires = expires.Time
		}
		return v, json.Unmarshal(document, &v.Entry)
	})
}

// BeginRun starts a run of that many cases, or goes on with the newest unfinished one that was made with the same: done are its outcomes.
func (s *Store) BeginRun(ctx context.Context, m cases.Manifest, total int) (run cases.Run, err error) {
	key, err := runKey(m)
	if err != nil {
		return run, err
	}
	var id string
	err = s.pool.QueryRow(ctx, `
		SELECT id FROM eval_runs WHERE key = $1 AND total = $2 AND finished_at IS NULL ORDER BY started_at DESC, id LIMIT 1`, key, total).Scan(&id)
	if err == nil {
		return s.loadRun(ctx, id)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return run, fmt.Errorf("look for an unfinished run: %w", err)
	}
	if run.ID, err = newRunID(m.Started); err != nil {
		return run, err
	}
	run.Manifest = m
	_, err = s.pool.Exec(ctx, `INSERT INTO eval_runs (id, key, manifest, total, started_at) VALUES ($1, $2, $3, $4, $5)`,
		run.ID, key, m, total, m.Started)
	if err != nil {
		return run, fmt.Errorf("store the run: %w", err)
	}
	return run, nil
}

// runKey is what two runs have in common that ask the same of the same.
func runKey(m cases.Manifest) ([]byte, error) {
	m.Started, m.Took, m.Machine = time.Time{}, 0, ""
	data, err := json.Marshal(m)
	sum := sha256.Sum256(data)
	return sum[:], err
}

func newRunID(at time.Time) (string, error) {
	random := make([]byte, 3)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	return at.UTC().Format("20060102-150405-") + hex.EncodeToString(random), nil
}

// KeepOutcome stores what came of a case, in place of what came before.
func (s *Store) KeepOutcome(ctx context.Context, run string, o cases.Outcome) error {
	_, err := s.pool.Exec(ctx, `
		INSERT INTO eval_outcomes (run_id, case_id, outcome) VALUES ($1, $2, $3)
		ON CONFLICT (run_id, case_id) DO UPDATE SET outcome = excluded.outcome`, run, o.Case.ID, o)
	return err
}

// FinishRun closes a run: nothing is added to it any more. It is refused while cases are missing.
func (s *Store) FinishRun(ctx context.Context, run string, at time.Time, took float64) error {
	tag, err := s.pool.Exec(ctx, `
		UPDATE eval_runs r SET finished_at = greatest($2, started_at), manifest = manifest || jsonb_build_object('took_s', $3::float8)
		 WHERE id = $1 AND finished_at IS NULL AND total = (SELECT count(*) FROM eval_outcomes WHERE run_id = r.id)`, run, at, took)
	if err != nil {
		return fmt.Errorf("finish the run: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("run %s is finished already, or some of its cases have no outcome", run)
	}
	return nil
}

// ExpireEvalRuns deletes the finished runs that began before a time, the newest finished one apart, and returns how many. Nothing else may delete or change
// a finished run (migrations/00028).
func (s *Store) ExpireEvalRuns(ctx context.Context, before time.Time) (n int, err error) {
	err = s.change(ctx, func(tx pgx.Tx) error {
		event := knowledge.Event{Action: knowledge.RunsExpired, Detail: map[string]string{"before": before.UTC().Format(time.RFC3339)}}
		if err := s.auditor.Append(ctx, tx, event); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT expire_eval_runs($1)`, before).Scan(&n)
	})
	return n, err
}

// EvalRun is a finished run by its id; "latest" is the newest. NotFound when there is none.
func (s *Store) EvalRun(ctx context.Context, id string) (cases.Run, error) {
	err := s.pool.QueryRow(ctx, `
		SELECT id FROM eval_runs WHERE finished_at IS NOT NULL AND ($1 = 'latest' OR id = $1) ORDER BY started_at DESC, id LIMIT 1`, id).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return cases.Run{}, &knowledge.Error{Code: knowledge.NotFound, Message: fmt.Sprintf("没有跑完的 %s 这一次，eval cases --runs 列出有哪些", id)}
	}
	if err != nil {
		return cases.Run{}, fmt.Errorf("look up a run: %w", err)
	}
	return s.loadRun(ctx, id)
}

func (s *Store) loadRun(ctx context.Context, id string) (run cases.Run, err error) {
	run.ID = id
	if err = s.pool.QueryRow(ctx, `SELECT manifest FROM eval_runs WHERE id = $1`, id).Scan(&run.Manifest); err != nil {
		return run, fmt.Errorf("read a run: %w", err)
	}
	rows, err := s.pool.Query(ctx, `SELECT outcome FROM eval_outcomes WHERE run_id = $1 ORDER BY case_id COLLATE "C"`, id)
	if err != nil {
		return run, fmt.Errorf("read the outcomes of a run: %w", err)
	}
	run.Outcomes, err = pgx.CollectRows(rows, pgx.RowTo[cases.Outcome])
	return run, err
}

// RunLine is a run in a list.
type RunLine struct {
	ID       string
	Started  time.Time
	Finished bool
	Total    int
	Done     int
	Commit   string
}

// EvalRuns lists the newest runs, newest first.
func (s *Store) EvalRuns(ctx context.Context, most int) ([]RunLine, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT id, started_at AS started, finished_at IS NOT NULL AS finished, total,
		       (SELECT count(*) FROM eval_outcomes o WHERE o.run_id = r.id)::integer AS done, coalesce(manifest ->> 'commit', '') AS commit
		  FROM eval_runs r ORDER BY started_at DESC, id LIMIT $1`, most)
	if err != nil {
		return nil, fmt.Errorf("list the runs: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[RunLine])
}
