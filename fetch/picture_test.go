package fetch

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// TestPicture: pictures of the named domain come as they are; from elsewhere, also by a redirect, nothing does, nor what is none or too large. No error
// repeats the address.
func TestPicture(t *testing.T) {
	client, at := here(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a":
			w.Header().Set("Content-Type", "image/webp")
			_, _ = w.Write([]byte("RIFF"))
		case "/moved":
			http.Redirect(w, r, "/a", http.StatusFound)
		case "/away":
			http.Redirect(w, r, strings.Replace("http://"+r.Host+"/a", "LOCALHOST", "127.0.0.1", 1), http.StatusFound)
		case "/page":
			w.Header().Set("Content-Type", "text/html")
		case "/large":
			w.Header().Set("Content-Type", "image/png")
			for range maxPicture>>20 + 1 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		default:
			http.NotFound(w, r)
		}
	})
	at = strings.Replace(at, "127.0.0.1", "LOCALHOST", 1)
	for path, want := range map[string]error{
		"/a": nil, "/moved": nil, "/away": ErrAddress, "/page": errAny, "/large": errAny, "/none": errAny,
	} {
		body, err := client.Picture(t.Context(), at+path, "localhost")
		switch {
		case want == nil && (err != nil || string(body) != "RIFF"):
			t.Errorf("%s: %q, %v", path, body, err)
		case want != nil && (err == nil || body != nil || want != errAny && !errors.Is(err, want) || strings.Contains(err.Error(), "://")):
			t.Errorf("%s: %d bytes, %v", path, len(body), err)
		}
	}
	for _, address := range []string{
		"http://qpic.cn.example.org/a", "http://notqpic.cn/a", "http://example.org/qpic.cn", "http://user@mmbiz.qpic.cn/a", "ftp://mmbiz.qpic.cn/a",
		"http://mmbiz.qpic.cn@example.org/a", "http://example.org#.qpic.cn", "//mmbiz.qpic.cn/a", "http://127.0.0.1/a", "http://[::1]/a", "", "http://\x00.qpic.cn/",
	} {
		if _, err := (&Client{}).Picture(t.Context(), address, "qpic.cn"); err == nil || strings.Contains(err.Error(), "://") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

var errAny = errors.New("any")
