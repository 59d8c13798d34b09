package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"qiuzhen/eval/cases"
	"qiuzhen/ingest/office"
	"qiuzhen/knowledge"
)

type annotateImport struct {
	signedIn
	File string `arg:"" help:"The sheet that was filled in: .xlsx or .csv."`
}

func (i annotateImport) Run(ctx context.Context, c *cli, streams stdio) error {
	return i.act(ctx, c, streams, func(ctx context.Context, app *App, p knowledge.Person) error {
		rows, err := i.rows(ctx, app, streams)
		if err != nil {
			return err
		}
		entries, err := labelledWith(ctx, app)
		if err != nil {
			return err
		}
		all, err := app.Store.ReviewedCases(ctx)
		if err != nil {
			return err
		}
		labels := cases.ReadLabels(i.File, rows, all, p.Login, entries)
		if complained(labels.Complaints, streams) {
			return exit(exitUsage)
		}
		for _, c := range labels.Unfinished {
			fmt.Fprintln(streams.err, c)
		}
		stored, same, err := app.Store.Annotate(ctx, labels.Annotations, time.Now())
		if err == nil {
			fmt.Fprintf(streams.out, "存了 %d 条标注，%d 条和以前一样；%d 行没有填完，%d 行空着，填好以后可以再导入\n", stored, same, len(labels.Unfinished), labels.Blank)
		}
		return err
	})
}

// rows reads the file in the child process that reads foreign files: a formula gives the value that was stored with it and is never computed.
func (i annotateImport) rows(ctx context.Context, app *App, streams stdio) ([]cases.Row, error) {
	info, err := os.Stat(i.File)
	if err != nil {
		return nil, usageError{err}
	}
	if info.Size() > office.MaxFile {
		return nil, usageError{fmt.Errorf("%s 有%d字节，最多%d", i.File, info.Size(), office.MaxFile)}
	}
	data, err := os.ReadFile(i.File)
	if err != nil {
		return nil, usageError{err}
	}
	worker, err := reader(app.Settings)
	if err != nil {
		return nil, err
	}
	document, err := worker.Read(ctx, filepath.Base(i.File), data)
	var problem office.Problem
	if errors.As(err, &problem) {
		return nil, usageError{fmt.Errorf("%s：%w", i.File, problem)}
	}
	if err != nil {
		return nil, err
	}
	for _, note := range document.Notes {
		fmt.Fprintf(streams.err, "%s：%s\n", i.File, note)
	}
	var rows []cases.Row
	for _, b := range document.Blocks {
		if b.Kind == office.Row {
			rows = append(rows, cases.Row{Sheet: b.Place.Sheet, Line: b.Place.Line, Cells: b.Cells})
		}
	}
	return rows, nil
}

type annotateSample struct {
	N     int    `help:"At most so many." default:"100"`
	Since string `help:"Replies of so many days." default:"30d" placeholder:"DAYS"`
	Split string `help:"Split of the cases." enum:"gate,tune" default:"gate"`
	To    string `help:"File to write; without: standard output." placeholder:"FILE.jsonl"`
}

// mostReplies bounds what a sample is drawn from.
const mostReplies = 50000

func (s annotateSample) Run(ctx context.Context, c *cli, streams stdio) error {
	days, err := strconv.Atoi(strings.TrimSuffix(s.Since, "d"))
	if err != nil || days < 1 || s.N < 1 {
		return usageError{errors.New("--since 写天数，比如 30d；--n 从1起")}
	}
	return withStore(ctx, c, streams, func(app *App) error {
		live, err := app.Store.LiveAnswers(ctx, time.Now().AddDate(0, 0, -days), mostReplies)
		if err != nil {
			return err
		}
		reviewed, err := app.Store.ReviewedCases(ctx)
		if err != nil {
			return err
		}
		had := make([]cases.Case, len(reviewed))
		for i, r := range reviewed {
			had[i] = r.Case
		}
		drawn := cases.Sample(live, had, s.N, s.Split)
		fmt.Fprintf(streams.err, "%d 条记录里抽了 %d 条。号码已经遮住；人名、地名没有，给人看以前请再看一遍\n", len(live), len(drawn))
		return s.write(drawn, streams.out)
	})
}

func (s annotateSample) write(drawn []cases.Case, out io.Writer) error {
	lines := func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		for _, c := range drawn {
			if err := encoder.Encode(c); err != nil {
				return err
			}
		}
		return nil
	}
	if s.To == "" {
		return lines(out)
	}
	return writeWhole(s.To, lines)
}
