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
	"strings"
	"time"

	"qiuzhen/eval/cases"
	"qiuzhen/knowledge"
)

// annotateCommand is the experts' review of evaluation cases.
type annotateCommand struct {
	Export     annotateExport     `cmd:"" help:"Write a sheet (XLSX or CSV) for somebody to label cases on, without this program."`
	Import     annotateImport     `cmd:"" help:"Store the labels of a sheet that was filled in; it may be half done."`
	Status     annotateStatus     `cmd:"" help:"How far the review has come, how far people agree, and where they differ."`
	Adjudicate annotateAdjudicate `cmd:"" help:"Settle a case on which two people differ, as a third."`
	Approve    annotateApprove    `cmd:"" help:"Sign cases as an expert: what they expect is right."`
	Lock       annotateLock       `cmd:"" help:"End the review of signed cases; write status and signers into case files."`
	Sample     annotateSample     `cmd:"" help:"Draw recorded replies into draft cases: masked, spread over decisions and topics, complaints and unanswered first."`
}

type annotateExport struct {
	signedIn
	To    string   `required:"" help:"File to write: .xlsx or .csv." placeholder:"FILE"`
	Split string   `help:"Only cases of this split." enum:",gate,tune" default:""`
	Kind  string   `help:"Only cases of this kind (slices.kind)."`
	Limit int      `help:"At most so many cases; 0: all." default:"0"`
	Blind bool     `help:"Neither what the cases expect nor anybody else's labels; --no-blind: with both, for those who settle and sign." default:"true" negatable:""`
	Files []string `arg:"" optional:"" help:"Case files whose cases are to be labelled; without any: the program's own, and all that were taken in before."`
}

func (e annotateExport) Run(ctx context.Context, c *cli, streams stdio) error {
	write, err := sheetWriter(e.To)
	if err != nil {
		return err
	}
	return withStore(ctx, c, streams, func(app *App) error {
		if e.As != "" {
			if ctx, _, err = e.actor(ctx, app, streams); err != nil {
				return err
			}
		}
		entries, err := labelledWith(ctx, app)
		if err != nil {
			return err
		}
		wanted, err := takeIn(ctx, app, e.Files, entries, streams)
		if err != nil {
			return err
		}
		all, err := app.Store.ReviewedCases(ctx)
		if err != nil {
			return err
		}
		if len(e.Files) > 0 {
			all = slices.DeleteFunc(all, func(r cases.Reviewed) bool { return !wanted[r.Case.ID] })
		}
		sheet, n := e.sheet(all, entries)
		if n == 0 {
			fmt.Fprintln(streams.err, "没有要标的用例")
			return exit(exitFailed)
		}
		if err := writeWhole(e.To, func(w io.Writer) error { return write(sheet, w) }); err != nil {
			return err
		}
		fmt.Fprintf(streams.out, "%s：%d 个用例\n", e.To, n)
		return nil
	})
}

// sheet is what was asked for, and how many cases are on it.
func (e annotateExport) sheet(all []cases.Reviewed, entries map[string]knowledge.Entry) (cases.Sheet, int) {
	all = slices.DeleteFunc(all, func(r cases.Reviewed) bool {
		return e.Split != "" && r.Case.Split != e.Split || e.Kind != "" && r.Case.Slices.Kind != e.Kind
	})
	if e.Blind {
		all = cases.Waiting(all, e.As)
	}
	if e.Limit > 0 {
		all = all[:min(e.Limit, len(all))]
	}
	if e.Blind {
		return cases.Blank(cases.Shuffled(all, e.As), e.As, entries), len(all)
	}
	return cases.Open(all, entries), len(all)
}

func sheetWriter(name string) (func(cases.Sheet, io.Writer) error, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".xlsx":
		return cases.Sheet.WriteXLSX, nil
	case ".csv":
		return cases.Sheet.WriteCSV, nil
	}
	return nil, usageError{fmt.Errorf("%s：表格只能是 .xlsx 或 .csv", name)}
}

// labelledWith are the entries that people who label read: those of the store, and the embedded ones where it has none of the id.
func labelledWith(ctx context.Context, app *App) (map[string]knowledge.Entry, error) {
	embedded, err := embeddedEntries()
	if err != nil {
		return nil, err
	}
	entries := map[string]knowledge.Entry{}
	for _, e := range embedded {
		entries[string(e.ID)] = e
	}
	stored, err := app.Store.Newest(ctx, "")
	for _, v := range stored {
		entries[string(v.Entry.ID)] = v.Entry
	}
	return entries, err
}

// takeIn stores the cases of files, all or none, and returns their ids. Without files they are the program's own.
func takeIn(ctx context.Context, app *App, names []string, entries map[string]knowledge.Entry, streams stdio) (map[string]bool, error) {
	files, known, err := caseFiles(names)
	if err != nil {
		return nil, err
	}
	known.Entries = map[string]string{}
	for id, e := range entries {
		known.Entries[id] = string(e.Verdict)
	}
	reading := cases.Read(files, known)
	if complained(reading.Complaints, streams) {
		return nil, exit(exitUsage)
	}
	added, err := app.Store.AddCases(ctx, reading.Cases, time.Now())
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(streams.err, "收进 %d 个用例，%d 个已经有了，%d 个和别的几乎一样、不用标\n", added, len(reading.Cases)-added, len(reading.Copies))
	wanted := map[string]bool{}
	for _, c := range reading.Cases {
		wanted[c.ID] = true
	}
	return wanted, nil
}

func caseFiles(names []string) (files []cases.File, known cases.Known, err error) {
	if len(names) == 0 {
		if known.Locked, err = cases.Locked(); err != nil {
			return nil, known, err
		}
		files, err = cases.Embedded()
		return files, known, err
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, known, usageError{err}
		}
		files = append(files, cases.File{Name: name, Data: data})
	}
	return files, known, nil
}

func complained(complaints []cases.Complaint, streams stdio) bool {
	for _, c := range complaints {
		fmt.Fprintln(streams.err, c)
	}
	if len(complaints) > 0 {
		fmt.Fprintf(streams.err, "%d 处要改，什么都没有存\n", len(complaints))
	}
	return len(complaints) > 0
}

type annotateStatus struct {
	Split string `help:"Only cases of this split." enum:",gate,tune" default:""`
	JSON  bool   `name:"json" help:"Print the figures as JSON."`
}

func (s annotateStatus) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		all, err := app.Store.ReviewedCases(ctx)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(r cases.Reviewed) bool { return s.Split != "" && r.Case.Split != s.Split })
		if s.JSON {
			return json.NewEncoder(streams.out).Encode(cases.ProgressOf(all))
		}
		return cases.WriteProgress(streams.out, all)
	})
}

type annotateAdjudicate struct {
	signedIn
	ID       string   `arg:"" help:"The case's id."`
	Like     string   `help:"As this person labelled it." placeholder:"LOGIN"`
	Decision string   `help:"answer, suggest or abstain." enum:",answer,suggest,abstain" default:""`
	Entries  []string `help:"Ids of the entries that answer."`
	Verdict  string   `help:"false, misleading, partly_true, true, unproven, or none."`
	Urgent   string   `help:"Class of the danger, or none."`
	Live     string   `help:"Kind of current fact, or none."`
	Reason   string   `required:"" help:"Why; it is kept."`
}

func (a annotateAdjudicate) Run(ctx context.Context, c *cli, streams stdio) error {
	return a.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		held, err := reviewedCases(ctx, app, []string{a.ID})
		if err != nil {
			return err
		}
		r := held[0]
		if err := a.known(ctx, app); err != nil {
			return err
		}
		label, err := r.Settle(a.Like, map[string]string{"decision": a.Decision, "verdict": a.Verdict, "urgent": a.Urgent, "live": a.Live}, a.Entries)
		if err != nil {
			return usageError{err}
		}
		if err := app.Store.Adjudicate(ctx, r.Case, label, a.Reason, time.Now()); err != nil {
			return err
		}
		fmt.Fprintf(streams.out, "%s 裁定：%s\n", a.ID, r.Case.Words(label))
		if r.Case.Judged(label) != r.Case.Expected() {
			fmt.Fprintf(streams.out, "用例写的是：%s。请改用例文件，version 加1，再收进来\n", r.Case.ExpectedWords())
		}
		return nil
	})
}

func (a annotateAdjudicate) known(ctx context.Context, app *App) error {
	entries, err := labelledWith(ctx, app)
	for _, id := range a.Entries {
		if _, ok := entries[id]; !ok && err == nil {
			err = usageError{fmt.Errorf("--entries：没有 %s 这个条目", id)}
		}
	}
	return err
}

// reviewedCases are the cases of the ids, in their order.
func reviewedCases(ctx context.Context, app *App, ids []string) ([]cases.Reviewed, error) {
	all, err := app.Store.ReviewedCases(ctx)
	if err != nil {
		return nil, err
	}
	var found []cases.Reviewed
	for _, id := range ids {
		at := slices.IndexFunc(all, func(r cases.Reviewed) bool { return r.Case.ID == id })
		if at < 0 {
			return nil, &knowledge.Error{Code: knowledge.NotFound, Message: "没有 " + id + " 这个用例；先用 eval annotate export 收进用例文件"}
		}
		found = append(found, all[at])
	}
	return found, nil
}

type annotateApprove struct {
	signedIn
	IDs []string `arg:"" optional:"" name:"id" help:"Cases to sign; without any: those that wait for a signature are listed."`
	All bool     `help:"Sign all that wait for a signature."`
}

func (a annotateApprove) Run(ctx context.Context, c *cli, streams stdio) error {
	if len(a.IDs) == 0 && !a.All {
		return withStore(ctx, c, streams, func(app *App) error { return a.list(ctx, app, streams) })
	}
	return a.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		held, err := a.which(ctx, app)
		if err != nil {
			return err
		}
		return each(held, "签了", streams, func(r cases.Reviewed) error { return app.Store.ApproveCase(ctx, r.Case, time.Now()) })
	})
}

func (a annotateApprove) list(ctx context.Context, app *App, streams stdio) error {
	a.All = true
	held, err := a.which(ctx, app)
	for _, r := range held {
		fmt.Fprintf(streams.shown().out, "%s  %s\n    %s\n", r.Case.ID, oneLineOf(r.Case), r.Case.ExpectedWords())
	}
	fmt.Fprintf(streams.err, "%d 个等签字；写编号，或者 --all，再加 --as 登录名，就签\n", len(held))
	return err
}

func oneLineOf(c cases.Case) string {
	return strings.Join(strings.Fields(c.Turns[len(c.Turns)-1]), " ")
}

func (a annotateApprove) which(ctx context.Context, app *App) ([]cases.Reviewed, error) {
	if !a.All {
		return reviewedCases(ctx, app, a.IDs)
	}
	all, err := app.Store.ReviewedCases(ctx)
	return slices.DeleteFunc(all, func(r cases.Reviewed) bool { return !r.ToSign() }), err
}

// each does something to cases one after the other; who fails is named, and the others are done.
func each(held []cases.Reviewed, done string, streams stdio, do func(cases.Reviewed) error) error {
	n := 0
	for _, r := range held {
		if err := do(r); err != nil {
			var known *knowledge.Error
			if !errors.As(err, &known) || known.Code == knowledge.Unavailable {
				return err
			}
			fmt.Fprintln(streams.err, known.Message)
			continue
		}
		n++
	}
	fmt.Fprintf(streams.out, "%s %d 个\n", done, n)
	if n < len(held) {
		return exit(exitFailed)
	}
	return nil
}

type annotateLock struct {
	signedIn
	IDs    []string `arg:"" optional:"" name:"id" help:"Cases to lock; without any: all that are signed."`
	Record []string `help:"Case files to write the status and the signers of their cases into." placeholder:"FILE"`
}

func (l annotateLock) Run(ctx context.Context, c *cli, streams stdio) error {
	return l.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		held, err := reviewedCases(ctx, app, l.IDs)
		if len(l.IDs) == 0 {
			held, err = app.Store.ReviewedCases(ctx)
			held = slices.DeleteFunc(held, func(r cases.Reviewed) bool { return r.Status != "approved" })
		}
		if err != nil {
			return err
		}
		err = each(held, "锁定了", streams, func(r cases.Reviewed) error { return app.Store.LockCase(ctx, r.Case) })
		return errors.Join(err, l.record(ctx, app, streams))
	})
}

func (l annotateLock) record(ctx context.Context, app *App, streams stdio) error {
	all, err := app.Store.ReviewedCases(ctx)
	if err != nil {
		return err
	}
	for _, name := range l.Record {
		data, err := os.ReadFile(name)
		if err != nil {
			return usageError{err}
		}
		out, changed, err := cases.Record(data, all)
		if err != nil {
			return usageError{fmt.Errorf("%s: %w", name, err)}
		}
		if err := writeWhole(name, func(w io.Writer) error { _, err := w.Write(out); return err }); err != nil {
			return err
		}
		fmt.Fprintf(streams.out, "%s：%d 行写上了状态和签字人\n", name, changed)
	}
	return nil
}
