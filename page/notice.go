package page

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed notice.html
var noticeFile string

var noticeTemplate = template.Must(template.New("notice").Parse(noticeFile))

// Notice is a page instead of what was asked for: what is the matter, and what the reader can do.
type Notice struct {
	Head  string
	Lines []string
	Home  bool // with a way to the first page
}

// Style is the stylesheet, for the template.
func (Notice) Style() Asset { return Style }

// Write sends the notice with a status. No cache keeps it: what is missing may be there the next moment.
func (n Notice) Write(w http.ResponseWriter, status int) error {
	var b bytes.Buffer
	err := noticeTemplate.Execute(&b, n)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Robots-Tag", "noindex")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client is gone: nobody to tell
	return err
}

// missing is for an address that there never was.
var missing = Notice{"没有找到这一页", []string{"网址可能少抄了几个字，或者这一页已经不在了。", "想问什么，回到首页写一句话就行。有人不舒服、有危险，先打120或110。"}, true}

// Found serves a mux, and a page that says so in the place of its 404 for an address that no route has. What a program asks for below /api/, or
// sends, is answered in the mux's own words; so is what a route answers itself, and a method that an address does not take.
func Found(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" || r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasPrefix(r.URL.Path, "/api/") {
			mux.ServeHTTP(w, r)
			return
		}
		a := &absence{ResponseWriter: w}
		h.ServeHTTP(a, r)
		if a.missing {
			_ = missing.Write(w, http.StatusNotFound) // its words are constants: it was rendered in a test
		}
	})
}

// absence holds a 404 back.
type absence struct {
	http.ResponseWriter
	missing bool
}

func (a *absence) WriteHeader(status int) {
	if a.missing = status == http.StatusNotFound; !a.missing {
		a.ResponseWriter.WriteHeader(status)
	}
}

func (a *absence) Write(b []byte) (int, error) {
	if a.missing {
		return len(b), nil
	}
	return a.ResponseWriter.Write(b)
}
