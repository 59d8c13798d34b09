package text

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/mozillazg/go-pinyin"
)

//go:embed dict/sounds.txt
var soundWords string

const (
	minSoundWord, maxSoundWord = 2, 4
	// fuzzyFrom: words of so many syllables are also found by a dialect's way of typing them (zh for z, ing for in);
	// two syllables would find too much.
	fuzzyFrom = 3
)

// sounds maps the syllables of a word to the word; the first of the list wins.
var sounds = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(soundWords) {
		word := strings.TrimSpace(line)
		if word == "" || strings.HasPrefix(word, "#") {
			continue
		}
		syllables := make([]string, 0, maxSoundWord)
		for _, r := range word {
			syllables = append(syllables, Syllable(r))
		}
		keys := []string{strings.Join(syllables, " ")}
		if len(syllables) >= fuzzyFrom {
			keys = append(keys, fuzzy(keys[0]))
		}
		for _, key := range keys {
			if _, ok := m[key]; !ok {
				m[key] = word
			}
		}
	}
	return m
})

// Syllable is the pinyin of a Han character without its tone, in its first reading (ü as v); "" for anything else.
func Syllable(r rune) string {
	readings, _, _ := strings.Cut(pinyin.PinyinDict[int(r)], ",")
	return strings.Map(func(r rune) rune {
		if plain, ok := toneless[r]; ok {
			return plain
		}
		return r
	}, readings)
}

var toneless = map[rune]rune{
	'ā': 'a', 'á': 'a', 'ǎ': 'a', 'à': 'a', 'ē': 'e', 'é': 'e', 'ě': 'e', 'è': 'e', 'ī': 'i', 'í': 'i', 'ǐ': 'i', 'ì': 'i',
	'ō': 'o', 'ó': 'o', 'ǒ': 'o', 'ò': 'o', 'ū': 'u', 'ú': 'u', 'ǔ': 'u', 'ù': 'u', 'ǖ': 'v', 'ǘ': 'v', 'ǚ': 'v', 'ǜ': 'v',
	'ü': 'v', 'ń': 'n', 'ň': 'n', 'ǹ': 'n', 'ḿ': 'm', 'ế': 'e', 'ề': 'e',
}

// functionWords stand beside anything, so two characters with one of them are rarely a misspelt word.
const functionWords = "的了是不就有没我你他她它会把在都也还那这个几人去来过得地吧吗呢啊"

// fuzzy folds what many dialects do not tell apart.
var fuzzy = strings.NewReplacer("zh", "z", "ch", "c", "sh", "s", "ing", "in", "eng", "en", "ang", "an").Replace

// Correct sets right words that were typed by their sound: 血鸭 and 雪压 become 血压, 医宝卡 becomes 医保卡. s is normalised; the
// result is for matching only. A piece is changed only when it is no word of the dictionary itself: two characters when
// both stand alone in the cut, three or four when the cut does not keep them whole.
func (g *Segmenter) Correct(s string) string {
	var b strings.Builder
	for _, run := range splitHan(s) {
		if first, _ := utf8.DecodeRuneInString(run); unicode.Is(unicode.Han, first) {
			run = g.correctHan(run)
		}
		b.WriteString(run)
	}
	return b.String()
}

// splitHan cuts s into runs of Han characters and runs of the rest.
func splitHan(s string) []string {
	var out []string
	start, han := 0, false
	for i, r := range s {
		if is := unicode.Is(unicode.Han, r); i == 0 {
			han = is
		} else if is != han {
			out, start, han = append(out, s[start:i]), i, is
		}
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

func (g *Segmenter) correctHan(run string) string {
	runes := []rune(run)
	whole := g.tokenSpans(run)
	syllables := make([]string, len(runes))
	for i, r := range runes {
		syllables[i] = Syllable(r)
	}
	for i := 0; i < len(runes); {
		n, word := soundAt(runes, syllables, whole, i)
		if n == 0 {
			i++
			continue
		}
		copy(runes[i:], []rune(word))
		i += n
	}
	return string(runes)
}

// tokenSpans maps the start of each dictionary word in the cut of run to its length, both in characters.
func (g *Segmenter) tokenSpans(run string) map[int]int {
	g.mu.RLock()
	defer g.mu.RUnlock()
	spans := map[int]int{}
	if g.jieba == nil {
		return spans
	}
	at := 0
	for _, token := range g.jieba.Cut(run, false) {
		n := utf8.RuneCountInString(token)
		spans[at] = n
		at += n
	}
	return spans
}

// soundAt finds the longest word that sounds like the characters from i on and is spelt otherwise; 0 for none.
func soundAt(runes []rune, syllables []string, spans map[int]int, i int) (int, string) {
	for n := min(maxSoundWord, len(runes)-i); n >= minSoundWord; n-- {
		if !open(spans, i, n) || n < fuzzyFrom && strings.ContainsAny(string(runes[i:i+n]), functionWords) {
			continue
		}
		key := strings.Join(syllables[i:i+n], " ")
		word, ok := sounds()[key]
		if !ok && n >= fuzzyFrom {
			word, ok = sounds()[fuzzy(key)]
		}
		if ok {
			if word == string(runes[i:i+n]) {
				return 0, "" // spelt right: nothing that begins here is wrong
			}
			return n, word
		}
	}
	return 0, ""
}

// open reports whether n characters from i may be respelt: they are whole pieces of the cut, no one dictionary word, and
// when only two, both alone.
func open(spans map[int]int, i, n int) bool {
	for at := i; at < i+n; {
		length, ok := spans[at]
		if !ok || length == n || n == minSoundWord && length > 1 {
			return false
		}
		at += length
		if at > i+n {
			return false
		}
	}
	return true
}
