package fetch

import (
	"bytes"
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

// maxText is how much of a page's text is kept, in characters: a claim is at its beginning.
const maxText = 2000

// parse finds what a page says among what surrounds it. An empty page is no error: it has neither title nor text.
func parse(body []byte, charset string, at *url.URL) (Page, error) {
	decoded := decode(body, charset)
	doc, err := html.Parse(bytes.NewReader(decoded))
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
		title = article.Title()
	}
	return Page{Title: title, Text: clip(strings.TrimSpace(text.String()))}, nil
}

func clip(s string) string {
	runes := []rune(s)
	return string(runes[:min(len(runes), maxText)])
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

func oneLine(s string) string { return clip(strings.Join(strings.Fields(s), " ")) }

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
