package fetch

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// TestDocument: a file at an address comes as it is; what is no document, is too large or lies inside is refused.
func TestDocument(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a.pdf":
			w.Header().Set("Content-Type", "application/pdf")
			_, _ = w.Write([]byte("%PDF-1.7"))
		case "/a.png":
			w.Header().Set("Content-Type", "image/png")
		case "/large":
			w.Header().Set("Content-Type", "text/plain")
			for range 33 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	client := Client{allow: func(netip.AddrPort) bool { return true }}
	if body, err := client.Document(context.Background(), server.URL+"/a.pdf"); err != nil || string(body) != "%PDF-1.7" {
		t.Errorf("%q, %v", body, err)
	}
	for _, path := range []string{"/a.png", "/large", "/none"} {
		if _, err := client.Document(context.Background(), server.URL+path); err == nil {
			t.Errorf("%s was taken", path)
		}
	}
	for _, address := range []string{server.URL + "/a.pdf", "file:///etc/passwd", "http://user@example.org/", "http://169.254.169.254/"} {
		if _, err := (&Client{}).Document(context.Background(), address); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
