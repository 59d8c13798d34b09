package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/web"
)

// TestConformance has the conversations of all channels on pages without JavaScript.
func TestConformance(t *testing.T) {
	bottest.Conformance(t, func(t *testing.T, d bottest.Desk) bottest.Channel {
		return &channel{served: serve(t, nil, func(c *web.Config) { c.Desk = d }), browsers: map[string]*browser{}, turns: map[string][]turn{}}
	})
}

// channel is a browser for each reader.
type channel struct {
	*served
	browsers map[string]*browser
	turns    map[string][]turn
}

// turn is a reply on the page, with the form of its buttons.
type turn struct {
	id      string
	text    string
	about   string
	once    string
	choices []bot.Choice
}

func (c *channel) Can() bot.Channel { return web.Channel }

func (c *channel) Send(t testing.TB, s bottest.Sent) []bottest.Seen {
	b, ok := c.browsers[s.Reader]
	if !ok {
		b = c.browser(t.(*testing.T))
		b.get("/")
		c.browsers[s.Reader] = b
	}
	form := url.Values{"text": {s.Text}}
	if s.Press != nil {
		form = c.press(t, s)
	}
	was := c.turns[s.Reader]
	shown := b.do("POST", "/ask", form)
	page := parse(t, shown.body)
	if shown.StatusCode == http.StatusTooManyRequests { // the desk is silent, the page is not: what was asked is still in the box
		if box := find(page, "textarea", ""); strings.TrimSpace(words(box[0])) != form.Get("text") || len(find(page, "p", "panel")) != 1 {
			t.Errorf("%s is lost without a word", form.Get("text"))
		}
		return nil
	}
	if panel := find(page, "p", "panel"); len(panel) > 0 {
		return []bottest.Seen{{Text: words(panel[0])}}
	}
	all := find(page, "section", "turn")
	if len(all) == 0 {
		return nil
	}
	last := readTurn(all[len(all)-1])
	c.turns[s.Reader] = append(was, last)
	seen := bottest.Seen{Text: last.text}
	for _, choice := range last.choices {
		seen.Choices = append(seen.Choices, choice.Label)
	}
	return []bottest.Seen{seen}
}

// press is the form of a button, as it was on the page, which may have been open for long.
func (c *channel) press(t testing.TB, s bottest.Sent) url.Values {
	own := c.turns[s.Reader][s.Press.Reply]
	for _, choice := range own.choices {
		if choice.Label == s.Press.Label {
			return url.Values{"text": {choice.Say}, "about": {own.about}, "once": {fmt.Sprint(own.once, len(c.turns[s.Reader]))}}
		}
	}
	t.Fatalf("%s has no button %s", own.text, s.Press.Label)
	return nil
}

func readTurn(n *html.Node) turn {
	out := turn{id: attribute(n, "id"), text: words(find(n, "div", "answer")[0])}
	for _, form := range find(n, "form", "choices") {
		for _, input := range find(form, "input", "") {
			switch attribute(input, "name") {
			case "about":
				out.about = attribute(input, "value")
			case "once":
				out.once = attribute(input, "value")
			}
		}
		for _, button := range find(form, "button", "") {
			label := words(button)
			for _, number := range find(button, "b", "") {
				label = strings.TrimSpace(strings.TrimPrefix(label, words(number)))
			}
			out.choices = append(out.choices, bot.Choice{Label: label, Say: attribute(button, "value")})
		}
	}
	return out
}

func parse(t testing.TB, s string) *html.Node {
	n, err := html.Parse(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// find are the elements below n with a name and, unless it is empty, a class.
func find(n *html.Node, name, class string) (out []*html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == name && (class == "" || strings.Contains(" "+attribute(d, "class")+" ", " "+class+" ")) {
			out = append(out, d)
		}
	}
	return out
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words are what is seen, a line a block, with the numbers that a browser draws before the items of a list.
func words(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		switch {
		case d.Type == html.TextNode:
			b.WriteString(strings.Trim(d.Data, "\n"))
		case d.Data == "p" || d.Data == "li" || d.Data == "button":
			b.WriteString("\n")
		}
		if d.Data == "li" && d.Parent.Data == "ol" {
			at := 0
			_, _ = fmt.Sscan(attribute(d.Parent, "start"), &at)
			for before := d.PrevSibling; before != nil; before = before.PrevSibling {
				if before.Data == "li" {
					at++
				}
			}
			fmt.Fprintf(&b, "%d. ", at)
		}
	}
	return strings.TrimSpace(b.String())
}
