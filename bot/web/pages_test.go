package web_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/web"
	"qiuzhen/retrieval"
)

// TestLook: larger letters and high contrast are kept from page to page, and what was typed is not lost over them.
func TestLook(t *testing.T) {
	b := serve(t, &desk{}, nil).browser(t)
	b.get("/").has(t, 200, `value="smaller" form="ask" formaction="/look" formmethod="post" formnovalidate disabled`)
	press := func(button, back, text string) shown {
		return b.do("POST", "/look", url.Values{"look": {button}, "back": {back}, "text": {text}})
	}
	for _, want := range []string{"size-2", "size-3", "size-4", "size-4"} {
		press("larger", "/privacy", "").has(t, 200, `class="`+want+`"`, "隐私说明")
		b.get("/").has(t, 200, `class="`+want+`"`)
	}
	b.get("/").has(t, 200, `value="larger" form="ask" formaction="/look" formmethod="post" formnovalidate disabled`)
	press("contrast", "/chat", "").has(t, 200, `class="size-4 contrast"`, `aria-pressed="true"`)
	press("smaller", "/", "写到一半").has(t, 200, `class="size-3 contrast"`, ">\n写到一半</textarea>", "大家常问的")
	b.ask("味精致癌吗").has(t, 200, `class="size-3 contrast"`)
	press("contrast", "https://evil.example/", "").has(t, 200, `class="size-3"`, "拿不准的消息")
	for _, made := range []string{"9", "-1", "0", "x", "\"><script>"} {
		b.Jar, b.header = nil, map[string][]string{"Cookie": {"look=" + made}}
		b.get("/").has(t, 200, `class="size-1"`)
	}
}

// talkCount counts how often conversations are read.
type talkCount struct {
	web.Forms
	n atomic.Int64
}

func (c *talkCount) Talk(context.Context, string, int) ([]bot.Exchange, error) {
	c.n.Add(1)
	return nil, nil
}

// TestStrangersCostLittle: of who brings no cookie, or one that could be none of ours, no conversation is read. One made up to look like ours costs a look by
// index each time, as a reader's does: nothing tells them apart but that look.
func TestStrangersCostLittle(t *testing.T) {
	forms := &talkCount{}
	s := serve(t, &desk{}, func(c *web.Config) { c.Forms = forms })
	for path, status := range map[string]int{"/": 200, "/chat": 200, "/print/1": 404} {
		for made, reads := range map[string]int64{"": 0, "made-up": 0, strings.Repeat("A", 21): 0, strings.Repeat("*", 22): 0, strings.Repeat("A", 22): 1} {
			forms.n.Store(0)
			b := s.browser(t)
			b.header.Set("Cookie", "reader="+made)
			b.get(path).has(t, status)
			if n := forms.n.Load(); n != reads {
				t.Errorf("%s: of %q read %d times", path, made, n)
			}
		}
	}
	forms.n.Store(0)
	b := s.browser(t)
	b.get("/chat")
	if b.get("/chat"); forms.n.Load() != 1 {
		t.Errorf("of a reader read %d times", forms.n.Load())
	}
}

// TestBlocks: the lines of a reply are shown for what they are.
func TestBlocks(t *testing.T) {
	choices := []bot.Choice{{Label: "喝白酒杀病毒", Say: "1"}, {Label: "都不是", Say: "0"}}
	for name, c := range map[string]struct {
		reply       bot.Reply
		want, lacks []string
	}{
		"danger, then an answer": {
			reply: bot.Reply{Text: "请马上打120，可能是中风。\n让他侧躺。\n\n“按人中救中风”是谣言。\n1. 侧躺。", Result: retrieval.Result{Urgent: &retrieval.Urgent{Number: "120"}}},
			want: []string{`<p class="lead">请马上打<a href="tel:120">120</a>，可能是中风。</p>`, `<p>让他侧躺。</p>`, `<p class="lead">“按人中救中风”是谣言。</p>`,
				`<a class="call" href="tel:120">现在打120</a>`},
		},
		"two numbers":      {reply: bot.Reply{Text: "先停下，现在就打96110或110。"}, want: []string{`打<a href="tel:96110">96110</a>或<a href="tel:110">110</a>。`}},
		"offered":          {reply: bot.Reply{Text: "您问的是下面这个吗？\n1 喝白酒杀病毒\n0 都不是", Choices: choices}, want: []string{`value="1"><b>1</b> 喝白酒杀病毒</button>`}, lacks: []string{"<li>"}},
		"offered in words": {reply: bot.Reply{Text: "您问的是下面这个吗？\n1 喝白酒杀病毒\n0 都不是"}, want: []string{`<ul class="plain">`, `<li>1 喝白酒杀病毒</li>`}},
		"a step by itself": {reply: bot.Reply{Text: "接着这样做：\n2. 去医院。"}, want: []string{`<ol start="2">`, `<li>去医院。</li>`}},
		"no step":          {reply: bot.Reply{Text: "2026年的事。\n1.5米以外。"}, want: []string{`<p class="lead">2026年的事。</p>`, `<p>1.5米以外。</p>`}, lacks: []string{"<ol", "tel:"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := serve(t, &desk{replies: map[string]bot.Reply{"问": c.reply}}, nil).browser(t)
			b.get("/")
			got := b.ask("问")
			got.has(t, 200, c.want...)
			got.lacks(t, c.lacks...)
		})
	}
}

// TestButtons: those of the last reply that has any stay, also after one without; older ones go.
func TestButtons(t *testing.T) {
	d := &desk{replies: map[string]bot.Reply{"甲": baijiu, "乙": baijiu, "有用": {Text: "谢谢您。"}}}
	b := serve(t, d, nil).browser(t)
	b.get("/")
	b.ask("甲")
	b.ask("乙")
	got := b.ask("有用")
	if n := strings.Count(got.body, `class="choices`); n != 1 || !strings.Contains(got.body, `name="about" value="2"`) {
		t.Errorf("%d sets of buttons:\n%s", n, got.body)
	}
}

// TestLongConversation: the last twenty exchanges are shown.
func TestLongConversation(t *testing.T) {
	b := serve(t, &desk{}, nil).browser(t)
	b.get("/")
	for i := range 25 {
		b.ask(fmt.Sprintf("第%d句", i+1))
	}
	got := b.get("/chat")
	got.has(t, 200, `id="t25"`, `id="t6"`)
	got.lacks(t, `id="t5"`)
}

// TestPrivacy has the operator's words and the button.
func TestPrivacy(t *testing.T) {
	d := &desk{replies: map[string]bot.Reply{"删除我的数据": {Text: "您的数据都删掉了。", Forgot: true}}}
	b := serve(t, d, nil).browser(t)
	b.get("/")
	b.ask("味精致癌吗")
	reader := d.last(t).Reader
	b.get("/privacy").has(t, 200, "<h1>隐私说明</h1>", "<p>不问&lt;姓名&gt;。</p>", "<h2>记多久</h2>", "<li>就这样。</li>", `action="/forget"`)
	b.do("POST", "/forget", url.Values{}).has(t, 200, "您的数据都删掉了。")
	if m := d.last(t); m.Text != "删除我的数据" || !m.Delete || m.Reader != reader {
		t.Errorf("the desk was told %+v", m)
	}
	b.get("/chat").lacks(t, "味精")
	b.get("/")
	b.ask("再来")
	if d.last(t).Reader == reader {
		t.Error("the browser is still the reader that was forgotten")
	}
}

// TestWishes with the real desk: letters as large as was asked for, and nothing left of a conversation that was deleted in words.
func TestWishes(t *testing.T) {
	engine, _ := bottest.NewEngine()
	store := &bottest.Store{}
	d := bot.NewDesk(engine, store, time.Now)
	b := serve(t, nil, func(c *web.Config) { c.Desk = d }).browser(t)
	b.get("/")
	b.ask("字大一点").has(t, 200, `class="size-2"`)
	b.ask("字再大一点").has(t, 200, `class="size-3"`)
	b.ask("喝白酒能杀病毒吗").has(t, 200, `class="size-3"`)
	b.ask("字小一点").has(t, 200, `class="size-2"`)
	b.ask("删除我的数据").has(t, 200, "白酒", `value="删除"`)
	gone := b.ask("删除")
	gone.has(t, 200, "都删掉了")
	gone.lacks(t, "白酒")
	if kept := store.Dump(t); strings.Contains(kept, "白酒") || strings.Contains(kept, "web") {
		t.Errorf("the store keeps %s", kept)
	}
	b.ask("喝白酒能杀病毒吗")
	b.do("POST", "/forget", url.Values{}).has(t, 200, "都删掉了")
	if kept := store.Dump(t); strings.Contains(kept, "白酒") || strings.Contains(kept, "web") {
		t.Errorf("the store keeps %s", kept)
	}
}

// TestForgetPastEverything: no limit and no block is in the way of deletion; the page says that it is done only when it is, and the browser
// stays who it was until then.
func TestForgetPastEverything(t *testing.T) {
	for name, before := range map[string]func(*browser, *bottest.Store){
		"over the limit": func(b *browser, _ *bottest.Store) {
			for i := range 25 {
				b.ask(fmt.Sprint("白酒", i))
			}
		},
		"blocked": func(b *browser, s *bottest.Store) { b.ask("白酒"); s.BlockAll(t) },
	} {
		engine, _ := bottest.NewEngine()
		store := &bottest.Store{}
		b := serve(t, nil, func(c *web.Config) { c.Desk = bot.NewDesk(engine, store, time.Now) }).browser(t)
		b.get("/")
		before(b, store)
		b.do("POST", "/forget", url.Values{}).has(t, 200, "都删掉了")
		if kept := store.Dump(t); strings.Contains(kept, "白酒") || strings.Contains(kept, "web") {
			t.Errorf("%s: the store keeps %s", name, kept)
		}
	}
	d := &desk{replies: map[string]bot.Reply{"删除我的数据": {Silent: true}}}
	b := serve(t, d, nil).browser(t)
	b.get("/")
	b.ask("味精致癌吗")
	reader := d.last(t).Reader
	b.do("POST", "/forget", url.Values{}).has(t, 503, "没有删成", "味精")
	if b.ask("再来"); d.last(t).Reader != reader {
		t.Error("the browser is another reader, and nothing was deleted")
	}
}

// TestWithoutLibrary: the first page is there without common questions.
func TestWithoutLibrary(t *testing.T) {
	for name, l := range map[string]web.Library{"none": nil, "failing": library{fails: true}} {
		b := serve(t, &desk{}, func(c *web.Config) { c.Library = l }).browser(t)
		home := b.get("/")
		home.has(t, 200, "拿不准的消息")
		if strings.Contains(home.body, "<details") {
			t.Errorf("%s: empty buttons", name)
		}
	}
}

// TestHeaders: no page may be kept by a proxy; the files are kept for good; nothing is inline.
func TestHeaders(t *testing.T) {
	b := serve(t, &desk{}, nil).browser(t)
	for _, path := range []string{"/", "/chat", "/privacy"} {
		got := b.get(path)
		if h := got.Header.Get("Cache-Control"); h != "private, no-cache" {
			t.Errorf("%s: Cache-Control %q", path, h)
		}
		got.lacks(t, "<style", "style=", "onclick", "javascript:")
		_, rest, _ := strings.Cut(got.body, `<script src="`)
		script, _, _ := strings.Cut(rest, `"`)
		file := b.get(script)
		file.has(t, 200, "use strict")
		if h := file.Header.Get("Cache-Control"); !strings.Contains(h, "immutable") {
			t.Errorf("%s: Cache-Control %q", script, h)
		}
	}
}
