package text

import (
	"unicode"
	"unicode/utf8"
)

// Windows covers s with substrings of at most size characters (runes; below 1 counts as 1) that begin and end at
// sentence ends, in order. A window begins with the last sentence of the one before it where that leaves room for
// a new one, so that a claim over two sentences is found whole. A sentence longer than size is cut at commas, and
// where there are none, after size characters.
func Windows(s string, size int) []string {
	size = max(size, 1)
	units := windowUnits(s, size)
	begins, ends := runeOffsets(s, units)
	fits := func(first, last int) bool { return ends[last]-begins[first] <= size }
	var out []string
	for i := 0; i < len(units); {
		next := i + 1
		for next < len(units) && fits(i, next) {
			next++
		}
		out = append(out, s[units[i].start:units[next-1].end])
		if next < len(units) && next-1 > i && fits(next-1, next) {
			next-- // overlap by one
		}
		i = next
	}
	return out
}

// runeOffsets counts where the units of s begin and end in characters.
func runeOffsets(s string, units []span) (begins, ends []int) {
	at, n := 0, 0
	for _, u := range units {
		n += utf8.RuneCountInString(s[at:u.start])
		begins = append(begins, n)
		n += utf8.RuneCountInString(s[u.start:u.end])
		ends = append(ends, n)
		at = u.end
	}
	return begins, ends
}

// windowUnits are the sentences of s, those longer than size in pieces of at most size characters.
func windowUnits(s string, size int) []span {
	var units []span
	for _, p := range sentenceSpans(s) {
		for p.start < p.end {
			n := pieceLen(s[p.start:p.end], size)
			units = appendSpan(units, s, p.start, p.start+n)
			p.start += n
		}
	}
	return units
}

// pieceLen is the length in bytes of the first piece of s: all of it, else up to its last comma within size
// characters, else size characters.
func pieceLen(s string, size int) int {
	n, comma := 0, 0
	for i, r := range s {
		if n == size {
			if comma > 0 {
				return comma
			}
			return i
		}
		n++
		if isComma(s, i, r) {
			_, width := utf8.DecodeRuneInString(s[i:])
			comma = i + width
		}
	}
	return len(s)
}

// isComma reports a mark to cut at; the comma of 1,000 and the colon of 12:30 are none.
func isComma(s string, i int, r rune) bool {
	switch r {
	case '，', '、', '：':
		return true
	case ',', ':':
		after, _ := utf8.DecodeRuneInString(s[i+1:])
		return !unicode.IsDigit(after) && after != '/'
	}
	return false
}
