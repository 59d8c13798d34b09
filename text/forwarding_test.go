package text

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSplitForwarding(t *testing.T) {
	for _, row := range readTable(t, "forwarding.tsv", 3) {
		message, want, phrases := row[0], row[1], row[2]
		claim, taken := SplitForwarding(message)
		if claim != want || strings.Join(taken, "|") != phrases {
			t.Errorf("SplitForwarding(%q)\n got %q, %q\nwant %q, %q", message, claim, strings.Join(taken, "|"), want, phrases)
		}
	}
}

// A message is not changed unless something is taken out, and what is left occurs in it, in order.
func TestSplitForwardingLosesNothing(t *testing.T) {
	piece := rapid.SampledFrom([]string{"紧急通知", "转给家人", "喝白酒", "是真的吗", "！", "，", "\n", " ", "“", "”", "扩散", "🔥", "【", "】", "转发有奖", "\xff", "3.5"})
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOf(piece).Draw(t, "pieces"), "")
		claim, phrases := SplitForwarding(s)
		if len(phrases) == 0 && claim != s {
			t.Fatalf("%q became %q though nothing was taken out", s, claim)
		}
		content := []string{"喝白酒", "转发有奖", "3.5"}
		for _, c := range content {
			if strings.Count(s, c) != strings.Count(claim, c) {
				t.Fatalf("%q lost %q: %q, %q", s, c, claim, phrases)
			}
		}
		again, more := SplitForwarding(claim)
		if len(more) > 0 && !slices.ContainsFunc(more, func(p string) bool { return p != "" }) {
			t.Fatalf("empty phrase from %q: %q", again, more)
		}
	})
}

func TestParseForwardingNamesTheBadLine(t *testing.T) {
	_, err := parseForwarding("[end]\n是真的吗\n(转发\n")
	if err == nil || !strings.Contains(err.Error(), "[end] (转发") {
		t.Errorf("error = %v, want one that names the line", err)
	}
}
