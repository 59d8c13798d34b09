package office

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// Sizes in characters that decide how a document is cut into entries.
const (
	splitFrom   = 400  // a shorter document is one entry, whatever its headings
	sectionMost = 2500 // a longer section is cut again by its own headings
	leadLeast   = 60   // a shorter text before the first heading (names, dates) stays in the original alone
)

// Options say how drafts are made.
type Options struct {
	Topic   knowledge.Topic   // of all drafts; "" leaves it to the editor
	Columns map[string]string // a table's header -> field (see Fields); wins over what headers are known to mean
}

// drafter makes the drafts of one document.
type drafter struct {
	doc  *Document
	key  string // what names the file among others, the same at every import
	name string // what the file is called
	opts Options
	// source is the page's own address, where the document is one page and no list of what others said.
	source, sourcePlace string

	seen   map[string]int // titles so far
	drafts []ingest.Draft
	notes  []string
}

// Drafts makes entries of a document: of a table its rows, of fact-checks one each, of a text its sections. It returns what it
// could not take over as notes. Nothing is invented: a field that the document does not give is empty, and its lack is
// for lint to find. The key makes ids that are the same whenever the file is read again.
func Drafts(doc *Document, name, key string, opts Options) (drafts []ingest.Draft, notes []string) {
	d := &drafter{doc: doc, key: key, name: name, opts: opts, seen: map[string]int{}}
	table := isTable(doc)
	if !table && len(doc.Reviews) <= 1 {
		d.source, d.sourcePlace = d.ownAddress()
	}
	switch {
	case len(doc.Reviews) > 0:
		for _, r := range doc.Reviews {
			d.review(r)
		}
	case table:
		d.table()
	default:
		d.text()
	}
	return d.drafts, append(d.notes, doc.Notes...)
}

func isTable(doc *Document) bool {
	for _, b := range doc.Blocks {
		if b.Kind != Row {
			return false
		}
	}
	return len(doc.Blocks) > 0
}

// open begins a draft whose source is the document itself.
func (d *drafter) open(kind knowledge.Kind, title string, place string) *ingest.Draft {
	draft := &ingest.Draft{Fields: map[string]string{}}
	draft.Entry = knowledge.Entry{ID: d.id(title), Kind: kind, Topic: d.opts.Topic, Title: title, Actions: []string{}}
	draft.Fields["title"] = place
	name, from := d.called()
	source := knowledge.Source{Title: d.doc.Title, Date: d.doc.Date, Read: knowledge.Reading{Where: name}}
	draft.Fields["sources[0].title"] = d.doc.TitlePlace.String()
	if source.Title == "" {
		source.Title, draft.Fields["sources[0].title"] = name, from
	}
	if source.Date != "" {
		draft.Fields["sources[0].date"] = "<meta>"
	}
	draft.Fields["sources[0].read.where"] = from
	if d.source != "" {
		source.URL, draft.Fields["sources[0].url"] = d.source, d.sourcePlace
	}
	draft.Entry.Sources = []knowledge.Source{source}
	return draft
}

func (d *drafter) close(draft *ingest.Draft) {
	for field, place := range draft.Fields {
		if place == "" {
			draft.Fields[field] = "文件"
		}
	}
	d.drafts = append(d.drafts, *draft)
}

// slugBytes is how much of an id tells its title, before the eight characters that make it unique.
const slugBytes = 48

// id is a title in pinyin with a hash of where it comes from.
func (d *drafter) id(title string) knowledge.ID {
	d.seen[title]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", d.key, title, d.seen[title]))
	return knowledge.ID(text.Slug(title, slugBytes, hex.EncodeToString(sum[:4])))
}

// section is a heading with what stands below it.
type section struct {
	title  string
	place  Place
	blocks []Block
}

var (
	asks    = regexp.MustCompile(`^(问|提问|Q|q|问题)\s*\d*\s*[：:]\s*`)
	answers = regexp.MustCompile(`^(答|回答|解答|A|a)\s*\d*\s*[：:]\s*`)
	number  = regexp.MustCompile(`^(第[一二三四五六七八九十百零〇\d]{1,5}[章篇编部节]\s*|[一二三四五六七八九十]{1,3}、\s*|[（(][一二三四五六七八九十\d]{1,3}[）)]\s*|\d{1,2}(\.\d{1,2})*[.、．\s]\s*)`)
	// question is how a title looks that a reader might ask.
	question = regexp.MustCompile(`[？?]$|[吗呢]$|怎么|怎样|如何|为什么|什么|能不能|可不可以|是不是|多少|哪些|哪里`)
)

// questionLevel is below every heading's.
const questionLevel = 9

// text makes drafts of running text.
func (d *drafter) text() {
	blocks, dialogue := d.dialogue()
	whole := section{title: d.doc.Title, place: d.doc.TitlePlace, blocks: blocks}
	if whole.title == "" {
		whole.title = d.baseName()
	}
	for _, s := range split(whole, dialogue) {
		d.section(s)
	}
}

// dialogue turns paragraphs 问：… into headings and takes 答： off the answers.
func (d *drafter) dialogue() (blocks []Block, found bool) {
	for _, b := range d.doc.Blocks {
		switch {
		case b.Kind != Paragraph && b.Kind != Item && b.Kind != Heading:
		case asks.MatchString(b.Text):
			found = true
			b.Kind, b.Level, b.Text = Heading, questionLevel, asks.ReplaceAllString(b.Text, "")
		case answers.MatchString(b.Text):
			b.Text = answers.ReplaceAllString(b.Text, "")
		}
		if b.Text != "" || len(b.Cells) > 0 {
			blocks = append(blocks, b)
		}
	}
	return blocks, found
}

// split cuts a section by the outermost heading that occurs twice, and what is then still long again.
func split(s section, always bool) []section {
	level := outermost(s.blocks)
	if level == 0 || !always && size(s.blocks) < splitFrom {
		return []section{s}
	}
	lead := section{title: s.title, place: s.place}
	var parts []section
	for _, b := range s.blocks {
		switch {
		case b.Kind == Heading && b.Level <= level:
			parts = append(parts, section{title: b.Text, place: b.Place})
		case len(parts) == 0:
			lead.blocks = append(lead.blocks, b)
		default:
			last := &parts[len(parts)-1]
			last.blocks = append(last.blocks, b)
		}
	}
	var out []section
	if size(lead.blocks) >= leadLeast {
		out = append(out, lead)
	}
	for _, p := range parts {
		switch {
		case len(p.blocks) == 0: // a heading above headings of its own level: nothing is said below it
		case always || size(p.blocks) > sectionMost:
			out = append(out, split(p, always)...)
		default:
			out = append(out, p)
		}
	}
	return out
}

func outermost(blocks []Block) int {
	var count [questionLevel + 1]int
	for _, b := range blocks {
		if b.Kind == Heading && b.Level > 0 {
			count[min(b.Level, questionLevel)]++
		}
	}
	for level, n := range count {
		if n >= 2 || n == 1 && level == questionLevel {
			return level
		}
	}
	return 0
}

func size(blocks []Block) int {
	n := 0
	for _, b := range blocks {
		n += utf8.RuneCountInString(b.Text + strings.Join(b.Cells, ""))
	}
	return n
}

// section makes a guide of a section: whether it judges a claim is for an editor to say.
func (d *drafter) section(s section) {
	title := strings.TrimSpace(number.ReplaceAllString(s.title, ""))
	if title == "" {
		title = s.title
	}
	place := s.place.String()
	if place == "" {
		_, place = d.called()
	}
	draft := d.open(knowledge.Guide, title, place)
	if question.MatchString(title) {
		draft.Entry.Questions = []string{title}
		draft.Fields["questions[0]"] = place
	}
	addBody(draft, s.blocks)
	if draft.Entry.Body != "" {
		d.close(draft)
	}
}

// addBody sets the body, a paragraph a block; the field body[i] tells where the i-th stands.
func addBody(draft *ingest.Draft, blocks []Block) {
	var paragraphs []string
	for _, b := range blocks {
		line := b.Text
		if b.Kind == Row {
			line = joinCells(b.Cells)
		}
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		draft.Fields[fmt.Sprintf("body[%d]", len(paragraphs))] = b.Place.String()
		paragraphs = append(paragraphs, line)
	}
	draft.Entry.Body = strings.Join(paragraphs, "\n\n")
}

func joinCells(cells []string) string {
	var kept []string
	for _, c := range cells {
		if c = strings.ReplaceAll(c, "\n", " "); c != "" {
			kept = append(kept, c)
		}
	}
	return strings.Join(kept, "，")
}

// review makes a rebuttal of a fact-check.
func (d *drafter) review(r ClaimReview) {
	at := func(field string) string { return strings.TrimPrefix(r.Path+"."+field, ".") }
	title, titleAt := r.Headline, at("headline")
	if title == "" {
		title, titleAt = r.Claim, at("claimReviewed")
	}
	if title == "" {
		d.notes = append(d.notes, fmt.Sprintf("一条核查没有写核查的是什么（%s），没有用", at("claimReviewed")))
		return
	}
	draft := d.open(knowledge.Rebuttal, title, titleAt)
	set := func(into *string, field, value, place string) {
		if value != "" {
			*into, draft.Fields[field] = value, place
		}
	}
	if r.Claim != "" {
		draft.Entry.Claims, draft.Fields["claims[0]"] = []string{r.Claim}, at("claimReviewed")
	}
	if v, ok := Verdict(r.AlternateName); ok {
		draft.Entry.Verdict, draft.Fields["verdict"] = v, at("reviewRating.alternateName")
	} else {
		d.notes = append(d.notes, fmt.Sprintf("“%s”的结论“%s”不认识，没有填", clip(title), clip(r.AlternateName)))
	}
	source := &draft.Entry.Sources[0]
	set(&source.Title, "sources[0].title", title, titleAt)
	set(&source.Institution, "sources[0].institution", r.Institution, at("author.name"))
	set(&source.Date, "sources[0].date", r.Date, at("datePublished"))
	set(&source.URL, "sources[0].url", r.URL, at("url"))
	switch {
	case r.Body != "":
		set(&draft.Entry.Body, "body", r.Body, at("reviewBody"))
	case len(d.doc.Reviews) == 1:
		addBody(draft, d.doc.Blocks)
	}
	d.close(draft)
}

// clip shortens what is quoted in a note.
func clip(s string) string {
	const most = 20
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
