package site_test

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/site"
)

type atom struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string   `xml:"id"`
	Updated string   `xml:"updated"`
	Links   []struct {
		Href string `xml:"href,attr"`
	} `xml:"link"`
	Entries []struct {
		ID      string `xml:"id"`
		Title   string `xml:"title"`
		Updated string `xml:"updated"`
		Summary string `xml:"summary"`
		Link    struct {
			Href string `xml:"href,attr"`
		} `xml:"link"`
	} `xml:"entry"`
}

func readFeed(t *testing.T, body string) (a atom) {
	t.Helper()
	if err := xml.Unmarshal([]byte(body), &a); err != nil {
		t.Fatalf("%v:\n%s", err, body)
	}
	return a
}

// TestFeed: the newest 50 changes, the latest first; one entry keeps its id through its life.
func TestFeed(t *testing.T) {
	o := newOffice(t)
	handler := o.serve(false)
	for i := range 52 {
		o.now = o.now.Add(time.Minute)
		o.publish(rebuttal(fmt.Sprintf("entry-%d", i)))
	}
	o.now = o.now.Add(time.Minute)
	o.must(o.store.Withdraw(o.publisher, "entry-0", "指南改了"))
	got := get(t, handler, "/feed.atom")
	feed := readFeed(t, got.body)
	if len(feed.Entries) != 50 || got.header.Get("Content-Type") != "application/atom+xml; charset=utf-8" {
		t.Fatalf("%d entries, %v", len(feed.Entries), got.header)
	}
	first := feed.Entries[0]
	if first.ID != site.NewFeedEntryID("entry-0") || first.Title != "已撤下：喝白酒杀病毒" || !strings.Contains(first.Summary, "指南改了") || first.Link.Href != address+"/e/entry-0" {
		t.Errorf("the withdrawal: %+v", first)
	}
	if feed.Updated != first.Updated || feed.Links[0].Href != address+"/feed.atom" {
		t.Errorf("%s, links %v", feed.Updated, feed.Links)
	}
	seen := map[string]bool{}
	for i, e := range feed.Entries {
		if seen[e.ID] || i > 0 && e.Updated > feed.Entries[i-1].Updated {
			t.Errorf("%s of %s: twice or out of order", e.ID, e.Updated)
		}
		seen[e.ID] = true
	}
	if feed.Entries[1].ID != site.NewFeedEntryID("entry-51") {
		t.Errorf("the newest: %+v", feed.Entries[1])
	}
}

// TestFeedOfAnything: an empty one, and one of words that XML cannot hold.
func TestFeedOfAnything(t *testing.T) {
	o := newOffice(t)
	if empty := readFeed(t, get(t, o.serve(false), "/feed.atom").body); empty.ID == "" || empty.Updated == "" {
		t.Errorf("%+v", empty)
	}
	p := knowledge.Public{Entry: rebuttal("baijiu"), Version: 1, Standing: knowledge.Served}
	p.Entry.Short, p.Entry.Summary = "甲\x00\x0b\xff", "]]></summary><!--&amp;"
	if feed := readFeed(t, get(t, serveOne(t, &p, ""), "/feed.atom").body); !strings.HasPrefix(feed.Entries[0].Summary, "]]></summary>") || feed.Entries[0].Link.Href != "/e/baijiu" {
		t.Errorf("%+v", feed.Entries)
	}
}

type urlset struct {
	XMLName xml.Name
	URLs    []struct {
		Loc     string `xml:"loc"`
		LastMod string `xml:"lastmod"`
	} `xml:"url"`
	Parts []struct {
		Loc string `xml:"loc"`
	} `xml:"sitemap"`
}

// TestSitemap: one list while it fits, else an index of lists that together have every entry once.
func TestSitemap(t *testing.T) {
	o := newOffice(t)
	for i := range 5 {
		o.publish(rebuttal(fmt.Sprintf("entry-%d", i)))
	}
	for perMap, parts := range map[int]int{5: 0, 4: 2, 2: 3, 1: 5} {
		s := o.site()
		s.SetPerSitemap(perMap)
		handler := serve(s)
		read := func(target string) (u urlset) {
			if err := xml.Unmarshal([]byte(get(t, handler, target).body), &u); err != nil {
				t.Fatalf("%s: %v", target, err)
			}
			return u
		}
		top := read("/sitemap.xml")
		all := top.URLs
		for _, part := range top.Parts {
			all = append(all, read(strings.TrimPrefix(part.Loc, address)).URLs...)
		}
		if len(top.Parts) != parts || len(all) != 5 {
			t.Fatalf("%d a map: %d parts, %d addresses", perMap, len(top.Parts), len(all))
		}
		for i, u := range all {
			if u.Loc != fmt.Sprintf("%s/e/entry-%d", address, i) || u.LastMod != "2026-11-27T09:00:00+08:00" {
				t.Errorf("%+v", u)
			}
		}
		for _, none := range []string{"0.xml", "9.xml", "01.xml", "1", "x.xml", "-1.xml", "99999999999999999999.xml"} {
			if got := get(t, handler, "/sitemaps/"+none); got.status != 404 {
				t.Errorf("%s: %d", none, got.status)
			}
		}
	}
}

// TestAddresses: absolute ones begin with what the operator said; a Host that a client made up is in none.
func TestAddresses(t *testing.T) {
	p := knowledge.Public{Entry: rebuttal("baijiu"), Version: 1, Standing: knowledge.Served}
	for _, c := range []struct{ public, host, base string }{
		{address, "evil.example", address}, {address + "/", "evil.example", address}, {"", "evil.example", ""}, {"", "localhost", "http://localhost"},
		{"", "127.0.0.1:8080", "http://127.0.0.1:8080"}, {"", "[::1]:8080", "http://[::1]:8080"}, {"", "localhost.evil.example", ""}, {"", "localhost:80@evil.example", ""},
		{"", `localhost:"><script>`, ""}, {"", "", ""},
	} {
		handler := serveOne(t, &p, c.public)
		pages := map[string]string{"/e/baijiu": `<link rel="canonical" href="` + c.base, "/robots.txt": "Sitemap: " + c.base, "/sitemap.xml": "<loc>" + c.base, "/api/v1/entries/baijiu": `"url":"` + c.base + "/e/"}
		for target, want := range pages {
			got := get(t, handler, target, "Host", c.host)
			if strings.Contains(got.body, "evil") || strings.Contains(got.body, want) != (c.base != "") {
				t.Errorf("public_url %q, host %q: %s has %q: %s", c.public, c.host, target, want, got.body)
			}
		}
	}
}
