package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// platforms stand in for Telegram and WeChat, as far as sending goes.
type platforms struct {
	*httptest.Server
	mu    sync.Mutex
	taken map[string][]string // texts by recipient
}

func newPlatforms(t *testing.T) *platforms {
	t.Helper()
	p := &platforms{taken: map[string][]string{}}
	answer := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
	mux := http.NewServeMux()
	mux.HandleFunc("/{bot}/{method}", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseMultipartForm(1 << 20)
		var result any = true
		switch r.PathValue("method") {
		case "getMe":
			result = map[string]any{"id": 1, "is_bot": true, "first_name": "求真", "username": "qiuzhen_bot"}
		case "getUpdates":
			time.Sleep(time.Second)
			result = []any{}
		case "sendMessage":
			to := r.FormValue("chat_id")
			if to == "1000003" {
				w.WriteHeader(http.StatusForbidden)
				answer(w, map[string]any{"ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user"})
				return
			}
			result = map[string]any{"message_id": p.take(to, r.FormValue("text")), "date": time.Now().Unix(), "chat": map[string]any{"id": 1, "type": "private"}}
		}
		answer(w, map[string]any{"ok": true, "result": result})
	})
	mux.HandleFunc("POST /cgi-bin/stable_token", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"access_token": "token", "expires_in": 7200})
	})
	mux.HandleFunc("POST /cgi-bin/message/custom/send", func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			To   string `json:"touser"`
			Text struct {
				Content string `json:"content"`
			} `json:"text"`
		}
		_ = json.NewDecoder(r.Body).Decode(&m)
		p.take(m.To, m.Text.Content)
		answer(w, map[string]any{"errcode": 0, "errmsg": "ok"})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]any{"errcode": 0, "errmsg": "ok"}) })
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *platforms) take(to, text string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken[to] = append(p.taken[to], text)
	return len(p.taken)
}

// got counts those who were sent a text that begins so, and how often.
func (p *platforms) got(begin string) map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := map[string]int{}
	for to, texts := range p.taken {
		for _, text := range texts {
			if strings.HasPrefix(text, begin) {
				got[to]++
			}
		}
	}
	return got
}

// readersSQL subscribes 900 readers on Telegram and 60 on WeChat in 如东县, and has six of them ask what nothing answers: a surge.
const readersSQL = `
INSERT INTO readers (channel, name, seen_at, wishes)
SELECT 'telegram', (1000000 + i)::text, now(), '{"sent": {"county": "320623", "topics": [], "at": "2026-01-01T00:00:00Z"}}' FROM generate_series(1, 900) i;
INSERT INTO readers (channel, name, seen_at, wishes)
SELECT 'wechat', 'openid-' || i, now(), '{"sent": {"county": "320623", "topics": [], "at": "2026-01-01T00:00:00Z"}}' FROM generate_series(1, 60) i;
UPDATE readers SET exercise_at = now() WHERE name IN ('1000001', 'openid-1');
INSERT INTO sensing_topics (last_at) VALUES (now());
INSERT INTO answers (reader_id, at, message, decision, took_ms, sensed, topic)
SELECT id, now() - interval '5 minutes', CASE WHEN id % 3 = 0 THEN '今晚如东要地震，快跑' ELSE '听说如东今晚十点有地震，是真的吗' END, 'abstain', 3, true,
       (SELECT max(id) FROM sensing_topics) FROM readers WHERE channel = 'telegram' ORDER BY id LIMIT 12;
INSERT INTO sensing_surges (topic, county, began_at, found_at, last_at, readers, usual, chance)
SELECT id, '320623', now() - interval '30 minutes', now() - interval '2 minutes', now(), 12, 0.2, 1e-9 FROM sensing_topics;`

// TestPush is a night's work of two people: what is asked, a rebuttal, an exercise, its approval by another person, stopping it at half, telling those who
// got it what is right, and the report.
func TestPush(t *testing.T) {
	b := openBrowser(t)
	fakes := newPlatforms(t)
	p := newProgram(t)
	p.set = []string{
		"telegram_token=123456:" + strings.Repeat("A", 35), "telegram_mode=poll", "telegram_api=" + fakes.URL, "wechat_app_id=wx0123456789abcdef", "wechat_app_secret=secret",
		"wechat_token=qiuzhen", "wechat_service_account=true", "wechat_api=" + fakes.URL,
	}
	p.serve()
	p.run("user", "add", "admin", "--name", "管理员", "--institution", "市科协", "--role", "administrator")
	p.run("user", "add", "wang", "--as", "admin", "--name", "王小明", "--institution", "市应急管理局", "--role", "author,publisher")
	p.run("user", "add", "zhao", "--as", "admin", "--name", "赵主任", "--institution", "市应急管理局", "--role", "publisher")
	p.run("db", "psql", "--", "-q", "-v", "ON_ERROR_STOP=1", "-c", readersSQL)
	wang, zhao := b.window(p.base), b.window(p.base)
	wang.signIn("wang")
	zhao.signIn("zhao")
	number := submitted(wang)
	approved(wang, zhao, number)
	stopped(wang, zhao, number, fakes)
	corrected(wang, zhao, number, fakes)
	exercised(wang, zhao, fakes)
	for _, fault := range b.validate() {
		t.Error(fault)
	}
}

// submitted goes from the surge to what is submitted.
func submitted(wang *visit) (at string) {
	wang.open("/console/broadcasts")
	wang.check("push-none")
	wang.says("有1件事问的人比平时多")
	wang.open("/console/surges")
	wang.says("如东县", "12人问", "今晚十点有地震", "还没有条目")
	wang.check("surges")
	wang.press(`form[action$="/draft"] button`, "起草了，问的人的说法已经写进去")
	wang.open("/console/surges")
	wang.press(`form[action$="/taken"] button`, "记下由您处理了")
	wang.open("/console/broadcasts/new?q=地震")
	wang.check("push-start")
	wang.open("/console/broadcasts/new?template=quake-rumour")
	wang.check("push-template")
	wang.do("choose", chromedp.Click(chromedp.CSS(`input[name="areas"][value="320623"]`)))
	wang.do("choose", chromedp.Click(chromedp.CSS(`input[name="kind"][value="actual"]`)))
	wang.fill("#headline", "“今晚如东要地震”是谣言，不要转发")
	wang.press(`button[value="preview"]`, "【实发】这是真的", "会到960个接收方", "Telegram", "每秒约22.7条", "还有空没填")
	wang.check("push-preview")
	wang.fill("#description", "现在没有人能算准哪天哪里地震。如东县地震台今天没有发过这样的消息。")
	wang.fill("#source", "南通市地震局，今晚9点核实")
	wang.press(`button[value="save"]`, "存成了第", "还没有发")
	wang.press(`form[action$="/submit"] button`, "送核准了，还没有发", "要由另一个有“发布员”角色的人来核准")
	wang.check("push-own-submitted")
	return get(wang, "address", chromedp.Evaluate[string](`location.pathname`))
}

// approved is by another person, who sees what has changed since she read it.
func approved(wang, zhao *visit, at string) {
	zhao.open("/console")
	zhao.says("等人核准的推送")
	zhao.check("queue-push")
	zhao.open(at)
	zhao.check("push-approve")
	wang.open(at + "/edit")
	wang.fill("#contact", "0513-84112345")
	wang.press(`button[value="save"]`, "原来送的核准作废")
	wang.press(`form[action$="/submit"] button`, "送核准了")
	zhao.fill("#typed", "实际发布")
	zhao.press(`form[action$="/approve"] button`, "没有核准：内容在您看过以后又改了", "您刚才看的第1稿", "0513-84112345")
	zhao.check("push-changed")
	zhao.fill("#typed", "发吧")
	zhao.press(`form[action$="/approve"] button`, "请亲手打出“实际发布”")
	zhao.open(at)
	zhao.fill("#typed", "实际发布")
	zhao.press(`form[action$="/approve"] button`, "第")
}

// eventually waits through pages that load themselves anew.
func (v *visit) eventually(what, condition string) {
	v.t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(v.ctx, 5*time.Second)
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
		cancel()
		if err == nil && holds {
			return
		}
	}
	v.t.Fatalf("%s: not so; the page says:\n%s", what, get(v, "read the page", chromedp.Evaluate[string](`document.body.innerText`)))
}

// stopped is at half: what is unsent stays so.
func stopped(wang, zhao *visit, at string, fakes *platforms) {
	wang.open(at)
	wang.eventually("the numbers move by themselves", `document.body.innerText.includes("发到了哪里") && document.querySelector("#progress progress").value > 100`)
	wang.check("push-live")
	wang.press(`form[action$="/pause"] button`, "暂停了，还没发的先不发")
	wang.check("push-paused")
	zhao.open(at)
	zhao.press(`form[action$="/resume"] button`, "接着发了")
	zhao.fill("#why-stop", "电话写错了")
	zhao.press(`form[action$="/cancel"] button`, "停下了，没发的不再发")
	zhao.check("push-stopped")
	time.Sleep(2 * time.Second)
	before := len(fakes.got("“今晚"))
	time.Sleep(2 * time.Second)
	if after := len(fakes.got("“今晚")); after != before || after < 100 || after >= 959 {
		zhao.t.Errorf("%d had it when it was stopped, %d afterwards", before, after)
	}
}

// corrected goes to those who got it, and to nobody else; then the report.
func corrected(wang, zhao *visit, at string, fakes *platforms) {
	wang.open(at)
	wang.says("告诉已经收到的人")
	wang.press(`form[action$="/correct"] button[value="Cancel"]`, "起草了第", "前面发的作废")
	wang.check("push-cancel")
	wang.fill("#why-drop", "改发更正")
	wang.press(`form[action$="/cancel"] button`, "一个人也没有收到")
	wang.open(at)
	wang.press(`form[action$="/correct"] button[value="Update"]`, "起草了第", "把错的改过来")
	wang.check("push-update")
	wang.fill("#contact", "12345")
	wang.press(`button[value="save"]`, "改好了")
	wang.press(`form[action$="/submit"] button`, "送核准了")
	update := get(wang, "address", chromedp.Evaluate[string](`location.pathname`))
	zhao.open(update)
	zhao.says("是第", "发给收到第")
	zhao.check("push-approve-update")
	zhao.fill("#typed", "实际发布")
	zhao.press(`form[action$="/approve"] button`, "第")
	zhao.eventually("all have it", `document.body.innerText.includes("发到了哪里") && document.body.innerText.includes("发完了")`)
	first, second := fakes.got("“今晚"), fakes.got("【更正】“今晚")
	if len(first) != len(second) {
		zhao.t.Errorf("%d had it, %d the update", len(first), len(second))
	}
	for to := range second {
		if first[to] != 1 || second[to] != 1 {
			zhao.t.Errorf("%s was sent it %d times, the update %d times", to, first[to], second[to])
		}
	}
	zhao.check("push-done")
	zhao.open(at + "/report")
	zhao.says("谁在什么时候做了什么", "王小明", "赵主任", "电话写错了", "一半的人", "屏蔽", "后来的更正")
	zhao.check("push-report")
	zhao.open("/console/broadcasts")
	zhao.check("push-list")
	csv := get(zhao, "the table", chromedp.Evaluate[string](`fetch("`+at+`/report.csv").then(r => r.text())`, chromedp.EvalAwaitPromise))
	for _, says := range []string{"类别,时间,渠道", "如东县", "电话写错了", "用时（秒）"} {
		if !strings.Contains(csv, says) {
			zhao.t.Errorf("the table does not say %s:\n%s", says, csv)
		}
	}
}

// exercised reaches the exercise group, and nobody else.
func exercised(wang, zhao *visit, fakes *platforms) {
	wang.open("/console/broadcasts/new?blank=")
	for field, text := range map[string]string{"#headline": "明天很热，中午少出门", "#event": "高温", "#instruction": "不渴也喝水", "#source": "南通市气象台"} {
		wang.fill(field, text)
	}
	wang.fill("#urgency", "Immediate")
	wang.press(`button[value="save"]`, "【演练】这是演练", "会到2个接收方")
	wang.press(`form[action$="/submit"] button`, "送核准了")
	at := get(wang, "address", chromedp.Evaluate[string](`location.pathname`))
	zhao.open(at)
	zhao.check("push-approve-exercise")
	zhao.press(`form[action$="/approve"] button`, "第")
	if hour := time.Now().In(time.FixedZone("", 8*3600)).Hour(); hour < 7 || hour >= 22 { // nobody is woken for an exercise, however urgent it says it is
		zhao.eventually("it waits for the morning", `document.body.innerText.includes("夜里先不发")`)
		return
	}
	zhao.eventually("both have it", `document.body.innerText.includes("发到了哪里") && document.body.innerText.includes("发完了")`)
	zhao.check("push-exercise-done")
	if got := fakes.got("【演练】"); len(got) != 2 {
		zhao.t.Errorf("the exercise reached %v", got)
	}
}
