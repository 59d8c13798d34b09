package text

import (
	"maps"
	"testing"
	"unicode"
)

func TestPairs(t *testing.T) {
	for _, c := range []struct {
		s      string
		counts func(rune) bool
		want   map[[2]rune]bool
	}{
		{"", LetterOrDigit, map[[2]rune]bool{}},
		{"吃", LetterOrDigit, map[[2]rune]bool{}},
		{"吃吗？好", LetterOrDigit, map[[2]rune]bool{{'吃', '吗'}: true, {'吗', '好'}: true}},
		{"哈哈哈", LetterOrDigit, map[[2]rune]bool{{'哈', '哈'}: true}},
		{"打 12", LetterOrDigit, map[[2]rune]bool{{'打', '1'}: true, {'1', '2'}: true}},
		{"打12个", unicode.IsLetter, map[[2]rune]bool{{'打', '个'}: true}},
	} {
		if got := Pairs(c.s, c.counts); !maps.Equal(got, c.want) {
			t.Errorf("%q: %v, want %v", c.s, got, c.want)
		}
	}
}
