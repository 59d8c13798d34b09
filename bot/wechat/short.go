package wechat

import (
	"regexp"
	"slices"
	"sort"
	"strings"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// part is a piece of a reply between empty lines: an entry as it is told, or something else, which is all head.
type part struct {
	head  string
	body  [][]string // sentences by line: why, what to do
	ends  []string   // lines: who says so, where it holds, whether it is signed
	hints []string   // lines: what may be said next
	link  string     // of the entry's page
}

const sourceLead = "来源："

var (
	vouching = regexp.MustCompile(`^(?:来源|适用地区|转自|审核)：|^` + knowledge.UnsignedLine + `|^` + knowledge.EmergencyLine)
	step     = regexp.MustCompile(`^[0-9]+\. `)
	leadIn   = regexp.MustCompile(`^(?:可以|接着)这样做：$`)
	// noReason is what stands before why.
	noReason = regexp.MustCompile(`^核查的说法：|^您上次问的“|^(?:可以|接着)这样做：$|^[0-9]+\. `)
)

// shorten makes a reply fit that does not. Of each entry stay its first line, the first sentence of why, who says so and whether that is signed,
// and where the rest is; the room that is left is for the rest, from its beginning. A reply that tells no entry is cut at a sentence.
func shorten(s string, links []string, most int) string {
	parts := partsOf(s, links)
	if len(parts) == 0 {
		return cut(s, linkOf(links), most)
	}
	room := most - len("\n\n")*(len(parts)-1)
	for _, p := range parts {
		room -= len(p.least())
	}
	told := make([]string, len(parts))
	for i, p := range parts {
		least := len(p.least())
		told[i] = p.told(least + max(room, 0)/(len(parts)-i))
		room -= len(told[i]) - least
	}
	return cut(strings.Join(told, "\n\n"), linkOf(links), most)
}

func linkOf(links []string) string {
	if len(links) == 0 {
		return ""
	}
	return links[0]
}

// partsOf reads a reply; none when it tells no entry. The links are those of the entries that it tells.
func partsOf(s string, links []string) (parts []part) {
	entries := 0
	for piece := range strings.SplitSeq(s, "\n\n") {
		p := partOf(piece)
		if len(p.ends) > 0 {
			if entries < len(links) {
				p.link = links[entries]
			}
			entries++
		}
		parts = append(parts, p)
	}
	if entries == 0 {
		return nil
	}
	return parts
}

func partOf(piece string) part {
	lines := strings.Split(piece, "\n")
	p := part{head: lines[0]}
	for _, line := range lines[1:] {
		switch {
		case vouching.MatchString(line):
			p.ends = append(p.ends, line)
		case len(p.ends) > 0:
			p.hints = append(p.hints, line)
		case step.MatchString(line):
			p.body = append(p.body, []string{line})
		default:
			p.body = append(p.body, text.Sentences(line))
		}
	}
	if len(p.ends) == 0 {
		return part{head: piece}
	}
	return p
}

// told is the part in at most so many bytes, if its least has so few.
func (p part) told(room int) string {
	n := sort.Search(p.sentences(), func(i int) bool { return len(p.with(i+1, p.institutions())) > room })
	if full := p.with(n, p.ends); len(full) <= room {
		return full
	}
	return p.with(n, p.institutions())
}

func (p part) least() string { return p.with(0, p.institutions()) }

func (p part) sentences() (n int) {
	for _, line := range p.body {
		n += len(line)
	}
	return n
}

// institutions are the ends with the first source by its institution alone.
func (p part) institutions() (lines []string) {
	named := false
	for _, line := range p.ends {
		if strings.HasPrefix(line, sourceLead) {
			if named {
				continue
			}
			line, named = withoutTitle(line), true
		}
		lines = append(lines, line)
	}
	return lines
}

// withoutTitle leaves of a source (knowledge.Source.Line) the institution, which may name a title itself: from the last 》 back to its own 《.
func withoutTitle(source string) string {
	runes, open := []rune(source), 0
	for i, r := range slices.Backward(runes) {
		switch r {
		case '》':
			open++
		case '《':
			if open--; open == 0 {
				return string(runes[:i])
			}
		}
	}
	return source
}

// with is the part with the first n sentences of its body, and the first of why.
func (p part) with(n int, ends []string) string {
	lines, left, reasoned := []string{p.head}, false, false
	for _, line := range p.body {
		reasons := len(line) > 0 && !reasoned && !noReason.MatchString(line[0])
		reasoned = reasoned || reasons
		var kept []string
		for i, sentence := range line {
			if n > 0 || reasons && i == 0 {
				kept = append(kept, sentence)
			} else {
				left = true
			}
			n--
		}
		if len(kept) > 0 {
			lines = append(lines, strings.Join(kept, ""))
		}
	}
	if last := len(lines) - 1; leadIn.MatchString(lines[last]) {
		lines, left = lines[:last], true
	}
	if left {
		lines = append(lines, "……")
	}
	lines = append(lines, ends...)
	if p.link != "" {
		lines = append(lines, "全文："+p.link)
	}
	return strings.Join(append(lines, p.hints...), "\n")
}

// links are the pages of the entries that a reply tells; where none is, that of the service.
func (c *Channel) links(r bot.Reply) []string {
	base := strings.TrimRight(c.PublicURL, "/")
	switch {
	case base == "":
		return nil
	case len(r.Answers) == 0:
		return []string{base}
	}
	links := make([]string, len(r.Answers))
	for i, a := range r.Answers {
		links[i] = base + "/e/" + string(a.ID)
	}
	return links
}
