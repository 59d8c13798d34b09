package fetch

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	readability "codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
)

const (
	// maxTitle and maxText are how much of a page is kept, in characters: what it claims stands in its title and at its
	// beginning. Together they are under what retrieval looks at of a page, so that nothing is cut out of the middle.
	maxTitle = 100
	maxText  = 480
	// maxParsed bounds the bytes that are parsed, without scripts and styles: the finding of the article takes time
	// that grows faster than the page, and no deadline stops it.
	maxParsed = 200 << 10
)

// parse finds what a page says among what surrounds it. An empty page is no error: it has neither title nor text.
// It cannot be stopped half-way, so it does not begin when the time is up.
func parse(ctx context.Context, body []byte, charset string, at *url.URL) (Page, error) {
	if err := ctx.Err(); err != nil {
		return Page{}, err
	}
	doc, err := html.Parse(bytes.NewReader(shorten(decode(body, charset))))
	if err != nil {
		return Page{}, fmt.Errorf("read the page: %w", err)
	}
	title := heading(doc)
	article, err := readability.FromDocument(doc, at)
	if err != nil || article.Node == nil {
		return Page{Title: title}, nil //nolint:nilerr // a page without an article still has its title
	}
	var text strings.Builder
	if err := article.RenderText(&text); err != nil {
		return Page{}, fmt.Errorf("read the page's text: %w", err)
	}
	if title == "" {
		title = oneLine(article.Title())
	}
	return Page{Title: title, Text: clip(strings.TrimSpace(text.String()), maxText)}, nil
}

func clip(s string, most int) string {
	runes := []rune(s)
	return string(runes[:min(len(runes), most)])
}

// shorten leaves scripts and styles out, which fill the heads of many pages, and keeps what comes first of the rest.
func shorten(page []byte) []byte {
	var out []byte
	for len(out) < maxParsed {
		from, end := unread(page)
		out = append(out, page[:from]...)
		if end == len(page) {
			break
		}
		page = page[end:]
	}
	out = out[:min(len(out), maxParsed)]
	for i := 1; i < utf8.UTFMax && i <= len(out); i++ { // a character cut in two
		if tail := out[len(out)-i:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				out = out[:len(out)-i]
			}
			break
		}
	}
	return out
}

// unread is where the first script or style of a page begins and where what follows it does; both are the page's end when
// there is none, the second when it is not closed.
func unread(page []byte) (from, end int) {
	for i := 0; ; {
		next := bytes.IndexByte(page[i:], '<')
		if next < 0 {
			return len(page), len(page)
		}
		i += next
		for _, name := range []string{"script", "style"} {
			if isTag(page[i+1:], name) {
				return i, i + closing(page[i:], name)
			}
		}
		i++
	}
}

// closing is where what follows the closing tag of a name begins, or the page's end.
func closing(page []byte, name string) int {
	for i := 0; ; i++ {
		next := bytes.Index(page[i:], []byte("</"))
		if next < 0 {
			return len(page)
		}
		if i += next; !isTag(page[i+2:], name) {
			continue
		}
		if end := bytes.IndexByte(page[i:], '>'); end >= 0 {
			return i + end + 1
		}
		return len(page)
	}
}

// isTag reports whether s begins with a tag's name and nothing longer.
func isTag(s []byte, name string) bool {
	return len(s) > len(name) && bytes.EqualFold(s[:len(name)], []byte(name)) && strings.IndexByte(" \t\r\n\f/>", s[len(name)]) >= 0
}

var metaCharset = regexp.MustCompile(`(?i)<meta[^>]{0,200}charset\s*=\s*["']?\s*([a-z0-9_-]{2,20})`)

// decode gives UTF-8: as the server says, else as the page says, else by trying, for old pages of county offices say
// nothing or the wrong thing.
func decode(body []byte, charset string) []byte {
	if utf8.Valid(body) {
		return body
	}
	if charset == "" {
		if m := metaCharset.FindSubmatch(body[:min(len(body), 2048)]); m != nil {
			charset = string(m[1])
		}
	}
	if charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8") {
		charset = "gb18030" // it is not valid UTF-8
	}
	encoding, err := htmlindex.Get(charset)
	if err != nil {
		encoding = simplifiedchinese.GB18030
	}
	decoded, err := encoding.NewDecoder().Bytes(body)
	if err != nil {
		return bytes.ToValidUTF8(body, nil)
	}
	return decoded
}

// heading is the page's og:title, else its title.
func heading(doc *html.Node) string {
	title := ""
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "meta":
			if attribute(n, "property") == "og:title" && strings.TrimSpace(attribute(n, "content")) != "" {
				return oneLine(attribute(n, "content"))
			}
		case "title":
			if title == "" && n.FirstChild != nil {
				title = oneLine(n.FirstChild.Data)
			}
		}
	}
	return title
}

func oneLine(s string) string { return clip(strings.Join(strings.Fields(s), " "), maxTitle) }

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
