package cases

import (
	"bufio"
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed known.tsv
var knownFile []byte

// KnownFailures are those of gates that allow none, by figure and case id. They are listed so that a new one is told from those that everybody knows
// of; which they are is shown each time.
type KnownFailures map[string][]string

// DefaultKnown are those of known.tsv.
func DefaultKnown() KnownFailures {
	known, err := ReadKnown(knownFile)
	if err != nil {
		panic("known.tsv: " + err.Error()) // a test reads it
	}
	return known
}

// ReadKnown reads lines of case id and figure with a tab between them; a line that begins with # is a remark. Only figures whose hard gate allows
// none can be listed.
func ReadKnown(data []byte) (KnownFailures, error) {
	known := KnownFailures{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		if line := lines.Text(); line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(lines.Text(), "\t")
		if len(f) != 2 || !idPattern.MatchString(f[0]) {
			return nil, fmt.Errorf("line %d is not case id and figure", n)
		}
		if !slices.Contains(figureNames(), f[1]) || f[1] == Errors {
			return nil, fmt.Errorf("line %d: no failure of the figure %q can be known", n, f[1])
		}
		if slices.Contains(known[f[1]], f[0]) {
			return nil, fmt.Errorf("line %d: %s is there twice", n, f[0])
		}
		known[f[1]] = append(known[f[1]], f[0])
	}
	return known, lines.Err()
}

// allowsNone reports whether a hard gate allows no failing case at all.
func (g Gate) allowsNone() bool {
	return g.Hard && figure(g.Metric).Rate && g.Metric != Errors && (g.Max != nil && *g.Max == 0 || g.Min != nil && *g.Min == 1)
}

// Failing are the cases that a rate counts against the service, by id; of flips the reworded ones.
func Failing(metric string, outcomes []Outcome) []string {
	var ids []string
	if metric == VerdictFlips {
		flips, _ := Flips(outcomes)
		for _, f := range flips {
			ids = append(ids, f.Case)
		}
	}
	f := figure(metric)
	for _, o := range outcomes {
		if f.of == nil || !f.Rate {
			break
		}
		if v, counts := f.of(o); counts && (v == 1) != f.Up {
			ids = append(ids, o.Case.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// against says of a gate that allows none which failures are known and which are new, and which of those known are none any more.
func (k KnownFailures) against(p Passage, outcomes []Outcome) (out Passage, mended []string) {
	failing, listed := Failing(p.Gate.Metric, outcomes), k[p.Gate.Metric]
	for _, id := range failing {
		if slices.Contains(listed, id) {
			p.Known = append(p.Known, id)
		} else {
			p.New = append(p.New, id)
		}
	}
	for _, o := range outcomes {
		if id := o.Case.ID; slices.Contains(listed, id) && !slices.Contains(failing, id) {
			mended = append(mended, id)
		}
	}
	return p, mended
}

// which names the failures in words; of flips both sides of each.
func which(ids []string, flips []Flip) string {
	named := slices.Clone(ids)
	for i, id := range named {
		if at := slices.IndexFunc(flips, func(f Flip) bool { return f.Case == id }); at >= 0 {
			named[i] = fmt.Sprintf("%s（%s，原话 %s 是%s）", id, verdictWord(flips[at].Verdict), flips[at].Of, verdictWord(flips[at].Other))
		}
	}
	return some(named)
}

func verdictWord(verdict string) string {
	if verdict == "" {
		return "没有结论"
	}
	return zh(verdict)
}
