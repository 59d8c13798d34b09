package cases

import (
	"regexp"
	"strings"
	"unicode"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// frames are the beginnings of lines that are the service's own and say nothing of the matter.
var frames = []string{
	"来源：", "审核：", "适用地区：", "转自：", "可以这样做：", "接着这样做：", "也可以先看看下面的", knowledge.UnsignedLine, knowledge.EmergencyLine,
}

var (
	numbering = regexp.MustCompile(`^[0-9]{1,2}\. ?`)
	// heading ends with a colon and leads over to what follows: “喝白酒杀病毒”的出处：
	heading = regexp.MustCompile(`[:：]$`)
)

const quotesClaim = "核查的说法："

// unsupported are the sentences of the answers that do not stand in what the entry says. Marks and spaces do not count.
func (o Outcome) unsupported() []string {
	var found []string
	for _, a := range o.Answers {
		passages := make([]string, len(a.Passages))
		for i, p := range a.Passages {
			passages[i] = plain(p)
		}
		for _, s := range sentencesOf(a.Text) {
			if !within(plain(s), passages) {
				found = append(found, s)
			}
		}
	}
	return found
}

// sentencesOf are what an answer says of the matter: without the service's own lines and the numbers of steps.
func sentencesOf(answer string) []string {
	var out []string
	for _, line := range strings.Split(answer, "\n") {
		line = strings.TrimSpace(numbering.ReplaceAllString(strings.TrimPrefix(strings.TrimSpace(line), quotesClaim), ""))
		if line == "" || isFrame(line) {
			continue
		}
		out = append(out, text.Sentences(line)...)
	}
	return out
}

func isFrame(line string) bool {
	if heading.MatchString(line) {
		return true
	}
	for _, f := range frames {
		if strings.HasPrefix(line, f) {
			return true
		}
	}
	return false
}

func within(sentence string, passages []string) bool {
	for _, p := range passages {
		if strings.Contains(p, sentence) {
			return true
		}
	}
	return false
}

// plain is a text as wordings are compared: normalised, its letters and digits alone.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text.Normalize(s))
}
