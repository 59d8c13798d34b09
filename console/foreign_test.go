package console_test

import (
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
