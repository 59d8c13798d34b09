package console_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/console"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

const secret = "correct horse battery staple"

// office is the pages on a database with staff and three readers in 如东县, one of whom takes part in exercises.
type office struct {
	server *httptest.Server
	store  *postgres.Store
	conn   *pgx.Conn
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openOffice(t *testing.T) *office { return openOfficeAt(t, time.Now) }

func openOfficeAt(t *testing.T, now func() time.Time) *office {
	t.Helper()
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(ctx, dsn)
	must(t, err)
	t.Cleanup(store.Close)
	must(t, store.StartAudit(ctx, postgres.AuditConfig{Key: make([]byte, 32), HeadFile: filepath.Join(t.TempDir(), "audit.head")}))
	conn, err := pgx.Connect(ctx, dsn)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(ctx) })
	mux := http.NewServeMux()
	for _, r := range console.New(console.Config{Store: store, Now: now, Log: slog.New(slog.DiscardHandler)}).Routes() {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	o := &office{httptest.NewServer(mux), store, conn}
	t.Cleanup(o.server.Close)
	_, err = conn.Exec(ctx, `
		INSERT INTO readers (channel, name, seen_at, wishes, exercise_at)
		SELECT 'telegram', 'r' || i, now(), '{"sent": {"county": "320623"}}', CASE WHEN i = 1 THEN now() END FROM generate_series(1, 3) i`)
	must(t, err)
	return o
}

// window is one person's.
type window struct {
	t      *testing.T
	client *http.Client
	base   string
	page   string
	at     string
}

func (o *office) signIn(t *testing.T, login string, roles ...knowledge.Role) *window {
	t.Helper()
	_, err := o.store.AddPerson(context.Background(), knowledge.Person{Login: login, Name: "姓名" + login, Title: "主任", Institution: "某中心", Roles: roles}, secret)
	must(t, err)
	jar, err := cookiejar.New(nil)
	must(t, err)
	w := &window{t: t, client: &http.Client{Jar: jar}, base: o.server.URL}
	w.post("/console/sign-in", url.Values{"login": {login}, "password": {secret}}, 200, "我的待办")
	return w
}

func (w *window) took(response *http.Response, err error) int {
	w.t.Helper()
	must(w.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(w.t, err)
	w.page, w.at = string(body), response.Request.URL.Path
	return response.StatusCode
}

func (w *window) expect(status, want int, says []string) {
	w.t.Helper()
	if status != want {
		w.t.Fatalf("%s: %d, want %d:\n%s", w.at, status, want, w.page)
	}
	for _, s := range says {
		if !strings.Contains(w.page, s) {
			w.t.Fatalf("%s does not say %q:\n%s", w.at, s, w.page)
		}
	}
}

func (w *window) get(path string, status int, says ...string) {
	w.t.Helper()
	w.expect(w.took(w.client.Get(w.base+path)), status, says) //nolint:noctx // a test
}

func (w *window) post(path string, form url.Values, status int, says ...string) {
	w.t.Helper()
	w.expect(w.took(w.client.PostForm(w.base+path, form)), status, says) //nolint:noctx // a test
}

var (
	shownVersion = regexp.MustCompile(`name="version" value="(\d+)"`)
	shownHash    = regexp.MustCompile(`name="hash" value="([0-9a-f]+)"`)
)

// with is a form with what the page before her binds.
func (w *window) with(form url.Values) url.Values {
	w.t.Helper()
	version, hash := shownVersion.FindStringSubmatch(w.page), shownHash.FindStringSubmatch(w.page)
	if version == nil || hash == nil {
		w.t.Fatalf("%s has no form:\n%s", w.at, w.page)
	}
	form.Set("version", version[1])
	form.Set("hash", hash[1])
	return form
}

func flood(kind string) url.Values {
	return url.Values{
		"kind": {kind}, "event": {"洪水"}, "headline": {"洪水要来，现在就往高处走"}, "instruction": {"带上药和手机\r\n去镇中学"}, "source": {"=1+1 如东县防汛指挥部"},
		"category": {"Met"}, "response": {"Evacuate"}, "urgency": {"Immediate"}, "severity": {"Severe"}, "certainty": {"Observed"},
		"areas": {"320623"}, "expires": {time.Now().In(knowledge.China).Add(6 * time.Hour).Format("2006-01-02T15:04")}, "do": {"save"},
	}
}

// begin puts a broadcast into the state that its delivery does, with what became of its three recipients.
func (o *office) begin(t *testing.T, id string) {
	t.Helper()
	for _, sql := range []string{
		`UPDATE broadcasts SET state = 'sending' WHERE id = ` + id,
		`INSERT INTO deliveries (broadcast_id, reader_id, channel, county, state, settled_at, reason)
		 SELECT ` + id + `, id, channel, '320623', CASE name WHEN 'r1' THEN 'sent' WHEN 'r2' THEN 'failed' ELSE 'waiting' END,
		        CASE WHEN name <> 'r3' THEN clock_timestamp() END, CASE WHEN name = 'r2' THEN '=收件人已退出或屏蔽' END FROM readers`,
	} {
		_, err := o.conn.Exec(t.Context(), sql)
		must(t, err)
	}
}

// TestPush walks a broadcast through its pages with two people: what each is offered, what is refused, and what the pages say.
func TestPush(t *testing.T) {
	o := openOffice(t)
	wang := o.signIn(t, "wang", knowledge.Author, knowledge.Publisher)
	li := o.signIn(t, "li", knowledge.Publisher)
	wang.get("/console/broadcasts/new", 200, "从模板写", "地震谣言")
	wang.get("/console/broadcasts/new?template=nothing", 404, "没有")
	preview := flood("actual")
	preview.Set("do", "preview")
	wang.post("/console/broadcasts/new?blank=", preview, 200, "还没有存", "会到3个接收方", "这个渠道没有设好，现在发不出去", "【实发】这是真的", "洪水要来，现在就往高处走。\n可以这样做：")
	bad := flood("actual")
	bad.Set("headline", strings.Repeat("长", 31))
	bad.Set("areas", "32")
	bad.Set("expires", "明天")
	wang.post("/console/broadcasts/new?blank=", bad, 422, "没有存，有要改的地方", "最多30个字", "不是六位的代码", "看不懂")
	wang.post("/console/broadcasts/new?blank=", url.Values{"do": {"save"}}, 400, "看不出是演练还是实发")
	wang.post("/console/broadcasts/new?blank=", flood("actual"), 200, "存成了第1号草稿，还没有发")
	at := wang.at
	wang.post(at+"/submit", wang.with(url.Values{}), 200, "送核准了，还没有发", "要由另一个有“发布员”角色的人来核准")
	if strings.Contains(wang.page, at+"/approve") {
		t.Error("who wrote it is offered to approve it")
	}
	wang.post(at+"/approve", wang.with(url.Values{"typed": {"实际发布"}}), 403, "要另一个人来核准")
	li.get("/console", 200, "等人核准的推送")
	li.get(at, 200, "亲手打出", at+"/approve")
	read := li.with(url.Values{"typed": {"实际发布"}})

	// an edit voids what was submitted, and whoever read it before is told what is different
	wang.get(at+"/edit", 200, "去镇中学")
	edit := wang.with(flood("actual"))
	edit.Set("instruction", "带上药和手机\n去镇小学")
	wang.post(at+"/edit", edit, 200, "原来送的核准作废")
	wang.post(at+"/edit", edit, 409, "内容在您看过以后又改了")
	li.post(at+"/approve", read, 409, "没有核准")
	wang.get(at, 200)
	wang.post(at+"/submit", wang.with(url.Values{}), 200)
	li.post(at+"/approve", read, 409, "没有核准：内容在您看过以后又改了", "您刚才看的第1稿", "<del>", "去镇小学")
	for _, action := range []string{"/return", "/cancel"} { // of what she had read, no more
		form := url.Values{"version": read["version"], "hash": read["hash"], "reason": {"不对"}}
		li.post(at+action, form, 409, "内容在您看过以后又改了")
	}
	li.get(at, 200, "上次送核准的第1稿")
	li.post(at+"/approve", li.with(url.Values{"typed": {"发"}}), 400, "请亲手打出")
	li.get(at, 200)
	li.post(at+"/approve", li.with(url.Values{"typed": {"实际发布"}}), 200, "核准了，这是实发，几秒钟里开始发。", "<strong>核准了，几秒钟里开始发。")

	o.begin(t, "1")
	later := flood("actual") // as urgent, to more people than the other has left
	later.Set("do", "preview")
	wang.post("/console/broadcasts/new?blank=", later, 200, "会到3个接收方", "这个渠道上还有1条别的推送先发，不到1分钟，时间算在里面了")
	wang.get(at, 200, "发到了哪里", "已发<strong>1</strong>", "没发成<strong>1</strong>", "等着发<strong>1</strong>", "收件人已退出或屏蔽")
	wang.get(at+"/edit", 409, "已经开始发")
	wang.post(at+"/cancel", url.Values{}, 400, "表单不完整")
	wang.get(at, 200)
	wang.post(at+"/pause", wang.with(url.Values{}), 200, "暂停了")
	li.get(at, 200)
	li.post(at+"/resume", li.with(url.Values{}), 200, "接着发了")
	li.post(at+"/cancel", li.with(url.Values{}), 400, "取消要写明原因")
	li.get(at, 200)
	li.post(at+"/cancel", li.with(url.Values{"reason": {"@水退了"}}), 200, "停下了", "告诉已经收到的人", "@水退了</textarea>", "没发<strong>1</strong>")
	li.get(at+"/events", 200, "event: state\ndata: cancelled", "event: end")
	li.get(at+"/report", 200, "姓名wang", "姓名li", "亲手打了“实际发布”", "@水退了", "一半的人", "<td>1/3</td>")
	li.get(at+"/report.csv", 200, "\ufeff类别", ",'@水退了", ",'=收件人已退出或屏蔽", "如东县", "实发通知")
	li.get(at, 200)
	li.post(at+"/correct", li.with(url.Values{"type": {"Cancel"}, "reason": {"水退了"}}), 200, "是第1号的作废", "发给收到第1号的人", "【作废】", "会到1个接收方")
	li.get(at, 200)
	li.post(at+"/correct", li.with(url.Values{"type": {"Update"}, "reason": {"改成镇中学"}}), 200, "把错的改过来", "不能另选")
	li.get("/console/broadcasts", 200, "草稿", "结束了的", "【实发】", "作废：", "更正：")
}

// TestExercise says so before anything else, on every page.
func TestExercise(t *testing.T) {
	o := openOffice(t)
	wang, li := o.signIn(t, "wang", knowledge.Author), o.signIn(t, "li", knowledge.Publisher)
	wang.post("/console/broadcasts/new?blank=", flood("exercise"), 200, "【演练】这是演练", "会到1个接收方", "【演练】洪水要来")
	at := wang.at
	wang.post(at+"/submit", wang.with(url.Values{}), 200, "要由另一个有“发布员”角色的人来核准")
	wang.post(at+"/approve", wang.with(url.Values{}), 403)
	li.get(at, 200, "核准这次演练")
	if strings.Contains(li.page, "实际发出") {
		t.Error("an exercise is approved by the words of a real one")
	}
	li.post(at+"/approve", li.with(url.Values{}), 200, "核准了这次演练")
	for _, path := range []string{at, at + "/report", "/console/broadcasts"} {
		li.get(path, 200, "【演练】")
		if strings.Contains(li.page, "【实发】") {
			t.Errorf("%s of an exercise says that it is real", path)
		}
	}
}

// TestStream: a page is sent the numbers, and that the state has changed; who was signed out is sent nothing.
func TestStream(t *testing.T) {
	o := openOffice(t)
	wang, li := o.signIn(t, "wang", knowledge.Author), o.signIn(t, "li", knowledge.Publisher)
	wang.post("/console/broadcasts/new?blank=", flood("actual"), 200)
	at := wang.at
	wang.post(at+"/submit", wang.with(url.Values{}), 200)
	li.get(at, 200)
	li.post(at+"/approve", li.with(url.Values{"typed": {"洪水要来，现在就往高处走"}}), 200)
	o.begin(t, "1")
	response, err := li.client.Get(li.base + at + "/events") //nolint:noctx // a test
	must(t, err)
	defer response.Body.Close()
	if response.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Fatal(response.Header)
	}
	buffer := make([]byte, 64<<10)
	n, err := io.ReadAtLeast(response.Body, buffer, 1000)
	must(t, err)
	if got := string(buffer[:n]); !strings.Contains(got, "event: progress\ndata: <p") || strings.Contains(got, "\n\n<") {
		t.Errorf("%s", got)
	}
	wang.post("/console/sign-out", url.Values{}, 200, "登录名")
	wang.get(at+"/events", 200, "登录名")
}

// TestSurges: the list, with one step to an entry.
func TestSurges(t *testing.T) {
	o := openOffice(t)
	wang, li := o.signIn(t, "wang", knowledge.Editor), o.signIn(t, "li", knowledge.Publisher)
	for _, sql := range []string{
		`INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'web', 'w' || i, now(), '{"sent": {"county": "320623"}}' FROM generate_series(1, 6) i`,
		`INSERT INTO sensing_topics (last_at) VALUES (now())`,
		`INSERT INTO answers (reader_id, at, message, decision, took_ms, sensed, topic) SELECT id, now() - interval '5 minutes', '今晚有<b>地震</b>吗', 'abstain', 3, true, 1 FROM readers WHERE channel = 'web'`,
		`INSERT INTO sensing_surges (topic, county, began_at, found_at, last_at, readers, usual, chance)
		 VALUES (1, '320623', now() - interval '30 minutes', now() - interval '2 minutes', now(), 6, 0.2, 1e-9)`,
	} {
		_, err := o.conn.Exec(t.Context(), sql)
		must(t, err)
	}
	li.get("/console/broadcasts", 200, "有1件事问的人比平时多")
	li.get("/console", 200, "有1件事问的人比平时多，还没有人处理")
	li.get("/console/surges", 200, "如东县", "6人问", "今晚有&lt;b&gt;地震", "还没有条目", "从模板写推送")
	if strings.Contains(li.page, "起草条目") {
		t.Error("a publisher is offered to write an entry")
	}
	wang.get("/console/surges", 200, "起草条目")
	wang.post("/console/surges/1/taken", url.Values{}, 200, "记下由您处理了", "现在没有比平时问得多的事")
	if li.get("/console", 200); strings.Contains(li.page, "问的人比平时多") {
		t.Error("what somebody sees to still waits")
	}
	wang.post("/console/surges/1/taken", url.Values{}, 409, "已经有人处理")
	wang.get("/console/surges?all=", 200, "姓名wang在处理")
	wang.post("/console/surges/9/draft", url.Values{}, 404, "没有第9号舆情提醒")
	wang.get("/console/surges/x/draft", 404)
}

// TestLongPlaces: an address with what is no number, and a form with what is no text, is nobody's fault of ours.
func TestLongPlaces(t *testing.T) {
	o := openOffice(t)
	wang := o.signIn(t, "wang", knowledge.Author)
	for _, n := range []string{"0", "-1", "x", "99999999999999999999", "1%00", "%ff"} {
		wang.get("/console/broadcasts/"+n, 404, "没有这条推送")
	}
	form := flood("exercise")
	form.Set("headline", "a\x00b")
	wang.post("/console/broadcasts/new?blank=", form, 400, "有不是文字的字符")
	form = flood("exercise")
	form.Set("description", strings.Repeat("长", 30000))
	wang.post("/console/broadcasts/new?blank=", form, 400, "太长")
	wang.post("/console/broadcasts/new?entry=nothing", flood("exercise"), 404)
	hash := hex.EncodeToString(make([]byte, 32))
	wang.post("/console/broadcasts/7/submit", url.Values{"version": {"1"}, "hash": {hash}}, 404, fmt.Sprintf("没有第%d号推送", 7))
}
