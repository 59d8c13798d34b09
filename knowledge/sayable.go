package knowledge

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unsayable reports whether a broadcast may not have the character: control characters, which terminals obey and XML cannot write, those that turn the
// direction of the text around, so that what is read is not what is there, and what is no character.
func unsayable(r rune) bool {
	return unicode.IsControl(r) && r != '\n' || turnsText(r) || r == 0xfffe || r == 0xffff || r == utf8.RuneError
}

// turnsText are Unicode's marks, embeddings, overrides and isolates of direction. No Chinese text needs them.
func turnsText(r rune) bool {
	return r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// Sayable is the text with what no broadcast may have left out; lines end with \n, and a tab is a blank.
func Sayable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unsayable(r):
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// unsayable is the first character in any string of the broadcast that it may not have, names and notes included; -1: there is none.
func (b Broadcast) unsayable() rune {
	b = b.normal()
	written, err := json.Marshal([]any{b.Type, b.Content, b.Audience}) // what is not UTF-8 becomes utf8.RuneError
	if err != nil {
		return utf8.RuneError
	}
	var all any
	if err := json.Unmarshal(written, &all); err != nil {
		return utf8.RuneError
	}
	return firstUnsayable(all)
}

func firstUnsayable(value any) rune {
	switch v := value.(type) {
	case string:
		if at := strings.IndexFunc(v, unsayable); at >= 0 {
			r, _ := utf8.DecodeRuneInString(v[at:])
			return r
		}
	case []any:
		for _, each := range v {
			if r := firstUnsayable(each); r >= 0 {
				return r
			}
		}
	case map[string]any:
		for name, each := range v {
			if r := firstUnsayable([]any{name, each}); r >= 0 {
				return r
			}
		}
	}
	return -1
}

// Shown is the text for a terminal: characters that it would obey, or that turn the text around, are written as their numbers.
func Shown(s string) string {
	if !strings.ContainsFunc(s, unsayable) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if unsayable(r) {
			fmt.Fprintf(&out, "[%U]", r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// PlainCell is the text for a cell of a table: a spreadsheet does not run it as a formula, and it says what is there.
func PlainCell(s string) string {
	s = Shown(strings.NewReplacer("\r\n", "\n", "\t", " ").Replace(s))
	if rest := strings.TrimLeft(s, " \u3000\u00a0"); rest != "" && strings.ContainsRune("=+-@\n|%＝＋－＠", []rune(rest)[0]) {
		return "'" + s
	}
	return s
}
