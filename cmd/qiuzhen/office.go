package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"qiuzhen/fetch"
	"qiuzhen/ingest"
	"qiuzhen/ingest/office"
	"qiuzhen/ingest/read"
	"qiuzhen/knowledge"
)

// readCommand is the child process that reads one foreign file (ingest/read): the file on stdin, JSON on stdout. It opens
// neither database nor settings.
type readCommand struct {
	Mode, Name, Cache string
}

func (r readCommand) Run(streams stdio) error {
	return read.Main(read.Options{Mode: r.Mode, Name: r.Name, CacheDir: r.Cache}, streams.in, streams.out)
}

// officeOptions checks what the command line says of tables and topics.
func (i ingestCommand) officeOptions() (office.Options, error) {
	known := office.Fields()
	for header, field := range i.Columns {
		if !slices.Contains(known, field) {
			return office.Options{}, usageError{fmt.Errorf("--columns %s=%s：没有 %s 这个字段；有 %s", header, field, field, strings.Join(known, "、"))}
		}
	}
	return office.Options{Topic: knowledge.Topic(i.Topic), Columns: i.Columns}, nil
}

// reader is the child process's command line.
func reader(s *settings) (*office.Worker, error) {
	own, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the own program, which reads foreign files: %w", err)
	}
	return &office.Worker{Command: []string{own, "read-document"}, CacheDir: filepath.Join(s.cacheDir(), "pdf")}, nil
}

// partition separates entries in our own format from what has to be read first.
func partition(files []office.File) (own []ingest.File, foreign []office.File, err error) {
	for _, f := range files {
		if !strings.EqualFold(filepath.Ext(f.Path), ".md") {
			foreign = append(foreign, f)
			continue
		}
		read, err := ingest.ReadPaths([]string{f.Path})
		if err != nil {
			return nil, nil, err
		}
		if ingest.IsEntry(read[0].Data) || len(read[0].Data) > office.MaxFile {
			own = append(own, read[0])
		} else {
			foreign = append(foreign, f)
		}
	}
	return own, foreign, nil
}

// importOffice stores drafts of files that are not in our own format, and says what was not read.
func (a *App) importOffice(ctx context.Context, files []office.File, options office.Options, streams stdio) (office.Report, error) {
	var client fetch.Client
	return a.importWith(ctx, client.Document, files, options, streams)
}

// importWith is importOffice with pages fetched as is said.
func (a *App) importWith(ctx context.Context, fetched office.Fetcher, files []office.File, options office.Options, streams stdio) (office.Report, error) {
	worker, err := reader(a.Settings)
	if err != nil {
		return office.Report{}, err
	}
	worker.Notice = func(what string) { fmt.Fprintln(streams.shown().err, what) }
	im := &office.Importer{
		Worker: worker, Options: options, Fetch: fetched, Inside: insideArchive(streams.err, time.Now),
		Save: func(ctx context.Context, o ingest.Original, drafts []ingest.Draft) (ingest.ImportReport, error) {
			return a.Ingester.Import(ctx, a.Store, o, drafts)
		},
	}
	show := progress(streams.err, "文件导入")
	for n, f := range files {
		if err := im.Import(ctx, f); err != nil {
			if errors.Is(err, context.Canceled) {
				fmt.Fprintf(streams.err, "停下了：%d 个文件已经读完，再运行一次会接着做\n", n)
				return im.Report, exit(exitFailed)
			}
			return im.Report, fmt.Errorf("%s: %w", f.Name, err)
		}
		show(n+1, len(files))
	}
	return im.Report, a.Store.Maintain(ctx)
}

// insideEvery is how often somebody who waits for a ZIP is told how far it is.
const insideEvery = 5 * time.Second

// insideArchive tells how far a ZIP is: its files may take minutes while the bar, which counts what was named, stands still.
func insideArchive(w io.Writer, now func() time.Time) func(name string, done, total int) {
	last := now()
	return func(name string, done, total int) {
		if at := now(); at.Sub(last) >= insideEvery {
			last = at
			clearBar(w)
			fmt.Fprintf(w, "压缩包 %s：读完 %d/%d 个文件\n", knowledge.Printable(name), done, total)
		}
	}
}

// reportOffice is the summary of an import.
func reportOffice(r office.Report, streams stdio) {
	streams = streams.shown() // names of files, and what is said in them
	fmt.Fprintf(streams.out, "读了 %d 个文件：新写入草稿 %d 条，没有变化 %d 条\n", r.Files, r.Stored, r.Same)
	if r.Incomplete > 0 {
		fmt.Fprintf(streams.err, "其中 %d 条还缺内容（如来源机构、结论），补全并签审以前不会用来回答\n", r.Incomplete)
	}
	if len(r.Lines) == 0 {
		return
	}
	fmt.Fprintf(streams.err, "%d 个文件没有全部读进来：\n", len(r.Lines))
	for _, line := range r.Lines {
		fmt.Fprintln(streams.err, "  "+strings.ReplaceAll(line, "\n", " "))
	}
}

// clearBar takes a half-drawn progress bar off a terminal's line.
func clearBar(w io.Writer) {
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) { //nolint:gosec // a file descriptor fits an int
		fmt.Fprint(w, "\r\x1b[K")
	}
}
