package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"syscall"
	"time"

	"qiuzhen/postgres"
)

type doctorCommand struct{}

// checkup prints one line a check and remembers whether one failed.
type checkup struct {
	out    io.Writer
	failed bool
}

func (c *checkup) report(what string, detail string, err error) {
	if err != nil {
		c.failed = true
		fmt.Fprintf(c.out, "WRONG  %-12s %v\n", what, err)
		return
	}
	fmt.Fprintf(c.out, "ok     %-12s %s\n", what, detail)
}

func (doctorCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	s, err := c.settings(streams)
	if err != nil {
		return err
	}
	printSettings(streams.out, s)
	check := &checkup{out: streams.out}
	fmt.Fprintln(streams.out, "\nchecks")
	check.parts(s)
	check.disk(s)
	if check.failed {
		return exit(exitFailed) // nothing further can start
	}
	app, err := newApp(ctx, s)
	if err != nil {
		check.report("start", "", err)
		return exit(exitFailed)
	}
	defer app.Close()
	check.database(ctx, app)
	check.audit(ctx, app)
	check.model(ctx, app)
	check.telegram(ctx, app)
	check.wechat(ctx, app)
	check.media(ctx, s)
	check.speech(ctx, s)
	check.senders(ctx, app)
	if check.failed {
		return exit(exitFailed)
	}
	return nil
}

func printSettings(out io.Writer, s *settings) {
	fmt.Fprintf(out, "data folder %s\nsettings (QIUZHEN_NAME, --set name=value, or name = \"value\" in %s)\n",
		s.dataDir, filepath.Join(s.dataDir, "qiuzhen.toml"))
	for _, t := range settingsTable {
		v := s.values[t.name]
		shown := v.text
		switch {
		case shown == "":
			shown = "(empty)"
		case t.secret:
			shown = "***"
		}
		fmt.Fprintf(out, "  %-20s %-22s %-32s %s\n", t.name, shown, v.origin, t.help)
	}
}

func (c *checkup) parts(s *settings) {
	p := s.parts()
	missing := p.Missing(s.get("database_url") == "", s.get("embedder") == "onnx")
	for _, m := range missing {
		c.report("parts", "", errors.New(m))
	}
	if len(missing) == 0 {
		c.report("parts", "Postgres "+p.PostgresBin+", model "+filepath.Dir(p.Model), nil)
	}
}

// leastFree is what a database needs to go on: its log and a vacuum's worth of room.
const leastFree = 1 << 30

func (c *checkup) disk(s *settings) {
	dir := s.dataDir
	var fs syscall.Statfs_t
	for syscall.Statfs(dir, &fs) != nil && dir != "/" {
		dir = filepath.Dir(dir) // the folder is made at the first start
	}
	free := fs.Bavail * uint64(fs.Bsize) //nolint:gosec // a block size is positive
	var err error
	if free < leastFree {
		err = fmt.Errorf("only %d MB free at %s; make room or name another folder with --data DIR", free>>20, dir)
	}
	c.report("disk", fmt.Sprintf("%.1f GB free at %s", float64(free)/1e9, dir), err)
}

func (c *checkup) database(ctx context.Context, app *App) {
	info, err := postgres.Inspect(ctx, app.dsn)
	c.report("database", fmt.Sprintf("Postgres %s, pgvector %s", info.Postgres, info.Vector), err)
	counts, err := app.Store.Counts(ctx)
	c.report("content", counts.String(), err)
	broken, _, wholeErr := app.Store.CheckWhole(ctx, app.modelID())
	if wholeErr == nil && len(broken) > 0 {
		wholeErr = fmt.Errorf("%d inconsistencies, the first: %s; restore a backup or ingest the entry again", len(broken), broken[0])
	}
	c.report("consistency", "every version has its passages, the term statistics equal a recount", wholeErr)
	if err == nil && counts.Published == 0 && !app.Settings.enabled("serve_unsigned") {
		fmt.Fprintln(c.out, "note                nothing is published yet, so every question is answered with \"not found\"; see docs/content-format.md")
	}
}

func (c *checkup) audit(ctx context.Context, app *App) {
	report, err := app.Store.Auditor().Verify(ctx)
	if err == nil && len(report.Broken) > 0 {
		err = fmt.Errorf("%d places are not what was written; run: qiuzhen audit verify", len(report.Broken))
	}
	c.report("audit", fmt.Sprintf("%d rows, the chain is whole", report.Rows), err)
}

func (c *checkup) model(ctx context.Context, app *App) {
	if note := app.limits(); note != "" {
		fmt.Fprintln(c.out, "note               ", note)
	}
	if app.model == nil {
		return
	}
	start := time.Now()
	vectors, err := app.model.Embed(ctx, []string{"地震来了往哪跑"})
	if err == nil && math.Abs(norm(vectors[0])-1) > 1e-3 {
		err = errors.New("the model's vectors are not of unit length; run: scripts/setup")
	}
	c.report("embedder", fmt.Sprintf("%s, %d dimensions, %.1f ms", app.model.ID(), app.model.Dimensions(),
		float64(time.Since(start).Microseconds())/1000), err)
}

func norm(v []float32) float64 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	return math.Sqrt(sum)
}
