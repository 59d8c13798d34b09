package read

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"qiuzhen/ingest/office"
)

var (
	mdHeading = regexp.MustCompile(`^(#{1,6})\s+(.+?)\s*#*$`)
	mdItem    = regexp.MustCompile(`^\s*(?:[-*+]|\d{1,3}[.)])\s+(.+)$`)
	mdImage   = regexp.MustCompile(`!\[([^\]]*)\]\([^)]*\)`)
	mdLink    = regexp.MustCompile(`\[([^\]]+)\]\([^)]*\)`)
	mdTag     = regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)
	mdMarks   = regexp.MustCompile("\\*\\*|__|`|~~")
	mdRule    = regexp.MustCompile(`^\s*\|?[\s:|-]*-{3,}[\s:|-]*\|?\s*$`)
)

// markdown reads line by line: entries are plain text, so that only what structures the text is kept of it.
type markdown struct {
	d     *office.Document
	text  []string // of the open paragraph
	start int
	fence bool
}

// readMarkdown reads Markdown that is not in our own format; of front matter it takes title and date.
func readMarkdown(s string) (*office.Document, error) {
	m := &markdown{d: &office.Document{MediaType: "text/markdown"}}
	noteGarbled(m.d, s)
	lines := strings.Split(s, "\n")
	first := m.front(lines)
	scripts := strings.Contains(strings.ToLower(s), "<script")
	for i := first; i < len(lines); i++ {
		m.line(i+1, lines[i])
	}
	m.flush()
	if scripts {
		m.d.Note("里面有网页脚本，没有运行，已去掉")
	}
	if m.d.Title == "" {
		m.title()
	}
	inferHeadings(m.d)
	return m.d, nil
}

// front reads foreign front matter and returns where the text begins.
func (m *markdown) front(lines []string) int {
	if strings.TrimSpace(lines[0]) != "---" {
		return 0
	}
	for end := 1; end < len(lines); end++ {
		if strings.TrimSpace(lines[end]) != "---" {
			continue
		}
		var fields map[string]any
		if yaml.Unmarshal([]byte(strings.Join(lines[1:end], "\n")), &fields) != nil {
			return 0
		}
		if title, ok := fields["title"].(string); ok {
			m.d.Title = clean(title)
			for i, line := range lines[:end] {
				if strings.HasPrefix(line, "title:") {
					m.d.TitlePlace = office.Place{Line: i + 1}
				}
			}
		}
		return end + 1
	}
	return 0
}

func (m *markdown) line(n int, raw string) {
	trimmed := strings.TrimSpace(raw)
	switch {
	case strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~"):
		m.flush()
		m.fence = !m.fence
	case m.fence:
		m.add(office.Block{Kind: office.Paragraph, Text: clean(raw), Place: office.Place{Line: n}})
	case trimmed == "" || mdRule.MatchString(raw):
		m.flush()
	case mdHeading.MatchString(trimmed):
		m.flush()
		found := mdHeading.FindStringSubmatch(trimmed)
		m.add(office.Block{Kind: office.Heading, Level: len(found[1]), Text: plainMarkdown(found[2]), Place: office.Place{Line: n}})
	case strings.HasPrefix(trimmed, "|") && strings.Count(trimmed, "|") > 2:
		m.flush()
		cells := strings.Split(strings.Trim(trimmed, "|"), "|")
		for i := range cells {
			cells[i] = plainMarkdown(cells[i])
		}
		m.add(office.Block{Kind: office.Row, Cells: cells, Place: office.Place{Line: n}})
	case mdItem.MatchString(raw):
		m.flush()
		m.add(office.Block{Kind: office.Item, Text: plainMarkdown(mdItem.FindStringSubmatch(raw)[1]), Place: office.Place{Line: n}})
	default:
		if len(m.text) == 0 {
			m.start = n
		}
		m.text = append(m.text, strings.TrimLeft(trimmed, "> "))
	}
}

func (m *markdown) flush() {
	if len(m.text) == 0 {
		return
	}
	text := ""
	for _, line := range m.text {
		text = joinLines(text, line)
	}
	m.text = nil
	m.add(office.Block{Kind: office.Paragraph, Text: plainMarkdown(text), Place: office.Place{Line: m.start}})
}

func (m *markdown) add(b office.Block) {
	if b.Text != "" || len(b.Cells) > 0 {
		m.d.Blocks = append(m.d.Blocks, b)
	}
}

// title takes the one heading of the first level for the document's own.
func (m *markdown) title() {
	at, count := 0, 0
	for i, b := range m.d.Blocks {
		if b.Kind == office.Heading && b.Level == 1 {
			at, count = i, count+1
		}
	}
	if count == 1 && at == 0 {
		m.d.Title, m.d.TitlePlace = m.d.Blocks[0].Text, m.d.Blocks[0].Place
		m.d.Blocks = m.d.Blocks[1:]
	}
}

// plainMarkdown drops marks, links' addresses, images and HTML.
func plainMarkdown(s string) string {
	s = mdImage.ReplaceAllString(s, "$1")
	s = mdLink.ReplaceAllString(s, "$1")
	s = mdTag.ReplaceAllString(s, "")
	return clean(mdMarks.ReplaceAllString(s, ""))
}

// joinLines joins two lines of one paragraph: with a space between Latin letters or digits only.
func joinLines(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	if isLatin(a[len(a)-1]) && isLatin(b[0]) {
		return a + " " + b
	}
	return a + b
}

func isLatin(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == ',' || c == '.' || c == ';'
}
