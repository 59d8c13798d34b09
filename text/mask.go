package text

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mask hides personal data in s before it is stored, logged or sent to a model, and leaves the rest as it is:
//
//	mobile numbers     13812345678, +86 138-1234-5678   138****5678
//	landlines          010-85123456, (0513) 8512 3456   010-********: the area code alone
//	ID numbers         18 or 15 characters              all stars: the first six tell the county, the rest the birthday
//	bank cards         16 to 19 digits (Luhn)           all stars: the first six tell the bank
//	e-mail addresses   zhang.san@qq.com                 ***@qq.com: the part before it is often a QQ or phone number
//
// Full-width digits and spaces or hyphens inside a number are seen through. Public numbers stay: 110, 96110, 12356,
// 95588, 400-820-8820. An ID number counts when its check digit is right, or else its province and birthday are
// possible (a typing error must not reveal it). A local number without area code is not recognised: it looks like
// a date. Masking twice changes nothing more. Where something is masked, bytes that are not UTF-8 become U+FFFD.
func Mask(s string) string {
	text := []rune(s)
	plain := foldDigits(text)
	m := masker{text: text}
	m.emails(plain)
	m.numbers(plain)
	return m.String(s)
}

// replacement is a range of runes and what takes its place.
type replacement struct {
	from, to int
	with     string
}

type masker struct {
	text  []rune
	found []replacement // not overlapping
}

func (m *masker) String(s string) string {
	if len(m.found) == 0 {
		return s
	}
	slices.SortFunc(m.found, func(a, b replacement) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, r := range m.found {
		b.WriteString(string(m.text[at:r.from]) + r.with)
		at = r.to
	}
	b.WriteString(string(m.text[at:]))
	return b.String()
}

// foldDigits is text rune for rune with half-width letters, digits and @, and a space for what is invisible.
func foldDigits(text []rune) []rune {
	out := make([]rune, len(text))
	for i, r := range text {
		switch {
		case r < 0x80:
		case 0xFF01 <= r && r <= 0xFF5E:
			r += '!' - 0xFF01
		case 0x1D7CE <= r && r <= 0x1D7FF: // digits for mathematics, bold and so on
			r = '0' + (r-0x1D7CE)%10
		case r == '\u3000', r == '\u00A0', unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zs, r):
			r = ' '
		case unicode.Is(unicode.Pd, r):
			r = '-'
		}
		out[i] = r
	}
	return out
}

var emailPattern = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`)

// emails blanks the part before the @ in plain, so that numbers does not find it again; a number behind it is still one.
func (m *masker) emails(plain []rune) {
	s := string(plain)
	at, runes := 0, 0
	for _, match := range emailPattern.FindAllStringIndex(s, -1) {
		from := runes + utf8.RuneCountInString(s[at:match[0]])
		size := strings.IndexByte(s[match[0]:match[1]], '@') // ASCII: bytes are runes
		m.found = append(m.found, replacement{from, from + size, "***"})
		at, runes = match[1], from+match[1]-match[0]
		for i := from; i <= from+size; i++ {
			plain[i] = 'x'
		}
	}
}

// group is a run of digits, plain[from:to]; an X follows where it may be the check character of an ID number.
type group struct {
	from, to int
	digits   string
	x        bool
}

// maxGap is how many separators may stand between the groups of one number: "138 - 1234".
const maxGap = 3

// numbers finds the numbers among the digit groups, the longest that begins at a group first.
func (m *masker) numbers(plain []rune) {
	groups := digitGroups(plain)
	for i := 0; i < len(groups); {
		n, r := find(groups[i:], plain)
		if n == 0 {
			i++
			continue
		}
		m.found = append(m.found, r)
		i += n
	}
}

// find returns the count of groups, from the first, that make a number (0: none), and its replacement.
func find(groups []group, plain []rune) (int, replacement) {
	for _, x := range []string{"X", ""} { // with the X for a check character, else without
		n, with := classify(chain(groups, plain, x))
		if n == 0 {
			continue
		}
		r := replacement{groups[0].from, groups[n-1].to, with}
		if groups[n-1].x && x != "" {
			r.to++
		}
		if r.from > 0 && plain[r.from-1] == '(' && slices.Contains(plain[r.from:r.to], ')') {
			r.from-- // (0513) 8512 3456
		}
		return n, r
	}
	return 0, replacement{}
}

func digitGroups(plain []rune) []group {
	var groups []group
	for i := 0; i < len(plain); i++ {
		if !isASCIIDigit(plain[i]) {
			continue
		}
		n := count(plain[i:], isASCIIDigit)
		g := group{from: i, to: i + n, digits: string(plain[i : i+n])}
		g.x = g.to < len(plain) && (plain[g.to] == 'X' || plain[g.to] == 'x') && (g.to+1 == len(plain) || !isASCIIWord(plain[g.to+1]))
		groups = append(groups, g)
		i = g.to
	}
	return groups
}

func isASCIIDigit(r rune) bool { return '0' <= r && r <= '9' }

func isASCIIWord(r rune) bool { return r < 0x80 && isWordByte(byte(r)) }

// chain returns the digits of the groups that may be one number: each at most maxGap separators after the last.
// x is appended to a group that an X follows.
func chain(groups []group, plain []rune, x string) []string {
	var out []string
	total := 0
	for i, g := range groups {
		if i > 0 && (groups[i-1].x || !isGap(plain[groups[i-1].to:g.from])) {
			break
		}
		if total += len(g.digits); i > 0 && total > maxNumber {
			break
		}
		if g.x {
			out = append(out, g.digits+x)
		} else {
			out = append(out, g.digits)
		}
	}
	return out
}

func isGap(between []rune) bool {
	if len(between) > maxGap {
		return false
	}
	for _, r := range between {
		if r != ' ' && r != '-' && r != '(' && r != ')' {
			return false
		}
	}
	return true
}
