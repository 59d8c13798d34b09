package read

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"qiuzhen/ingest/office"
)

// maxHeading is how long a line may be, in characters, to be taken for a heading by its looks.
const maxHeading = 40

// numbered are how Chinese documents number their headings, outermost first (GB/T 9704: 一、 （一） 1. （1）). The last two number the
// items of a list as often, so that they make no heading.
var numbered = []*regexp.Regexp{
	regexp.MustCompile(`^第[一二三四五六七八九十百零〇\d]{1,5}[章篇编部]`),
	regexp.MustCompile(`^(第[一二三四五六七八九十百零〇\d]{1,5}节|[一二三四五六七八九十]{1,3}、)`),
	regexp.MustCompile(`^[（(][一二三四五六七八九十]{1,3}[）)]`),
}

// inferHeadings finds the headings of a document that marks none, by how they are numbered.
func inferHeadings(d *office.Document) {
	for _, b := range d.Blocks {
		if b.Kind == office.Heading {
			return
		}
	}
	for i := range d.Blocks {
		if b := &d.Blocks[i]; b.Kind == office.Paragraph {
			if level := headingLevel(b.Text); level > 0 {
				b.Kind, b.Level = office.Heading, level
			}
		}
	}
}

// headingLevel is 1 to 3 for a line numbered as a heading, else 0.
func headingLevel(s string) int {
	if utf8.RuneCountInString(s) > maxHeading || strings.ContainsAny(lastRune(s), "。；，：;,:") {
		return 0
	}
	for i, pattern := range numbered {
		if pattern.MatchString(s) {
			return i + 1
		}
	}
	return 0
}

func lastRune(s string) string {
	_, n := utf8.DecodeLastRuneInString(s)
	return s[len(s)-n:]
}
