package wechattest

import (
	"context"
	"net"
	"net/http"
	"strings"
)

// PictureHost is where the platform keeps the pictures that readers send, for the three days in which their MediaId is good too.
const PictureHost = "mmbiz.qpic.cn"

// PicURL is the address of a picture (Put), as its message names it. It needs no token.
func PicURL(id string) string { return "http://" + PictureHost + "/mmbiz_jpg/" + id + "/0" }

// Outside is a client for which all hosts are the stand-in, as far as they are the platform's: an address elsewhere is not found.
func (p *Platform) Outside() *http.Client {
	here := p.server.Listener.Addr().String()
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, here)
	}}}
}

// hosts serves the API and the pictures, each under its own name.
func (p *Platform) hosts() http.Handler {
	api := p.api()
	pictures := http.NewServeMux()
	pictures.HandleFunc("GET /mmbiz_jpg/{id}/0", p.picture)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Host == PictureHost:
			pictures.ServeHTTP(w, r)
		case strings.HasPrefix(r.Host, "127.0.0.1:"), strings.HasPrefix(r.Host, "[::1]:"):
			api.ServeHTTP(w, r)
		default:
			p.mu.Lock()
			defer p.mu.Unlock()
			p.note(r, []byte("elsewhere: "+r.Host))
			http.NotFound(w, r)
		}
	})
}

func (p *Platform) picture(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(r, []byte("of "+r.Host))
	f, ok := p.media[r.PathValue("id")]
	if !ok || !strings.HasPrefix(f.kind, "image/") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.kind)
	_, _ = w.Write(f.data) // the caller is gone: nobody to tell
}
