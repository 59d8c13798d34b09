package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTitle is the longest 《title》, in characters, inside which no sentence ends; beyond it the 》 was forgotten.
const maxTitle = 60

// Sentences cuts s, original or normalised, at sentence ends (。！？!?；; … a line break, a full stop that ends a
// word), keeping closing quotes and brackets with their sentence. It does not cut inside 《》, numbers (3.5) or
// web addresses. Each sentence is a trimmed substring of s with at least one letter or digit; nothing but white
// space and stray marks is lost.
func Sentences(s string) []string {
	var out []string
	for _, p := range sentenceSpans(s) {
		out = append(out, s[p.start:p.end])
	}
	return out
}

// span is a byte range of a text.
type span struct{ start, end int }

func sentenceSpans(s string) []span {
	var spans []span
	start, quotes := 0, 0
	for i := 0; i < len(s); {
		if n := skipWhole(s[i:], i == 0 || !isWordByte(s[i-1])); n > 0 {
			i += n
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == '"' {
			quotes++
		}
		if !endsSentence(s, i, r, size) {
			i += size
			continue
		}
		i = sentenceEnd(s, i, quotes%2 == 1)
		spans = appendSpan(spans, s, start, i)
		start, quotes = i, 0
	}
	return appendSpan(spans, s, start, len(s))
}

// appendSpan adds s[start:end] without its outer white space if it says anything.
func appendSpan(spans []span, s string, start, end int) []span {
	piece := s[start:end]
	if strings.IndexFunc(piece, isWordRune) < 0 {
		return spans
	}
	start += len(piece) - len(strings.TrimLeftFunc(piece, unicode.IsSpace))
	end = start + len(strings.TrimSpace(piece))
	return append(spans, span{start, end})
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

func isWordByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

// endsSentence reports whether the rune r at s[i] ends a sentence.
func endsSentence(s string, i int, r rune, size int) bool {
	switch r {
	case '。', '！', '？', '!', '?', '；', ';', '…', '｡', '\n', '\r', '\u2028', '\u2029':
		return true
	case '.', '．':
		return stopEnds(s, i, size)
	}
	return false
}

// stopEnds tells a full stop from the point of a number, a list item ("1. ") or an abbreviation ("e.g. ").
func stopEnds(s string, i, size int) bool {
	before, n := utf8.DecodeLastRuneInString(s[:i])
	after, _ := utf8.DecodeRuneInString(s[i+size:])
	switch {
	case i == 0:
		return false
	case after == '.' || before == '.': // an ellipsis typed as points
		return before == '.' && after != '.' && i >= 2
	case isHan(before) || isCloser(before):
		return true
	case !unicode.IsLetter(before), i+size < len(s) && !unicode.IsSpace(after) && !isCloser(after):
		return false
	}
	second, _ := utf8.DecodeLastRuneInString(s[:i-n])
	return unicode.IsLetter(second) || unicode.IsDigit(second)
}

// sentenceEnd returns the index after the marks and closing quotes that follow the end mark at s[i].
// quoted: an odd number of straight quotes came before, so that the next one closes.
func sentenceEnd(s string, i int, quoted bool) int {
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\n':
			return i + size // what follows is another line's
		case r == '"' && quoted:
			quoted = false
		case !isEndMark(r) && !isCloser(r):
			return i
		}
		i += size
	}
	return i
}

func isEndMark(r rune) bool {
	switch r {
	case '。', '！', '？', '!', '?', '；', ';', '…', '｡', '.', '．', '~', '～', '\n', '\r', '\u2028', '\u2029':
		return true
	}
	return false
}

func isCloser(r rune) bool {
	switch r {
	case '”', '’', '』', '」', '）', ')', '】', ']', '》', '〉', '〕':
		return true
	}
	return false
}

// skipWhole returns the bytes at the start of s that are never cut: a web address or a 《title》; 0 when there is none.
func skipWhole(s string, wordStart bool) int {
	if strings.HasPrefix(s, "《") {
		return titleLen(s)
	}
	if !wordStart || !hasURLPrefix(s) {
		return 0
	}
	end := strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x80 })
	if end < 0 {
		end = len(s)
	}
	return len(strings.TrimRight(s[:end], ".!?,;:)]\"'")) // marks of the sentence around it
}

func hasURLPrefix(s string) bool {
	for _, p := range []string{"http://", "https://", "www."} {
		if len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) {
			return true
		}
	}
	return false
}

func titleLen(s string) int {
	n := 0
	for i, r := range s {
		if r == '》' {
			return i + len("》")
		}
		if n++; n > maxTitle || r == '\n' {
			break
		}
	}
	return 0
}
