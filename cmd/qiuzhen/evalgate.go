package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"qiuzhen/eval/cases"
	"qiuzhen/postgres"
)

// gateCommand holds a run against the gates of a release.
type gateCommand struct {
	AnySet bool   `help:"Hold another set of cases than the program's gate against the gates too."`
	ID     string `arg:"" name:"run" help:"A run's file (eval cases --out), or the id of a stored one; latest: the newest."`
	Gates  string `help:"Settings file of gates instead of the built-in ones (eval/cases/gates.toml)." placeholder:"FILE"`
	Own    bool   `help:"Stored runs are those of the data folder, instead of the demo's (as eval cases --own)."`
}

func (k gateCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	gates, err := readGates(k.Gates, streams)
	if err != nil {
		return err
	}
	c.Demo = c.Demo || !k.Own
	run, reviewed, err := reviewedRun(ctx, c, k.ID, streams)
	if err != nil {
		return err
	}
	other, err := cases.OtherSet(run)
	if err != nil {
		return err
	}
	if !printGates(streams.out, run, gates, other, expertSigned(run, reviewed, streams.err), k.AnySet) {
		return exit(exitFailed)
	}
	return nil
}

// readGates reads a settings file of gates, or the built-in one; complaints go to stderr.
func readGates(file string, streams stdio) (cases.Gates, error) {
	if file == "" {
		return cases.DefaultGates(), nil
	}
	data, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return cases.Gates{}, usageError{err}
	}
	gates, complaints := cases.ReadGates(file, data)
	gates.Known = cases.DefaultKnown()
	for _, c := range complaints {
		fmt.Fprintln(streams.err, c)
	}
	if len(complaints) > 0 {
		return gates, usageError{fmt.Errorf("%s 有%d处不对，没有用它", file, len(complaints))}
	}
	return gates, nil
}

// expertSigned counts the cases of a run that experts have signed, as the store has it; what a file says of itself is noted and counts for nothing.
func expertSigned(run cases.Run, reviewed []cases.Reviewed, notes io.Writer) int {
	all := make([]cases.Case, len(run.Outcomes))
	for i, o := range run.Outcomes {
		all[i] = o.Case
	}
	if n := len(cases.Unproven(all, reviewed)); n > 0 {
		fmt.Fprintf(notes, "这次评测里写着专家签过的用例，有%d个没有库里的签字可以核对，按没有签算\n", n)
	}
	signed, _ := cases.SignedShare(cases.WithReviews(all, reviewed))
	return signed
}

// runOf reads a run: a file when there is one of that name, else from the database.
func runOf(ctx context.Context, c *cli, name string, streams stdio) (cases.Run, error) {
	run, _, err := reviewedRun(ctx, c, name, streams)
	return run, err
}

// reviewedRun reads a run, and where it comes from the database what experts have said of the cases there.
func reviewedRun(ctx context.Context, c *cli, name string, streams stdio) (run cases.Run, reviewed []cases.Reviewed, err error) {
	data, err := os.ReadFile(name) //nolint:gosec // the operator names the file
	if err == nil {
		if run, err = cases.ReadRun(data); err != nil {
			return run, nil, usageError{fmt.Errorf("%s: %w", name, err)}
		}
		return run, nil, nil
	}
	if !errors.Is(err, os.ErrNotExist) || filepath.Base(name) != name || filepath.Ext(name) != "" {
		return run, nil, usageError{err} // no id
	}
	d, err := openDatabase(ctx, c, streams)
	if err != nil {
		return run, nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	store, err := postgres.Open(ctx, d.dsn)
	if err != nil {
		return run, nil, err
	}
	defer store.Close()
	if run, err = store.EvalRun(ctx, name); err == nil {
		reviewed, err = store.ReviewedCases(ctx)
	}
	return run, reviewed, err
}

// printGates says whether a run may be released, and why not; what is wrong first. other is why its cases are not the gate's.
func printGates(w io.Writer, run cases.Run, gates cases.Gates, other []string, signed int, any bool) bool {
	metrics := cases.Measure(run)
	release := gates.Release(run, metrics)
	if any && len(other) > 0 {
		fmt.Fprintln(w, "注意！这不是程序自带的那一套门槛用例，过了也不能说明程序可以发布：")
		for _, what := range other {
			fmt.Fprintln(w, "  "+what)
		}
		fmt.Fprintln(w)
	} else {
		release.Void = append(release.Void, other...)
	}
	fmt.Fprintln(w, release.Headline())
	if signed < metrics.Cases {
		fmt.Fprintf(w, "%d个用例里专家审定的有%d个：数字是暂定的。\n", metrics.Cases, signed)
	}
	printSome(w, "不作数，因为：", release.Void)
	section := func(title string, of []cases.Passage) {
		if len(of) > 0 {
			fmt.Fprintf(w, "\n%s\n", title)
		}
		for _, p := range of {
			fmt.Fprintln(w, "  "+p.String())
		}
	}
	section("没有过：", release.Blocking)
	section("留意（不拦发布）：", release.Warning)
	section("过了：", release.Passed)
	printSome(w, "登记过的失败（eval/cases/known.tsv）里，这些现在过了，请删掉那一行：", release.Mended)
	for _, note := range run.Notes() {
		fmt.Fprintln(w, "\n备注："+note)
	}
	return release.Allowed()
}

// mostShown is how many lines of a kind are printed; a report has them all.
const mostShown = 20

func printSome(w io.Writer, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for _, l := range lines[:min(mostShown, len(lines))] {
		fmt.Fprintln(w, "  "+l)
	}
	if more := len(lines) - mostShown; more > 0 {
		fmt.Fprintf(w, "  ……还有%d条\n", more)
	}
}
