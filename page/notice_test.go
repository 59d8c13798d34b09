package page_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"qiuzhen/page"
)

// TestFound: who comes to an address that there never was is told so in Chinese, with the way to the first page; programs and what routes answer
// themselves are left alone.
func TestFound(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/ask", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /ask", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /{$}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /e/{slug}", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "own", http.StatusNotFound) })
	mux.HandleFunc("GET /console/", func(http.ResponseWriter, *http.Request) {})
	handler := page.Secure(page.Found(mux))
	for name, c := range map[string]struct {
		method, path string
		status       int
		page         bool
	}{
		"nowhere":           {"GET", "/nothing-of-ours", 404, true},
		"its head":          {"HEAD", "/nothing-of-ours", 404, true},
		"deeper":            {"GET", "/e/x/y", 404, true},
		"the route's own":   {"GET", "/e/x", 404, false},
		"there":             {"GET", "/", 200, false},
		"a redirect":        {"GET", "/console", 307, false},
		"a method":          {"GET", "/ask", 405, false},
		"a method, program": {"GET", "/api/v1/ask", 405, false},
		"a program":         {"GET", "/api/v1/nowhere", 404, false},
		"sent to nowhere":   {"POST", "/nothing-of-ours", 404, false},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		isPage := strings.Contains(w.Body.String(), "没有找到这一页") && strings.Contains(w.Body.String(), `href="/"`) &&
			strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && strings.Contains(w.Body.String(), page.Style.Path)
		if w.Code != c.status || isPage != c.page {
			t.Errorf("%s: %d, %q", name, w.Code, w.Body)
		}
	}
}
