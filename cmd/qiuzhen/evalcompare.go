package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"unicode"

	"qiuzhen/eval/cases"
	"qiuzhen/knowledge"
)

// compareCommand sets a run against an earlier one.
type compareCommand struct {
	A     string `arg:"" help:"The earlier run: its file (eval cases --out), or the id of a stored one."`
	B     string `arg:"" help:"The later run; latest: the newest stored one."`
	Gates string `help:"Settings file with the margins instead of the built-in one (eval/cases/gates.toml)." placeholder:"FILE"`
	Own   bool   `help:"Stored runs are those of the data folder, instead of the demo's (as eval cases --own)."`
}

func (k compareCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	gates, err := readGates(k.Gates, streams)
	if err != nil {
		return err
	}
	c.Demo = c.Demo || !k.Own
	var runs [2]cases.Run
	for i, name := range []string{k.A, k.B} {
		if runs[i], err = runOf(ctx, c, name, streams); err != nil {
			return err
		}
		for _, what := range runs[i].Complaints() {
			fmt.Fprintf(streams.err, "%s：%s\n", name, what)
		}
	}
	comparison := cases.Compare(runs[0], runs[1], gates.Margins)
	if comparison.Common == 0 {
		return usageError{fmt.Errorf("%s 和 %s 没有一个相同的用例，没法比", k.A, k.B)}
	}
	printComparison(streams.out, comparison)
	return nil
}

func printComparison(w io.Writer, c cases.Comparison) {
	fmt.Fprintf(w, "两次都问了的用例有%d个：新坏掉%d个，错得更多%d个，新修好%d个，一样错着%d个。\n", c.Common, len(c.Broken), len(c.Worse), len(c.Fixed), c.Still)
	if n := len(c.OnlyA) + len(c.OnlyB) + len(c.Edited); n > 0 {
		fmt.Fprintf(w, "注意：两次问的不是一套用例。下面只比相同的%d个；只在前一次的%d个、只在后一次的%d个、改过的%d个都没有比。\n",
			c.Common, len(c.OnlyA), len(c.OnlyB), len(c.Edited))
	}
	if len(c.Differs) == 0 {
		fmt.Fprintln(w, "用例、内容、模型、设置、程序版本都一样。")
	} else {
		fmt.Fprintf(w, "变了的：%s。\n", strings.Join(c.Differs, "、"))
	}
	printChanges(w, "新坏掉的", "错在", c.Broken)
	printChanges(w, "原来就错，现在又多错了的", "多错在", c.Worse)
	printChanges(w, "新修好的", "原来错在", c.Fixed)
	printShifts(w, c.Metrics)
}

// printShifts lists the figures that changed; of the others their names are enough.
func printShifts(w io.Writer, all []cases.Shift) {
	var same []string
	fmt.Fprintf(w, "\n各项指标（括号里是95%%区间，同一家族的用例一起重抽；p 按%d项一起校正）：\n", len(all))
	for _, s := range all {
		if s.Same() {
			same = append(same, s.Metric)
			continue
		}
		fmt.Fprintln(w, "  "+s.String())
	}
	if len(same) > 0 {
		fmt.Fprintf(w, "  没有变的%d项：%s\n", len(same), strings.Join(same, "、"))
	}
}

func printChanges(w io.Writer, title, faults string, of []cases.Change) {
	if len(of) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s（%d个）：\n", title, len(of))
	for _, c := range of[:min(mostShown, len(of))] {
		fmt.Fprintf(w, "  %s　%s\n    原来：%s\n    现在：%s\n    %s：%s\n", c.Case.ID, printable(strings.Join(c.Case.Turns, " / "), 60),
			concluded(c.Was), concluded(c.Is), faults, failed(c.Failures))
	}
	if more := len(of) - mostShown; more > 0 {
		fmt.Fprintf(w, "  ……还有%d个\n", more)
	}
}

// concluded is what a reader got, in one line.
func concluded(o cases.Outcome) string {
	if o.Error != "" {
		return "没有跑成：" + printable(o.Error, 80)
	}
	var what []string
	if o.Urgent != "" {
		what = append(what, "报了危险（"+cases.ClassesZh[o.Urgent]+" "+o.Number+"）")
	}
	if o.Live != "" {
		what = append(what, "当眼前的事（"+cases.LiveZh[o.Live]+"）")
	}
	switch {
	case o.Decision == "answer":
		for _, a := range o.Answers {
			what = append(what, fmt.Sprintf("用 %s（%s）回答", a.Entry, cmp.Or(knowledge.Verdict(a.Verdict).Zh(), "指南")))
		}
	case o.Decision == "suggest":
		what = append(what, "给了选项 "+strings.Join(o.Offered, "、"))
	case len(what) == 0:
		what = append(what, "说没有查到")
	}
	first, _, _ := strings.Cut(o.Reply, "\n")
	return printable(strings.Join(what, "，")+"："+first, 120)
}

// printable is a text in one line of at most that many characters, without what steers a terminal.
func printable(s string, most int) string {
	line := []rune(strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, s)), " "))
	if len(line) > most {
		line = append(line[:most-1], '…')
	}
	return string(line)
}

func failed(all []cases.Failure) string {
	words := make([]string, len(all))
	for i, f := range all {
		words[i] = printable(f.What, 80)
	}
	return strings.Join(words, "；")
}
