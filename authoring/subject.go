package authoring

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

const (
	// key characters stand in keyShare of an entry's short wordings: what it is about (蒜, 芽). The other entry is about the same when each
	// stands in knownShare of its wordings at least.
	keyShare, knownShare = 0.6, 0.1
	shortWording         = 40 // characters; a forwarded message holds everything
)

// formal characters carry a sentence, not its subject.
const formal = "的了是不吗能会要有可以就在吃喝用么没这那个好对很也都还人家我你他她说听啊呢吧得着过给把被让去来到上下里一二三多少怎什为哪啥咋行和与或跟真假别干"

// sameSubject keeps apart entries whose sentences are alike and whose subjects are not: 发芽的大蒜 and 发芽的土豆.
func sameSubject(a, b knowledge.Entry) bool {
	return knows(shares(a, 0), keys(b)) && knows(shares(b, 0), keys(a))
}

// keys are an entry's key characters.
func keys(e knowledge.Entry) []rune {
	var out []rune
	for r, share := range shares(e, shortWording) {
		if share >= keyShare && !strings.ContainsRune(formal, r) {
			out = append(out, r)
		}
	}
	return out
}

func knows(shares map[rune]float64, keys []rune) bool {
	return !slices.ContainsFunc(keys, func(r rune) bool { return shares[r] < knownShare })
}

// shares tell of each character in how large a share of the entry's wordings it stands; most 0 takes wordings of any length.
func shares(e knowledge.Entry, most int) map[rune]float64 {
	out := map[rune]float64{}
	n := 0
	for _, w := range slices.Concat(e.Claims, e.Questions) {
		if most > 0 && utf8.RuneCountInString(w) > most {
			continue
		}
		n++
		seen := map[rune]bool{}
		for _, r := range text.Normalize(w) {
			if unicode.IsLetter(r) && !seen[r] {
				seen[r] = true
				out[r]++
			}
		}
	}
	for r := range out {
		out[r] /= float64(n)
	}
	return out
}
