package page_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"qiuzhen/page"
)

// TestAddress: only hops that proxies of ours have added are believed.
func TestAddress(t *testing.T) {
	for name, c := range map[string]struct {
		proxies, peer string
		forwarded     []string
		want          string
	}{
		"no proxy, header made up":        {"", "203.0.113.9:1234", []string{"198.51.100.1"}, "203.0.113.9"},
		"stranger, header made up":        {"10.0.0.0/8", "203.0.113.9:1234", []string{"198.51.100.1"}, "203.0.113.9"},
		"one proxy":                       {"127.0.0.1", "127.0.0.1:1234", []string{"203.0.113.9"}, "203.0.113.9"},
		"one proxy, front made up":        {"127.0.0.1", "127.0.0.1:1234", []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		"two proxies, two lines":          {"127.0.0.1, 10.0.0.0/8", "127.0.0.1:1234", []string{"198.51.100.1, 203.0.113.9", "10.1.2.3"}, "203.0.113.9"},
		"proxy that says nothing":         {"127.0.0.1", "127.0.0.1:1234", nil, "127.0.0.1"},
		"proxy that says nonsense":        {"127.0.0.1", "127.0.0.1:1234", []string{"unknown"}, "127.0.0.1"},
		"IPv4 in IPv6":                    {"127.0.0.1", "[::ffff:127.0.0.1]:1234", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"IPv6":                            {"fd00::/8", "[fd00::1]:1234", []string{"2001:db8::9"}, "2001:db8::9"},
		"a socket without an address":     {"127.0.0.1", "@", []string{"203.0.113.9"}, "invalid IP"},
		"nothing trusted but zero prefix": {"0.0.0.0/0", "203.0.113.9:1", []string{"198.51.100.1"}, "198.51.100.1"},
	} {
		proxies, err := page.ParseProxies(c.proxies)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		for _, line := range c.forwarded {
			r.Header.Add("X-Forwarded-For", line)
		}
		if got := proxies.Address(r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if _, err := page.ParseProxies("127.0.0.1/33"); err == nil {
		t.Error("an impossible range is taken")
	}
}

func TestSecure(t *testing.T) {
	proxies, _ := page.ParseProxies("127.0.0.1")
	for peer, want := range map[string]bool{"127.0.0.1:1": true, "203.0.113.9:1": false} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-Proto", "https")
		if got := proxies.Secure(r); got != want {
			t.Errorf("%s: %t", peer, got)
		}
	}
}

// TestBehindProxy: behind a real proxy that is trusted, set up as docs/operate.zh-CN.md says, the reader's address, HTTPS and the host are the
// reader's; what the reader makes up is not believed, and nobody is believed whose address is not named.
func TestBehindProxy(t *testing.T) {
	for trusted, want := range map[string]string{"127.0.0.1": "127.0.0.1 true qiuzhen.example.cn", "": "127.0.0.1 false qiuzhen.example.cn"} {
		proxies, err := page.ParseProxies(trusted)
		if err != nil {
			t.Fatal(err)
		}
		ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, proxies.Address(r), " ", proxies.Secure(r), " ", r.Host)
		}))
		defer ours.Close()
		address, err := url.Parse(ours.URL)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(address)
			r.Out.Host = r.In.Host
			r.SetXForwarded() // rewrites what came with the request
		}})
		defer proxy.Close()
		request, err := http.NewRequest(http.MethodGet, proxy.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "qiuzhen.example.cn"
		request.Header.Set("X-Forwarded-For", "203.0.113.9")
		response, err := proxy.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		if response.Body.Close(); err != nil || string(got) != want {
			t.Errorf("trusted %q: %s, want %s (%v)", trusted, got, want, err)
		}
	}
}
