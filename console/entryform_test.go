package console_test

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
)

var shownEntry = regexp.MustCompile(`name="entry_version" value="(\d+)"`)

// publisher publishes versions of the entry flood, each with its summary, by the people whom that takes.
func (o *office) publisher(t *testing.T) func(version int, summary string) {
	t.Helper()
	by := map[knowledge.Role]context.Context{}
	for _, role := range []knowledge.Role{knowledge.Author, knowledge.Expert, knowledge.Editor, knowledge.Publisher} {
		login := "the-" + string(role)
		id, err := o.store.AddPerson(t.Context(), knowledge.Person{Login: login, Name: login, Title: "主任", Institution: "某中心", Roles: []knowledge.Role{role}}, secret)
		must(t, err)
		by[role] = knowledge.WithActor(t.Context(), knowledge.Actor{Person: id, ID: login, Name: login})
	}
	return func(version int, summary string) {
		t.Helper()
		e := knowledge.Entry{
			ID: "flood", Kind: knowledge.Rebuttal, Topic: knowledge.Rumour, Verdict: knowledge.False, Title: "开闸放水", Short: "开闸放水", Claims: []string{"今晚开闸"},
			Summary: summary, Actions: []string{"不要转发"},
		}
		_, err := o.store.SaveDraft(by[knowledge.Author], e, nil, "")
		must(t, err)
		_, err = o.store.Submit(by[knowledge.Author], e.ID)
		must(t, err)
		for _, role := range []knowledge.Role{knowledge.Expert, knowledge.Editor} {
			must(t, o.store.Sign(by[role], postgres.Signature{Entry: e.ID, Version: version, Hash: e.Hash(), Role: role, Decision: "approve", Comment: "看过", At: time.Now()}))
		}
		must(t, o.store.Publish(by[knowledge.Publisher], e.ID, false, time.Now()))
	}
}

// TestEntryOfTheForm: words that were written on one version of an entry are not kept under the number of the next, and who approves sees which it is.
func TestEntryOfTheForm(t *testing.T) {
	o := openOffice(t)
	wang, li := o.signIn(t, "wang", knowledge.Author), o.signIn(t, "li", knowledge.Publisher)
	publish := o.publisher(t)
	publish(1, "水会涨。")
	wang.get("/console/broadcasts/new?entry=flood", 200, "水会涨。", "第1版写的")
	form := flood("actual")
	form.Set("entry_version", shownEntry.FindStringSubmatch(wang.page)[1])
	publish(2, "水不涨。")
	for range 2 { // however often it is sent
		wang.post("/console/broadcasts/new?entry=flood", form, 422, "没有存", "发布了第2版，这里的字还是照第1版写的", "去镇中学")
		form.Set("entry_version", shownEntry.FindStringSubmatch(wang.page)[1])
	}
	form.Del("entry_version")
	wang.post("/console/broadcasts/new?entry=flood", form, 422, "发布了第2版")
	wang.get("/console/broadcasts/new?entry=flood", 200, "水不涨。")
	form.Set("entry_version", "2")
	wang.post("/console/broadcasts/new?entry=flood", form, 200, "存成了第1号草稿")
	wang.post(wang.at+"/submit", wang.with(url.Values{}), 200)
	li.get("/console/broadcasts/1", 200, "照哪个条目", `<a href="/console/entries/flood">flood 第2版</a>`)

	// that it is of no entry any more is a difference too
	b, err := o.store.Broadcast(t.Context(), 1)
	must(t, err)
	b.Content.Entry, b.Content.Version = "", 0
	must(t, o.store.EditBroadcast(knowledge.WithActor(t.Context(), knowledge.Actor{Person: b.Editors[0]}), b))
	li.get("/console/broadcasts/1", 200, "和上次送核准的第1稿不同的地方", `<del><span class="mark">删：</span>flood 第2版</del>`)
}

// TestWhenItGoesOut: nobody is told that what waits for its hour, or for the morning, is sent in seconds.
func TestWhenItGoesOut(t *testing.T) {
	today := time.Now().In(knowledge.China)
	night := time.Date(today.Year(), today.Month(), today.Day(), 23, 30, 0, 0, knowledge.China)
	o := openOfficeAt(t, func() time.Time { return night })
	wang, li := o.signIn(t, "wang", knowledge.Author), o.signIn(t, "li", knowledge.Publisher)
	nine := night.Add(10 * time.Hour)
	for _, c := range []struct{ kind, urgency, severity, sendAt, says string }{
		{"actual", "Immediate", "Severe", "", "几秒钟里开始发"},
		{"actual", "Future", "Minor", "", "等到早上7点"},
		{"exercise", "Immediate", "Severe", "", "等到早上7点"},
		{"actual", "Future", "Minor", nine.Format("2006-01-02T15:04"), nine.Format("1月2日15:04") + "开始发"},
	} {
		form := flood(c.kind)
		for field, value := range map[string]string{"urgency": c.urgency, "severity": c.severity, "send_at": c.sendAt, "expires": night.Add(30 * time.Hour).Format("2006-01-02T15:04")} {
			form.Set(field, value)
		}
		wang.post("/console/broadcasts/new?blank=", form, 200, "核准以后，"+c.says)
		at := wang.at
		wang.post(at+"/submit", wang.with(url.Values{}), 200)
		li.get(at, 200, "核准以后，"+c.says)
		li.post(at+"/approve", li.with(url.Values{"typed": {"实际发布"}}), 200, "核准了", "，"+c.says)
		if c.says != "几秒钟里开始发" && strings.Contains(li.page, "几秒钟") {
			t.Errorf("%+v: it is said to go out in seconds:\n%s", c, li.page)
		}
	}
}
