package text

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxPasses bounds the passes of Normalize. One pass can make work for the next (an emoji removed from between two
// Hangul letters lets NFKC compose them; a converted character can complete a phrase); two are the rule.
const maxPasses = 8

// Normalize returns s as it is matched, never as it is shown: simplified characters, lower case, NFKC (so
// full-width forms become ASCII), without control, zero-width and bidi characters, emoji and ornaments
// (微❤信 is 微信), with one mark for a run of marks and one space for a run of white space. White space beside a
// Han character is removed: Chinese is written without it, and 喝 3 杯 and 喝3杯 are the same.
//
// It is idempotent, never fails, and returns valid UTF-8 of at most five times the bytes of s (compatibility
// characters such as ㍿ spell out several).
func Normalize(s string) string {
	text := []rune(s) // bytes that are not UTF-8 become U+FFFD, which fold drops
	spare := make([]rune, 0, len(text))
	for range maxPasses {
		if !isPlain(text) {
			text = []rune(norm.NFKC.String(spelledOut.Replace(string(text))))
		}
		folded := simplify(fold(spare[:0], text))
		if slices.Equal(folded, text) {
			break
		}
		text, spare = folded, text
	}
	return string(text)
}

// fold appends to out what is left of text, rune by rune and then by neighbours.
func fold(out, text []rune) []rune {
	f := folder{out: out}
	for _, r := range text {
		f.add(foldRune(r))
	}
	return f.out
}

// spelledOut removes the two characters that NFKC turns into eighteen and eight.
var spelledOut = strings.NewReplacer("\uFDFA", "", "\uFDFB", "")

// isPlain reports that NFKC would do nothing to s that foldRune does not do as well, rune by rune: true of nearly
// every message, and cheaper.
func isPlain(text []rune) bool {
	for _, r := range text {
		if !isPlainRune(r) {
			return false
		}
	}
	return true
}

func isPlainRune(r rune) bool {
	switch {
	case 0x4E00 <= r && r <= 0x9FFF, r < 0x80: // Han, ASCII
		return true
	case 0x3000 <= r && r <= 0x3011, 0xFF01 <= r && r <= 0xFF5E: // CJK marks, full-width ASCII
		return true
	case r == '“', r == '”', r == '‘', r == '’', r == '—', r == '…', r == '·', 0x200B <= r && r <= 0x200F, r == 0xFE0F:
		return true
	}
	return 0x1F300 <= r && r <= 0x1F64F || 0x1F680 <= r && r <= 0x1F6C5 || 0x1F900 <= r && r <= 0x1F9FF // emoji
}

// folder collects folded runes and settles what depends on the neighbours: spaces, ornaments, repeated marks.
type folder struct {
	out   []rune
	space bool // white space seen since the last rune of out
	held  rune // an ornament ("微*信") kept back until the next rune shows whether it stands between Han characters
}

// add appends r: 0 is nothing, ' ' any white space.
func (f *folder) add(r rune) {
	switch {
	case r == 0:
		return
	case r == ' ':
		f.space = len(f.out) > 0
		return
	case isOrnament(r):
		if f.hold(r) {
			return
		}
	default:
		f.release(isHan(r))
	}
	f.append(r)
}

// hold keeps back an ornament that directly follows a Han character or another held one.
func (f *folder) hold(r rune) bool {
	if f.held != 0 && !f.space {
		return true
	}
	f.release(false)
	if f.space || !isHan(f.last()) {
		return false
	}
	f.held = r
	return true
}

// release appends the held ornament, unless a Han character follows it directly.
func (f *folder) release(beforeHan bool) {
	held, space := f.held, f.space
	f.held = 0
	if held == 0 || beforeHan && !space {
		return
	}
	f.space = false
	f.append(held)
	f.space = space
}

func (f *folder) append(r rune) {
	last := f.last()
	if f.space {
		f.space = false
		if !isHan(last) && !isHan(r) {
			f.out = append(f.out, ' ')
			last = ' '
		}
	}
	if last == r && isRepeatable(r) {
		return
	}
	if (last == '!' || last == '?') && (r == '!' || r == '?') {
		f.out[len(f.out)-1] = '?' // "?!" asks
		return
	}
	f.out = append(f.out, r)
}

func (f *folder) last() rune {
	if len(f.out) == 0 {
		return 0
	}
	return f.out[len(f.out)-1]
}

// isOrnament reports the marks that are put between characters to slip past filters (微*信) and mean nothing there.
func isOrnament(r rune) bool {
	switch r {
	case '*', '#', '_', '^', '|', '·':
		return true
	}
	return false
}

// isRepeatable reports the marks of which a run says no more than one. Not among them: + and / (C++, http://).
func isRepeatable(r rune) bool {
	switch r {
	case '+', '/', '%', '<', '>', '(', ')', '[', ']', '{', '}', '《', '》':
		return false
	}
	return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
}

// foldRune maps a rune of NFKC text: lower case, one form for each mark, ' ' for white space, 0 for what is removed.
func foldRune(r rune) rune {
	switch {
	case isHan(r), 'a' <= r && r <= 'z', '0' <= r && r <= '9':
		return r
	case 'A' <= r && r <= 'Z':
		return r + 'a' - 'A'
	case r < 0x80:
		return foldASCII(r)
	case 0xFF01 <= r && r <= 0xFF5E:
		return foldRune(r - 0xFF01 + '!')
	}
	return foldOther(r)
}

func foldASCII(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r' || r == '\v' || r == '\f' || r == ' ':
		return ' '
	case r < ' ' || r == 0x7f || r == '`':
		return 0
	}
	return r
}

func foldOther(r rune) rune {
	if to, ok := folds[r]; ok {
		return to
	}
	switch {
	case unicode.IsLetter(r):
		return unicode.ToLower(r)
	case unicode.IsNumber(r), unicode.Is(unicode.Sc, r):
		return r
	case unicode.IsPunct(r):
		return foldPunct(r)
	case unicode.IsSpace(r), unicode.Is(unicode.Z, r):
		return ' '
	case unicode.IsMark(r) && !unicode.Is(unicode.Inherited, r) && !unicode.Is(unicode.Me, r):
		return r // vowel signs; accents stacked on anything (zalgo), variation selectors and keycaps are Inherited or Me
	}
	return 0
}

func foldPunct(r rune) rune {
	switch {
	case unicode.Is(unicode.Pd, r):
		return '-'
	case unicode.Is(unicode.Pc, r):
		return '_'
	}
	return r
}

// folds are the exceptions to the rule by category. CJK radicals come out of PDF files in place of the characters
// they look like (EquivalentUnifiedIdeograph.txt of Unicode); NFKC covers the Kangxi block but not these.
var folds = func() map[rune]rune {
	m := map[rune]rune{
		'❗': '!', '❕': '!', '❓': '?', '❔': '?', // they end sentences in forwards
		0x2044: '/', 0x2215: '/', 0x2236: ':', 0x301C: '~', 0x223C: '~', 0x02D0: ':', 0x30FB: '·', 0x2027: '·',
		0x00D7: '×', 0x00F7: '÷', 0x00B1: '±', 0x2264: '≤', 0x2265: '≥', 0x2260: '≠', 0x2248: '≈', 0x00B0: '°', 0x2212: '-',
		0x2026: '.', 0x3000: ' ', // as NFKC does; see isPlain
		0xFFFC: 0, 0xFFFD: 0, 0x3164: 0, 0x115F: 0, 0x1160: 0, 0x2800: 0, // blanks that Unicode calls letters or symbols
	}
	for _, r := range "“”„‟「」『』﹁﹂〝〞〟«»" {
		m[r] = '"'
	}
	for _, r := range "‘’‚‛‹›′" {
		m[r] = '\''
	}
	for _, r := range "•‣※†‡⁂⁎§¶‖‽⁕⁑〽" {
		m[r] = 0
	}
	radicals := []rune("⺟母⺠民⺝月⻄西⻅见⻆角⻉贝⻋车⻓长⻔门⻘青⻙韦⻚页⻛风⻜飞⻝食⻢马⻣骨⻤鬼⻥鱼⻦鸟⻨麦⻩黄⻬齐⻮齿⻰龙⻳龟")
	for i := 0; i < len(radicals); i += 2 {
		m[radicals[i]] = radicals[i+1]
	}
	return m
}()

// isHan reports ideographs (with 々 and 〇), not kana or CJK marks.
func isHan(r rune) bool {
	switch {
	case r < 0x3005:
		return false
	case 0x4E00 <= r && r <= 0x9FFF, 0x3400 <= r && r <= 0x4DBF:
		return true
	}
	return r == '々' || r == '〇' || 0xF900 <= r && r <= 0xFAFF || 0x20000 <= r && r <= 0x3FFFD
}

// sanitize drops what C code and Postgres cannot take: NUL and bytes that are not UTF-8.
func sanitize(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}
