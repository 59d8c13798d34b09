package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"qiuzhen/fetch"
	"qiuzhen/ingest/office"
	"qiuzhen/knowledge"
)

// TestIngestOfAnAddress: a page at an address becomes a draft with the page kept, whose source says where it was read, and the same page again nothing.
func TestIngestOfAnAddress(t *testing.T) {
	o := openBureau(t)
	o.hire(t, "shangwang", "尚编辑", knowledge.Editor)
	person, err := o.app.Store.Person(t.Context(), "shangwang")
	if err != nil {
		t.Fatal(err)
	}
	page := "<html><head><meta charset=utf-8><title>食堂饮水提示</title></head><body><p>" + strings.Repeat("食堂的水烧开以后放凉再喝。", 8) + "</p></body></html>"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/tips/water.html" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, page)
	}))
	defer server.Close()
	address := server.URL + "/tips/water.html?from=wx"
	ctx := knowledge.WithActor(t.Context(), knowledge.Actor{Person: person.ID, ID: person.Login, Name: person.Name, From: "test"})
	files, _, err := office.Find([]string{address, server.URL + "/none", address})
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	client := fetch.Client{Private: true} // the server is inside
	var told strings.Builder
	for n, want := range []string{"读了 2 个文件：新写入草稿 1 条，没有变化 0 条", "读了 2 个文件：新写入草稿 0 条，没有变化 1 条"} {
		report, err := o.app.importWith(ctx, client.Document, files, office.Options{Topic: knowledge.Health}, stdio{out: &told, err: &told})
		if err != nil {
			t.Fatal(err)
		}
		reportOffice(report, stdio{out: &told, err: &told})
		if !strings.Contains(told.String(), want) || !strings.Contains(told.String(), server.URL+"/none：网页打不开（the page answers 404") {
			t.Fatalf("import %d: %s", n+1, told.String())
		}
	}
	found, err := o.app.Store.Find(t.Context(), "食堂饮水提示", 2)
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	v, err := o.app.Store.Version(t.Context(), found[0].Entry.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	source := v.Entry.Sources[0]
	if v.Number != 1 || v.Author != "尚编辑" || source.Title != "食堂饮水提示" || source.URL != address || source.Read.Where != address || source.Institution != "" {
		t.Errorf("version %d by %s: %+v", v.Number, v.Author, source)
	}
	origin, err := o.app.Store.Origin(t.Context(), v.Entry.ID, 1)
	if err != nil || origin.Name != address || origin.MediaType != "text/html" || origin.Fields["sources[0].url"] != "网址" || origin.Fields["sources[0].read.where"] != "网址" {
		t.Fatalf("%+v, %v", origin, err)
	}
	if kept, err := o.app.Store.OriginalContent(t.Context(), origin.SHA256); err != nil || string(kept) != page {
		t.Errorf("kept %q, %v", kept, err)
	}
}
