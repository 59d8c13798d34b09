package retrieval

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// TestPatternsAreAsExpressions: what a pattern needs never keeps it from a text that its expression matches: for expressions of every form over texts
// made of their own characters and others.
func TestPatternsAreAsExpressions(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // a fixed seed
	expressions := []string{
		"", "喝白酒", "(喝|吃)(农药|洗洁精)", "喝(了)?(农药)?", "(喝|)农药", "a(?i:bc)d", "(?i)ſK", "[喝吃吞]{2,3}下", "(喝|吃){0,2}药", "(药+|酒*)下", "[^药]酒",
		"^喝.{0,3}$", "喝|[一-龥]", "喝|[0-9]+个", `\d(点|小时)`, "(?:喝[了着]?){2}药", "药(酒|(喝(下|去)))", "😀喝", "喝?", `\b药\B`,
	}
	for _, r := range loadUrgent().Classes {
		for _, p := range append(r.Now, r.UnlessAsking...) {
			expressions = append(expressions, p.String())
		}
	}
	matched, spared := 0, 0
	for _, e := range expressions {
		p, err := compile(e)
		if err != nil {
			t.Fatal(err)
		}
		re := regexp.MustCompile(e)
		letters := []rune(strings.Map(func(r rune) rune {
			if strings.ContainsRune(`(){}[]|?*+.^$\`, r) {
				return -1
			}
			return r
		}, e) + "喝药酒下了ſsSKkABcd7😀 ,")
		for range 400 {
			var b strings.Builder
			for range 1 + random.IntN(12) {
				b.WriteRune(letters[random.IntN(len(letters))])
			}
			s := b.String()
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
	}
	if matched < 500 || spared < 5000 {
		t.Errorf("%d matched and %d were spared: the texts try nothing", matched, spared)
	}
}
