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
	ID    string `arg:"" name:"run" help:"A run's file (eval cases --out), or the id of a stored one; latest: the newest."`
	Gates string `help:"Settings file of gates instead of the built-in ones (eval/cases/gates.toml)." placeholder:"FILE"`
	Own   bool   `help:"Stored runs are those of the data folder, instead of the demo's (as eval cases --own)."`
}

func (k gateCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	gates, err := readGates(k.Gates, streams)
	if err != nil {
		return err
	}
	c.Demo = c.Demo || !k.Own
	run, err := runOf(ctx, c, k.ID, streams)
	if err != nil {
		return err
	}
	if !printGates(streams.out, run, gates) {
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
	for _, c := range complaints {
		fmt.Fprintln(streams.err, c)
	}
	if len(complaints) > 0 {
		return gates, usageError{fmt.Errorf("%s 有%d处不对，没有用它", file, len(complaints))}
	}
	return gates, nil
}

// runOf reads a run: a file when there is one of that name, else from the database.
func runOf(ctx context.Context, c *cli, name string, streams stdio) (run cases.Run, err error) {
	data, err := os.ReadFile(name) //nolint:gosec // the operator names the file
	if err == nil {
		if run, err = cases.ReadRun(data); err != nil {
			return run, usageError{fmt.Errorf("%s: %w", name, err)}
		}
		return run, nil
	}
	if !errors.Is(err, os.ErrNotExist) || filepath.Base(name) != name || filepath.Ext(name) != "" {
		return run, usageError{err} // no id
	}
	d, err := openDatabase(ctx, c, streams)
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	store, err := postgres.Open(ctx, d.dsn)
	if err != nil {
		return run, err
	}
	defer store.Close()
	return store.EvalRun(ctx, name)
}

// printGates says whether a run may be released, and why not; what is wrong first.
func printGates(w io.Writer, run cases.Run, gates cases.Gates) bool {
	metrics := cases.Measure(run)
	release := gates.Release(run, metrics)
	fmt.Fprintln(w, release.Headline())
	if metrics.Signed < metrics.Cases {
		fmt.Fprintf(w, "%d个用例里专家审定的有%d个：数字是暂定的。\n", metrics.Cases, metrics.Signed)
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
