package text

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestSentences(t *testing.T) {
	for _, row := range readTable(t, "sentences.tsv", 2) {
		if got := strings.Join(Sentences(row[0]), "|"); got != row[1] {
			t.Errorf("Sentences(%q)\n got %s\nwant %s", row[0], got, row[1])
		}
	}
}

// words is s without what Sentences may drop.
func words(s string) string {
	return strings.Map(func(r rune) rune {
		if isWordRune(r) {
			return r
		}
		return -1
	}, s)
}

func checkSentences(t interface{ Errorf(string, ...any) }, s string) {
	got := Sentences(s)
	if words(strings.Join(got, " ")) != words(s) {
		t.Errorf("Sentences(%q) = %q lost words", s, got)
	}
	for _, p := range got {
		if p != strings.TrimSpace(p) || words(p) == "" {
			t.Errorf("Sentences(%q) has the piece %q", s, p)
		}
	}
}

func FuzzSentences(f *testing.F) {
	for _, row := range readTable(f, "sentences.tsv", 2) {
		f.Add(row[0], 5)
	}
	f.Fuzz(func(t *testing.T, s string, size int) {
		checkSentences(t, s)
		for _, w := range Windows(s, size) {
			if utf8.RuneCountInString(w) > max(size, 1) || !strings.Contains(s, w) {
				t.Errorf("Windows(%q, %d) has %q", s, size, w)
			}
		}
	})
}

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		text string
		size int
		want []string
	}{
		{"一二三。四五六。七八九。", 20, []string{"一二三。四五六。七八九。"}},
		{"一二三。四五六。七八九。十。", 8, []string{"一二三。四五六。", "四五六。七八九。", "七八九。十。"}},
		{"一二三。四五六七八。九十。", 8, []string{"一二三。", "四五六七八。", "九十。"}},
		{"一二三，四五六，七八九。", 5, []string{"一二三，", "四五六，", "七八九。"}},
		{"一二三四五六七八九十", 4, []string{"一二三四", "五六七八", "九十"}},
		{"价1,000元和2,000元", 8, []string{"价1,000元和", "2,000元"}},
		{"一。\n\n二。", 140, []string{"一。\n\n二。"}},
		{"一二", 0, []string{"一", "二"}},
		{"", 5, nil},
		{"。！", 5, nil},
	} {
		if got := Windows(c.text, c.size); !slices.Equal(got, c.want) {
			t.Errorf("Windows(%q, %d)\n got %q\nwant %q", c.text, c.size, got, c.want)
		}
	}
}

// checkWindows needs distinct characters in s, so that a window is found at one place only.
func checkWindows(t interface{ Errorf(string, ...any) }, s string, size int) {
	var covered strings.Builder
	at := 0 // where the text not yet covered begins
	from := 0
	for _, w := range Windows(s, size) {
		if n := utf8.RuneCountInString(w); n > max(size, 1) {
			t.Errorf("Windows(%q, %d): %q has %d characters", s, size, w, n)
		}
		i := strings.Index(s[from:], w)
		if i < 0 {
			t.Errorf("Windows(%q, %d): %q is not in the text behind the window before", s, size, w)
			return
		}
		from += i
		if end := from + len(w); end > at {
			covered.WriteString(s[max(at, from):end])
			at = end
		} else {
			t.Errorf("Windows(%q, %d): %q adds nothing", s, size, w)
		}
		_, first := utf8.DecodeRuneInString(w)
		from += first
	}
	if words(covered.String()) != words(s) {
		t.Errorf("Windows(%q, %d) covers %q", s, size, covered.String())
	}
}

func TestWindowsAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for i := range rapid.IntRange(0, 60).Draw(t, "length") {
			b.WriteRune(rune('一' + i))
			b.WriteString(rapid.SampledFrom([]string{"", "", "", "，", "。", "\n", " ", "！”", "《"}).Draw(t, "mark"))
		}
		checkSentences(t, b.String())
		checkWindows(t, b.String(), rapid.IntRange(-1, 30).Draw(t, "size"))
	})
}
