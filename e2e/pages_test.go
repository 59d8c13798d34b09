package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// publicPages are looked at by somebody who is not signed in, while the entry honey-diabetes is published: a name for the picture and the
// path. A new public page is a line here.
var publicPages = []struct{ name, path string }{
	{"sign-in", "/console/sign-in"},
	{"public-entry", "/e/honey-diabetes"},
	{"public-entry-unknown", "/e/nothing-of-ours"},
	{"unknown", "/nothing-of-ours"},
}

const honey = "/console/entries/honey-diabetes"

// TestLife walks an entry through its life in three windows, looks at each page on the way, and asks at each step what a reader asks.
func TestLife(t *testing.T) {
	b := openBrowser(t)
	p := start(t)
	wang, chen, li := b.window(p.base), b.window(p.base), b.window(p.base)
	reader := func(decision string) {
		t.Helper()
		if said := p.ask("糖尿病人能喝蜂蜜吗"); said[:len(decision)] != decision {
			t.Fatalf("the reader is told: %s", said)
		}
	}

	wang.open("/console")
	wang.fill("#login", "wang")
	wang.fill("#password", "不是这个密码呀呀呀")
	wang.press(`form[action="/console/sign-in"] button`, "登录名或密码不对")
	wang.check("sign-in-refused")
	for _, person := range []struct {
		v     *visit
		login string
	}{{wang, "wang"}, {chen, "chen"}, {li, "li"}} {
		person.v.signIn(person.login)
	}
	chen.check("queue-empty")
	wang.check("queue-author")
	wang.open("/console/entries")
	wang.check("entries")
	wang.open("/console/entries?q=没有这样的字")
	wang.check("entries-none")
	imported(wang)
	reader("abstain")
	written(wang)
	reader("abstain")
	reviewed(wang, chen, li)
	reader("abstain")
	li.press(`form[action$="/publish"] button`, "发布了，读者已经查得到")
	li.check("entry-published")
	reader("answer")
	p.run("db", "psql", "--", "-c", "INSERT INTO notices (person, kind, entry, version, at) SELECT id, 'review_due_30', 'honey-diabetes', 3, now() FROM people WHERE login = 'chen'")
	chen.open("/console")
	chen.check("queue-notice")
	chen.press(`form[action^="/console/notices/"] button`, "这个提醒记为看过了")
	public := b.window(p.base)
	for _, page := range publicPages {
		public.open(page.path)
		public.check(page.name)
	}
	changed(wang, li)
	reader("answer")
	contradicted(wang, p)
	public.open("/")
	public.fill("#text", "糖尿病人能喝蜂蜜吗")
	public.press("#ask .main", "不要转发")
	li.open(honey)
	li.says("最近30天有1人收到过（网页1人）")
	li.check("entry-before-withdraw")
	li.fill("#why-withdraw", "有新的结论")
	li.press(`form[action$="/withdraw"] button`, "撤下了，所有渠道都不再回答这一条")
	li.check("entry-withdrawn")
	reader("abstain")
	chen.open(honey + "/edit")
	chen.says("您不能做这件事", "这件事要作者或编辑来做，您现在是专家")
	chen.check("forbidden")
	emergency(wang, li, p)
	begun(wang, public)
	chen.press(`form[action="/console/sign-out"] button`, "登录名")
	for _, fault := range b.validate() {
		t.Error(fault)
	}
}

// TestFaultsAreFound: what the checks are for, they find.
func TestFaultsAreFound(t *testing.T) {
	b := openBrowser(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><html><head><title>x</title></head><body><h1>x</h1><img src="/x.png"><div style="width: 900px">x</div></body></html>`)
	}))
	defer server.Close()
	v := b.window(server.URL)
	v.open("/")
	found := strings.Join(append(v.faults("faulty"), b.validate()...), "\n")
	for _, want := range []string{"sideways at 360 wide", `"image-alt"`, `"html-has-lang"`, "must have an “alt” attribute"} {
		if !strings.Contains(found, want) {
			t.Errorf("%s is not among what was found:\n%s", want, found)
		}
	}
}

// emergency serves a second entry for a day by two publishers' signatures.
func emergency(wang, li *visit, p *program) {
	const entry = "/console/entries/antibiotics-for-cold"
	p.run("user", "add", "zhao", "--as", "admin", "--name", "赵主任", "--institution", "市应急管理局", "--role", "publisher")
	p.run("ingest", "--as", "wang", "../content/health/antibiotics-for-cold.md")
	zhao := li.window(p.base)
	zhao.signIn("zhao")
	wang.open(entry)
	wang.press(`form[action$="/submit"] button`, "已经送审")
	li.open(entry)
	li.do("as publisher", chromedp.Click(chromedp.CSS(`form[action$="/sign"] input[value="publisher"]`)))
	li.press(`form[action$="/sign"] button`, "您以发布员身份签了第1版")
	zhao.open(entry)
	zhao.press(`form[action$="/sign"] button`, "您以发布员身份签了第1版")
	zhao.check("entry-before-emergency")
	zhao.press(`form[action$="/emergency"] button`, "紧急核发了")
	zhao.check("entry-emergency")
	zhao.open("/console")
	zhao.says("紧急核发的，要在24小时内复核")
	zhao.check("queue-publisher")
}

// contradicted writes the contrary of what is published, and submits it for a reason.
func contradicted(wang *visit, p *program) {
	wang.t.Helper()
	source, err := os.ReadFile("../content/health/honey-diabetes.md")
	if err != nil {
		wang.t.Fatal(err)
	}
	contrary := strings.NewReplacer("id: honey-diabetes", "id: honey-diabetes-again", `verdict: "false"`, `verdict: "true"`).Replace(string(source))
	path := filepath.Join(wang.t.TempDir(), "honey-diabetes-again.md")
	wang.save(path, []byte(contrary))
	p.run("ingest", "--as", "wang", path)
	wang.open(honey + "-again")
	wang.check("entry-contradiction")
	wang.fill("#why-despite", "2026年的新指南改了说法，见出处第一条。")
	wang.press(`form[action$="/submit"] button`, "第1版已经送审")
	wang.check("entry-despite")
}

// begun makes entries: of what a reader asked, and of files.
func begun(wang, public *visit) {
	public.open("/")
	public.fill("#text", "在枕头下面放香蕉皮能治失眠吗")
	public.press("#ask .main", "没有查证过")
	wang.open("/console/questions")
	wang.check("questions")
	wang.press(`.tasks a`, "没有条目能回答", "香蕉皮")
	wang.fill("#q", "蜂蜜")
	wang.press(`form[role="search"] button`, "用这一条回答")
	wang.check("question")
	wang.script("choose", `document.querySelector('input[value="advert"]').checked = true`)
	wang.press(`form[action$="/close"] button`, "标为不用答了（广告）", "不用答的（1个）")
	wang.press(`main a[href$="closed=1"]`, "不用答的问题", "广告")
	wang.check("questions-closed")
	wang.press(`.tasks a`, "标为不用答")
	wang.check("question-closed")
	wang.press(`form[action$="/reopen"] button`, "恢复了")
	wang.open("/console/questions")
	wang.press(`.tasks a`, "没有条目能回答", "香蕉皮")
	wang.press(`a.button`, "自己写", "由文件读出")
	wang.check("new-for-question")
	wang.script("choose", `document.querySelector('input[value="rebuttal"]').checked = true; document.getElementById("topic").value = "health"`)
	wang.press(`form[action="/console/new"] button`, "存下来是草稿")
	wang.check("new-text")
	wang.press(`form[action="/console/new"] button`, "存成了第1版草稿", "记在它名下了")
	wang.check("entry-begun")
	wang.open("/console/new")
	wang.check("new")
	file := func(content, name string) {
		wang.script("choose a file", `const d = new DataTransfer(); d.items.add(new File(["`+content+`"], "`+name+`"));
			document.getElementById("file").files = d.files`)
	}
	file("蜂蜜的通知\\n\\n蜂蜜含糖约八成，糖尿病人吃了血糖会升高，不要用蜂蜜代替药，市疾控中心这样提醒。", "通知.txt")
	wang.press(`form[action="/console/upload"] button`, "“通知.txt”读出了1条草稿")
	wang.open("/console/new")
	file("\\x00\\x01", "一个名字很长很长很长很长很长很长的程序2026年11月27日最终版.exe")
	wang.press(`form[action="/console/upload"] button`, "没有读出草稿")
	wang.check("upload-refused")
}

// imported looks at a draft beside the web page that it was read from.
func imported(wang *visit) {
	wang.open("/console/entries?q=盐")
	wang.press(`.tasks a`, "原件", "要改的地方")
	wang.check("entry-imported")
}

// written corrects a draft in the text box and submits it.
func written(wang *visit) {
	wang.open(honey + "/edit")
	wang.check("edit")
	edit := func(script string) {
		wang.script("edit", `const s = document.getElementById("source"); s.value = `+script)
	}
	edit(`s.value.replace("short: ", "shrot: ").replace("summary: ", "summary: 绝对")`)
	wang.press(`form[action$="/edit"] button`, "格式有错，没有存")
	wang.check("edit-refused")
	edit(`s.value.replace("shrot: ", "short: ").replace("summary: 绝对", "summary: ").replace("negatives:", "negatives:\n  - 糖尿病人能吃蜂胶吗")`)
	wang.press(`form[action$="/edit"] button`, "存成了第2版草稿，可以送审")
	wang.check("entry-draft")
	wang.press(`form[action$="/submit"] button`, "第2版已经送审")
	wang.check("entry-own-in-review")
}

// reviewed is signing, returning, correcting and signing again, until it can be published.
func reviewed(wang, chen, li *visit) {
	chen.open("/console")
	chen.check("queue-expert")
	chen.press(`.tasks a`, "签字通过", "一个字也不差")
	chen.check("entry-to-sign")
	chen.press(`form[action$="/sign"] button`, "您以专家身份签了第2版")
	chen.check("entry-signed")
	li.open(honey)
	li.check("entry-editor-and-publisher")
	li.do("as editor", chromedp.Click(chromedp.CSS(`form[action$="/return"] input[value="editor"]`)))
	li.fill("#why-return", "第二句太长，请分成两句；来源的日期再核对一下。")
	li.press(`form[action$="/return"] button`, "第2版退回了")
	wang.open("/console")
	wang.check("queue-returned")
	chen.open(honey)
	wang.open(honey + "/edit")
	wang.script("edit", `const s = document.getElementById("source"); s.value = s.value.replace("蜂胶吗", "蜂王浆吗")`)
	wang.press(`form[action$="/edit"] button`, "存成了第3版草稿")
	wang.press(`form[action$="/submit"] button`, "第3版已经送审")
	chen.open(honey)
	li.open(honey)
	chen.press(`form[action$="/sign"] button`, "您以专家身份签了第3版")
	li.press(`form[action$="/sign"] button`, "您以编辑身份签了第3版，签字齐了，可以发布")
	li.check("entry-to-publish")
}

// changed makes a new draft beside the published version, and has what was seen before it refused.
func changed(wang, li *visit) {
	li.open(honey)
	wang.open(honey + "/edit")
	wang.script("edit", `const s = document.getElementById("source");
		s.value = s.value.replace("  - 糖尿病人能吃蜂王浆吗\n", "").replace("title: ", "title: 再问一次：")`)
	wang.press(`form[action$="/edit"] button`, "存成了第4版草稿")
	wang.check("entry-beside-published")
	li.fill("#why-withdraw", "看的是旧的")
	li.press(`form[action$="/withdraw"] button`, "您看的是第3版，现在已经是第4版了")
	li.check("conflict")
	li.open("/console/entries/nothing-here")
	li.check("not-found")
	wang.open(honey)
	li.open(honey)
	li.check("entry-publisher")
}
