package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPost: what is posted arrives, whatever the status is told, no redirect is followed, and what lies inside has to be allowed.
func TestPost(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("cut"))
		default:
			w.WriteHeader(http.StatusTeapot)
			_, _ = w.Write([]byte(r.Header.Get("X-Key") + string(body)))
		}
	}))
	defer server.Close()
	inside := Client{Private: true}
	header := http.Header{"X-Key": {"k:"}}
	if got, err := inside.Post(context.Background(), server.URL+"/", header, []byte("正文")); err != nil || got.Status != 418 || string(got.Body) != "k:正文" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := inside.Post(context.Background(), server.URL+"/moved", header, nil); err != nil || got.Status != 307 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := inside.Post(context.Background(), server.URL+"/cut?key=secret", header, nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
	for _, address := range []string{server.URL + "/?key=secret", "https://127.0.0.1/?key=secret", "https://10.0.0.1/?key=secret", "http://93.184.216.34/?key=secret",
		"ftp://example.org/?key=secret", "https://u:secret@example.org/", "https://[::1]:443/?key=secret", "https://example.org/%zz?key=secret"} {
		_, err := (&Client{}).Post(context.Background(), address, header, nil)
		if !errors.Is(err, ErrAddress) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"http://169.254.169.254/latest", "http://0.0.0.0/", "http://224.0.0.1/", "http://[fe80::1]/"} {
		if _, err := inside.Post(context.Background(), address, header, nil); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
