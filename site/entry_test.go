package site_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"qiuzhen/knowledge"
)

var idForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// TestLifeInPublic walks an entry through its life; at each step every public way tells the same.
func TestLifeInPublic(t *testing.T) {
	o := newOffice(t)
	handler := o.serve(false)
	e, second := rebuttal("baijiu"), rebuttal("baijiu")
	second.Summary = "新的道理。"
	published := o.now
	for _, step := range []struct {
		what        string
		do          func()
		status      int
		says        string
		feed        string // its title; empty: it tells nothing
		inSitemap   bool
		api         int
		listed      string // status in the API with updated_since; empty: absent
		updatedMove bool   // the change is newer than the step before's
	}{
		{"unknown", func() {}, 404, "没有找到这一页", "", false, 404, "", false},
		{"draft", func() { o.draft(e) }, 404, "没有找到这一页", "", false, 404, "", false},
		{"in review", func() { _, err := o.store.Submit(o.author, e.ID); o.must(err) }, 404, "没有找到这一页", "", false, 404, "", false},
		{"signed", func() {
			o.sign(o.expert, e, 1, knowledge.Expert, "approve")
			o.sign(o.editor, e, 1, knowledge.Editor, "approve")
		}, 404, "没有找到这一页", "", false, 404, "", false},
		{"published", func() { o.must(o.store.Publish(o.publisher, e.ID, false, o.now)) }, 200, "“喝白酒杀病毒”是谣言，不要转发。", "“喝白酒杀病毒”是谣言，不要转发。", true, 200, "published", true},
		{"a new draft", func() { o.draft(second) }, 200, "只会伤胃、伤肝。", "“喝白酒杀病毒”是谣言，不要转发。", true, 200, "published", false},
		{"the last second", func() { o.now = published.AddDate(0, 6, 0).Add(-time.Second) }, 200, "只会伤胃", "“喝白酒杀病毒”是谣言，不要转发。", true, 200, "published", false},
		{"expired", func() { o.now = published.AddDate(0, 6, 0) }, 404, "有效期到2027年5月27日为止", "要重新核对：喝白酒杀病毒", false, 404, "expired", true},
		{"published anew", func() { o.now = o.now.Add(time.Hour); o.publish(second) }, 200, "新的道理。", "“喝白酒杀病毒”是谣言，不要转发。", true, 200, "published", true},
		{"withdrawn", func() { o.now = o.now.Add(time.Hour); o.must(o.store.Withdraw(o.publisher, e.ID, "指南改了")) }, 410, "原因：指南改了。", "已撤下：喝白酒杀病毒", false, 410, "withdrawn", true},
		{"a draft after that", func() { o.draft(e) }, 410, "2027年5月27日撤下了", "已撤下：喝白酒杀病毒", false, 410, "withdrawn", false},
		{"published again", func() { o.now = o.now.Add(time.Hour); o.publish(e) }, 200, "只会伤胃", "“喝白酒杀病毒”是谣言，不要转发。", true, 200, "published", true},
	} {
		t.Run(step.what, func(t *testing.T) {
			before := listed(t, handler).updatedAt
			step.do()
			checkPage(t, handler, step.status, step.says)
			if feed := get(t, handler, "/feed.atom").body; step.feed == "" && strings.Contains(feed, "<entry>") || !strings.Contains(feed, step.feed) {
				t.Errorf("the feed does not say %q:\n%s", step.feed, feed)
			}
			if got := strings.Contains(get(t, handler, "/sitemap.xml").body, address+"/e/baijiu"); got != step.inSitemap {
				t.Errorf("in the sitemap: %t", got)
			}
			if got := get(t, handler, "/api/v1/entries/baijiu"); got.status != step.api {
				t.Errorf("API: %d, want %d: %s", got.status, step.api, got.body)
			}
			now := listed(t, handler)
			if now.status != step.listed || now.updatedAt > before != step.updatedMove {
				t.Errorf("the list has %+v, want %q; before it was of %s", now, step.listed, before)
			}
		})
	}
}

// checkPage holds the page to a status and words, and to telling nothing of what is not served.
func checkPage(t *testing.T, handler http.Handler, status int, says string) {
	t.Helper()
	got := get(t, handler, "/e/baijiu")
	if got.status != status || !strings.Contains(got.body, says) {
		t.Errorf("status %d, want %d and %q in\n%s", got.status, status, says, got.body)
	}
	parse(t, got.body)
	if cache := got.header.Get("Cache-Control"); cache != "no-cache" {
		t.Errorf("kept without asking: %q", cache)
	}
	if status != 200 && (strings.Contains(got.body, "谣言") || strings.Contains(got.body, "伤胃")) {
		t.Errorf("tells of what is not served:\n%s", got.body)
	}
	unknown := get(t, handler, "/e/never-was")
	if status == 404 && says == "没有找到这一页" && got.body != unknown.body {
		t.Error("a draft can be told from what is not there")
	}
}

// TestRevalidation: an unchanged page costs no body; whoever kept it learns at once that it is gone.
func TestRevalidation(t *testing.T) {
	o := newOffice(t)
	handler := o.serve(false)
	o.publish(rebuttal("baijiu"))
	for _, target := range []string{"/e/baijiu", "/api/v1/entries/baijiu", "/api/v1/entries", "/feed.atom", "/sitemap.xml", "/robots.txt", "/api/v1/openapi.json"} {
		tag := get(t, handler, target).header.Get("ETag")
		for header, want := range map[string]int{tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200} {
			if got := get(t, handler, target, "If-None-Match", header); got.status != want || want == 304 && got.body != "" {
				t.Errorf("%s with %s: %d, want %d", target, header, got.status, want)
			}
		}
	}
	kept := get(t, handler, "/e/baijiu").header.Get("ETag")
	o.must(o.store.Withdraw(o.publisher, "baijiu", "有误"))
	if got := get(t, handler, "/e/baijiu", "If-None-Match", kept); got.status != 410 {
		t.Errorf("after the withdrawal: %d", got.status)
	}
}

// TestEntryPage: what a reader sees, in order.
func TestEntryPage(t *testing.T) {
	o := newOffice(t)
	regional := rebuttal("regional")
	regional.Regions = []string{"320600", "320623"}
	for _, c := range []struct {
		entry knowledge.Entry
		want  []string
	}{
		{regional, []string{
			"“喝白酒杀病毒”是谣言，不要转发。", "核查的说法：喝白酒可以杀死流感病毒。", "喝下去的酒到不了", "可以这样做", "勤洗手", "60岁以上", "说得细一点", "第一段。", "第二段。", "来源",
			"国家卫生健康委员会《流行性感冒诊疗方案（2020年版）》（2020年10月27日） 国卫办医函〔2020〕1号", "中国疾控中心《流感疫苗预防接种技术指南》（2023年9月）",
			"审核", "王expert 主任医师 · 某市疾控中心 · 2026年11月", "王editor", "适用地区", "南通市、如东县", "发布", "2026年11月27日", "有效期到", "2027年5月27日", "网址", address + "/e/regional",
		}},
		{guide("guide"), []string{"先别跑，躲到结实的桌子下面，护住头。", "喝下去的酒", "接着这样做", "停了再走楼梯下楼。", "说得细一点", "来源", "审核", "有效期到", "2027年11月27日"}},
	} {
		o.publish(c.entry)
		got := get(t, o.serve(false), "/e/"+string(c.entry.ID))
		root := parse(t, got.body)
		text := inner(find(root, "body")[0])
		at := 0
		for _, w := range c.want {
			i := strings.Index(text[at:], w)
			if i < 0 {
				t.Fatalf("%s: %q is not there, or not in its place:\n%s", c.entry.ID, w, text)
			}
			at += i + len(w)
		}
		if links := find(find(root, "main")[0], "a"); len(links) != 1 || links[0].Attr[0].Val != "https://www.nhc.gov.cn/a?b=1&c=2" {
			t.Errorf("links: %v", links)
		}
		if strings.Contains(text, "示范") || strings.Contains(text, "紧急") || strings.Contains(text, "转自") {
			t.Errorf("labelled: %s", text)
		}
	}
}

// TestUnsignedInPublic: under serve_unsigned a draft is shown, said to be one, and kept out of search engines.
func TestUnsignedInPublic(t *testing.T) {
	o := newOffice(t)
	handler := o.serve(true)
	e, second := rebuttal("baijiu"), rebuttal("baijiu")
	second.Summary = "新的道理。"
	o.draft(e)
	got := get(t, handler, "/e/baijiu")
	if got.status != 200 || !strings.Contains(got.body, "示范内容，尚未经专家签审。") || got.header.Get("X-Robots-Tag") != "noindex" || strings.Contains(got.body, "ld+json") {
		t.Errorf("a draft: %d %v\n%s", got.status, got.header, got.body)
	}
	parse(t, got.body)
	for target, says := range map[string]string{
		"/api/v1/entries/baijiu": `"signed":false`, "/api/v1/entries": `"status":"unsigned"`, "/feed.atom": "示范内容",
	} {
		if got := get(t, handler, target); !strings.Contains(got.body, says) {
			t.Errorf("%s does not say %s: %s", target, says, got.body)
		}
	}
	if got := get(t, handler, "/sitemap.xml"); strings.Contains(got.body, "baijiu") {
		t.Error("a draft is in the sitemap")
	}
	o.publish(e)
	o.draft(second)
	if got := get(t, handler, "/e/baijiu"); strings.Contains(got.body, "示范") || !strings.Contains(got.body, "只会伤胃") {
		t.Errorf("a draft is shown before what is signed:\n%s", got.body)
	}
	o.draft(guide("only-draft"))
	o.must(o.store.Withdraw(o.publisher, "only-draft", "不要了"))
	for unsigned, want := range map[bool]int{true: 410, false: 404} {
		if got := get(t, o.serve(unsigned), "/e/only-draft"); got.status != want {
			t.Errorf("a withdrawn draft, unsigned %t: %d, want %d", unsigned, got.status, want)
		}
	}
}

// TestEmergencyInPublic: labelled until it is reviewed; gone after a day, or when a reviewer sends it back, whose words stay among colleagues.
func TestEmergencyInPublic(t *testing.T) {
	const label = "紧急核发，24小时内复核。"
	o := newOffice(t)
	handler := o.serve(false)
	begin := o.now
	reviewed, lapsed, returned := rebuttal("reviewed"), rebuttal("lapsed"), rebuttal("returned")
	for _, e := range []knowledge.Entry{reviewed, lapsed, returned} {
		o.emergency(e)
		if got := get(t, handler, "/e/"+string(e.ID)); got.status != 200 || !strings.Contains(got.body, label) || !strings.Contains(got.body, "核发") ||
			!strings.Contains(get(t, handler, "/api/v1/entries/"+string(e.ID)).body, `"emergency":true`) {
			t.Errorf("%s: %d\n%s", e.ID, got.status, got.body)
		}
	}
	o.now = begin.Add(time.Hour)
	o.sign(o.expert, reviewed, 1, knowledge.Expert, "approve")
	o.sign(o.editor, reviewed, 1, knowledge.Editor, "approve")
	o.sign(o.expert, returned, 1, knowledge.Expert, "return")
	if got := get(t, handler, "/e/returned"); got.status != 410 || strings.Contains(got.body, "第三段") || !strings.Contains(got.body, "复核没有通过") {
		t.Errorf("sent back: %d\n%s", got.status, got.body)
	}
	if got := get(t, handler, "/api/v1/entries?limit=1"); !strings.Contains(got.body, `"lapsed"`) {
		t.Errorf("the signatures are no change: %s", got.body)
	}
	o.now = begin.Add(24 * time.Hour)
	if got := get(t, handler, "/e/lapsed"); got.status != 404 {
		t.Errorf("after a day: %d", got.status)
	}
	if got := get(t, handler, "/e/reviewed"); got.status != 200 || strings.Contains(got.body, label) {
		t.Errorf("reviewed: %d\n%s", got.status, got.body)
	}
}

// TestHostileEntry: whatever an entry says, the page stays a page, and only web addresses become links.
func TestHostileEntry(t *testing.T) {
	p := knowledge.Public{Entry: rebuttal("baijiu"), Version: 1, Standing: knowledge.Served, From: "<b>南通</b>科协", PublishedAt: time.Now(), UpdatedAt: time.Now()}
	bad := `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	p.Entry.Short, p.Entry.Summary, p.Entry.Tail, p.Entry.Title, p.Entry.Body = bad, bad, bad, bad, bad
	p.Entry.Actions, p.Entry.Claims, p.Entry.Regions = []string{bad}, []string{bad}, []string{bad}
	p.Entry.Sources = []knowledge.Source{{Institution: bad, Title: bad, Date: bad, URL: "javascript:alert(1)"}, {Institution: "甲", Title: "乙", URL: "https://x/" + bad}}
	p.Reviews = []knowledge.Review{{Reviewer: bad, Title: bad, Institution: bad}}
	got := get(t, serveOne(t, &p, address), "/e/baijiu")
	root := parse(t, got.body)
	if len(find(root, "script")) != 1 || len(find(root, "img")) != 0 || len(find(find(root, "main")[0], "a")) != 1 || !strings.Contains(got.body, "转自&lt;b&gt;") {
		t.Errorf("broke out:\n%s", got.body)
	}
}

// TestBroken: without the database a reader gets a page, a program an error, both to be asked again.
func TestBroken(t *testing.T) {
	handler := serveOne(t, nil, address)
	for target, says := range map[string]string{
		"/e/baijiu": "这会儿打不开", "/api/v1/entries/baijiu": `{"error":`, "/api/v1/entries": `{"error":`, "/feed.atom": "try again", "/sitemap.xml": "try again", "/sitemaps/1.xml": "try again",
	} {
		if got := get(t, handler, target); got.status != 503 || !strings.Contains(got.body, says) || got.header.Get("Retry-After") == "" || strings.Contains(got.body, "on purpose") {
			t.Errorf("%s: %d %s", target, got.status, got.body)
		}
	}
}

// FuzzSlug: whatever stands in an address, it is a page; the store is asked for ids only.
func FuzzSlug(f *testing.F) {
	for _, s := range []string{"baijiu", "Baijiu", "a", "-a", "a--b", "a/b", "..", "%00", "喝酒", "a\x00b", strings.Repeat("a", 65), "' OR 1=1"} {
		f.Add(s)
	}
	p := knowledge.Public{Entry: rebuttal("baijiu"), Version: 1, Standing: knowledge.Served}
	f.Fuzz(func(t *testing.T, slug string) {
		handler := serveOne(t, &p, address)
		if slug == "" || slug == "." || slug == ".." || slug == "/" { // the mux answers by itself
			return
		}
		for _, prefix := range []string{"/e/", "/api/v1/entries/"} {
			got := get(t, handler, prefix+url.PathEscape(slug))
			if want := map[bool]int{true: 200, false: 404}[slug == "baijiu"]; got.status != want {
				t.Errorf("%s%q: %d, want %d", prefix, slug, got.status, want)
			}
			if prefix == "/e/" {
				parse(t, got.body)
			}
		}
	})
}
