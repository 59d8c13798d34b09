package e2e

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

const telegramSecret = "a-secret-of-thirty-two-characters"

// TestGuideProxy: behind the guide's own configuration of nginx a reader chats with and without JavaScript, over TLS and as from their own address, and is
// told what to do while the program is started again; the platforms' posts come through, and files as large as the console takes.
func TestGuideProxy(t *testing.T) {
	findNginx(t)
	b := openBrowser(t, ownCertificates)
	p := newProgram(t)
	listen := freePort(t)
	n, fakes := behindNginx(t, "http://"+listen), newPlatforms(t)
	p.listen, p.set = listen, []string{
		behindProxy, "serve_unsigned=true", "public_url=https://" + n.secure, "telegram_token=123456:" + strings.Repeat("A", 35), "telegram_secret=" + telegramSecret,
		"telegram_api=" + fakes.URL, "wechat_api=" + fakes.URL, "wechat_app_id=wx0123456789abcdef", "wechat_app_secret=secret", "wechat_token=qiuzhen",
	}
	p.serve()
	p.run("ingest", "../content/rumour/baijiu-kills-virus.md")
	for _, part := range []struct {
		name string
		do   func(*testing.T, *nginx)
	}{{"Plain", redirects}, {"Forms", takesForms}, {"Sizes", takesSizes}, {"Platforms", takesPosts}, {"Addresses", knowsAddresses}} {
		t.Run(part.name, func(t *testing.T) { part.do(t, n) })
	}
	for end := time.Now().Add(30 * time.Second); fakes.got(lead)["7"] == 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("who asks on Telegram is not answered")
		}
	}
	chatsThrough(b, p, n)
}

// redirects: what comes without TLS is led to it.
func redirects(t *testing.T, n *nginx) {
	response, _ := n.do(t, "GET", "http://"+n.plain+"/chat?a=b", nil, "")
	if at := response.Header.Get("Location"); response.StatusCode != 301 || at != "https://"+n.secure+"/chat?a=b" {
		t.Errorf("status %d, to %s", response.StatusCode, at)
	}
}

// takesForms: a form of this site is taken by what any browser says of it, and leaves cookies that go over TLS alone.
func takesForms(t *testing.T, n *nginx) {
	form := url.Values{"text": {baijiu}}.Encode()
	for name, c := range map[string]struct {
		header map[string]string
		status int
	}{
		"a new browser": {map[string]string{"Sec-Fetch-Site": "same-origin"}, 200}, "an old one": {map[string]string{"Origin": "https://" + n.secure}, 200},
		"another site": {map[string]string{"Origin": "https://evil.example"}, 403}, "this site without TLS": {map[string]string{"Origin": "http://" + n.plain}, 403},
	} {
		response, body := n.do(t, "POST", "https://"+n.secure+"/ask", c.header, form)
		if response.StatusCode != c.status || strings.Contains(body, lead) != (c.status == 200) {
			t.Errorf("%s: status %d, want %d\n%s", name, response.StatusCode, c.status, body)
		}
		for _, cookie := range response.Cookies() {
			if !cookie.Secure {
				t.Errorf("%s: cookie %s goes without TLS", name, cookie.Name)
			}
		}
		if c.status == 200 && len(response.Cookies()) == 0 {
			t.Errorf("%s: no cookie", name)
		}
		if h := response.Header; h.Get("Content-Security-Policy") == "" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", name, h)
		}
	}
}

// takesSizes: what is too large is refused in the program's own words as far as it is let through, else in the guide's; a file as large as the console takes
// gets there.
func takesSizes(t *testing.T, n *nginx) {
	for _, c := range []struct {
		path   string
		size   int
		status int
		says   string
	}{
		{"/ask", 100 << 10, 200, "太长了"}, {"/ask", 300 << 10, 413, "太长了"}, {"/ask", 19 << 17, 413, "太大了"}, {"/ask", 1900 << 10, 413, "太长了"},
		{"/console/upload", 3 << 20, 401, "还没有登录"}, {"/console/upload", 32 << 20, 401, "还没有登录"}, {"/console/upload", 34 << 20, 413, "32 MB"},
		{"/console/sign-in", 3 << 20, 413, "太大了"},
	} {
		response, body := n.do(t, "POST", "https://"+n.secure+c.path, map[string]string{"Sec-Fetch-Site": "same-origin"}, "text="+strings.Repeat("a", c.size))
		if response.StatusCode != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s of %d bytes: status %d, want %d and %q\n%.500s", c.path, c.size, response.StatusCode, c.status, c.says, body)
		}
	}
}

// takesPosts: the platforms' posts come through as they were sent.
func takesPosts(t *testing.T, n *nginx) {
	for secret, status := range map[string]int{telegramSecret: 200, "another": 403} {
		update := fmt.Sprintf(`{"update_id":1,"message":{"message_id":1,"from":{"id":7},"chat":{"id":7,"type":"private"},"date":%d,"text":"%s"}}`, time.Now().Unix(), baijiu)
		response, _ := n.do(t, "POST", "https://"+n.secure+"/telegram/webhook", map[string]string{
			"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": secret}, update)
		if response.StatusCode != status {
			t.Errorf("Telegram, secret %s: status %d, want %d", secret, response.StatusCode, status)
		}
	}
	stamp := fmt.Sprint(time.Now().Unix())
	words := []string{"qiuzhen", stamp, "12345"}
	slices.Sort(words)
	sum := sha1.Sum([]byte(strings.Join(words, "")))
	query := url.Values{"timestamp": {stamp}, "nonce": {"12345"}, "signature": {hex.EncodeToString(sum[:])}}
	message := fmt.Sprintf(`<xml><ToUserName>gh_1</ToUserName><FromUserName>openid-7</FromUserName><CreateTime>%s</CreateTime><MsgType>text</MsgType><Content>%s</Content><MsgId>77</MsgId></xml>`, stamp, baijiu)
	if response, body := n.do(t, "POST", "https://"+n.secure+"/wechat/callback?"+query.Encode(), map[string]string{"Content-Type": "text/xml"}, message); !strings.Contains(body, lead) {
		t.Errorf("WeChat is answered %d: %s", response.StatusCode, body)
	}
	query.Set("echostr", "an-echo")
	check := func() (int, string) {
		response, body := n.do(t, "GET", "https://"+n.secure+"/wechat/callback?"+query.Encode(), nil, "")
		return response.StatusCode, body
	}
	if status, body := check(); status != 200 || body != "an-echo" {
		t.Errorf("WeChat's check is answered %d: %s", status, body)
	}
	sum[0]++
	query.Set("signature", hex.EncodeToString(sum[:]))
	if status, body := check(); status != 403 || strings.Contains(body, "an-echo") {
		t.Errorf("a check that another signed is answered %d: %s", status, body)
	}
}

// knowsAddresses: of one address so many new readers are answered, whatever it says of itself; of another still.
func knowsAddresses(t *testing.T, n *nginx) {
	ask := func(n *nginx, i int) int {
		header := map[string]string{"X-Forwarded-For": fmt.Sprintf("203.0.113.%d", i), "X-Real-IP": fmt.Sprintf("203.0.113.%d", i), "Forwarded": fmt.Sprintf("for=203.0.113.%d", i)}
		response, _ := n.do(t, "POST", "https://"+n.secure+"/ask", header, "text=%E4%BD%A0%E5%A5%BD")
		return response.StatusCode
	}
	refused, one := 0, n.from(2)
	for i := 1; i <= 80; i++ {
		if ask(one, i) == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 5 {
		t.Errorf("%d of 80 new readers of one address are refused: what it says of itself is believed", refused)
	}
	if status := ask(n.from(3), 1); status != 200 {
		t.Errorf("a new reader of another address is answered %d: all are counted as one", status)
	}
}

// chatsThrough is a reader who asks, also while the program is being started again.
func chatsThrough(b *browser, p *program, n *nginx) {
	with, without := b.window("https://"+n.secure), b.window("https://"+n.secure)
	without.scripts(false)
	for _, v := range []*visit{with, without} {
		v.phone()
		v.open("/")
	}
	with.send(baijiu, lead)
	without.fill("#text", baijiu)
	without.press("#ask .main", lead)
	p.stop()
	with.fill("#text", "你好")
	with.click("#ask .main")
	with.until("that it was not received", `document.getElementById("notice").innerText.includes("刚才没有收到，请再发一次。")`)
	without.fill("#text", "你好")
	without.press("#ask .main", "刚才没有收到。请过一分钟退回上一页，再发一次。", "120")
	p.serve()
	with.click("#notice button")
	with.until("the answer", `document.querySelectorAll(".turn").length === 2 && document.getElementById("text").value === ""`)
	without.script("go back", `history.back()`)
	without.eventually("what was typed is there, and sent again", `(() => {
		const text = document.querySelector("#text");
		if (!text || text.value !== "你好") return false;
		document.querySelector("#ask .main").click();
		return true;
	})()`)
	without.eventually("the answer", `document.querySelectorAll(".turn").length === 2 && document.body.innerText.includes("您问：你好")`)
}

// from is the same for who comes from another address of this machine.
func (n *nginx) from(host byte) *nginx {
	other := *n
	transport := n.client.Transport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, host)}}).DialContext
	other.client = &http.Client{Transport: transport, Timeout: time.Minute}
	return &other
}

// do is a request as a client sends it.
func (n *nginx) do(t *testing.T, method, address string, header map[string]string, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, address, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := n.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(said)
}
