package bot

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// most is how many sentences a follow-up is answered with.
const most = 3

// reasonText tells why: the beginning of an entry's own explanation.
func reasonText(s retrieval.Stored) string {
	var lines []string
	for _, sentence := range text.Sentences(s.Summary) {
		lines = append(lines, knowledge.Closed(sentence))
	}
	body := text.Sentences(s.Body)
	for _, sentence := range body[:min(len(body), most)] {
		lines = append(lines, knowledge.Closed(sentence))
	}
	return signedOff(s, lines)
}

// sourceText names every source.
func sourceText(s retrieval.Stored) string {
	return "“" + s.Short + "”的出处：\n" + allSources(s)
}

func allSources(s retrieval.Stored) string {
	return strings.Join(append(sourceLines(s, len(s.Sources)), vouch(s)...), "\n")
}

// actionsText repeats what to do.
func actionsText(s retrieval.Stored) string {
	return signedOff(s, append([]string{"“" + s.Short + "”这件事，可以这样做："}, numbered(s.Actions)...))
}

// adviceText is what an entry says of somebody.
func adviceText(s retrieval.Stored, advice []string) string { return signedOff(s, advice) }

// uncoveredText says that an entry has nothing for a subject, and what it says to everybody. What an entry says to the old is not
// repeated to who asks for a child.
func uncoveredText(s retrieval.Stored, subject string) string {
	of := ofThis
	if own := ours.ReplaceAllString(subject, ""); own != "" && utf8.RuneCountInString(own) <= longestNamed {
		of = own + ofSubject
	}
	lines := []string{of + notCovered, callLine(s.Topic)}
	if subject != "" && named(s.Short+s.CanonicalClaim()) {
		return strings.Join(lines, "\n")
	}
	if s.Kind == knowledge.Rebuttal {
		lines = append(lines, "对大家都这样说：", s.FirstLine())
	} else {
		lines = append(lines, "“"+s.Short+"”这件事，对大家都这样说：")
	}
	return signedOff(s, append(lines, numbered(s.Actions)...))
}

// The line that says what an entry leaves open, and of whom.
const (
	ofThis     = "您问的这一点"
	ofSubject  = "的情况"
	notCovered = "没有专门查到，不能乱说。"
)

// longestNamed is the longest subject, in characters, that the first line names: it is to be heard at once.
const longestNamed = 12

// ours is what comes before somebody of the reader's: 我家的, 我.
var ours = regexp.MustCompile(`^(?:我们?|咱们?|俺)(?:家里?)?的?`)

// callLine is whom to ask about what the entry leaves open.
func callLine(t knowledge.Topic) string {
	switch t {
	case knowledge.Health:
		return "拿不准就问医生，或者打12320问一问。"
	case knowledge.Fraud:
		return "拿不准就打96110问一问，先不要转账。"
	}
	return "身体的事打12320问一问，别的事打12345。"
}

func numbered(actions []string) []string {
	lines := make([]string, len(actions))
	for i, a := range actions {
		lines[i] = fmt.Sprintf("%d. %s", i+1, knowledge.Closed(a))
	}
	return lines
}

// signedOff ends an answer with who says so.
func signedOff(s retrieval.Stored, lines []string) string {
	lines = append(lines, sourceLines(s, maxSourceLines)...)
	return strings.Join(append(lines, vouch(s)...), "\n")
}

func sourceLines(s retrieval.Stored, most int) []string {
	lines := make([]string, min(len(s.Sources), most))
	for i := range lines {
		lines[i] = "来源：" + s.Sources[i].Line()
	}
	return lines
}
