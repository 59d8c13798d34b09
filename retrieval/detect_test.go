package retrieval

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"qiuzhen/text"
)

// detection is a message written by somebody who saw the danger class only, never the patterns.
type detection struct {
	ID, Kind, Text string
	Expect         *string // the class or kind; nil: none
}

func readDetections(t *testing.T, path string) []detection {
	t.Helper()
	file, err := os.Open(path) //nolint:gosec // test data
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []detection
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		var d detection
		if err := json.Unmarshal(scanner.Bytes(), &d); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, d)
	}
	return all
}

// rates counts what a detector sees of the messages that it should see, and of those that it should not.
type rates struct{ seen, expected, falseAlarms, calm int }

func measure(t *testing.T, messages []detection, detect func(normalised string) string) map[string]rates {
	t.Helper()
	byKind := map[string]rates{}
	for _, m := range messages {
		got := detect(text.Normalize(m.Text))
		r := byKind[m.Kind]
		if m.Expect == nil {
			r.calm++
			if got != "" {
				r.falseAlarms++
				t.Logf("%s: %s seen in calm %q", m.ID, got, m.Text)
			}
		} else {
			r.expected++
			if got != "" {
				r.seen++
			} else {
				t.Logf("%s: %s not seen in %q", m.ID, *m.Expect, m.Text)
			}
		}
		byKind[m.Kind] = r
	}
	return byKind
}

func TestUrgentWordings(t *testing.T) {
	byKind := measure(t, readDetections(t, "testdata/urgent.jsonl"), func(s string) string {
		if u := DetectUrgent(s); u != nil {
			return u.Class
		}
		return ""
	})
	t.Logf("%+v", byKind)
}

func TestLiveWordings(t *testing.T) {
	byKind := measure(t, readDetections(t, "testdata/live.jsonl"), func(s string) string {
		if l := DetectLive(s); l != nil {
			return l.Kind
		}
		return ""
	})
	t.Logf("%+v", byKind)
}
