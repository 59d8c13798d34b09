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

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// platforms stand in for Telegram and WeChat, as far as sending goes.
type platforms struct {
	*httptest.Server
	mu      sync.Mutex
	taken   map[string][]string // texts by recipient
	updates []any               // what readers wrote to the bot, until it asks for it
	written int
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
			result = p.fetch()
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

// asks is a reader who writes to the bot on Telegram.
func (p *platforms) asks(reader int, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written++
	p.updates = append(p.updates, map[string]any{"update_id": p.written, "message": map[string]any{
		"message_id": p.written, "date": time.Now().Unix(), "from": map[string]any{"id": reader}, "chat": map[string]any{"id": reader, "type": "private"}, "text": text,
	}})
}

// fetch is what was written since; where that is nothing the bot waits a second.
func (p *platforms) fetch() []any {
	p.mu.Lock()
	written := append([]any{}, p.updates...)
	p.updates = nil
	p.mu.Unlock()
	if len(written) == 0 {
		time.Sleep(time.Second)
	}
	return written
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

// readersSQL subscribes 900 readers on Telegram and 60 on WeChat in 如东县, and has the program have counted for two days: before one nothing is unusual.
const readersSQL = `
INSERT INTO readers (channel, name, seen_at, wishes)
SELECT 'telegram', (1000000 + i)::text, now(), '{"sent": {"county": "320623", "topics": [], "at": "2026-01-01T00:00:00Z"}}' FROM generate_series(1, 900) i;
INSERT INTO readers (channel, name, seen_at, wishes)
SELECT 'wechat', 'openid-' || i, now(), '{"sent": {"county": "320623", "topics": [], "at": "2026-01-01T00:00:00Z"}}' FROM generate_series(1, 60) i;
UPDATE readers SET exercise_at = now() WHERE name IN ('1000001', 'openid-1');
INSERT INTO sensing_topics (last_at) VALUES (now() - interval '2 days');
INSERT INTO sensing_hours (topic, county, hour, readers) SELECT max(id), '320623', date_trunc('hour', now()) - interval '2 days', 1 FROM sensing_topics;`

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
	p.query(readersSQL)
	asked(p, fakes)
	wang, zhao := b.window(p.base), b.window(p.base)
	wang.signIn("wang")
	zhao.signIn("zhao")
	number := submitted(wang)
	approved(wang, zhao, number)
	stopped(wang, zhao, number, fakes)
	update := corrected(wang, zhao, number, fakes)
	voided(wang, zhao, update, fakes, p)
	exercised(wang, zhao, fakes)
	for _, fault := range b.validate() {
		t.Error(fault)
	}
}

// asked has twelve readers ask the bot what nothing answers; what they ask is looked at when the program is started, and then every five minutes.
func asked(p *program, fakes *platforms) {
	p.t.Helper()
	for i := range 12 {
		fakes.asks(1000004+i, []string{"听说如东今晚十点有地震，是真的吗", "如东今晚十点有地震，快跑"}[i/8])
	}
	for end := time.Now().Add(60 * time.Second); p.query(`SELECT count(DISTINCT reader_id) FROM answers`) != "12"; time.Sleep(time.Second) {
		if time.Now().After(end) {
			p.t.Fatalf("what readers asked was not answered: %s", p.query(`SELECT json_agg(message) FROM answers`))
		}
	}
	p.stop()
	p.serve()
	// the first look of the program that was stopped may have seen some of them
	for end := time.Now().Add(60 * time.Second); p.query(`SELECT coalesce(max(readers), 0) FROM sensing_surges`) != "12" && time.Now().Before(end); {
		time.Sleep(time.Second)
	}
}

// submitted goes from the surge to what is submitted, by the buttons that are there.
func submitted(wang *visit) (at string) {
	const notice = "有1件事问的人比平时多"
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(time.Second) { // the program has just been started
		wang.open("/console/broadcasts")
		if time.Now().After(end) || strings.Contains(get(wang, "read the page", chromedp.Evaluate[string](`document.body.innerText`)), notice) {
			break
		}
	}
	wang.says(notice)
	wang.check("push-none")
	wang.press(`.panel a[href="/console/surges"]`, "如东县", "12人问", "今晚十点有地震", "还没有条目")
	wang.check("surges")
	wang.press(`form[action$="/draft"] button`, "起草了，问的人的说法已经写进去", "如东今晚十点有地震")
	wang.press(`a[href="/console/surges"]`, "已经有人起草")
	wang.press(`.surges a[href="/console/broadcasts/new"]`, "从模板写")
	wang.fill("#q", "地震")
	wang.press(`form[role="search"] button`, "没有找到已发布的")
	wang.check("push-start")
	wang.press(`a[href$="template=quake-rumour"]`, "方括号〔写：…〕是空着的地方")
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
	at = get(wang, "address", chromedp.Evaluate[string](`location.pathname`))
	wang.open("/console/surges")
	wang.press(`form[action$="/taken"] button`, "记下由您处理了", "现在没有比平时问得多的事")
	return at
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

// offline takes the window off the network, and puts it back.
func (v *visit) offline(is bool) {
	v.t.Helper()
	v.do("network", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Offline: is, DownloadThroughput: -1, UploadThroughput: -1}},
		})
		return err
	}))
}

// isDone: all of it was sent, and the page has loaded itself anew for that.
const isDone = `document.readyState === "complete" && document.getElementById("progress").dataset.state === "done"`

// stopped is at half: what is unsent stays so.
func stopped(wang, zhao *visit, at string, fakes *platforms) {
	wang.open(at)
	wang.eventually("the numbers move by themselves", `document.body.innerText.includes("发到了哪里") && document.querySelector("#progress progress").value > 100`)
	wang.check("push-live")
	wang.press(`form[action$="/pause"] button`, "暂停了，还没发的先不发")
	wang.check("push-paused")
	wang.offline(true)
	wang.eventually("a lost server is told of", `!document.getElementById("lost").hidden`)
	wang.says("和服务器断开了，上面的数停住了")
	wang.check("push-lost")
	wang.offline(false)
	wang.eventually("and a server that is back", `document.getElementById("lost").hidden`)
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
func corrected(wang, zhao *visit, at string, fakes *platforms) (update string) {
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
	update = get(wang, "address", chromedp.Evaluate[string](`location.pathname`))
	zhao.open(update)
	zhao.says("是第", "发给收到第")
	zhao.check("push-approve-update")
	zhao.fill("#typed", "实际发布")
	zhao.press(`form[action$="/approve"] button`, "第")
	zhao.eventually("all have it", isDone)
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
	zhao.says("谁在什么时候做了什么", "王小明", "赵主任", "电话写错了", "一半的人", "屏蔽", "后来的更正", "每个地方、每个渠道")
	zhao.check("push-report")
	zhao.open("/console/broadcasts")
	zhao.check("push-list")
	csv := get(zhao, "the table", chromedp.Evaluate[string](`fetch("`+at+`/report.csv").then(r => r.text())`, chromedp.EvalAwaitPromise))
	for _, says := range []string{"类别,时间,渠道", "如东县", "电话写错了", "用时（秒）"} {
		if !strings.Contains(csv, says) {
			zhao.t.Errorf("the table does not say %s:\n%s", says, csv)
		}
	}
	return update
}

// voided takes the correction back too: the cancel is sent to those who had it, and other systems read it as CAP.
func voided(wang, zhao *visit, update string, fakes *platforms, p *program) {
	wang.open(update)
	wang.fill("#why-correct", "南通市地震局正在重新核实")
	wang.press(`form[action$="/correct"] button[value="Cancel"]`, "起草了第", "的作废", "【作废】前面发的“地震谣言”不算数了")
	wang.press(`form[action$="/submit"] button`, "送核准了")
	at := get(wang, "address", chromedp.Evaluate[string](`location.pathname`))
	zhao.open(at)
	zhao.says("发给收到第")
	zhao.check("push-approve-cancel")
	zhao.fill("#typed", "实际发布")
	zhao.press(`form[action$="/approve"] button`, "第")
	wang.open(at)
	wang.eventually("all have it", isDone)
	wang.says("作废", "南通市地震局正在重新核实")
	wang.check("push-cancelled")
	second, third := fakes.got("【更正】“今晚"), fakes.got("【作废】前面发的“地震谣言”不算数了")
	if len(second) == 0 || len(second) != len(third) {
		wang.t.Errorf("%d had the update, %d the cancel", len(second), len(third))
	}
	for to := range third {
		if second[to] != 1 || third[to] != 1 {
			wang.t.Errorf("%s was sent the update %d times, the cancel %d times", to, second[to], third[to])
		}
	}
	identifier := p.query(`SELECT identifier FROM broadcasts WHERE id = ` + at[strings.LastIndex(at, "/")+1:])
	xml := get(wang, "the alert", chromedp.Evaluate[string](`fetch("/cap/`+identifier+`.xml").then(r => r.text())`, chromedp.EvalAwaitPromise))
	for _, says := range []string{"<msgType>Cancel</msgType>", "<status>Actual</status>", "<references>", "不算数了", "南通市地震局正在重新核实"} {
		if !strings.Contains(xml, says) {
			wang.t.Errorf("the alert for other systems does not say %s:\n%s", says, xml)
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
	zhao.eventually("both have it", isDone)
	zhao.check("push-exercise-done")
	if got := fakes.got("【演练】"); len(got) != 2 {
		zhao.t.Errorf("the exercise reached %v", got)
	}
}
