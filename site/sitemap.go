package site

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// perSitemap is the most addresses that one sitemap may have (sitemaps.org).
const perSitemap = 50_000

type sitemapURLs struct {
	XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
	URLs    []sitemapURL
}

type sitemapURL struct {
	XMLName xml.Name `xml:"url"`
	Loc     string   `xml:"loc"`
	LastMod string   `xml:"lastmod"`
}

type sitemapIndex struct {
	XMLName  xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 sitemapindex"`
	Sitemaps []sitemapPart
}

type sitemapPart struct {
	XMLName xml.Name `xml:"sitemap"`
	Loc     string   `xml:"loc"`
}

// sitemap lists the signed entries, or the sitemaps that do where they are too many for one. Its addresses must be absolute: there is none while
// nobody has said where this is.
func (s *Site) sitemap(w http.ResponseWriter, r *http.Request) {
	base := s.base(r)
	if base == "" {
		http.Error(w, "no sitemap: the setting public_url says what its addresses begin with", http.StatusNotFound)
		return
	}
	urls, total, err := s.urls(r, base, 0)
	if err != nil {
		s.failedPlainly(w, r, err)
		return
	}
	if total <= s.perMap {
		s.writeXML(w, r, sitemapURLs{URLs: urls})
		return
	}
	var index sitemapIndex
	for i := range (total + s.perMap - 1) / s.perMap {
		index.Sitemaps = append(index.Sitemaps, sitemapPart{Loc: fmt.Sprintf("%s/sitemaps/%d.xml", base, i+1)})
	}
	s.writeXML(w, r, index)
}

// sitemapPart is one of those that the index names.
func (s *Site) sitemapPart(w http.ResponseWriter, r *http.Request) {
	base := s.base(r)
	name, ok := strings.CutSuffix(r.PathValue("part"), ".xml")
	n, err := strconv.Atoi(name)
	if base == "" || !ok || err != nil || n < 1 || n > 1_000 || strconv.Itoa(n) != name {
		http.NotFound(w, r)
		return
	}
	urls, _, err := s.urls(r, base, (n-1)*s.perMap)
	switch {
	case err != nil:
		s.failedPlainly(w, r, err)
	case len(urls) == 0:
		http.NotFound(w, r)
	default:
		s.writeXML(w, r, sitemapURLs{URLs: urls})
	}
}

func (s *Site) urls(r *http.Request, base string, offset int) ([]sitemapURL, int, error) {
	ids, total, err := s.Store.PublicIDs(r.Context(), s.Now(), offset, s.perMap)
	if err != nil {
		return nil, 0, err
	}
	urls := make([]sitemapURL, len(ids))
	for i, c := range ids {
		urls[i] = sitemapURL{Loc: base + entryPath(c.ID), LastMod: stamp(c.UpdatedAt)}
	}
	return urls, total, nil
}

func (s *Site) writeXML(w http.ResponseWriter, r *http.Request, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		s.failedPlainly(w, r, err)
		return
	}
	respond(w, r, "application/xml; charset=utf-8", append([]byte(xml.Header), body...))
}

// robots lets everybody read what is public.
func (s *Site) robots(w http.ResponseWriter, r *http.Request) {
	lines := []string{"User-agent: *", "Disallow: /console", "Disallow: /api/"}
	if base := s.base(r); base != "" {
		lines = append(lines, "", "Sitemap: "+base+"/sitemap.xml")
	}
	respond(w, r, "text/plain; charset=utf-8", []byte(strings.Join(lines, "\n")+"\n"))
}
