package knowledge

import (
	"fmt"
	"strings"
	"unicode"
)

// Text is one string of an entry, with its field as the source names it: claims[0], sources[0].read.where.
type Text struct{ Field, Value string }

// Texts are all the strings of the entry, in the order of its source; the body is the last.
func (e Entry) Texts() []Text {
	texts := []Text{
		{"id", string(e.ID)}, {"kind", string(e.Kind)}, {"topic", string(e.Topic)}, {"title", e.Title}, {"short", e.Short},
		{"verdict", string(e.Verdict)}, {"tail", e.Tail},
	}
	add := func(field string, values []string) {
		for i, v := range values {
			texts = append(texts, Text{fmt.Sprintf("%s[%d]", field, i), v})
		}
	}
	add("claims", e.Claims)
	add("questions", e.Questions)
	add("negatives", e.Negatives)
	texts = append(texts, Text{"summary", e.Summary})
	add("actions", e.Actions)
	add("regions", e.Regions)
	for i, g := range e.Groups {
		texts = append(texts, Text{fmt.Sprintf("groups[%d]", i), string(g)})
	}
	for i, s := range e.Sources {
		at := fmt.Sprintf("sources[%d].", i)
		texts = append(texts, Text{at + "institution", s.Institution}, Text{at + "title", s.Title}, Text{at + "date", s.Date}, Text{at + "number", s.Number},
			Text{at + "url", s.URL}, Text{at + "read.date", s.Read.Date}, Text{at + "read.where", s.Read.Where})
	}
	return append(texts, Text{"body", e.Body})
}

// Unseen finds the first character that nobody sees and that changes what is shown: a control character but for line ends and tabs, or a
// mark of writing direction.
func Unseen(s string) (r rune, found bool) {
	for _, r := range s {
		if isUnseen(r) {
			return r, true
		}
	}
	return 0, false
}

func isUnseen(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
}

// Printable is s as one line without such characters, so that a name or a quotation from outside cannot command the terminal that shows it.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case isUnseen(r):
			return -1
		}
		return r
	}, s)
}
