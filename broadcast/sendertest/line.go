package sendertest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// Line lies between a sender and an HTTP platform, and breaks.
type Line struct {
	Next http.Handler
	Only string // of paths with these words; empty: all
	Code int    // of Busy; 0: 503

	mu    sync.Mutex
	fault Fault
	armed bool
}

// Through is a line to a platform that has an address already.
func Through(address string) (*Line, error) {
	to, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return &Line{Next: httputil.NewSingleHostReverseProxy(to)}, nil
}

// Arm makes the next call meet a fault of the line; false: it is none.
func (l *Line) Arm(f Fault) bool {
	if f < Busy {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault, l.armed = f, true
	return true
}

func (l *Line) take(path string) (Fault, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.armed || !strings.Contains(path, l.Only) {
		return 0, false
	}
	l.armed = false
	return l.fault, true
}

func (l *Line) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, broken := l.take(r.URL.Path)
	if !broken {
		l.Next.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body) // also lets the server see that the sender hangs up
	switch f {
	case Busy:
		w.WriteHeader(max(l.Code, http.StatusServiceUnavailable))
		fmt.Fprintf(w, "%s %s", r.URL, body)
	case Garbage:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<html><body>网关 %s %v %s</body></html>", r.URL, r.Header, body)
	case Dropped:
		panic(http.ErrAbortHandler)
	case Cut:
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		l.Next.ServeHTTP(answer, r)
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		w.Header().Set("Content-Length", fmt.Sprint(answer.Body.Len()))
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	case Hang:
		<-r.Context().Done()
	}
}

// Bytes is a text of n bytes.
func Bytes(n int) string { return strings.Repeat("演", n/3) + strings.Repeat("a", n%3) }

// Units is a text of n units of UTF-16.
func Units(n int) string { return strings.Repeat("😀", n/2) + strings.Repeat("a", n%2) }

// Runes is a text of n characters.
func Runes(n int) string { return strings.Repeat("😀", n) }
