package console_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// TestForeignDraft: who reads another system's alert sees where it came from, what to check, and that its areas are missing; it reaches nobody until they
// are named, however often it is edited.
func TestForeignDraft(t *testing.T) {
	o := openOffice(t)
	wang := o.signIn(t, "wang", knowledge.Author)
	data, err := os.ReadFile("../cap/testdata/foreign.xml")
	must(t, err)
	in, err := broadcast.FromCAP(t.Context(), []byte(strings.Replace(string(data), "GB/T2260", "FIPS", 1)), o.store, time.Now())
	must(t, err)
	_, err = o.store.DraftBroadcast(t.Context(), in)
	must(t, err)
	wang.get("/console/broadcasts/1", 200, "来自别的系统的预警，请对照原文", "warn@weather.example,W-2,", "没有认出来的地区，请自己选：如东县", "〔选地区，原文写的是：如东县〕", "没有人符合", "还有空没填")
	wang.get("/console/broadcasts/1/edit", 200)
	form := wang.with(flood("actual"))
	form.Del("areas")
	form.Set("do", "preview")
	wang.post("/console/broadcasts/1/edit", form, 200, "没有人符合", "〔选地区")
	form.Set("do", "save")
	wang.post("/console/broadcasts/1/edit", form, 200, "没有人符合", "〔选地区")
	wang.get("/console/broadcasts/1/edit", 200)
	wang.post("/console/broadcasts/1/edit", wang.with(flood("actual")), 200, "会到3个接收方", "warn@weather.example,W-2,")
	if strings.Contains(wang.page, "〔选地区") {
		t.Error("its areas are still missing:\n", wang.page)
	}
}

// TestForeignExercise: an exercise of theirs is not made real by the form, nor by the API, and whoever reads the draft is told what it was.
func TestForeignExercise(t *testing.T) {
	o := openOffice(t)
	wang := o.signIn(t, "wang", knowledge.Author)
	data, err := os.ReadFile("../cap/testdata/foreign.xml")
	must(t, err)
	in, err := broadcast.FromCAP(t.Context(), []byte(strings.Replace(string(data), "<status>Actual", "<status>Exercise", 1)), o.store, time.Now())
	must(t, err)
	_, err = o.store.DraftBroadcast(t.Context(), in)
	must(t, err)
	wang.get("/console/broadcasts/1", 200, "原文是演练", "【演练】这是演练")
	wang.get("/console/broadcasts/1/edit", 200, "原文是别的系统的演练")
	if strings.Contains(wang.page, `value="actual"`) {
		t.Error("it is offered to be real")
	}
	wang.post("/console/broadcasts/1/edit", wang.with(flood("actual")), 422, "没有存", "不能改成实发")
	body := `{"type":"Alert","exercise":false,"revision":1,"content":{"event":"洪水","headline":"洪水要来","category":"Met","response":"Evacuate","urgency":"Immediate",
		"severity":"Severe","certainty":"Observed","source":"指挥部","texts":{}},"audience":{"areas":["320623"]}}`
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, wang.base+"/api/v1/broadcasts/1", strings.NewReader(body))
	must(t, err)
	request.Header.Set("Content-Type", "application/json")
	wang.expect(wang.took(wang.client.Do(request)), 400, []string{"不能改成实发"})
	wang.get("/console/broadcasts/1/edit", 200)
	wang.post("/console/broadcasts/1/edit", wang.with(flood("exercise")), 200, "改好了", "原文是演练")
}
