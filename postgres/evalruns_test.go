package postgres_test

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/eval/cases"
	"qiuzhen/knowledge"
	"qiuzhen/postgres/postgrestest"
)

// TestEvalRuns: outcomes are stored as they come, an unfinished run of the same is gone on with, and a finished one never changes.
func TestEvalRuns(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	start := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	m := cases.Manifest{Cases: "a", Content: "b", Model: "c", Settings: map[string]string{"x": "y"}, Commit: "d", Machine: "here", Started: start}
	outcome := func(id string) cases.Outcome {
		return cases.Outcome{
			Case: cases.Case{ID: id, Turns: []string{"话“引号”"}}, Reply: "回\n复", Decision: "answer", Offered: []string{}, TookMS: 1.5,
			Answers:    []cases.Answer{{Entry: "x", Version: 2, Score: 0.123456789, Passages: []string{}, Citations: []cases.Citation{}, Sources: []cases.Citation{}}},
			Candidates: []cases.Candidate{{Entry: "x", Score: 0.987654321}},
		}
	}
	begin := func(m cases.Manifest) cases.Run {
		t.Helper()
		run, err := store.BeginRun(ctx, m, 2)
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	run := begin(m)
	must(store.KeepOutcome(ctx, run.ID, outcome("b")))
	must(store.KeepOutcome(ctx, run.ID, outcome("b"))) // two processes at once
	if err := store.FinishRun(ctx, run.ID, start, 1); err == nil {
		t.Error("finished with a case missing")
	}
	if _, err := store.EvalRun(ctx, "latest"); code(err) != knowledge.NotFound {
		t.Errorf("an unfinished run is read: %v", err)
	}
	later := m
	later.Started, later.Machine = start.Add(time.Hour), "there"
	if again := begin(later); again.ID != run.ID || len(again.Outcomes) != 1 {
		t.Errorf("%s with %d outcomes, not %s with one", again.ID, len(again.Outcomes), run.ID)
	}
	later.Content = "other"
	if other := begin(later); other.ID == run.ID {
		t.Error("a run of other content is gone on with")
	}
	must(store.KeepOutcome(ctx, run.ID, outcome("a")))
	must(store.FinishRun(ctx, run.ID, start.Add(time.Minute), 60))
	if err := store.KeepOutcome(ctx, run.ID, outcome("c")); err == nil {
		t.Error("a finished run took an outcome")
	}
	conn, err := pgx.Connect(ctx, dsn)
	must(err)
	defer conn.Close(ctx)
	for _, statement := range []string{
		`UPDATE eval_runs SET manifest = manifest || '{"commit":"better"}' WHERE finished_at IS NOT NULL`, `UPDATE eval_runs SET finished_at = NULL WHERE finished_at IS NOT NULL`,
		`DELETE FROM eval_runs WHERE finished_at IS NOT NULL`, `UPDATE eval_outcomes SET outcome = outcome || '{"decision":"abstain"}' WHERE case_id = 'a'`,
		`DELETE FROM eval_outcomes WHERE case_id = 'a'`, `UPDATE eval_outcomes SET run_id = (SELECT id FROM eval_runs WHERE finished_at IS NULL LIMIT 1) WHERE case_id = 'a'`,
		`TRUNCATE eval_outcomes`, `TRUNCATE eval_runs CASCADE`, `SELECT expire_eval_runs(now())`,
	} {
		if _, err := conn.Exec(ctx, statement); err == nil {
			t.Errorf("a finished run is not kept from %s", statement)
		}
	}
	got, err := store.EvalRun(ctx, "latest")
	must(err)
	m.Took = 60
	if want := (cases.Run{ID: run.ID, Manifest: m, Outcomes: []cases.Outcome{outcome("a"), outcome("b")}}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if anew := begin(got.Manifest); anew.ID == run.ID {
		t.Error("a finished run is gone on with")
	}
	lines, err := store.EvalRuns(ctx, 10)
	must(err)
	if len(lines) != 3 || lines[0].Finished {
		t.Errorf("%+v", lines)
	}
	later.Content, later.Started = "newest", start.Add(2*time.Hour)
	newest := begin(later)
	must(store.KeepOutcome(ctx, newest.ID, outcome("a")))
	must(store.KeepOutcome(ctx, newest.ID, outcome("b")))
	must(store.FinishRun(ctx, newest.ID, later.Started, 1))
	for _, want := range []int{1, 0} { // the newest stays, and what is unfinished
		if n, err := store.ExpireEvalRuns(ctx, start.Add(24*time.Hour)); err != nil || n != want {
			t.Errorf("%d runs went, not %d: %v", n, want, err)
		}
	}
	if got, err := store.EvalRun(ctx, "latest"); err != nil || got.ID != newest.ID || len(got.Outcomes) != 2 {
		t.Errorf("%s is the newest: %v", got.ID, err)
	}
	var told int
	if err := conn.QueryRow(ctx, `SELECT count(*) FROM audit_log WHERE action = 'eval.runs_expired'`).Scan(&told); err != nil || told != 2 {
		t.Errorf("%d events: %v", told, err)
	}
}
