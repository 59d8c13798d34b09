package text

import "strings"

// Slug names a title for addresses: what its first most bytes are in pinyin, small letters and digits, then what makes it unique, all with
// hyphens between.
func Slug(title string, most int, unique string) string {
	var words []string
	word, length := "", 0
	for _, r := range strings.ToLower(title) {
		syllable := Syllable(r)
		switch {
		case syllable != "":
			words, word = append(words, word, syllable), ""
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			word += string(r)
		default:
			words, word = append(words, word), ""
		}
	}
	var slug strings.Builder
	for _, w := range append(words, word) {
		if w == "" || !isSlugWord(w) {
			continue
		}
		if length += len(w) + 1; length > most {
			break
		}
		slug.WriteString(w + "-")
	}
	return slug.String() + unique
}

func isSlugWord(s string) bool {
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}
