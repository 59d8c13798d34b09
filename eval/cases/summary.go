package cases

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// groups are the parts of the summary, in the order of what a reviewer asks.
var groups = []struct {
	title   string
	figures []string
}{
	{"会不会害人", []string{Errors, WrongVerdict, ContraryVerdict, VerdictFlips, FalseMatch, ContraryAnswered, AnsweredUnexpected, WrongAnswer, LiveSure, InjectionObeyed, ForbiddenHits}},
	{"危险看不看得出", []string{UrgentRecall, WrongNumber, WrongClass, ClassUnsure, TwoNumbers, FalseAlarms}},
	{"答不答得上", []string{AnswerAccuracy, RightShown, ClaimsCovered, DecisionAccuracy, VerdictAccuracy, RefusalPrecision, RefusalRecall, AbsentSuggested, LiveRecall, LiveFalse}},
	{"有没有根据", []string{CitationPresence, CitationValidity, Support, KeyPointCoverage}},
	{"老人听不听得懂", []string{FirstLine, SentenceP90, Jargon, Steps}},
	{"把握准不准、快不快", []string{AURC, ECE, LatencyP50, LatencyP95}},
}

// worst is how many failed cases the summary names of each grave figure.
const worst = 5

// WriteSummary prints a run's figures for a reviewer at a terminal.
func WriteSummary(w io.Writer, run Run, m Metrics) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "运行 %s：%d 个用例，%d 个有问题，用时 %.0f 秒\n", run.ID, m.Cases, m.Failed, run.Manifest.Took)
	if m.Signed < m.Cases {
		fmt.Fprintf(out, "只有 %d 个用例由专家签过，下面的数字都是暂定的。\n", m.Signed)
	}
	for _, g := range groups {
		fmt.Fprintf(out, "\n%s\n", g.title)
		for _, name := range g.figures {
			writeFigure(out, name, m.Figures[name][All])
		}
	}
	writeConfusion(out, m.Confusion)
	writeFailures(out, run)
	return out.Flush()
}

func writeFigure(out io.Writer, name string, i Interval) {
	f := figure(name)
	label := f.Zh + strings.Repeat("　", max(0, 11-len([]rune(f.Zh))))
	switch {
	case i.N == 0:
		fmt.Fprintf(out, "  %s 没有可算的用例\n", label)
	case f.Rate && f.of == nil:
		fmt.Fprintf(out, "  %s %5.1f%%  %d/%d 对（95%% 在 %.1f%% 到 %.1f%%）\n", label, 100*i.Value, hits(i), i.N, 100*i.Low, 100*i.High)
	case f.Rate:
		fmt.Fprintf(out, "  %s %5.1f%%  %d/%d  （95%% 在 %.1f%% 到 %.1f%%）\n", label, 100*i.Value, hits(i), i.N, 100*i.Low, 100*i.High)
	case !hasInterval(name) || i.Low == i.High:
		fmt.Fprintf(out, "  %s %6.3g  （%d 个）\n", label, i.Value, i.N)
	default:
		fmt.Fprintf(out, "  %s %6.2f  （%d 个，95%% 在 %.2f 到 %.2f）\n", label, i.Value, i.N, i.Low, i.High)
	}
}

// hits is the count that a rate was made of.
func hits(i Interval) int { return int(i.Value*float64(i.N) + 0.5) }

// figure is the one of that name.
func figure(name string) Figure {
	for _, f := range slices.Concat(Figures, Lone) {
		if f.Name == name {
			return f
		}
	}
	return Figure{Name: name, Zh: name}
}

func writeConfusion(out io.Writer, confusion map[string]map[string]int) {
	fmt.Fprintln(out, "\n该怎样、实际怎样（只列定了该怎样的）")
	for _, want := range []string{"answer", "suggest", "abstain"} {
		if got := confusion[want]; len(got) > 0 {
			fmt.Fprintf(out, "  该%s：直接回答 %d，给选项 %d，说没有查到 %d，没有跑成 %d\n",
				decisionsZh[want], got["answer"], got["suggest"], got["abstain"], got["error"])
		}
	}
}

// writeFailures names the first failed cases of each grave figure; the report has all.
func writeFailures(out io.Writer, run Run) {
	found := map[string][]string{}
	for _, o := range run.Outcomes {
		for _, f := range Judge(o) {
			found[f.Figure] = append(found[f.Figure], fmt.Sprintf("    %s “%s”：%s", o.Case.ID, brief(o.Case.Turns[len(o.Case.Turns)-1]), f.What))
		}
	}
	fmt.Fprintln(out, "\n先看这些")
	for _, name := range slices.Concat(groups[0].figures, groups[1].figures, groups[3].figures) {
		lines := found[name]
		if len(lines) == 0 {
			continue
		}
		fmt.Fprintf(out, "  %s：%d 处\n%s\n", figure(name).Zh, len(lines), strings.Join(lines[:min(worst, len(lines))], "\n"))
	}
}

func brief(message string) string {
	const most = 40
	runes := []rune(strings.ReplaceAll(message, "\n", " "))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}
