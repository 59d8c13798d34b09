package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"qiuzhen/eval/cases"
	"qiuzhen/eval/report"
)

// reportCommand shows a run to people and programs. Whether the run may be released is what it says, not how it exits: that is eval gate.
type reportCommand struct {
	ID      string `arg:"" name:"run" help:"A run's file (eval cases --out), or the id of a stored one; latest: the newest."`
	HTML    string `name:"html" help:"Write one HTML file that needs nothing else, for reading and printing." placeholder:"FILE"`
	JSON    string `name:"json" help:"Write gates, figures, failures and comparison as JSON (docs/schemas/report.schema.json)." placeholder:"FILE"`
	JUnit   string `name:"junit" help:"Write JUnit XML: a test case a gate and a case." placeholder:"FILE"`
	Against string `help:"An earlier run, likewise: say what became worse." placeholder:"RUN"`
	Gates   string `help:"Settings file of gates instead of the built-in one (eval/cases/gates.toml)." placeholder:"FILE"`
	Own     bool   `help:"Stored runs are those of the data folder, instead of the demo's (as eval cases --own)."`
}

func (k reportCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	gates, err := readGates(k.Gates, streams)
	if err != nil {
		return err
	}
	c.Demo = c.Demo || !k.Own
	run, err := runOf(ctx, c, k.ID, streams)
	if err != nil {
		return err
	}
	var against *cases.Run
	if k.Against != "" {
		earlier, err := runOf(ctx, c, k.Against, streams)
		if err != nil {
			return err
		}
		against = &earlier
	}
	r := report.New(run, gates, against)
	if k.HTML == "" && k.JSON == "" && k.JUnit == "" {
		return cases.WriteSummary(streams.out, run, r.Metrics)
	}
	return k.write(r, streams.out)
}

// write writes the files that are asked for, and says where they lie.
func (k reportCommand) write(r report.Report, out io.Writer) error {
	fmt.Fprintln(out, r.Release.Headline())
	for _, file := range []struct {
		name, what string
		write      func(io.Writer) error
	}{{k.HTML, "给人看的", r.WriteHTML}, {k.JSON, "给程序读的", r.WriteJSON}, {k.JUnit, "给持续集成的", r.WriteJUnit}} {
		if file.name == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file.name), 0o755); err != nil { //nolint:gosec // a report is for all to read
			return err
		}
		if err := writeWhole(file.name, file.write); err != nil {
			return err
		}
		path, err := filepath.Abs(file.name)
		if err != nil {
			path = file.name
		}
		fmt.Fprintf(out, "%s：%s\n", file.what, path)
	}
	return nil
}
