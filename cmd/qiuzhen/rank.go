package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"qiuzhen/eval"
	"qiuzhen/ingest"
	"qiuzhen/postgres"
)

// rankCommand measures the search on a BEIR folder, loaded into a scratch database.
type rankCommand struct {
	Dir      string  `arg:"" help:"Folder with corpus.jsonl, queries.jsonl, qrels.tsv and perhaps queries_abstain.jsonl."`
	LeaveOut float64 `help:"Leave out this share of the documents, so that some queries have no answer." placeholder:"F"`
	Near     float64 `help:"With --leave-out: drop absent queries whose document has a near-duplicate (cosine C) left in." placeholder:"C"`
	RunFile  string  `name:"run" help:"Write the ten best of each query to this file." placeholder:"FILE"`
	JSON     bool    `name:"json" help:"Print the figures as JSON."`
}

// Validate is called by kong.
func (k rankCommand) Validate() error {
	switch {
	case k.LeaveOut < 0 || k.LeaveOut >= 1:
		return errors.New("--leave-out is a share from 0 to below 1")
	case k.Near < 0 || k.Near > 1:
		return errors.New("--near is a cosine from 0 to 1")
	case k.Near > 0 && k.LeaveOut == 0:
		return errors.New("--near needs --leave-out")
	}
	return nil
}

func (k rankCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	collection, err := eval.ReadCollection(k.Dir)
	if err != nil {
		return usageError{err}
	}
	app, err := openApp(ctx, c, streams)
	if err != nil {
		return err
	}
	defer app.Close()
	report, ranked, err := k.measure(ctx, app, collection, streams)
	if err != nil {
		return err
	}
	if k.RunFile != "" {
		if err := writeWhole(k.RunFile, func(w io.Writer) error { return eval.WriteRun(w, ranked) }); err != nil {
			return err
		}
	}
	if k.JSON {
		return json.NewEncoder(streams.out).Encode(report)
	}
	printRank(streams.out, report)
	return nil
}

// measure loads the collection into a scratch database and asks every query.
func (k rankCommand) measure(ctx context.Context, app *App, c eval.Collection, streams stdio) (report eval.RankReport, ranked []eval.Ranked, err error) {
	near := 0
	if k.LeaveOut > 0 {
		if app.model == nil && k.Near > 0 {
			return report, nil, usageError{errors.New("--near compares embeddings; set embedder")}
		}
		if c, near, err = (eval.LeaveOut{Share: k.LeaveOut, Near: k.Near}).Apply(ctx, c, app.model); err != nil {
			return report, nil, err
		}
	}
	store, drop, err := postgres.OpenScratch(ctx, app.dsn)
	if err != nil {
		return report, nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	entries, ids := eval.Entries(c.Documents)
	ingester := ingest.Ingester{Store: store, Analyzer: app.segmenter, Embedder: app.Ingester.Embedder}
	if _, err := ingester.Run(ctx, entries, progress(streams.err, "documents stored")); err != nil {
		return report, nil, err
	}
	engine := *app.engine
	engine.Searcher, engine.Unsigned, engine.ReadPage = store, true, nil
	ranked, err = eval.Rank(ctx, &engine, slices.Concat(c.Queries, c.Absent), ids, progress(streams.err, "queries asked"))
	if err != nil {
		return report, nil, err
	}
	judged := slices.DeleteFunc(slices.Clone(ranked[:len(c.Queries)]), func(r eval.Ranked) bool { return len(c.Relevant[r.ID]) == 0 })
	report = eval.ReportRanking(judged, ranked[len(c.Queries):], c.Relevant, engine.Scorer.Suggest)
	report.Near = near
	return report, ranked, nil
}

func printRank(w io.Writer, r eval.RankReport) {
	fmt.Fprintf(w, "%d present, %d absent queries (%d near-duplicates dropped)\n", r.Present, r.Absent, r.Near)
	line := func(name string, f *eval.Figure) {
		if f != nil {
			fmt.Fprintf(w, "  %-18s %.3f  (95%% %.3f to %.3f, n %d)\n", name, f.Value, f.Low, f.High, f.N)
		}
	}
	line("R@1", r.R1)
	line("R@3", r.R3)
	line("MRR@10", r.MRR10)
	line("nDCG@10", r.NDCG10)
	line("R@10", r.Recall10)
	if r.AUROC != nil {
		fmt.Fprintf(w, "  %-18s %.3f\n", "AUROC", *r.AUROC)
	}
	fmt.Fprintf(w, "  %-18s %.3f\n  milliseconds       p50 %.1f, p95 %.1f, p99 %.1f\n", "ECE", r.ECE, r.P50, r.P95, r.P99)
	for _, b := range []struct {
		name string
		eval.Block
	}{{"where 3% of absent queries are answered", r.AtFMR3}, {"as shipped", r.Shipped}} {
		if b.Right == nil {
			continue // no absent queries to take a threshold from
		}
		fmt.Fprintln(w, b.name+":")
		line("right", b.Right)
		line("wrong", b.Wrong)
		line("suggested, right", b.SuggestedRight)
		line("false match", b.FalseMatch)
		line("absent, suggested", b.SuggestedAbsent)
	}
}

// writeWhole replaces a file by what write gives, or leaves it as it was.
func writeWhole(path string, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if err := write(file); err != nil {
		file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Chmod(file.Name(), 0o644); err != nil { //nolint:gosec // results, nothing private
		return err
	}
	return os.Rename(file.Name(), path)
}
