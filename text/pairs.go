package text

import "unicode"

// Pairs are the pairs of neighbouring characters of s, each once, after those that do not count were left out: 吃吗？好 has 吗好. How many of
// them two texts share says how much they sound alike.
func Pairs(s string, counts func(rune) bool) map[[2]rune]bool {
	pairs := map[[2]rune]bool{}
	var last rune
	for _, r := range s {
		if !counts(r) {
			continue
		}
		if last != 0 {
			pairs[[2]rune{last, r}] = true
		}
		last = r
	}
	return pairs
}

// LetterOrDigit is what counts where marks and spaces do not.
func LetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
