package text

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

//go:embed forwarding.txt
var forwardingTable string

// SplitForwarding keeps the words that only pass a message on (紧急通知, 转给家人, 是真的吗) apart from what it claims, since
// they occur in every forward and would match each other. claim is s without them, phrases are what was taken out,
// in order. When nothing else is left, claim is empty; when nothing was taken out, it is s.
//
// Call it on the original text, before Normalize joins the lines: a phrase is recognised only as a whole clause, or
// where forwarding.txt says so at a clause's start or end, so that content is not eaten (转发有奖是骗局吗 stays whole).
// Clauses end at marks, line breaks and emoji. Traditional characters and full-width forms match as well.
func SplitForwarding(s string) (claim string, phrases []string) {
	list := forwarding()
	var left []byte
	for _, c := range clauses(s) {
		kept, taken := list.strip(c.text)
		phrases = append(phrases, taken...)
		if len(taken) > 0 && kept == "" {
			left = bytes.TrimRight(left, "【[（(「『“ ") // the marks of a clause go with it
			continue
		}
		left = append(append(left, kept...), c.marks...)
	}
	if len(phrases) == 0 {
		return s, nil
	}
	claim = strings.TrimFunc(string(left), isLooseMark)
	if strings.IndexFunc(claim, isWordRune) < 0 {
		claim = ""
	}
	return claim, phrases
}

// isLooseMark reports what is left hanging at the edges of a claim; quotes, brackets and units belong to it.
func isLooseMark(r rune) bool {
	if strings.ContainsRune("“”\"「」『』《》（）()%％℃°¥￥$", r) {
		return false
	}
	return !isWordRune(r) && !isClauseMark(r)
}

// clause is a piece of text and the marks that end it.
type clause struct{ text, marks string }

// clauses cuts s; the pieces put together are s.
func clauses(s string) []clause {
	var out []clause
	for s != "" {
		n := indexOrLen(s, func(r rune) bool { return !isClauseRune(r) })
		m := indexOrLen(s[n:], isClauseRune)
		out = append(out, clause{s[:n], s[n : n+m]})
		s = s[n+m:]
	}
	return out
}

func indexOrLen(s string, is func(rune) bool) int {
	if i := strings.IndexFunc(s, is); i >= 0 {
		return i
	}
	return len(s)
}

// isClauseRune reports what a clause is made of: words, spaces, quotes, titles, and the marks inside lists and names.
func isClauseRune(r rune) bool {
	switch r {
	case ' ', '\u3000', '“', '”', '"', '「', '」', '《', '》', '、', '·', '%', '-', '/', '.':
		return true
	}
	return isWordRune(r) || isClauseMark(r)
}

// isClauseMark: vowel signs, not the variation selectors that follow emoji.
func isClauseMark(r rune) bool { return unicode.IsMark(r) && !unicode.Is(unicode.Inherited, r) }

// forwardingList is forwarding.txt, compiled. The expressions match folded clauses (see foldClause).
type forwardingList struct {
	whole, start, end, keep *regexp.Regexp
}

var forwarding = sync.OnceValue(func() *forwardingList {
	list, err := parseForwarding(forwardingTable)
	if err != nil {
		panic("text: " + err.Error()) // embedded, and a test reads it
	}
	return list
})

// parseForwarding reads expressions, one a line, under the headings [clause], [start], [end] and [keep].
func parseForwarding(table string) (*forwardingList, error) {
	sections := map[string][]string{}
	section := ""
	for line := range strings.Lines(table) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[' && line[len(line)-1] == ']':
			section = line[1 : len(line)-1]
		default:
			if _, err := regexp.Compile(line); err != nil {
				return nil, fmt.Errorf("forwarding.txt: [%s] %s: %w", section, line, err)
			}
			sections[section] = append(sections[section], line)
		}
	}
	alternatives := func(names ...string) string {
		var all []string
		for _, n := range names {
			all = append(all, sections[n]...)
		}
		return "(?:" + strings.Join(all, "|") + ")"
	}
	compile := func(expr string) *regexp.Regexp {
		re := regexp.MustCompile(expr)
		re.Longest()
		return re
	}
	return &forwardingList{
		whole: compile(`^(?:` + alternatives("clause", "start", "end") + `[ ]*)+$`),
		start: compile(`^` + alternatives("start") + `[ ]*`),
		end:   compile(`[ ]*` + alternatives("end") + `$`),
		keep:  compile(alternatives("keep")),
	}, nil
}

// What is longer, in bytes, or has more phrases is no clause that a person wrote; the bounds keep hostile input linear.
const maxClause, maxPhrases = 2000, 8

// strip takes the phrases off both ends of a clause.
func (l *forwardingList) strip(clause string) (kept string, taken []string) {
	text := []rune(clause)
	if len(clause) > maxClause || !saysMore(clause) || !slices.ContainsFunc(text, isHan) {
		return clause, nil
	}
	for range maxPhrases {
		from, to := l.find(text)
		if from == to {
			break
		}
		taken = append(taken, strings.Trim(string(text[from:to]), quotesAndSpace))
		if from == 0 {
			text = text[to:]
		} else {
			text = text[:from]
		}
	}
	return string(text), taken
}

const quotesAndSpace = " \u3000“”\"「」"

// find returns the range of a phrase that may be taken off text, in runes: all of it, a start or an end.
func (l *forwardingList) find(text []rune) (from, to int) {
	s := foldClause(text)
	if l.whole.MatchString(strings.Trim(s, quotesAndSpace)) {
		return 0, len(text)
	}
	for _, re := range []*regexp.Regexp{l.start, l.end} {
		at := re.FindStringIndex(s)
		if at == nil || !saysMore(s[:at[0]]+s[at[1]:]) || overlaps(at, l.keep.FindAllStringIndex(s, -1)) {
			continue
		}
		return utf8.RuneCountInString(s[:at[0]]), utf8.RuneCountInString(s[:at[1]])
	}
	return 0, 0
}

// saysMore reports whether what is left is more than a stray character.
func saysMore(rest string) bool {
	words := 0
	for _, r := range rest {
		if isWordRune(r) {
			words++
		}
	}
	return words >= 2
}

func overlaps(at []int, spans [][]int) bool {
	for _, s := range spans {
		if at[0] < s[1] && s[0] < at[1] {
			return true
		}
	}
	return false
}

// foldClause is the form that the expressions match, rune for rune: simplified, half-width, lower case.
func foldClause(text []rune) string {
	out := make([]rune, len(text))
	for i, r := range text {
		if out[i] = foldRune(r); out[i] == 0 {
			out[i] = r
		}
		out[i] = opencc().convert(out[i])
	}
	return string(out)
}
