package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

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
}

// TestReadGuards: what a Client may reach in earnest. 127.0.0.1 at a port that pages have, so that it is the address that is refused.
func TestReadGuards(t *testing.T) {
	var guarded Client
	for _, address := range []string{"http://localhost/", "http://127.0.0.1/", "http://[::1]/", "https://127.0.0.1/", "http://169.254.169.254/latest/meta-data/",
		"http://10.0.0.1/", "http://192.168.1.1/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "http://127.0.0.1:5432/"} {
		if _, err := guarded.Read(context.Background(), address); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v, want %v", address, err, ErrAddress)
		}
	}
	for _, address := range []string{"http://0x7f000001/", "http://2130706433/", "http://127.1/"} { // resolvers differ about these
		var unknown *net.DNSError
		if _, err := guarded.Read(context.Background(), address); !errors.Is(err, ErrAddress) && !errors.As(err, &unknown) {
			t.Errorf("%s: %v, want %v or no such host", address, err, ErrAddress)
		}
	}
}

// TestReadGuardsRedirects: a page outside leads inside; beyond the test's own server the guard is the real one.
func TestReadGuardsRedirects(t *testing.T) {
	client, at := here(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	})
	own := client.allow
	client.allow = func(to netip.AddrPort) bool { return own(to) || isPublic(to) }
	for _, to := range []string{"http://127.0.0.2/", "http://localhost/", "http://[::1]/", "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/",
		"https://192.168.1.1/", at + "/?to=http://127.0.0.2/", "http://127.0.0.2:5432/", "gopher://127.0.0.1/", "file:///etc/passwd"} {
		if _, err := client.Read(context.Background(), at+"/?to="+url.QueryEscape(to)); !errors.Is(err, ErrAddress) {
			t.Errorf("redirected to %s: %v, want %v", to, err, ErrAddress)
		}
	}
}

// TestReadGivesUp: its own limit ends what a server draws out, whatever the caller allows.
func TestReadGivesUp(t *testing.T) {
	client, at := here(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/silent" {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "text/html")
		for r.Context().Err() == nil { // a server that never ends
			fmt.Fprint(w, ".")
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	client.limit = 200 * time.Millisecond
	for _, path := range []string{"/drip", "/silent"} {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		if _, err := client.Read(ctx, at+path); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			t.Errorf("%s: %v (the caller's: %v), want the client's own deadline", path, err, ctx.Err())
		}
		cancel()
	}
	if timeout != 5*time.Second || (&Client{}).limit != 0 {
		t.Errorf("the limit is %v, want 5 s", timeout)
	}
}

// TestParseInTime: a page that arrives with the last moment is not parsed.
func TestParseInTime(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if page, err := parse(ctx, []byte(article), "", nil); !errors.Is(err, context.Canceled) || page != (Page{}) {
		t.Errorf("%+v, %v: want %v", page, err, context.Canceled)
	}
}

func TestParseTakesTheBeginning(t *testing.T) {
	paragraph := "<p>网上流传喝高度白酒可以杀死流感病毒，这是谣言，喝下去的酒精到不了病毒所在的地方，也到不了能消毒的浓度。</p>"
	filler := strings.Repeat("var a = '字';", maxParsed/8)
	long := "<html><head><title>" + strings.Repeat("辟谣", 100) + "</title><SCRIPT type=a>" + filler + "</Script ><style>" + filler + "</style></head><body><article>" +
		"<p>开头这一段说的是喝高度白酒可以杀死流感病毒，网上转得很多，家里老人问了好几回，所以写在最前面。</p>" + strings.Repeat(paragraph, 3000) + "<p>末尾这一段</p></article></body></html>"
	page, err := parse(context.Background(), []byte(long), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(page.Text, "开头这一段") || strings.Contains(page.Text, "末尾") {
		t.Errorf("text %.30q…, want the beginning behind scripts longer than what is parsed", page.Text)
	}
	if n := len([]rune(page.Title + "\n" + page.Text)); n > 600 { // retrieval.maxPage: beyond, its end would be taken for its beginning
		t.Errorf("%d characters kept", n)
	}
}

func TestShorten(t *testing.T) {
	for page, want := range map[string]string{
		"":                            "",
		"a<script>b</script>c":        "ac",
		"a<STYLE x=y>b</ style>c":     "a",
		"<scripts>a</scripts>":        "<scripts>a</scripts>",
		"a<script/>b</b></script\n>c": "ac",
		"a<script":                    "a<script",
		"a<script>b</script":          "a",
		"<":                           "<",
	} {
		if got := string(shorten([]byte(page))); got != want {
			t.Errorf("%q: %q, want %q", page, got, want)
		}
	}
	for _, page := range []string{strings.Repeat("字", maxParsed), "x" + strings.Repeat("字", maxParsed), "xx" + strings.Repeat("字", maxParsed)} {
		if got := shorten([]byte(page)); len(got) > maxParsed || len(got) < maxParsed-3 || !utf8.Valid(got) {
			t.Errorf("%d bytes kept, valid: %t", len(got), utf8.Valid(got))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(article), "utf-8")
	f.Add([]byte("<title>\xb1\xd9\xd2\xa5"), "")
	f.Add([]byte("<svg><title>a</title></svg><meta property=og:title content=b>"), "gbk")
	f.Fuzz(func(t *testing.T, body []byte, charset string) {
		page, err := parse(context.Background(), body, charset, nil)
		if err == nil && (len([]rune(page.Title)) > maxTitle || len([]rune(page.Text)) > maxText) {
			t.Errorf("%d and %d characters kept", len([]rune(page.Title)), len([]rune(page.Text)))
		}
	})
}
