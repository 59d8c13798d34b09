package text

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/yanyiwu/gojieba"
)

// Segmenter cuts Chinese into words. Loading takes 0.3 to 0.45 s and about 120 MB, so a process has one; it is safe
// for concurrent use (a cut takes some 3 µs).
//
// Words come from the dictionary alone. jieba's hidden Markov model, which guesses words that it does not contain,
// is off: its guesses depend on the neighbours, so a question and a passage would be cut differently at the same
// place. What the dictionary lacks falls into single characters, which the bigrams cover.
type Segmenter struct {
	mu    sync.RWMutex // held for reading during a cut: Close frees memory on the C side
	jieba *gojieba.Jieba
}

// NewSegmenter loads the embedded dictionary, unpacking it first into a folder of its own under cacheDir (5.6 MB,
// once; verified by hash each time, so a half-written or altered file is replaced). Several processes may do so at
// once. A cacheDir that already holds the right files may be read-only.
func NewSegmenter(cacheDir string) (*Segmenter, error) {
	paths, err := unpackDictionary(cacheDir)
	if err != nil {
		return nil, err
	}
	return &Segmenter{jieba: gojieba.NewJieba(paths...)}, nil
}

// Close frees the dictionary. Words returns nothing afterwards. Closing twice is harmless.
func (g *Segmenter) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.jieba != nil {
		g.jieba.Free()
		g.jieba = nil
	}
}

// Words cuts s, in order, in jieba's search mode: a long word is preceded by the words of two and three characters
// in it (中国科学院 gives 中国, 科学, 学院, 科学院, 中国科学院), so that a question with the short one finds a text with the
// long one. Runs of letters and digits are words as Bigrams cuts them; marks, NUL and bytes that are not UTF-8 are
// left out.
func (g *Segmenter) Words(s string) []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.jieba == nil {
		return nil
	}
	all := runs(sanitize(s))
	var han strings.Builder
	for _, run := range all {
		if run.han {
			han.WriteString(run.text + "\n")
		}
	}
	cut := g.jieba.CutForSearch(han.String(), false) // one call for all: crossing to C costs more than the cut
	words := make([]string, 0, len(all)+len(cut))
	for _, run := range all {
		if !run.han {
			words = append(words, run.text)
			continue
		}
		end := slices.Index(cut, "\n")
		words = append(words, cut[:end]...)
		cut = cut[end+1:]
	}
	return words
}

// run is a maximal piece of one kind: Han characters, or a token of letters or digits.
type run struct {
	text string
	han  bool
}

// runs cuts s into Han runs and tokens; everything else separates.
func runs(s string) []run {
	var out []run
	runes := []rune(s)
	for i := 0; i < len(runes); {
		switch {
		case isHan(runes[i]):
			n := count(runes[i:], isHan)
			out = append(out, run{string(runes[i : i+n]), true})
			i += n
		case isTokenRune(runes[i]):
			n := tokenLen(runes[i:])
			out = append(out, run{string(runes[i : i+n]), false})
			i += n
		default:
			i++
		}
	}
	return out
}

// maxToken cuts what is no word (base64, a wall of zeros) into pieces that the index can bear.
const maxToken = 64

// tokenLen is the length of the token at the start of s: a number with its point or thousands comma (3.5; its unit is
// the next token, so 120mmHg and 120 mmHg agree), or letters with the digits that follow them (b12, h1n1).
func tokenLen(s []rune) int {
	s = s[:min(len(s), maxToken)]
	n := 0
	if unicode.IsDigit(s[0]) {
		n = count(s, unicode.IsDigit)
		for n+1 < len(s) && (s[n] == '.' || s[n] == ',') && unicode.IsDigit(s[n+1]) {
			n += 1 + count(s[n+1:], unicode.IsDigit)
		}
	} else {
		n = count(s, isTokenRune)
	}
	return n
}

func isTokenRune(r rune) bool {
	return !isHan(r) && (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r))
}

// count is the number of leading runes that are so.
func count(s []rune, so func(rune) bool) int {
	for i, r := range s {
		if !so(r) {
			return i
		}
	}
	return len(s)
}
