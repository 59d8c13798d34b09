package web_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/web"
	"qiuzhen/page"
)

const poisoned = "我妈刚喝了农药"

// TestDangerRefused: who speaks of a danger gets the number to call, as a page and by script, when the desk fails, when too many ask at once and when
// too many new readers come from their address. It is shown once and in no conversation. Who asks anything else while too many do is told so, and answered as soon
// as one of the others has been.
func TestDangerRefused(t *testing.T) {
	check := func(t *testing.T, b *browser) {
		t.Helper()
		b.ask(poisoned).has(t, 200, `href="tel:120">现在打120</a>`, poisoned)
		b.header.Set("X-Requested-With", "fetch")
		defer b.header.Del("X-Requested-With")
		part := b.ask(poisoned)
		part.has(t, 200, `href="tel:120">现在打120</a>`)
		if part.Header.Get("Qiuzhen-Part") != "turn" {
			t.Error("chat.js would take it for somebody else's")
		}
	}
	t.Run("the desk fails", func(t *testing.T) {
		b := serve(t, &desk{err: errors.New("no database")}, nil).browser(t)
		b.get("/")
		check(t, b)
		b.get("/chat").lacks(t, poisoned)
		b.ask("味精致癌吗").has(t, 503, bot.ErrorLine)
	})
	t.Run("too many at once", func(t *testing.T) {
		d := &desk{wait: make(chan struct{})}
		trusted, _ := page.ParseProxies("127.0.0.1")
		s := serve(t, d, func(c *web.Config) { c.Proxies = trusted })
		var held sync.WaitGroup
		for i := range 64 {
			b := s.browser(t)
			b.header.Set("X-Forwarded-For", fmt.Sprint("203.0.113.", i))
			held.Go(func() { b.ask("慢").has(t, 200, "回答：慢") })
		}
		for deadline := time.Now().Add(10 * time.Second); d.count() < 64 && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
		b := s.browser(t)
		name := b.get("/").once(t)
		check(t, b)
		refused := b.ask("味精致癌吗", "once", name)
		refused.has(t, 503, `<p class="panel error">现在问的人太多，请过一会儿再问一次。`, ">\n味精致癌吗</textarea>")
		if refused.Header.Get("Retry-After") != "2" || d.count() != 64 {
			t.Errorf("to be asked again after %q seconds; the desk was asked %d times", refused.Header.Get("Retry-After"), d.count())
		}
		close(d.wait)
		held.Wait()
		b.ask("味精致癌吗", "once", name).has(t, 200, "回答：味精致癌吗") // the same form, at once
	})
	t.Run("too many new readers", func(t *testing.T) {
		s := serve(t, &desk{}, nil)
		for range 60 {
			s.browser(t).ask("味精致癌吗")
		}
		s.browser(t).ask("味精致癌吗").has(t, 429)
		check(t, s.browser(t))
	})
}

// TestDeletions: who is known may always delete what there is of them; strangers so often from an address.
func TestDeletions(t *testing.T) {
	trusted, _ := page.ParseProxies("127.0.0.1")
	d := &desk{replies: map[string]bot.Reply{"删除我的数据": {Text: "都删掉了。", Forgot: true}}}
	s := serve(t, d, func(c *web.Config) { c.Proxies = trusted })
	from := func(address string) *browser {
		b := s.browser(t)
		b.header.Set("X-Forwarded-For", address)
		b.get("/")
		return b
	}
	known := from("203.0.113.9")
	known.ask("味精致癌吗").has(t, 200)
	refused := 0
	for range 30 {
		if r := from("203.0.113.9").do("POST", "/forget", url.Values{}); r.StatusCode == 429 {
			refused++
		}
	}
	if refused != 20 {
		t.Errorf("%d of 30 strangers were refused, want 20", refused)
	}
	known.do("POST", "/forget", url.Values{}).has(t, 200, "都删掉了")
	from("203.0.113.10").do("POST", "/forget", url.Values{}).has(t, 200, "都删掉了")
	if n := d.count(); n != 13 || strings.Contains(d.last(t).Text, "味精") {
		t.Errorf("the desk was asked %d times", n)
	}
}
