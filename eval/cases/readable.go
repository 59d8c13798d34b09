package cases

import (
	"strings"
	"unicode/utf8"

	"qiuzhen/eval/stats"
	"qiuzhen/text"
)

// readable is how an answer reads for somebody of seventy who has it read aloud (package authoring looks at entries in the same way).
type readable struct {
	firstLine   float64 // characters
	sentenceP90 float64 // characters of a sentence, nine of ten are no longer
	jargon      float64 // unexplained words of the trade in 100 characters
	steps       float64
}

// read measures what answers tell.
func read(which func(readable) float64) func(Outcome) (float64, bool) {
	return func(o Outcome) (float64, bool) {
		if !o.answered() {
			return 0, false
		}
		return which(readability(o)), true
	}
}

func readability(o Outcome) readable {
	var r readable
	line, _, _ := strings.Cut(o.Reply, "\n")
	r.firstLine = float64(utf8.RuneCountInString(line))
	var lengths []float64
	var all []string
	characters := 0
	for _, a := range o.Answers {
		for _, s := range sentencesOf(a.Text) {
			n := utf8.RuneCountInString(strings.TrimRight(s, "。！？；”"))
			lengths, all, characters = append(lengths, float64(n)), append(all, s), characters+n
		}
		for _, line := range strings.Split(a.Text, "\n") {
			if numbering.MatchString(line) {
				r.steps++
			}
		}
	}
	if characters > 0 {
		r.sentenceP90 = stats.Percentile(lengths, 0.9)
		r.jargon = 100 * float64(len(text.Jargon(strings.Join(all, "\n")))) / float64(characters)
	}
	return r
}
