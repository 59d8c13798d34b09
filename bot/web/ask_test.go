package web_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/web"
	"qiuzhen/page"
	"qiuzhen/retrieval"
)

var baijiu = bot.Reply{
	Result: retrieval.Result{Decision: retrieval.Sure},
	Text: "“喝白酒杀病毒”是谣言，不要转发。\n核查的说法：喝白酒可以杀死病毒。\n可以这样做：\n1. 勤洗手。\n2. 不舒服打120，拿不准打12320问一问。\n" +
		"来源：中国疾控中心《技术指南》（2023年9月）\n示范内容，尚未经专家签审。",
	Choices: []bot.Choice{{Label: "为什么", Say: "为什么"}, {Label: "来源", Say: "来源"}},
}

// TestAsking without JavaScript: the first page, a question, its answer, a button, and the conversation again.
func TestAsking(t *testing.T) {
	d := &desk{replies: map[string]bot.Reply{"喝白酒杀病毒吗": baijiu}}
	s := serve(t, d, nil)
	b := s.browser(t)
	home := b.get("/")
	home.has(t, 200, `<html lang="zh-CN" class="size-1">`, `<label for="text">`, "<summary>健康</summary>", "<summary>农业</summary>", "health的事怎么办")
	home.lacks(t, "劳动", "看刚才的对话") // nothing to ask; nothing asked
	answer := b.ask("喝白酒杀病毒吗", "once", home.once(t))
	if r := answer.Request; r.Method != "GET" || r.URL.Path != "/chat" || r.Response.StatusCode != http.StatusSeeOther ||
		r.Response.Header.Get("Location") != "/chat#t1" {
		t.Errorf("the question led to %s %s", r.Method, r.URL)
	}
	answer.has(t, 200, `<p class="lead">“喝白酒杀病毒”是谣言，不要转发。</p>`, `<ol start="1">`, `<li>勤洗手。</li>`, `<a href="tel:12320">12320</a>`,
		`<p class="source">来源：中国疾控中心`, `<p class="unsigned">示范内容`, `<button class="second choice" name="text" value="为什么">为什么</button>`,
		`name="about" value="1"`, `href="/print/1"`, "喝白酒杀病毒吗")
	if m := d.last(t); m.Via != web.Channel || m.Text != "喝白酒杀病毒吗" || len(m.Reader) != 32 || m.About != 0 || !m.At.Equal(s.now) {
		t.Errorf("the desk was asked %+v", m)
	}
	b.ask("为什么", "about", "1").has(t, 200, "是谣言，不要转发", "回答：为什么", `id="t2"`)
	if m := d.last(t); m.About != 1 {
		t.Errorf("the button is about %d", m.About)
	}
	d.replies["海鲜"] = bot.Reply{Text: "您问的是下面这个吗？\n1 甲肝怎么防", Choices: []bot.Choice{{Label: "甲肝怎么防", Say: "1"}}}
	b.ask("海鲜")
	b.ask("1", "about", "3").has(t, 200, `</span>甲肝怎么防</h2>`)
	b.get("/").has(t, 200, "看刚才的对话")
	b.get("/chat").has(t, 200, "是谣言，不要转发", "回答：为什么")
	other := s.browser(t)
	other.get("/chat").lacks(t, "谣言")
	other.get("/print/1").has(t, 404, "没有您要打印的回答")
	b.get("/print/1").has(t, 200, `<p class="lead">“喝白酒杀病毒”是谣言，不要转发。</p>`, "2026年11月27日打印")
	b.get("/print/x").has(t, 404)
}

// TestEscaping: whatever a reader or an answer says, it is text.
func TestEscaping(t *testing.T) {
	evil := `</textarea></h2><script>alert(1)</script>"><img src=x onerror=alert(2)>`
	d := &desk{replies: map[string]bot.Reply{evil: {Text: evil + "\n1. " + evil, Choices: []bot.Choice{{Label: evil, Say: evil}}}}}
	b := serve(t, d, nil).browser(t)
	b.get("/")
	answered := b.ask(evil)
	answered.has(t, 200, "&lt;script&gt;alert(1)")
	answered.lacks(t, "<script>alert", "<img")
	d.err = errors.New("down")
	b.ask(evil).lacks(t, "<script>alert", "<img")
	b.header.Set("X-Requested-With", "fetch")
	d.err = nil
	b.ask(evil).lacks(t, "<script>alert", "<img")
}

// TestSentAgain: a form that is sent twice is one question; the same words from another form are another.
func TestSentAgain(t *testing.T) {
	d := &desk{}
	b := serve(t, d, nil).browser(t)
	name := b.get("/").once(t)
	for range 3 {
		b.ask("味精致癌吗", "once", name).has(t, 200, "回答：味精致癌吗")
	}
	if d.count() != 1 {
		t.Errorf("asked %d times", d.count())
	}
	b.header.Set("X-Requested-With", "fetch")
	b.ask("味精致癌吗", "once", name).has(t, 200, `id="t1"`)
	b.header.Del("X-Requested-With")
	b.ask("味精致癌吗", "once", b.get("/").once(t)).has(t, 200, `id="t2"`)
	if d.count() != 2 {
		t.Errorf("asked %d times, want 2", d.count())
	}
}

// TestRefused: what cannot be asked is said kindly, and what was typed stays where it can.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		header map[string]string
		err    error
		status int
		line   string
		kept   bool
	}{
		"empty":               {text: " \n ", status: 400, line: "刚才没有看到要问的话"},
		"too long":            {text: strings.Repeat("长", 100_000), status: 413, line: bot.TooLongLine},
		"no characters":       {text: "\xff\xfe", status: 400, line: bot.UnreadableLine},
		"the desk fails":      {text: "味精致癌吗", err: errors.New("no database"), status: 503, line: bot.ErrorLine, kept: true},
		"another site's page": {text: "味精致癌吗", header: map[string]string{"Sec-Fetch-Site": "cross-site"}, status: 403, line: "从别的网站来的"},
		"another origin":      {text: "味精致癌吗", header: map[string]string{"Origin": "https://evil.example"}, status: 403, line: "从别的网站来的"},
	} {
		t.Run(name, func(t *testing.T) {
			d := &desk{err: c.err}
			b := serve(t, d, nil).browser(t)
			b.get("/")
			for k, v := range c.header {
				b.header.Set(k, v)
			}
			refused := b.ask(c.text)
			refused.has(t, c.status, c.line, `<p class="panel error">`)
			if c.kept {
				refused.has(t, c.status, ">\n"+c.text+"</textarea>")
			}
			refused.lacks(t, "no database")
			b.header.Set("X-Requested-With", "fetch")
			part := b.ask(c.text)
			part.has(t, c.status, c.line)
			if part.Header.Get("Qiuzhen-Part") != "line" || strings.Contains(part.body, "<") {
				t.Errorf("a script gets %q", part.body)
			}
			if c.err == nil && d.count() > 0 {
				t.Error("the desk was asked")
			}
		})
	}
}

// TestScript: chat.js gets the exchange alone.
func TestScript(t *testing.T) {
	b := serve(t, &desk{}, nil).browser(t)
	b.get("/")
	b.header.Set("X-Requested-With", "fetch")
	part := b.ask("味精致癌吗")
	part.has(t, 200, `<section class="turn" id="t1"`)
	part.lacks(t, "<html", "<form id=\"ask\"")
	if part.Header.Get("Qiuzhen-Part") != "turn" {
		t.Error("chat.js would take it for somebody else's")
	}
}

// TestSilent: a question to which the desk says nothing is not lost: the reader sees that it is not answered, of which they are told nothing that
// is not true of who is blocked too, the words stay in the box, and the same form is answered when it is sent later.
func TestSilent(t *testing.T) {
	const question = "味精致癌吗"
	for name, c := range map[string]struct {
		asked []string // before
		line  string
	}{
		"too fast":        {nil, "这一句没有答。有人不舒服、有危险，先打120或110。"},
		"after another":   {[]string{"喝白酒杀病毒吗"}, "这一句没有答。"},
		"answered before": {[]string{question}, "这句话刚才答过了，请看上面的答复。要再问一遍，请过一分钟。"},
	} {
		t.Run(name, func(t *testing.T) {
			d := &desk{replies: map[string]bot.Reply{}}
			b := serve(t, d, nil).browser(t)
			b.get("/")
			for _, q := range c.asked {
				b.ask(q)
			}
			d.replies[question] = bot.Reply{Silent: true}
			silent := b.ask(question, "once", "one")
			silent.has(t, http.StatusTooManyRequests, `<p class="panel error">`+c.line, ">\n"+question+"</textarea>")
			if silent.Header.Get("Retry-After") != "60" {
				t.Errorf("to be asked again after %q seconds", silent.Header.Get("Retry-After"))
			}
			b.header.Set("X-Requested-With", "fetch")
			part := b.ask(question, "once", "one")
			part.has(t, http.StatusTooManyRequests, c.line)
			if part.Header.Get("Qiuzhen-Part") != "line" || strings.Contains(part.body, "<") {
				t.Errorf("a script gets %q", part.body)
			}
			delete(d.replies, question)
			b.ask(question, "once", "one").has(t, http.StatusOK, "回答："+question)
		})
	}
}

// TestCookies: of the reader, whom nobody else can read or send; and a browser that keeps none is answered all the same.
func TestCookies(t *testing.T) {
	d := &desk{}
	trusted, _ := page.ParseProxies("127.0.0.1")
	s := serve(t, d, func(c *web.Config) { c.Proxies = trusted })
	find := func(r shown, name string) *http.Cookie {
		for _, c := range r.Cookies() {
			if c.Name == name {
				return c
			}
		}
		t.Fatalf("no cookie %s in %v", name, r.Header["Set-Cookie"])
		return nil
	}
	b := s.browser(t)
	c := find(b.get("/"), "reader")
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure || c.Path != "/" || len(c.Value) != 22 || c.MaxAge <= 0 {
		t.Errorf("cookie %+v", c)
	}
	b.ask("味精致癌吗")
	if strings.Contains(d.last(t).Reader, c.Value) {
		t.Error("the desk sees the cookie")
	}
	first := d.last(t).Reader
	b.ask("再问一句")
	if d.last(t).Reader != first {
		t.Error("the same browser is another reader")
	}
	b.header.Set("X-Forwarded-Proto", "https")
	if c := find(b.get("/"), "__Host-reader"); !c.Secure {
		t.Errorf("over TLS: %+v", c)
	}
	without := &browser{t, &http.Client{}, s.URL, http.Header{}}
	answer := without.ask("味精致癌吗")
	answer.has(t, 200, "回答：味精致癌吗")
	if answer.Request.Method != "POST" {
		t.Error("a browser without cookies was led to a page that knows nothing")
	}
	without.header.Set("Cookie", "reader=made-up")
	without.ask("味精致癌吗").has(t, 200)
	if d.last(t).Reader == first {
		t.Error("a made-up cookie is somebody")
	}
}

// TestNewReaders: so many from an address, then no more for a while; readers who are there go on.
func TestNewReaders(t *testing.T) {
	trusted, _ := page.ParseProxies("127.0.0.1")
	s := serve(t, &desk{}, func(c *web.Config) { c.Proxies = trusted })
	from := func(address string) *browser {
		b := s.browser(t)
		b.header.Set("X-Forwarded-For", address)
		return b
	}
	known := from("203.0.113.9")
	known.get("/")
	known.ask("味精致癌吗").has(t, 200)
	refused := 0
	for range 80 {
		if r := from("203.0.113.9").ask("味精致癌吗"); r.StatusCode == http.StatusTooManyRequests {
			refused++
			r.has(t, 429, "请过一会儿再问", "味精致癌吗</textarea>")
		}
	}
	if refused != 21 {
		t.Errorf("%d of 81 new readers at once were refused, want 21", refused)
	}
	known.ask("还有一句").has(t, 200)
	from("203.0.113.10").ask("味精致癌吗").has(t, 200)
	from("198.51.100.7, 203.0.113.9").ask("味精致癌吗").has(t, 429) // the front is made up
	s.now = s.now.Add(3 * time.Second)
	from("203.0.113.9").ask("味精致癌吗").has(t, 200)
}

// TestSlow: a reader who is gone finds the answer when the form comes again.
func TestSlow(t *testing.T) {
	d := &desk{wait: make(chan struct{})}
	s := serve(t, d, nil)
	b := s.browser(t)
	name := b.get("/").once(t)
	b.Timeout = 100 * time.Millisecond
	if _, err := b.PostForm(s.URL+"/ask", url.Values{"text": {"味精致癌吗"}, "once": {name}}); err == nil {
		t.Fatal("the slow desk was not slow")
	}
	b.Timeout = 0
	close(d.wait)
	b.ask("味精致癌吗", "once", name).has(t, 200, "回答：味精致癌吗")
	if d.count() != 1 {
		t.Errorf("asked %d times", d.count())
	}
}

// TestMasked: numbers of persons are not shown again.
func TestMasked(t *testing.T) {
	b := serve(t, &desk{replies: map[string]bot.Reply{}}, nil).browser(t)
	b.get("/")
	long := strings.Repeat("字", 495) + "13812345678"
	for _, q := range []string{"13812345678这个号码是骗子吗", long} {
		heading := b.ask(q).body
		_, heading, _ = strings.Cut(heading, `class="asked"`)
		heading, _, _ = strings.Cut(heading, "</h2>")
		if strings.Contains(heading, "13812") {
			t.Errorf("the page shows %s", heading)
		}
	}
}
