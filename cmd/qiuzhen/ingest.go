package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"qiuzhen/ingest"
	"qiuzhen/ingest/office"
	"qiuzhen/knowledge"
)

type lintCommand struct {
	Report bool     `help:"Also count entries and claims by topic, verdict, group and region."`
	Paths  []string `arg:"" help:"Files and folders of entries."`
}

func (l lintCommand) Run(streams stdio) error {
	files, err := ingest.ReadPaths(l.Paths)
	if err != nil {
		return usageError{err}
	}
	entries, complaints := ingest.Lint(files)
	for _, c := range complaints {
		fmt.Fprintln(streams.shown().out, c)
	}
	if len(complaints) > 0 {
		fmt.Fprintf(streams.err, "%d 处要改，%d 个条目没有问题\n", len(complaints), len(entries))
		return exit(exitFailed)
	}
	fmt.Fprintf(streams.out, "%d 个条目，没有问题\n", len(entries))
	if l.Report {
		reportContent(streams.out, entries)
	}
	return nil
}

type ingestCommand struct {
	As      string            `help:"Your login: the drafts are yours, and others have to sign them. Only while there is no account yet may it be left out: the drafts then have no author." placeholder:"LOGIN"`
	Publish bool              `help:"Also publish those whose valid reviews are in the store, or, with --as a publisher, came in a bundle of a trusted city."`
	Columns map[string]string `help:"What the columns of a CSV or XLSX table are, beyond the headers that are known: 问题=question,答案=answer." placeholder:"HEADER=FIELD" mapsep:","`
	Topic   string            `help:"The topic of drafts made of foreign files: health, fraud, disaster or rumour." enum:",health,fraud,disaster,rumour" default:"" placeholder:"TOPIC"`
	Paths   []string          `arg:"" help:"Files and folders of entries; Word, PDF, HTML, CSV, XLSX, text and ZIP files, addresses of pages: these become drafts to be completed."`
}

// Run stores entries in our own format as they are, all of them or, when one has a complaint, none; what else there is
// becomes drafts for an editor.
func (i ingestCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	options, err := i.officeOptions()
	if err != nil {
		return err
	}
	found, passed, err := office.Find(i.Paths)
	if err != nil {
		return usageError{err}
	}
	own, foreign, err := partition(found)
	if err != nil {
		return usageError{err}
	}
	if passed > 0 {
		fmt.Fprintf(streams.err, "略过 %d 个不是文档的文件\n", passed)
	}
	what := "什么也"
	if len(foreign) > 0 {
		what = "这些条目"
	}
	entries, broken := lintOwn(own, what, streams)
	if broken && len(foreign) == 0 {
		return exit(exitFailed)
	}
	app, err := openApp(ctx, c, streams)
	if err != nil {
		return err
	}
	defer app.Close()
	if ctx, err = i.author(ctx, app, streams); err != nil {
		return err
	}
	failed := broken
	if len(foreign) > 0 {
		report, err := app.importOffice(ctx, foreign, options, streams)
		reportOffice(report, streams)
		if err != nil {
			return err
		}
		packed, brokenToo := lintOwn(report.Own, what, streams)
		entries = append(entries, packed...)
		failed = failed || brokenToo || len(report.Lines) > 0
	}
	if len(entries) > 0 {
		kept, err := i.store(ctx, app, entries, streams)
		if err != nil {
			return err
		}
		failed = failed || kept
	}
	if failed {
		return exit(exitFailed)
	}
	return nil
}

// author signs in who brings the files.
func (i ingestCommand) author(ctx context.Context, app *App, streams stdio) (context.Context, error) {
	by := signedIn{i.As}
	err := by.somebody(ctx, app, "whose drafts these are, so that nobody signs her own")
	if err == nil && i.As != "" {
		ctx, _, err = by.actor(ctx, app, streams)
	}
	return ctx, err
}

// lintOwn returns entries in our own format, none when there is a complaint about any of them.
func lintOwn(files []ingest.File, what string, streams stdio) (entries []knowledge.Entry, broken bool) {
	entries, complaints := ingest.Lint(files)
	if len(complaints) == 0 {
		return entries, false
	}
	for _, c := range complaints {
		fmt.Fprintln(streams.shown().err, c)
	}
	fmt.Fprintf(streams.err, "%d 处要改；改好以前%s没有入库\n", len(complaints), what)
	return nil, true
}

// store writes the entries and publishes them where that was asked for. kept: of some the file says something new, and people have said otherwise.
func (i ingestCommand) store(ctx context.Context, app *App, entries []knowledge.Entry, streams stdio) (kept bool, err error) {
	start := time.Now()
	report, err := app.Ingester.Run(ctx, entries, progress(streams.err, "条目入库"))
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(streams.err, "停下了：%d 个条目已经完整入库，再运行一次会接着做\n", report.Created+report.Unchanged)
		return false, exit(exitFailed)
	}
	if err != nil {
		return false, err
	}
	unchanged := report.Unchanged + len(report.Old)
	fmt.Fprintf(streams.out, "新写入 %d 条，没有变化 %d 条，用时 %.1f 秒\n", report.Created, unchanged, time.Since(start).Seconds())
	if err := app.tellKept(ctx, report, streams); err != nil {
		return false, err
	}
	if report.Created > 0 && !i.Publish {
		fmt.Fprintln(streams.err, "写入的是草稿，签审发布以后才会用来回答；现在想试，运行时加 --set serve_unsigned=true")
	}
	if i.Publish {
		err = app.publish(ctx, entries, streams)
	}
	return len(report.Kept) > 0, err
}

// publish serves the entries that were signed, and names those that were not.
func (a *App) publish(ctx context.Context, entries []knowledge.Entry, streams stdio) error {
	published, refused := 0, 0
	for _, e := range entries {
		err := a.publishOne(ctx, e.ID, streams)
		var known *knowledge.Error
		switch {
		case err == nil:
			published++
		case errors.As(err, &known) && known.Code == knowledge.NotFound: // nothing new to publish
		case errors.As(err, &known):
			refused++
			fmt.Fprintln(streams.err, known.Message)
		default:
			return err
		}
	}
	if published > 0 { // the statistics, the planner's too, move with what is published
		if err := a.Store.Maintain(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(streams.out, "发布 %d 条\n", published)
	if refused > 0 {
		return exit(exitFailed)
	}
	return nil
}

// publishOne serves an entry that was signed here, or else, where somebody here may decide so, one that a trusted city's bundle brought enough
// signatures for.
func (a *App) publishOne(ctx context.Context, id knowledge.ID, streams stdio) error {
	err := a.Store.Publish(ctx, id, false, time.Now())
	var known *knowledge.Error
	if !errors.As(err, &known) || known.Code != knowledge.Conflict || knowledge.ActorOf(ctx).Person == 0 {
		return err
	}
	compared, shared := a.publishShared(ctx, id, time.Now())
	if shared == nil && !compared {
		fmt.Fprintln(streams.err, string(id)+"："+uncomparedLine(1))
	}
	if errors.As(shared, &known) && (known.Code == knowledge.NotFound || known.Code == knowledge.Forbidden) {
		return err
	}
	return shared
}

// progress draws a bar on a terminal and prints a line for every tenth otherwise.
func progress(w io.Writer, what string) func(done, total int) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) { //nolint:gosec // a file descriptor fits an int
		return func(done, total int) {
			if done%max(total/10, 1) == 0 || done == total {
				fmt.Fprintf(w, "%s %d/%d\n", what, done, total)
			}
		}
	}
	var bar *progressbar.ProgressBar
	return func(done, total int) {
		if bar == nil {
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
				progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(50*time.Millisecond))
		}
		_ = bar.Set(done)
	}
}
