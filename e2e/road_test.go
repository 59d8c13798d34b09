package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// road lies between the browser and the program, and may be bad.
type road struct {
	*httptest.Server
	state atomic.Int32
}

const (
	open   int32 = iota
	slow         // two seconds each way
	broken       // a proxy that finds nobody behind it
	lost         // the connection ends before there is an answer
)

func newRoad(t *testing.T, to string) *road {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	r := &road{}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.Out.Host = p.In.Host // what the page's own address is compared with
	}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		switch r.state.Load() {
		case slow:
			time.Sleep(2 * time.Second)
		case broken:
			http.Error(w, "<h1>502 Bad Gateway</h1>", http.StatusBadGateway)
			return
		case lost:
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, request)
	}))
	t.Cleanup(r.Close)
	return r
}
