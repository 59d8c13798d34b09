package site

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"net/http"
	"time"

	"qiuzhen/knowledge"
)

// feedLength is how many changes the feed tells of.
const feedLength = 50

// atomFeed is RFC 4287's, as much as is needed of it.
type atomFeed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Lang    string      `xml:"xml:lang,attr"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  atomPerson  `xml:"author"`
	Links   []atomLink  `xml:"link"`
	Entries []atomEntry `xml:"entry"`
}

type atomPerson struct {
	Name string `xml:"name"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr,omitempty"`
	Href string `xml:"href,attr"`
}

type atomEntry struct {
	ID        string       `xml:"id"`
	Title     string       `xml:"title"`
	Updated   string       `xml:"updated"`
	Published string       `xml:"published,omitempty"`
	Link      atomLink     `xml:"link"`
	Category  atomCategory `xml:"category"`
	Summary   string       `xml:"summary"`
}

type atomCategory struct {
	Term string `xml:"term,attr"`
}

// feed tells of the newest changes: what was published, and what is no longer said.
func (s *Site) feed(w http.ResponseWriter, r *http.Request) {
	changes, err := s.Store.PublicEntries(r.Context(), knowledge.PublicQuery{
		Ended: true, Newest: true, Limit: feedLength, Unsigned: s.Unsigned, Now: s.Now(),
	})
	if err != nil {
		s.failedPlainly(w, r, err)
		return
	}
	body, err := xml.Marshal(newFeed(changes, s.base(r)))
	if err != nil {
		s.failedPlainly(w, r, err)
		return
	}
	respond(w, r, "application/atom+xml; charset=utf-8", append([]byte(xml.Header), body...))
}

func newFeed(changes []knowledge.Public, base string) atomFeed {
	f := atomFeed{
		Lang: "zh-CN", ID: permanentID("feed " + base), Title: siteName + "：最近的变动", Author: atomPerson{siteName},
		Updated: stamp(time.Unix(0, 0)), Links: []atomLink{{"self", "application/atom+xml", base + "/feed.atom"}},
	}
	for i, p := range changes {
		if i == 0 {
			f.Updated = stamp(p.UpdatedAt)
		}
		f.Entries = append(f.Entries, newFeedEntry(p, base))
	}
	return f
}

func newFeedEntry(p knowledge.Public, base string) atomEntry {
	e := atomEntry{
		ID: permanentID("entry " + string(p.Entry.ID)), Updated: stamp(p.UpdatedAt), Category: atomCategory{string(p.Entry.Topic)},
		Link: atomLink{"alternate", "text/html", base + entryPath(p.Entry.ID)},
	}
	if !p.PublishedAt.IsZero() {
		e.Published = stamp(p.PublishedAt)
	}
	switch p.Standing {
	case knowledge.Recalled:
		n := recalledNotice(p)
		e.Title, e.Summary = "已撤下："+p.Entry.Short, n.Lines[0]
		if p.Reason != "" {
			e.Summary += n.Lines[1]
		}
	case knowledge.Lapsed:
		e.Title, e.Summary = "要重新核对："+p.Entry.Short, lapsedNotice(p).Lines[0]
	default:
		e.Title, e.Summary = p.Entry.FirstLine(), knowledge.Closed(p.Entry.Summary)
		if label := labelOf(p); label != "" {
			e.Summary = label + e.Summary
		}
	}
	return e
}

// permanentID is a UUID of version 8 made of a name: a feed's ids stay when the service moves to another address.
func permanentID(name string) string {
	b := sha256.Sum256([]byte("qiuzhen " + name))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

const busyLine = "no answer from the database in time; try again"

// failedPlainly is for programs.
func (s *Site) failedPlainly(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.Log.Error("page failed", "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Retry-After", "5")
	http.Error(w, busyLine, http.StatusServiceUnavailable)
}
