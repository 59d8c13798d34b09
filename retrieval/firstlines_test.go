package retrieval_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"qiuzhen/bot"
	"qiuzhen/retrieval"
)

// TestFirstLines: what is said of each danger and of each current fact begins with a line of at most 30 characters, since it is heard alone.
func TestFirstLines(t *testing.T) {
	longest := ""
	said := func(r retrieval.Result) {
		t.Helper()
		line, _, _ := strings.Cut(bot.Render(r), "\n")
		if n := utf8.RuneCountInString(line); n == 0 || n > 30 {
			t.Errorf("%d characters: %q", n, line)
		} else if n > utf8.RuneCountInString(longest) {
			longest = line
		}
	}
	known := retrieval.DangerLines()
	dangers, facts := retrieval.EveryDanger(), retrieval.EveryLive()
	for _, u := range dangers {
		if !slices.Contains(known, u.Line) || !slices.Contains(known, u.Then) {
			t.Errorf("%+v is no line of a danger", u)
		}
		said(retrieval.Result{Decision: retrieval.Abstain, Urgent: &u})
	}
	for _, l := range facts {
		said(retrieval.Result{Decision: retrieval.Abstain, Live: &l})
	}
	if len(dangers) < 60 || len(facts) < 60 {
		t.Errorf("%d dangers and %d current facts only", len(dangers), len(facts))
	}
	t.Logf("%d dangers, %d current facts; the longest: %s", len(dangers), len(facts), longest)
}
