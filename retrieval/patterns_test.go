package retrieval

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
)

// TestPatternsAreAsExpressions: what a pattern needs never keeps it from a text that its expression matches. Texts are written by the expressions
// themselves, every alternative and number of repeats at random, and changed: those of danger, of current facts, and one of every form there is.
func TestPatternsAreAsExpressions(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // a fixed seed
	forms := []string{
		"喝白酒", "(喝|吃)(农药|洗洁精)", "喝(了)?(农药)?", "(喝|)农药", "a(?i:bc)d", "(?i)ſK", "[喝吃吞]{2,3}下", "(喝|吃){0,2}药", "(药+|酒*)下", "[^药]酒",
		"^喝.{0,3}$", "喝|[一-龥]", "喝|[0-9]+个", `\d(点|小时)`, "(?:喝[了着]?){2}药", "药(酒|(喝(下|去)))", "😀喝", "药喝?", `[a-z]\b药\B`, "(喝|吃)(?:药|[酒水])|跳(楼|河)",
	}
	all := slices.Concat(loadUrgent().Asking, loadUrgent().Happening)
	for _, c := range loadUrgent().Classes {
		all = slices.Concat(all, c.Now, c.UnlessAsking)
	}
	for _, k := range loadLive().Kinds {
		all = slices.Concat(all, k.Patterns)
	}
	expressions := slices.Clone(forms)
	for _, p := range all {
		expressions = append(expressions, p.String())
	}
	spared := 0
	for _, e := range expressions {
		p, err := compile(e)
		if err != nil {
			t.Fatal(err)
		}
		re, tree := regexp.MustCompile(e), parsed(t, e)
		matched := 0
		for range 100 {
			s := written(tree, random)
			switch random.IntN(3) {
			case 0:
				s = "他" + s + "，急"
			case 1:
				s = shorter(s, random)
			}
			want := re.MatchString(s)
			if got := (patterns{p}).match(newSearched(s)); got != want {
				t.Fatalf("%q in %q: %v, want %v; it needs %q", e, s, got, want, p.needs)
			}
			if want {
				matched++
			} else if !newSearched(s).holds(p.needs) {
				spared++
			}
		}
		if matched < 20 {
			t.Errorf("%q matches %d of 100 texts: too few to tell", e, matched)
		}
	}
	if spared < 500 {
		t.Errorf("%d texts were spared: a pattern is looked for in most", spared)
	}
	for _, e := range []string{"", "喝?", "喝|.", "喝|(药)?"} { // match anything, and need nothing
		if p, err := compile(e); err != nil || len(p.needs) != 0 {
			t.Errorf("%q needs %q, %v", e, p.needs, err)
		}
	}
}

func parsed(t *testing.T, e string) *syntax.Regexp {
	t.Helper()
	tree, err := syntax.Parse(e, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// written is a text that matches an expression, but for its anchors.
func written(re *syntax.Regexp, random *rand.Rand) string {
	times := 1
	switch re.Op {
	case syntax.OpLiteral:
		var b strings.Builder
		for _, r := range re.Rune {
			same := spellings(r, re.Flags&syntax.FoldCase != 0)
			b.WriteRune(same[random.IntN(len(same))])
		}
		return b.String()
	case syntax.OpCharClass:
		i := random.IntN(len(re.Rune)/2) * 2
		return string(re.Rune[i] + random.Int32N(min(re.Rune[i+1]-re.Rune[i], 200)+1))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return string([]rune("么a 7，")[random.IntN(5)])
	case syntax.OpAlternate:
		return written(re.Sub[random.IntN(len(re.Sub))], random)
	case syntax.OpQuest:
		times = random.IntN(2)
	case syntax.OpStar:
		times = random.IntN(3)
	case syntax.OpPlus:
		times = 1 + random.IntN(2)
	case syntax.OpRepeat:
		most := re.Max
		if most < 0 {
			most = re.Min + 3
		}
		times = re.Min + random.IntN(most-re.Min+1)
	}
	var b strings.Builder
	for range times {
		for _, part := range re.Sub {
			b.WriteString(written(part, random))
		}
	}
	return b.String()
}

// shorter is a text without one of its characters.
func shorter(s string, random *rand.Rand) string {
	runes := []rune(s)
	if len(runes) == 0 {
		return s
	}
	at := random.IntN(len(runes))
	return string(slices.Delete(runes, at, at+1))
}
