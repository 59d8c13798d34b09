package text

import (
	_ "embed"
	"maps"
	"strings"
	"sync"
)

//go:embed jargon.tsv
var jargonTable string

type jargonWord struct {
	word  string
	plain []string
}

var jargon = sync.OnceValue(func() []jargonWord {
	var words []jargonWord
	for line := range strings.Lines(jargonTable) {
		word, plain, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if ok && !strings.HasPrefix(line, "#") {
			words = append(words, jargonWord{word, strings.Split(plain, "|")})
		}
	}
	return words
})

// Jargon returns the words of the trade in a text for readers that nowhere stand beside their plain equivalent (in the
// same sentence or a neighbouring one), with what could be said. The list is jargon.tsv.
func Jargon(s string) map[string][]string {
	found := map[string][]string{}
	clear := map[string]bool{}
	sentences := Sentences(s)
	for i, sentence := range sentences {
		near := strings.Join(sentences[max(0, i-1):min(len(sentences), i+2)], "")
		for _, j := range jargon() {
			if strings.Contains(sentence, j.word) {
				found[j.word] = j.plain
				clear[j.word] = clear[j.word] || explained(near, j)
			}
		}
	}
	maps.DeleteFunc(found, func(word string, _ []string) bool { return clear[word] })
	return found
}

func explained(near string, j jargonWord) bool {
	rest := strings.ReplaceAll(near, j.word, "")
	for _, p := range j.plain {
		if strings.Contains(rest, p) {
			return true
		}
	}
	return false
}
