package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// TestLifeOnThePages walks a health entry through its life on the staff's pages, with three people: what each is shown and told, and what a
// reader is answered at each step.
func TestLifeOnThePages(t *testing.T) {
	const id, question, answer = "honey-diabetes", "糖尿病人能喝蜂蜜吗", "蜂蜜"
	o := openBureau(t, id)
	o.hire(t, "wang", "王作者", knowledge.Author)
	o.hire(t, "chen", "陈医生", knowledge.Expert)
	o.hire(t, "li", "李编辑", knowledge.Editor, knowledge.Publisher)
	wang, chen, li := o.signedIn(t, "wang", false), o.signedIn(t, "chen", false), o.signedIn(t, "li", false)
	path := entryAt(id, "")
	reader := func(answered bool) {
		t.Helper()
		if said := o.ask(t, question); strings.Contains(said, "核查的说法") != answered || answered && !strings.Contains(said, answer) {
			t.Fatalf("the reader is told:\n%s", said)
		}
	}
	edit := func(from, to string) {
		t.Helper()
		wang.open(entryAt(id, "/edit"))
		source := wang.form(entryAt(id, "/edit")).Get("source")
		if !strings.Contains(source, from) {
			t.Fatalf("no %q in\n%s", from, source)
		}
		wang.send(entryAt(id, "/edit"), map[string]string{"source": strings.Replace(source, from, to, 1)})
	}

	wang.says(http.StatusOK, "我的待办", "导入的草稿，等人整理", path)
	reader(false)
	edit("negatives:", "negatives:\n  - 糖尿病人能吃蜂胶吗\nshrot: x")
	wang.says(http.StatusUnprocessableEntity, "格式有错，没有存", "不认识的字段 shrot")
	edit("short: ", "short: 一个长得不能再长的名字啊")
	wang.says(http.StatusOK, "存成了第2版草稿，还有1处要改", "还有要改的地方，改好才能送审")
	edit("short: 一个长得不能再长的名字啊", "short: ")
	wang.says(http.StatusOK, "存成了第3版草稿，可以送审", "交给审核人，要1位专家和1位编辑签字才能发布")
	wang.send(entryAt(id, "/submit"), nil)
	wang.says(http.StatusOK, "第3版已经送审，还差专家和编辑签字", "这一版是您写的，要别人来签字")
	reader(false)

	chen.open("/console", "等我签字的", path)
	chen.open(path, "市医院 主任医师 陈医生", "一个字也不差")
	stale := chen.form(entryAt(id, "/sign"))
	chen.send(entryAt(id, "/sign"), nil)
	chen.says(http.StatusOK, "您以专家身份签了第3版，还差编辑签字", "这一轮您已经签过了")
	li.open(path, "退回后，这一版回到作者手里")
	li.send(entryAt(id, "/return"), map[string]string{"role": "editor"})
	li.says(http.StatusBadRequest, "退回要写明原因")
	li.open(path)
	li.send(entryAt(id, "/return"), map[string]string{"role": "editor", "comment": "第二句太长"})
	li.says(http.StatusOK, "第3版退回了，作者的待办里会有您写的意见")
	reader(false)

	wang.open("/console", "退回来要改的", "第二句太长")
	edit("negatives:", "negatives:\n  - 糖尿病人能吃蜂胶吗")
	wang.send(entryAt(id, "/submit"), nil)
	wang.says(http.StatusOK, "第4版已经送审")
	chen.do(http.MethodPost, entryAt(id, "/sign"), stale)
	chen.says(http.StatusConflict, "这一版现在不在审核中", "回到这一条")
	chen.open(path)
	chen.send(entryAt(id, "/sign"), nil)
	li.open(path)
	li.send(entryAt(id, "/sign"), map[string]string{"role": "editor"})
	li.says(http.StatusOK, "您以编辑身份签了第4版，签字齐了，可以发布", "从最后一次签字算起满6个月，自动停止回答")
	reader(false)
	toPublish := li.form(entryAt(id, "/publish"))
	toPublish.Set("version", "3")
	li.do(http.MethodPost, entryAt(id, "/publish"), toPublish)
	li.says(http.StatusConflict, "您看的是第3版，现在已经是第4版了")
	li.open("/console", "签齐了，等我发布的")
	li.open(path)
	li.send(entryAt(id, "/publish"), nil)
	li.says(http.StatusOK, "第4版发布了，读者已经查得到", "5秒内所有渠道不再回答这一条")
	reader(true)
	if said := o.ask(t, question); !strings.Contains(said, "陈医生") {
		t.Errorf("the reader is not told who reviewed it:\n%s", said)
	}

	li.send(entryAt(id, "/withdraw"), map[string]string{"comment": "有新的结论"})
	li.says(http.StatusOK, "撤下了，所有渠道都不再回答这一条", "已撤下：有新的结论", "李编辑")
	reader(false)
}

// TestEmergencyOnThePages: two publishers' signatures serve an entry for a day, and say so; a full review ends the emergency.
func TestEmergencyOnThePages(t *testing.T) {
	const id = "alkaline-water-cancer"
	o := openBureau(t, id)
	o.hire(t, "wang2", "王编辑", knowledge.Editor, knowledge.Author)
	o.hire(t, "zhao", "赵主任", knowledge.Publisher)
	o.hire(t, "qian", "钱主任", knowledge.Publisher, knowledge.Expert)
	wang, zhao, qian := o.signedIn(t, "wang2", false), o.signedIn(t, "zhao", false), o.signedIn(t, "qian", false)
	path := entryAt(id, "")
	wang.open(path)
	wang.send(entryAt(id, "/submit"), nil)
	for _, publisher := range []*browser{zhao, qian} {
		publisher.open(path)
		publisher.send(entryAt(id, "/sign"), map[string]string{"role": "publisher"})
		publisher.says(http.StatusOK, "您以发布员身份签了第1版，还差专家和编辑签字")
	}
	zhao.open(path, "要两位发布员先签字，现在有2位")
	zhao.send(entryAt(id, "/emergency"), nil)
	zhao.says(http.StatusOK, "第1版紧急核发了", "紧急核发，24小时内复核")
	wang.open("/console", "紧急核发的，要在24小时内复核")

	qian.open(path, "这一版您以发布员身份签过紧急核发，复核要由别的人来签")
	form := zhao.form(entryAt(id, "/withdraw"))
	form.Set("role", "expert")
	qian.do(http.MethodPost, entryAt(id, "/sign"), form)
	qian.says(http.StatusConflict, "核发和复核要不同的人，请另一位专家来签")
}

// publishedAtOnce hires an author and two publishers, who publish an entry in an emergency.
func (o *bureau) publishedAtOnce(t *testing.T, id, author, publisher, other string) (sun, zhou, xu *browser) {
	t.Helper()
	o.hire(t, author, "孙编辑", knowledge.Editor, knowledge.Author)
	o.hire(t, publisher, "周主任", knowledge.Publisher)
	o.hire(t, other, "许主任", knowledge.Publisher)
	sun, zhou, xu = o.signedIn(t, author, false), o.signedIn(t, publisher, false), o.signedIn(t, other, false)
	sun.open(entryAt(id, ""))
	sun.send(entryAt(id, "/submit"), nil)
	for _, signs := range []*browser{zhou, xu} {
		signs.open(entryAt(id, ""))
		signs.send(entryAt(id, "/sign"), map[string]string{"role": "publisher"})
	}
	zhou.open(entryAt(id, ""))
	zhou.send(entryAt(id, "/emergency"), nil)
	zhou.says(http.StatusOK, "紧急核发了")
	return sun, zhou, xu
}

// TestContradictionOnThePages: what says the contrary of a published verdict is shown beside it and goes under review with a reason only; who
// withdraws is told how many readers got the entry.
func TestContradictionOnThePages(t *testing.T) {
	const id, again = "baijiu-kills-virus", "baijiu-kills-virus-again"
	o := openBureau(t, id)
	sun, zhou, xu := o.publishedAtOnce(t, id, "sunbian", "zhoufa", "xu")
	zhou.says(http.StatusOK, "最近30天没有人收到过")

	v, err := o.app.Store.Version(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	contrary := v.Entry
	contrary.ID, contrary.Verdict = again, knowledge.True
	if _, err := o.app.Ingester.Run(t.Context(), []knowledge.Entry{contrary}, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	sun.open(entryAt(again, ""), "和已发布的结论矛盾", "这里：", "那边：", entryAt(id, "?version=1"), "为什么这样写")
	sun.send(entryAt(again, "/submit"), nil)
	sun.says(http.StatusConflict, "没有送审：与已发布的“"+v.Entry.Title+"”结论矛盾，要写明为什么这样写")
	sun.open(entryAt(again, ""))
	sun.send(entryAt(again, "/submit"), map[string]string{"comment": "有新的指南"})
	sun.says(http.StatusOK, "已经送审", "与已发布的结论矛盾，理由：有新的指南")

	answered := func(channel string) {
		t.Helper()
		if _, err := o.app.Store.Keep(t.Context(), bot.Turn{
			Reader: bot.Reader{Channel: channel, Name: "77001", Memory: bot.Memory{At: time.Now()}},
			Answered: &bot.Answered{At: time.Now(), Message: "喝白酒", Decision: retrieval.Sure,
				Shown: []bot.Shown{{Ref: retrieval.Ref{ID: id, Version: 1}, Quoted: true}}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	answered("web")
	xu.open(entryAt(id, ""), "最近30天有1人收到过（网页1人）", "给他们的更正会起草好", "读者看得到这句话")
	answered("telegram")
	xu.send(entryAt(id, "/withdraw"), map[string]string{"comment": "有误"})
	xu.says(http.StatusOK, "撤下了", "最近30天有2人收到过", "原因：有误。给他们的更正起草好了，是“推送”里的第")
	drafts, err := o.app.Store.Broadcasts(t.Context(), knowledge.BroadcastDraft, 1)
	if err != nil || len(drafts) != 1 || drafts[0].Audience.ReadersOf != id {
		t.Fatalf("no correction was drafted: %+v, %v", drafts, err)
	}
	xu.open(fmt.Sprintf("/console/broadcasts/%d", drafts[0].ID), "发给最近30天收到过这一条的人", "会到1个接收方", "还有空没填", "有误")
}
