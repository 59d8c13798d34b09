package postgres_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"qiuzhen/eval/cases"
	"qiuzhen/knowledge"
	"qiuzhen/postgres/postgrestest"
)

// TestEvalRuns: outcomes are stored as they come, an unfinished run of the same is gone on with, and a finished one never changes.
func TestEvalRuns(t *testing.T) {
	ctx := context.Background()
	store := postgrestest.New(t)
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
}
