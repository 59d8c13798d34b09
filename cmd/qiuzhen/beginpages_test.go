package main

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/console"
	"qiuzhen/ingest/officetest"
	"qiuzhen/knowledge"
)

// upload sends a file by the page's form.
func (b *browser) upload(topic string, files map[string][]byte) {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("topic", topic)
	for name, data := range files {
		part, err := form.CreateFormFile("file", name)
		if err != nil {
			b.t.Fatal(err)
		}
		if _, err := part.Write(data); err != nil {
			b.t.Fatal(err)
		}
	}
	form.Close()
	request, err := http.NewRequest(http.MethodPost, b.base+"/console/upload", &body) //nolint:noctx // a test
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Origin", b.base)
	b.take(request)
}

const longNotice = "蜂蜜含糖约八成，糖尿病人吃了血糖会升高。市疾控中心提醒：不要用蜂蜜代替药。"

// TestUploadOnThePages: files of an office become the drafts of who brings them, or clear lines; nothing of anybody's is written over.
func TestUploadOnThePages(t *testing.T) {
	const known = "alkaline-water-cancer"
	o := openBureau(t, known)
	o.hire(t, "shangchuan", "尚编辑", knowledge.Editor)
	b := o.signedIn(t, "shangchuan", false)
	files := func(name string, data []byte) map[string][]byte { return map[string][]byte{name: data} }
	folder := os.TempDir()
	before, _ := filepath.Glob(filepath.Join(folder, "qiuzhen-upload-*"))

	b.open("/console/new", "由文件读出", "32 MB")
	b.upload("health", files(`C:\我的文档\蜂蜜通知.txt`, officetest.GB18030("蜂蜜的通知\n\n"+longNotice)))
	b.says(http.StatusOK, "“蜂蜜通知.txt”读出了1条草稿，其中1条还缺内容", longNotice, "原件：蜂蜜通知.txt", "健康", "尚编辑写", "第1版", "没有和别的条目对照过")
	first := b.at
	b.upload("health", files("蜂蜜通知.txt", officetest.GB18030("蜂蜜的通知\n\n"+longNotice)))
	if b.says(http.StatusOK, "以前读过，内容没有变化"); b.at != first {
		t.Errorf("the same file again leads to %s, not %s", b.at, first)
	}
	b.upload("", files("蜂蜜通知.txt", []byte("蜂蜜的通知\n\n"+longNotice+"另一个单位的。")))
	if b.says(http.StatusOK, "读出了1条草稿"); b.at == first {
		t.Error("another file of that name took the first one's place")
	}
	own, err := filepath.Glob("../../content/*/" + known + ".md")
	if err != nil || len(own) != 1 {
		t.Fatalf("%v, %v", own, err)
	}
	source, err := os.ReadFile(own[0])
	if err != nil {
		t.Fatal(err)
	}
	b.upload("", files(known+".md", source))
	b.says(http.StatusUnprocessableEntity, "没有读出草稿，什么也没有存", "已经有编号是 "+known+" 的条目了，没有覆盖")
	zip := officetest.ZIP(
		officetest.Part{Name: "甲.txt", Data: []byte("甲的通知\n\n" + longNotice + "甲")}, officetest.Part{Name: "乙.txt", Data: []byte("乙的通知\n\n" + longNotice + "乙")},
		officetest.Part{Name: "坏.docx", Data: []byte("PK\x03\x04 broken")}, officetest.Part{Name: "坏条目.md", Data: []byte("---\nid: xy\nkind: rebuttal\nclaims: [一]\nshrot: 一\n---\n正文")},
		officetest.Part{Name: "坏结论.md", Data: bytes.Replace(source, []byte("verdict: "), []byte("verdict: 谣言 # "), 1)},
		officetest.Part{Name: "坏指南.md", Data: bytes.Replace(source, []byte("kind: rebuttal"), []byte("kind: guide"), 1)},
		officetest.Part{Name: "坏字符.md", Data: bytes.Replace(source, []byte("short: "), []byte(`short: "\0" # `), 1)},
		officetest.Part{Name: "坏\x00\x1b[2J名字.txt", Data: []byte("PK\x03\x04")},
		officetest.Part{Name: "新条目.md", Data: bytes.Replace(source, []byte("id: "+known), []byte("id: "+known+"-new"), 1)})
	b.upload("rumour", files("一包.zip", zip))
	b.says(http.StatusOK, "读出了3条草稿", ">甲</a>", entryAt(known+"-new", ""), "没有读进来的", "一包.zip/坏.docx：", "一包.zip/坏条目.md：",
		"一包.zip/坏结论.md：verdict 应当是", "一包.zip/坏指南.md：指南没有 verdict", "一包.zip/坏字符.md：有看不见的控制字符", "一包.zip/坏[2J名字.txt：文件坏了")

	for what, c := range map[string]struct {
		topic  string
		files  map[string][]byte
		status int
		says   string
	}{
		"no file":   {"", nil, http.StatusBadRequest, "没有选文件"},
		"no name":   {"", files("", []byte("一")), http.StatusBadRequest, "没有选文件"},
		"two files": {"", map[string][]byte{"a.txt": []byte("一"), "b.txt": []byte("二")}, http.StatusBadRequest, "一次传一个文件"},
		"a topic":   {"politics", files("a.txt", []byte("一")), http.StatusBadRequest, "没有这个主题"},
		"too large": {"", files("a.txt", make([]byte, console.FileMost+1)), http.StatusBadRequest, "文件超过32 MB"},
		"empty":     {"", files("a.txt", nil), http.StatusUnprocessableEntity, "a.txt："},
		"a program": {"", files("<b>a.exe", []byte("MZ\x00")), http.StatusUnprocessableEntity, "没有读出草稿"},
	} {
		if b.upload(c.topic, c.files); b.status != c.status || !strings.Contains(b.page, c.says) || strings.Contains(b.page, "<b>a") {
			t.Errorf("%s: %d, want %d and %q:\n%s", what, b.status, c.status, c.says, b.page)
		}
	}
	if after, _ := filepath.Glob(filepath.Join(folder, "qiuzhen-upload-*")); len(after) > len(before) {
		t.Errorf("files are left behind: %v", after)
	}
}

// TestBeginOnThePages: what readers asked becomes an entry that somebody begins, or is answered by one that is there.
func TestBeginOnThePages(t *testing.T) {
	o := openBureau(t)
	o.hire(t, "xiezuo", "谢作者", knowledge.Author)
	o.hire(t, "kanke", "康专家", knowledge.Expert)
	xie, kang := o.signedIn(t, "xiezuo", false), o.signedIn(t, "kanke", false)
	ask := func(name, words string, agreed bool) {
		if _, err := o.app.Store.Keep(t.Context(), bot.Turn{
			Reader: bot.Reader{Channel: "web", Name: name, Memory: bot.Memory{At: time.Now()}}, Filed: words, Agreed: agreed,
		}); err != nil {
			t.Fatal(err)
		}
	}
	const words, other = "吃榴莲能治<失眠>吗", "吃榴莲能治失眠，真的吗"
	ask("甲", words, true)
	ask("乙", words, false)
	ask("丙", other, true)
	kang.open("/console/questions", "吃榴莲能治&lt;失眠&gt;吗", "2人问过", "1人等回音", "全部条目")
	if strings.Contains(kang.page, "/console/new") {
		t.Error("an expert is offered to begin an entry")
	}
	link := func(b *browser, text string) string {
		t.Helper()
		at := strings.Index(b.page, ">"+text+"</a>")
		if at < 0 {
			t.Fatalf("no link %q:\n%s", text, b.page)
		}
		from := strings.LastIndex(b.page[:at], `href="`) + len(`href="`)
		return b.page[from : at-1]
	}
	question := link(kang, "吃榴莲能治&lt;失眠&gt;吗")
	kang.open(question, "由作者、编辑或发布员来选")
	xie.open("/console/questions")
	xie.open(question, "1人等回音", "已有的条目能回答")
	xie.open(link(xie, "新写一条来回答"), "读者这样问：吃榴莲能治&lt;失眠&gt;吗（2人问过）", `value="吃榴莲能治&lt;失眠&gt;吗"`)
	begin := url.Values{"question": {question[strings.LastIndex(question, "/")+1:]}, "title": {"榴莲能治失眠吗"}}
	xie.do(http.MethodGet, "/console/new?"+begin.Encode(), nil)
	xie.says(http.StatusUnprocessableEntity, "种类和主题都要选", "榴莲能治失眠吗")
	begin.Set("kind", "rebuttal")
	begin.Set("topic", "health")
	xie.open("/console/new?"+begin.Encode(), "读者这样问", "存下来是草稿")
	form := xie.form("/console/new")
	for _, want := range []string{"id: liu-lian-neng-zhi-shi-mian-ma-", "kind: rebuttal", "topic: health", "title: \"榴莲能治失眠吗\"", "- \"" + words + "\""} {
		if !strings.Contains(form.Get("source"), want) {
			t.Errorf("no %q in\n%s", want, form.Get("source"))
		}
	}
	broken := url.Values{"question": form["question"], "source": {strings.Replace(form.Get("source"), "short:", "shrot:", 1)}}
	xie.do(http.MethodPost, "/console/new", broken)
	xie.says(http.StatusUnprocessableEntity, "格式有错，没有存", "shrot", "读者这样问")
	xie.do(http.MethodPost, "/console/new", url.Values{"source": {strings.Replace(form.Get("source"), "id: liu", "id: Liu", 1)}})
	xie.says(http.StatusUnprocessableEntity, "id 应当是2到64个小写字母")
	unseen := strings.Replace(form.Get("source"), "short: \"\"", `short: "蜂\0蜜"`, 1)
	xie.do(http.MethodPost, "/console/new", url.Values{"source": {unseen}})
	xie.says(http.StatusUnprocessableEntity, "有看不见的控制字符，没有存", "short（短名） 里有看不见的控制字符 U&#43;0000")
	xie.do(http.MethodPost, "/console/new", form)
	xie.says(http.StatusOK, "存成了第1版草稿，还有", "处要改", "发布以后会告诉等回音的1人", "谢作者写")
	path := xie.at
	xie.do(http.MethodPost, "/console/new", form)
	xie.says(http.StatusUnprocessableEntity, "的条目了，没有存。换一个 id")
	xie.open(path+"/edit", "verdict: &#34;&#34;")
	xie.open("/console/questions", other)
	if strings.Contains(xie.page, "&lt;失眠&gt;") {
		t.Error("what has an entry is listed still")
	}
	xie.open(question, path)

	second := link(xie.reopen("/console/questions"), other)
	xie.open(second+"?q="+url.QueryEscape("榴莲"), "榴莲能治失眠吗", "用这一条回答")
	xie.send(second, map[string]string{"entry": path[strings.LastIndex(path, "/")+1:]})
	xie.says(http.StatusOK, "“榴莲能治失眠吗”：读者问的那一句记在它名下了，发布以后会告诉等回音的1人")
	if strings.Contains(xie.page, other) {
		t.Error("what was answered is listed still")
	}
	xie.open(path, "记下读者的问题由它回答")
}

// TestQuestionsThatNeedNoAnswer: junk leaves the list for a reason and comes back, by whoever may answer; another only looks.
func TestQuestionsThatNeedNoAnswer(t *testing.T) {
	o := openBureau(t)
	o.hire(t, "buyongda", "卜编辑", knowledge.Editor)
	o.hire(t, "pangguan", "庞专家", knowledge.Expert)
	bu, pang := o.signedIn(t, "buyongda", false), o.signedIn(t, "pangguan", false)
	const words = "加微信领鸡蛋，名额不多先到先得快来"
	if _, err := o.app.Store.Keep(t.Context(), bot.Turn{
		Reader: bot.Reader{Channel: "web", Name: "丁", Memory: bot.Memory{At: time.Now()}}, Filed: words,
	}); err != nil {
		t.Fatal(err)
	}
	bu.open("/console/questions", words)
	link := regexp.MustCompile(`"(/console/questions/\d+)">` + words).FindStringSubmatch(bu.page)
	if link == nil {
		t.Fatal(bu.page)
	}
	bu.open(link[1], "为什么不用答", "灌水", "广告", "看不懂", "不归我们管", "不告诉读者")
	bu.do(http.MethodPost, link[1]+"/close", url.Values{"why": {"boring"}})
	bu.says(http.StatusBadRequest, "请选一个不用答的原因")
	bu.do(http.MethodPost, link[1]+"/close", url.Values{"why": {"advert"}})
	bu.says(http.StatusOK, "“"+words+"”标为不用答了（广告）", "不用答的（1个）")
	if strings.Contains(bu.page, link[1]) {
		t.Error("what needs no answer is listed still")
	}
	pang.open("/console/questions?closed=1", words, "1人问过", "广告，卜编辑")
	pang.open(link[1], "卜编辑", "因为<strong>广告</strong>")
	if strings.Contains(pang.page, "/reopen") || strings.Contains(pang.page, "/close") {
		t.Error("an expert is offered to decide")
	}
	bu.open(link[1])
	bu.send(link[1]+"/reopen", nil)
	bu.says(http.StatusOK, "恢复了，又列在“没答上的问题”里")
	bu.open("/console/questions", words)
}

// TestNoticesOnThePages: who signed is told before the last day, until she has seen it.
func TestNoticesOnThePages(t *testing.T) {
	ids, err := filepath.Glob("../../content/fraud/*.md")
	if err != nil || len(ids) == 0 {
		t.Fatal(err)
	}
	entry := strings.TrimSuffix(filepath.Base(ids[0]), ".md")
	o := openBureau(t, entry)
	o.hire(t, "tixing", "田编辑", knowledge.Editor)
	o.hire(t, "fabu", "方主任", knowledge.Publisher, knowledge.Author)
	tian, fang := o.signedIn(t, "tixing", false), o.signedIn(t, "fabu", false)
	fang.open(entryAt(entry, ""))
	fang.send(entryAt(entry, "/submit"), nil)
	tian.open(entryAt(entry, ""), "附一句话")
	tian.send(entryAt(entry, "/sign"), map[string]string{"comment": "号码都打过，是对的"})
	tian.says(http.StatusOK, "签字齐了", "号码都打过，是对的", "以编辑身份；号码都打过，是对的")
	fang.open(entryAt(entry, ""), "号码都打过，是对的")
	fang.send(entryAt(entry, "/publish"), nil)
	if _, err := o.app.Store.FileReminders(t.Context(), time.Now().AddDate(0, 12, -20)); err != nil {
		t.Fatal(err)
	}
	tian.open("/console", "提醒", "到期：", "请在这以前复核", "看过了")
	form := tian.page[strings.Index(tian.page, `action="/console/notices/`)+len(`action="`):]
	action, _, _ := strings.Cut(form, `"`)
	fang.do(http.MethodPost, action, url.Values{}) // another's: nothing happens to it
	tian.open("/console", "看过了")
	tian.send(action, nil)
	tian.says(http.StatusOK, "这个提醒记为看过了")
	if strings.Contains(tian.page, action) {
		t.Error("what was seen is listed still")
	}
}
