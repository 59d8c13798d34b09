package text

import (
	"hash/fnv"
	"unicode/utf8"
)

// Bigrams returns the character bigrams of the Han runs of Normalize(s), in order, with repeats. A lone Han
// character is a term by itself. Numbers and Latin words are whole terms in lower case: 3.5, 120, mmhg, b12.
func Bigrams(s string) []string {
	return bigrams(Normalize(s))
}

func bigrams(normalized string) []string {
	var out []string
	for _, run := range runs(normalized) {
		if run.han {
			out = appendBigrams(out, run.text)
		} else {
			out = append(out, run.text)
		}
	}
	return out
}

func appendBigrams(out []string, han string) []string {
	_, first := utf8.DecodeRuneInString(han)
	if first == len(han) {
		return append(out, han)
	}
	for start, next := 0, first; next < len(han); {
		_, size := utf8.DecodeRuneInString(han[next:])
		out = append(out, han[start:next+size])
		start, next = next, next+size
	}
	return out
}

// Term is a string that BM25 indexes and how often it occurs in the text.
type Term struct {
	Text  string
	Count int
}

// minWord is the shortest word, in characters, that becomes a term: one of two is a bigram already, and counting it
// twice would weigh the dictionary's two-character words double.
const minWord = 3

// Terms returns the terms of Normalize(s), each once, in order of first occurrence: its bigrams, numbers and Latin
// words (see Bigrams), then the words of at least three characters that g finds. A nil g adds no words.
func Terms(g *Segmenter, s string) []Term {
	s = Normalize(s)
	all := bigrams(s)
	if g != nil {
		for _, w := range g.Words(s) {
			if first, _ := utf8.DecodeRuneInString(w); isHan(first) && utf8.RuneCountInString(w) >= minWord {
				all = append(all, w)
			}
		}
	}
	terms := make([]Term, 0, len(all))
	at := make(map[string]int, len(all))
	for _, t := range all {
		i, seen := at[t]
		if !seen {
			i = len(terms)
			at[t] = i
			terms = append(terms, Term{Text: t})
		}
		terms[i].Count++
	}
	return terms
}

// maxTermID is the number of dimensions of a sparsevec, which counts them from 1.
const maxTermID = 1_000_000_000

// TermID maps a term to its dimension, 1 to 1,000,000,000: 1 + FNV-1a (64 bits) modulo 10^9. It is stored, so it
// never changes. Of 100,000 terms about five pairs share a dimension.
func TermID(term string) int32 {
	h := fnv.New64a()
	h.Write([]byte(term))
	return int32(h.Sum64()%maxTermID) + 1
}
