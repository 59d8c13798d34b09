package cap

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"qiuzhen/knowledge"
)

// Feed tells which alerts there are: RFC 4287, with a link to each alert.
type Feed struct {
	Title string
	Self  string // its own address
	Name  string // of the institution
	Items []Item
}

// Item is an alert in a feed.
type Item struct {
	Broadcast knowledge.Broadcast
	Sender    string
	Sent      time.Time
	URL       string // where its XML is
}

type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string      `xml:"xml:lang,attr"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  string      `xml:"author>name"`
	Link    atomLink    `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID         string         `xml:"id"`
	Title      string         `xml:"title"`
	Updated    string         `xml:"updated"`
	Published  string         `xml:"published"`
	Link       atomLink       `xml:"link"`
	Categories []atomCategory `xml:"category"`
	Summary    string         `xml:"summary"`
}

type atomCategory struct {
	Term   string `xml:"term,attr"`
	Scheme string `xml:"scheme,attr"`
}

var titleMarks = map[knowledge.MsgType]string{knowledge.Update: "更新：", knowledge.Cancel: "取消："}

// Marshal writes the feed. An alert never changes: an update is an alert of its own, so that an entry's updated is when it was sent.
func (f Feed) Marshal() ([]byte, error) {
	out := atomFeed{
		Lang: Language, ID: permanentID("cap feed " + f.Self), Title: f.Title, Updated: stamp(time.Unix(0, 0)), Author: f.Name,
		Link: atomLink{"self", "application/atom+xml", f.Self}, Entries: make([]atomEntry, len(f.Items)),
	}
	var newest time.Time
	for i, item := range f.Items {
		out.Entries[i] = item.entry()
		if item.Sent.After(newest) {
			newest, out.Updated = item.Sent, stamp(item.Sent)
		}
	}
	body, err := xml.MarshalIndent(out, "", "  ")
	return append([]byte(xml.Header), append(body, '\n')...), err
}

func (i Item) entry() atomEntry {
	b := i.Broadcast
	title := titleMarks[b.Type] + strings.TrimPrefix(b.Content.Headline, knowledge.ExerciseMark)
	if b.Exercise {
		title = knowledge.ExerciseMark + title
	}
	e := atomEntry{
		ID: permanentID(Reference{i.Sender, b.Identifier, i.Sent}.String()), Title: title, Updated: stamp(i.Sent), Published: stamp(i.Sent),
		Link: atomLink{"alternate", MediaType, i.URL}, Summary: b.Content.Description,
	}
	for _, c := range [][2]string{{"status", status(b)}, {"msgType", string(b.Type)}, {"category", b.Content.Category}} {
		e.Categories = append(e.Categories, atomCategory{c[1], Namespace + ":" + c[0]})
	}
	return e
}

// permanentID is a UUID of version 8 made of a name, so that ids stay when the service moves.
func permanentID(name string) string {
	b := sha256.Sum256([]byte("qiuzhen " + name))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
