// Package site is what anybody may read without asking: a page for each entry, the feed and sitemap of all, and the same for programs.
// Its pages are made on the server and run nothing.
package site

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/page"
)

// Store is where the entries are.
type Store interface {
	PublicEntry(ctx context.Context, id knowledge.ID, unsigned bool, now time.Time) (knowledge.Public, error)
	PublicEntries(ctx context.Context, q knowledge.PublicQuery) ([]knowledge.Public, error)
	PublicIDs(ctx context.Context, now time.Time, offset, limit int) (ids []knowledge.Changed, total int, err error)
}

// Site serves entries to the public.
type Site struct {
	Store Store
	// URL is the address that readers see, without a slash at the end; empty: links are relative, except on this machine itself.
	URL      string
	Unsigned bool // drafts too, labelled
	Now      func() time.Time
	Log      *slog.Logger

	listing chan struct{} // turns of what reads many entries
	perMap  int
}

// New returns a site of the store's entries.
func New(store Store, url string, unsigned bool, now func() time.Time, log *slog.Logger) *Site {
	return &Site{store, strings.TrimSuffix(url, "/"), unsigned, now, log, make(chan struct{}, listsAtOnce), perSitemap}
}

// listsAtOnce keeps lists from taking the database's connections from who asks a question.
const listsAtOnce = 2

// patience is how long a reader waits for the database, and a list for its turn.
const patience = 5 * time.Second

// Routes are the ways in.
func (s *Site) Routes() []page.Route {
	open := func(pattern string, h http.HandlerFunc) page.Route {
		return page.Route{Pattern: pattern, Access: page.Public, Handler: h}
	}
	return []page.Route{
		open("GET /e/{slug}", s.entry),
		open("GET /feed.atom", s.inTurn(s.feed, s.failedPlainly)),
		open("GET /sitemap.xml", s.inTurn(s.sitemap, s.failedPlainly)),
		open("GET /sitemaps/{part}", s.inTurn(s.sitemapPart, s.failedPlainly)),
		open("GET /robots.txt", s.robots),
		open("GET /api/v1/entries", anyOrigin(s.inTurn(s.apiEntries, s.apiFailed))),
		open("GET /api/v1/entries/{id}", anyOrigin(s.apiEntry)),
		open("GET /api/v1/openapi.json", anyOrigin(s.apiDescription)),
	}
}

var errBusy = errors.New("too many lists are being read")

// inTurn lets few run at once; who waits too long is refused.
func (s *Site) inTurn(h http.HandlerFunc, refuse func(http.ResponseWriter, *http.Request, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		select {
		case s.listing <- struct{}{}:
			defer func() { <-s.listing }()
			h(w, r.WithContext(ctx))
		case <-ctx.Done():
			refuse(w, r, errBusy)
		}
	}
}

// anyOrigin lets scripts of other sites read the response. Nothing of it depends on who asks.
func anyOrigin(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "ETag, Retry-After")
		h(w, r)
	}
}

// base is what absolute addresses begin with; empty: there are none. A request's Host says where this is only when it names this machine itself:
// any other may have been made up, and would stay in somebody's feed reader.
func (s *Site) base(r *http.Request) string {
	if s.URL != "" {
		return s.URL
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = r.Host, ""
	}
	if host != "localhost" && host != "127.0.0.1" && host != "::1" || strings.Trim(port, "0123456789") != "" {
		return ""
	}
	return "http://" + r.Host
}

// respond sends a body that whoever keeps it must ask about each time, so that what is withdrawn or expires is gone at once. The tag is of the
// whole body: whatever a reader sees differently has another.
func respond(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "no-cache")
	if matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", contentType)
	_, _ = w.Write(body) // the client is gone: nobody to tell
}

// matches compares weakly, as If-None-Match does: a proxy that compresses makes tags weak.
func matches(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		if candidate = strings.TrimSpace(candidate); candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
			return true
		}
	}
	return false
}

//go:embed *.tmpl
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "*.tmpl"))

// render fills a template. They are tested with all that an entry can be, so that a failure is a bug.
func render(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, name, data)
	return b.Bytes(), err
}

const htmlType = "text/html; charset=utf-8"
