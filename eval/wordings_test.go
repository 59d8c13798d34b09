package eval

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWordings reads every committed file: ids are unique over all, near-copies are reported, and none stands on both
// sides of the split.
func TestWordings(t *testing.T) {
	files, err := filepath.Glob("testdata/wordings/*.jsonl")
	if err != nil || len(files) < 6 {
		t.Fatalf("found %d files, %v", len(files), err)
	}
	var all []Wording
	split := map[string]string{}
	kinds := map[string]int{}
	for _, file := range files {
		wordings, err := ReadWordings(file)
		if err != nil {
			t.Fatal(err)
		}
		side, _, _ := strings.Cut(filepath.Base(file), "_")
		for _, w := range wordings {
			if other, ok := split[w.ID]; ok {
				t.Errorf("%s is in %s too", w.ID, other)
			}
			split[w.ID] = side
			kinds[side+" "+w.Kind]++
		}
		all = append(all, wordings...)
	}
	copies := NearCopies(all)
	for _, c := range copies {
		if split[c.A.ID] != split[c.B.ID] {
			t.Errorf("%.2f across the split: %s %q ~ %s %q", c.Jaccard, c.A.ID, c.A.Text, c.B.ID, c.B.Text)
		} else {
			t.Logf("%.2f: %s %q ~ %s %q", c.Jaccard, c.A.ID, c.A.Text, c.B.ID, c.B.Text)
		}
	}
	t.Logf("%d messages, %d near-copies; by split and kind %v", len(all), len(copies), kinds)
	if len(all)-len(copies) < 1500 {
		t.Errorf("%d messages count, want 1,500", len(all)-len(copies))
	}
}

func TestNearCopies(t *testing.T) {
	of := func(a, b string) int { return len(NearCopies([]Wording{{ID: "a", Text: a}, {ID: "b", Text: b}})) }
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"喝白酒能杀病毒", "喝白酒能杀病毒！！", 1},
		{"喝白酒能杀病毒吗", "喝白酒能杀病毒", 1},
		{"喝白酒能杀病毒", "味精会致癌吗", 0},
		{"喝白酒能杀病毒", "喝红酒能软化血管", 0},
		{"是", "是", 0},
	} {
		if got := of(c.a, c.b); got != c.want {
			t.Errorf("%s / %s: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestReadWordingsRefuses(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"broken":   {"{\"id\": \"a\", \"kind\": \"k\"}\n{", ":2: "},
		"no id":    {"{\"kind\": \"k\"}\n", ":1: needs an id"},
		"twice":    {"{\"id\": \"a\", \"kind\": \"k\"}\n{\"id\": \"a\", \"kind\": \"k\"}\n", ":2: needs an id"},
		"not JSON": {"hello\n", ":1: "},
	} {
		path := filepath.Join(t.TempDir(), "w.jsonl")
		if err := os.WriteFile(path, []byte(c.data), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadWordings(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}
