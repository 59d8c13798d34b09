package text

import (
	_ "embed"
	"sort"
	"strings"
	"sync"
)

// The traditional -> simplified tables of OpenCC (Apache-2.0, opencc/LICENSE): "key<TAB>value value ...", of which
// the first value is taken.
var (
	//go:embed opencc/TSCharacters.txt
	tsCharacters string
	//go:embed opencc/TSPhrases.txt
	tsPhrases string
)

// han is the block that the character table covers as an array; the rest goes to a map.
const hanFirst, hanLast = 0x3400, 0x9FFF

type phrase struct{ from, to []rune }

// converter maps traditional to simplified characters, the longest phrase first.
type converter struct {
	chars   [hanLast - hanFirst + 1]rune // 0: unchanged
	rare    map[rune]rune
	starts  [hanLast - hanFirst + 1]bool // a phrase begins with this character
	phrases map[rune][]phrase            // by first character, longest first
}

var opencc = sync.OnceValue(func() *converter {
	c := &converter{rare: map[rune]rune{}, phrases: map[rune][]phrase{}}
	eachEntry(tsCharacters, c.addCharacter)
	eachEntry(tsPhrases, c.addPhrase)
	for _, list := range c.phrases {
		sort.SliceStable(list, func(i, j int) bool { return len(list[i].from) > len(list[j].from) })
	}
	return c
})

// eachEntry calls add with each key and its first value.
func eachEntry(table string, add func(key, value []rune)) {
	for line := range strings.Lines(table) {
		key, values, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		value, _, _ := strings.Cut(values, " ")
		add([]rune(key), []rune(value))
	}
}

func (c *converter) addCharacter(key, value []rune) {
	if key[0] == value[0] {
		return
	}
	if hanFirst <= key[0] && key[0] <= hanLast {
		c.chars[key[0]-hanFirst] = value[0]
	} else {
		c.rare[key[0]] = value[0]
	}
}

// addPhrase leaves out the phrases with 坏, which OpenCC reads as an old form of 坯: in the simplified text that we
// mostly get, 打坏 is "broken".
func (c *converter) addPhrase(key, value []rune) {
	if strings.ContainsRune(string(key), '坏') || key[0] < hanFirst || key[0] > hanLast {
		return
	}
	c.starts[key[0]-hanFirst] = true
	c.phrases[key[0]] = append(c.phrases[key[0]], phrase{key, value})
}

// simplify converts text in place; keys and values have the same length (a test holds the tables to it).
func simplify(text []rune) []rune {
	c := opencc()
	for i := 0; i < len(text); {
		r := text[i]
		if r < hanFirst {
			i++
			continue
		}
		if n := c.convertPhrase(text[i:]); n > 0 {
			i += n
			continue
		}
		text[i] = c.convert(r)
		i++
	}
	return text
}

func (c *converter) convert(r rune) rune {
	var to rune
	switch {
	case hanFirst <= r && r <= hanLast:
		to = c.chars[r-hanFirst]
	case r > hanLast:
		to = c.rare[r]
	}
	if to == 0 {
		return r
	}
	return to
}

// convertPhrase converts the longest phrase that text begins with and returns its length, 0 when there is none.
func (c *converter) convertPhrase(text []rune) int {
	if text[0] > hanLast || !c.starts[text[0]-hanFirst] {
		return 0
	}
	for _, p := range c.phrases[text[0]] {
		if hasPrefix(text, p.from) {
			copy(text, p.to)
			return len(p.from)
		}
	}
	return 0
}

func hasPrefix(text, prefix []rune) bool {
	if len(text) < len(prefix) {
		return false
	}
	for i, r := range prefix {
		if text[i] != r {
			return false
		}
	}
	return true
}
