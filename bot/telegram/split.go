package telegram

import (
	"strings"
	"unicode"
	"unicode/utf16"
)

// maxUnits is the longest message that Telegram takes, in UTF-16 units.
const maxUnits = 4096

// split cuts a reply into messages of at most so many UTF-16 units, after the last sentence that fits whole.
func split(s string, most int) []string {
	var parts []string
	for s = strings.TrimSpace(s); s != ""; {
		end := prefix(s, most)
		if end < len(s) {
			end = cutAt(s[:end])
		}
		if part := strings.TrimSpace(s[:end]); part != "" {
			parts = append(parts, part)
		}
		s = strings.TrimSpace(s[end:])
	}
	return parts
}

// prefix is how many bytes of s fit.
func prefix(s string, most int) int {
	units := 0
	for i, r := range s {
		if units += utf16.RuneLen(r); units > most {
			return i
		}
	}
	return len(s)
}

// cutAt is where to cut a text that goes on: after its last sentence, else its last phrase, else where it ends.
func cutAt(s string) int {
	for _, ends := range []string{"\n。！？；…", "，、：, "} {
		at := strings.LastIndexAny(s, ends)
		if at < len(s)/4 { // rather a cut sentence than a tiny message
			continue
		}
		for i, r := range s[at:] {
			if !strings.ContainsRune(ends, r) && !strings.ContainsRune("”’』」）》】\"", r) {
				return at + i
			}
		}
		return len(s)
	}
	runes := []rune(s)
	end := len(runes)
	for end > 1 && joins(runes[end-1]) { // the next rune may belong to this one; the ones before certainly do
		end--
	}
	if end == 1 {
		return len(s)
	}
	return len(string(runes[:end]))
}

// joins reports whether a rune makes one sign with its neighbours.
func joins(r rune) bool {
	return r == '\u200d' || unicode.Is(unicode.Variation_Selector, r) || unicode.Is(unicode.Mn, r)
}
