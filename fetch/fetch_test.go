package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
)

func TestIsPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.216.34:443": true, "93.184.216.34:80": true, "[2606:2800:220:1::1]:443": true,
		"93.184.216.34:22": false, "93.184.216.34:8080": false,
		"127.0.0.1:80": false, "10.1.2.3:80": false, "172.16.0.1:443": false, "192.168.1.1:80": false, "169.254.169.254:80": false,
		"100.64.0.1:80": false, "0.0.0.0:80": false, "0.1.2.3:80": false, "224.0.0.1:80": false, "255.255.255.255:80": false, "198.18.0.1:80": false,
		"[::1]:80": false, "[::]:80": false, "[fe80::1]:80": false, "[fc00::1]:80": false, "[ff02::1]:80": false,
		"[::ffff:127.0.0.1]:80": false, "[::ffff:10.0.0.1]:80": false, "[64:ff9b::7f00:1]:80": false, "[2002:7f00:1::]:80": false, "[::7f00:1]:80": false,
	} {
		if got := isPublic(netip.MustParseAddrPort(address)); got != want {
			t.Errorf("%s: public is %t, want %t", address, got, want)
		}
	}
}

// here lets a test reach its own server, by its port alone.
func here(t *testing.T, h http.HandlerFunc) (*Client, string) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	own := netip.MustParseAddrPort(server.Listener.Addr().String())
	return &Client{allow: func(to netip.AddrPort) bool { return to == own }}, server.URL
}

const article = `<html><head><title>辟谣：喝白酒不能杀病毒</title></head><body><nav><a href="/">首页</a></nav><article><h1>辟谣</h1>
<p>网上流传喝高度白酒可以杀死流感病毒，这是谣言，喝下去的酒精到不了病毒所在的地方，也到不了能消毒的浓度，反而会伤胃伤肝，请大家不要相信，不要转发。</p>
<p>预防流感要打疫苗、勤洗手、多通风，出门戴好口罩，家里有老人的更要注意，发烧三天不退要到医院去看，不要自己在家里乱吃药。</p></article></body></html>`

func TestReadTakesTitleAndText(t *testing.T) {
	gbk, err := simplifiedchinese.GB18030.NewEncoder().String(article)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ contentType, body string }{
		"UTF-8":                  {"text/html; charset=utf-8", article},
		"GB18030 by the header":  {"text/html; charset=gb2312", gbk},
		"GB18030 by the page":    {"text/html", strings.Replace(gbk, "<head>", `<head><meta charset="gbk">`, 1)},
		"GB18030 without a word": {"text/html", gbk},
		"GB18030 called UTF-8":   {"text/html; charset=utf-8", gbk},
	} {
		client, at := here(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.contentType)
			fmt.Fprint(w, c.body)
		})
		page, err := client.Read(context.Background(), at+"/a")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if page.Title != "辟谣：喝白酒不能杀病毒" || !strings.Contains(page.Text, "喝高度白酒可以杀死流感病毒") || strings.Contains(page.Text, "首页") {
			t.Errorf("%s: %+v", name, page)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	client, at := here(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/inside": // a public page that leads inside
			http.Redirect(w, r, "http://127.0.0.2/admin", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/pdf":
			w.Header().Set("Content-Type", "application/pdf")
		case "/large":
			w.Header().Set("Content-Type", "text/html")
			for range 3 << 10 {
				fmt.Fprint(w, strings.Repeat("大", 350))
			}
		case "/gone":
			http.NotFound(w, r)
		}
	})
	for address, want := range map[string]error{
		at + "/inside": ErrAddress, at + "/file": ErrAddress, at + "/pdf": ErrKind, at + "/large": ErrSize,
		at + "/round": nil, at + "/gone": nil,
		"ftp://example.com/": ErrAddress, "http://": ErrAddress, "http://user:secret@example.com/": ErrAddress,
		"http://" + strings.Repeat("a", 3000): ErrAddress,
	} {
		_, err := client.Read(context.Background(), address)
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%.40s: %v, want %v", address, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error carries a password: %v", err)
		}
	}
	var guarded Client
	for _, address := range []string{at, "http://localhost/", "http://127.0.0.1/", "http://[::1]/", "http://0x7f000001/", "http://2130706433/"} {
		if _, err := guarded.Read(context.Background(), address); err == nil {
			t.Errorf("%s was fetched", address)
		}
	}
}

func TestReadGivesUp(t *testing.T) {
	client, at := here(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for r.Context().Err() == nil { // a server that never ends
			fmt.Fprint(w, ".")
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := client.Read(ctx, at); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v after %v, want the deadline", err, time.Since(start))
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(article), "utf-8")
	f.Add([]byte("<title>\xb1\xd9\xd2\xa5"), "")
	f.Add([]byte("<svg><title>a</title></svg><meta property=og:title content=b>"), "gbk")
	f.Fuzz(func(t *testing.T, body []byte, charset string) {
		page, err := parse(body, charset, nil)
		if err == nil && (len([]rune(page.Title)) > maxText || len([]rune(page.Text)) > maxText) {
			t.Errorf("%d and %d characters kept", len([]rune(page.Title)), len([]rune(page.Text)))
		}
	})
}
