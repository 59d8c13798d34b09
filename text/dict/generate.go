//go:build ignore

// Generate writes domain.txt, jieba's user dictionary, from words.txt and the medical and food lists of THUOCL (MIT,
// THUOCL_LICENSE; lines "word<TAB>document frequency"). It takes only words that jieba cuts without it: an entry for a
// word that jieba has (台风) would replace its frequency by a lower one. From THUOCL it takes the most frequent words
// of three to six Han characters: a word of two is a bigram already, and rare ones (上关, 外展) would cut common text
// wrongly. Those get jieba's median weight, and the few that are cut all the same (生活力) are left out; the words of
// words.txt get a frequency with which they always win. Run it in this folder:
//
//	go run generate.go THUOCL_medical.txt THUOCL_food.txt
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yanyiwu/gojieba"
)

const (
	minFrequency = 50   // documents; what is rarer is mostly noise
	maxWords     = 8000 // from THUOCL
)

func main() {
	plain := gojieba.NewJieba()
	defer plain.Free()
	byHand := only(read("words.txt"), func(w word) bool { return isCut(plain, w) })
	var lists []word
	for _, path := range os.Args[1:] {
		lists = append(lists, read(path)...)
	}
	lists = only(lists, func(w word) bool {
		return w.frequency >= minFrequency && fits(w.text) && isCut(plain, w) && !slices.ContainsFunc(byHand, same(w))
	})
	slices.SortStableFunc(lists, func(a, b word) int { return b.frequency - a.frequency })
	lists = lists[:min(len(lists), maxWords)]
	for _, w := range lists {
		plain.AddWord(w.text)
	}
	lists = only(lists, func(w word) bool { return !isCut(plain, w) })
	var lines []string
	for _, w := range lists {
		lines = append(lines, w.text)
	}
	for _, w := range byHand {
		lines = append(lines, w.text+" 1000 n") // of 60 million
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	header := "# Made by generate.go from words.txt and THUOCL (MIT, THUOCL_LICENSE): do not edit.\n"
	if err := os.WriteFile("domain.txt", []byte(header+strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(byHand), "by hand,", len(lists), "from THUOCL")
}

func only(words []word, keep func(word) bool) []word {
	var out []word
	for _, w := range words {
		if keep(w) {
			out = append(out, w)
		}
	}
	return out
}

func isCut(jieba *gojieba.Jieba, w word) bool { return len(jieba.Cut(w.text, false)) > 1 }

func same(w word) func(word) bool { return func(o word) bool { return o.text == w.text } }

type word struct {
	text      string
	frequency int
}

func read(path string) []word {
	b, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		log.Fatal(err)
	}
	var out []word
	for line := range strings.Lines(string(b)) {
		text, count, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		n, _ := strconv.Atoi(strings.TrimSpace(count)) // words.txt has no counts
		out = append(out, word{text, n})
	}
	return out
}

func fits(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 3 && n <= 6 && strings.IndexFunc(s, func(r rune) bool { return !unicode.Is(unicode.Han, r) }) < 0
}
