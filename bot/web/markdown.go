package web

import "strings"

// part is a piece of a plain Markdown text: a heading, a paragraph or a list.
type part struct {
	Kind  string // h1, h2, p, ul
	Lines []string
}

// parts reads the little Markdown that the privacy page is written in; what it does not know is a paragraph.
func parts(s string) []part {
	var out []part
	open := false // the last paragraph or list goes on
	for raw := range strings.SplitSeq(s, "\n") {
		l := strings.TrimSpace(raw)
		if l == "" {
			open = false
			continue
		}
		kind, words := "p", l
		for _, mark := range []struct{ mark, kind string }{{"## ", "h2"}, {"# ", "h1"}, {"- ", "ul"}} {
			if rest, ok := strings.CutPrefix(l, mark.mark); ok {
				kind, words = mark.kind, rest
				break
			}
		}
		words = strings.ReplaceAll(words, "**", "")
		last := len(out) - 1
		switch {
		case open && kind == "p" && out[last].Kind != "h1" && out[last].Kind != "h2": // a broken line of a paragraph or an item
			end := len(out[last].Lines) - 1
			out[last].Lines[end] += words
		case open && kind == "ul" && out[last].Kind == "ul":
			out[last].Lines = append(out[last].Lines, words)
		default:
			out = append(out, part{kind, []string{words}})
		}
		open = true
	}
	return out
}
