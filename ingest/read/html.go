package read

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	readability "codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"

	"qiuzhen/ingest/office"
)

var htmlStart = regexp.MustCompile(`(?is)^\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<(!doctype\s+html|html|head|body)\b`)

func looksLikeHTML(s string) bool { return htmlStart.MatchString(s[:min(len(s), 4096)]) }

// maxReadable bounds the pages whose article is looked for: the search takes time that grows faster than the page.
const maxReadable = 1 << 20

// articleShare is how much of a page's text its article has to hold, else the whole page is read: a notice with a table
// has no "article" in readability's sense.
const articleShare = 0.5

// readHTML reads a page's text; scripts, styles and what leads elsewhere (menus, forms) are dropped, fact-checks in JSON-LD kept.
func readHTML(s string) (*office.Document, error) {
	d := &office.Document{MediaType: "text/html"}
	doc, err := html.Parse(strings.NewReader(s))
	if err != nil {
		return nil, office.Problemf("网页读不懂（%v）", err)
	}
	noteGarbled(d, s)
	head(d, doc)
	scripts := 0
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch {
		case n.Data == "script" && strings.EqualFold(attribute(n, "type"), "application/ld+json"):
			reviews, err := claimReviews(textOf(n))
			if err != nil {
				d.Note("网页里的 JSON-LD 读不懂（%v），没有用", err)
			}
			d.Reviews = append(d.Reviews, reviews...)
		case n.Data == "script" || hasHandler(n):
			scripts++
		}
	}
	if scripts > 0 {
		d.Note("有 %d 处网页脚本，没有运行，已去掉", scripts)
	}
	walkPage(d, doc, s)
	if len(d.Blocks) > 0 && d.Blocks[0].Kind == office.Heading && d.Blocks[0].Text == d.Title {
		d.TitlePlace, d.Blocks = d.Blocks[0].Place, d.Blocks[1:]
	}
	inferHeadings(d)
	return d, nil
}

// hasHandler reports whether an element would run a script when it is touched or followed.
func hasHandler(n *html.Node) bool {
	for _, a := range n.Attr {
		if len(a.Key) > 2 && strings.HasPrefix(a.Key, "on") || (a.Key == "href" || a.Key == "src") && strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:") {
			return true
		}
	}
	return false
}

// walkPage adds the blocks of the page's article where it holds most of the text, else of the whole page.
func walkPage(d *office.Document, doc *html.Node, s string) {
	whole := &walker{}
	whole.walk(doc)
	whole.flush()
	d.Blocks = whole.blocks
	if len(s) > maxReadable {
		return
	}
	again, err := html.Parse(strings.NewReader(s)) // readability changes what it reads
	if err != nil {
		return
	}
	article, err := readability.FromDocument(again, &url.URL{})
	if err != nil || article.Node == nil {
		return
	}
	part := &walker{}
	part.walk(article.Node)
	part.flush()
	if float64(part.size()) >= articleShare*float64(whole.size()) {
		d.Blocks = part.blocks
	}
}

// maxAddress bounds an address that a page gives, in bytes.
const maxAddress = 2048

// canonical is an address as a page gives it; "" for what can be none.
func canonical(href string) string {
	if href = clean(href); len(href) > maxAddress {
		return ""
	}
	return href
}

// head takes the page's title, its date of publication and its own address, where it says them.
func head(d *office.Document, doc *html.Node) {
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "title":
			if d.Title == "" {
				d.Title, d.TitlePlace = clean(textOf(n)), office.Place{Path: "<title>"}
			}
		case "link":
			if d.Canonical == "" && strings.EqualFold(attribute(n, "rel"), "canonical") {
				d.Canonical = canonical(attribute(n, "href"))
			}
		case "meta":
			content := clean(attribute(n, "content"))
			switch strings.ToLower(attribute(n, "property") + attribute(n, "name")) {
			case "og:title":
				if content != "" {
					d.Title, d.TitlePlace = content, office.Place{Path: "<meta og:title>"}
				}
			case "article:published_time", "pubdate", "publishdate":
				d.Date = isoDate(content)
			}
		}
	}
}

var leadingDate = regexp.MustCompile(`^(\d{4})[-/年.](\d{1,2})[-/月.](\d{1,2})`)

// isoDate is the date that s begins with as YYYY-MM-DD, else "".
func isoDate(s string) string {
	m := leadingDate.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return ""
	}
	return m[1] + "-" + ("0" + m[2])[len(m[2])-1:] + "-" + ("0" + m[3])[len(m[3])-1:]
}

// walker makes blocks of elements in document order.
type walker struct {
	blocks []office.Block
	text   strings.Builder // of the open paragraph
	kind   office.Kind
	level  int
}

// dropped hold no text of the page's own.
var dropped = map[string]bool{
	"script": true, "style": true, "noscript": true, "template": true, "iframe": true, "object": true, "embed": true, "svg": true, "head": true,
	"nav": true, "aside": true, "footer": true, "form": true, "button": true, "select": true, "textarea": true, "math": true, "canvas": true,
}

// inline elements do not end a paragraph.
var inline = map[string]bool{
	"a": true, "abbr": true, "b": true, "bdi": true, "big": true, "cite": true, "code": true, "em": true, "font": true, "i": true, "ins": true, "kbd": true,
	"label": true, "mark": true, "q": true, "ruby": true, "s": true, "small": true, "span": true, "strong": true, "sub": true, "sup": true, "time": true, "u": true,
	"var": true, "img": true, "wbr": true, "o:p": true, "st1:chsdate": true,
}

func (w *walker) walk(n *html.Node) {
	switch {
	case n.Type == html.TextNode:
		w.text.WriteString(n.Data)
		return
	case n.Type == html.ElementNode && (dropped[n.Data] || hidden(n) || n.Data == "del"):
		return
	case n.Type != html.ElementNode || inline[n.Data]:
		w.children(n)
		return
	}
	w.flush()
	switch n.Data {
	case "h1", "h2", "h3", "h4", "h5", "h6":
		w.kind, w.level = office.Heading, int(n.Data[1]-'0')
		w.text.WriteString(textOf(n))
	case "li":
		w.kind = office.Item
		w.children(n)
	case "tr":
		w.row(n)
	default:
		w.children(n)
	}
	w.flush()
	w.kind, w.level = "", 0
}

func (w *walker) children(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.walk(c)
	}
}

// row keeps a table's row whole when its cells hold text alone; a table that lays out a page is read as paragraphs.
func (w *walker) row(n *html.Node) {
	var cells []string
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type != html.ElementNode {
			continue
		}
		for inner := range c.Descendants() {
			if inner.Type == html.ElementNode && (inner.Data == "table" || inner.Data == "h1" || inner.Data == "h2") {
				w.children(n)
				return
			}
		}
		cells = append(cells, clean(textOf(c)))
	}
	if len(cells) == 1 {
		w.children(n)
		return
	}
	if strings.Join(cells, "") != "" {
		w.add(office.Block{Kind: office.Row, Cells: cells})
	}
}

func (w *walker) flush() {
	text := clean(w.text.String())
	w.text.Reset()
	if text == "" {
		return // the kind stays for the text to come: a paragraph within a list item
	}
	kind, level := w.kind, w.level
	w.kind, w.level = "", 0
	if kind == "" {
		kind = office.Paragraph
	}
	w.add(office.Block{Kind: kind, Level: level, Text: text})
}

func (w *walker) add(b office.Block) {
	b.Place.Paragraph = len(w.blocks) + 1
	w.blocks = append(w.blocks, b)
}

// size is how many characters the blocks hold.
func (w *walker) size() int {
	n := 0
	for _, b := range w.blocks {
		n += utf8.RuneCountInString(b.Text + strings.Join(b.Cells, ""))
	}
	return n
}

var hiding = regexp.MustCompile(`(?i)display\s*:\s*none|visibility\s*:\s*hidden`)

func hidden(n *html.Node) bool {
	for _, a := range n.Attr {
		if a.Key == "hidden" || a.Key == "style" && hiding.MatchString(a.Val) {
			return true
		}
	}
	return false
}

// textOf is the text below a node, without scripts' and styles'.
func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode && (c.Parent == n || !dropped[c.Parent.Data]) {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
