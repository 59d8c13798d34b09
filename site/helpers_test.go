package site_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/page"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/site"
	"qiuzhen/site/sitetest"
	"qiuzhen/text"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

const address = "https://qiuzhen.example.cn"

// office is a store with its staff and a clock that the test sets.
type office struct {
	t                                          testing.TB
	store                                      *postgres.Store
	now                                        time.Time
	author, expert, editor, publisher, another context.Context
}

func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, store: postgrestest.New(t), now: time.Date(2026, 11, 27, 1, 0, 0, 0, time.UTC)}
	err := o.store.StartAudit(context.Background(), postgres.AuditConfig{
		Key: []byte("the key of these tests, 32 bytes"), HeadFile: t.TempDir() + "/audit.head", Now: func() time.Time { return o.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	for login, in := range map[string]*context.Context{
		"author": &o.author, "expert": &o.expert, "editor": &o.editor, "publisher": &o.publisher, "another": &o.another,
	} {
		role := knowledge.Role(login)
		if login == "another" {
			role = knowledge.Publisher
		}
		person := knowledge.Person{Login: login, Name: "王" + login, Title: "主任医师", Institution: "某市疾控中心", Roles: []knowledge.Role{role}}
		id, err := o.store.AddPerson(context.Background(), person, "长长的一个好密码呀呀")
		if err != nil {
			t.Fatal(err)
		}
		*in = knowledge.WithActor(context.Background(), knowledge.Actor{Person: id, ID: login, Name: person.Name, From: "test"})
	}
	return o
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) draft(e knowledge.Entry) {
	o.t.Helper()
	passage := ingest.IndexedPassage{Passage: knowledge.Passage{Kind: knowledge.ClaimPassage, Text: "说法"}, Terms: []text.IndexTerm{{ID: 1, Count: 1}}}
	_, err := o.store.SaveDraft(o.author, e, []ingest.IndexedPassage{passage}, "")
	o.must(err)
}

func (o *office) sign(by context.Context, e knowledge.Entry, version int, role knowledge.Role, decision string) {
	o.t.Helper()
	o.must(o.store.Sign(by, postgres.Signature{Entry: e.ID, Version: version, Hash: e.Hash(), Role: role, Decision: decision, Comment: "第三段写错了", At: o.now}))
}

func (o *office) submit(e knowledge.Entry) int {
	o.t.Helper()
	o.draft(e)
	version, err := o.store.Submit(o.author, e.ID)
	o.must(err)
	return version
}

func (o *office) publish(e knowledge.Entry) {
	o.t.Helper()
	version := o.submit(e)
	o.sign(o.expert, e, version, knowledge.Expert, "approve")
	o.sign(o.editor, e, version, knowledge.Editor, "approve")
	o.must(o.store.Publish(o.publisher, e.ID, false, o.now))
}

// emergency publishes with two publishers' signatures.
func (o *office) emergency(e knowledge.Entry) int {
	o.t.Helper()
	version := o.submit(e)
	o.sign(o.publisher, e, version, knowledge.Publisher, "approve")
	o.sign(o.another, e, version, knowledge.Publisher, "approve")
	o.must(o.store.Publish(o.publisher, e.ID, true, o.now))
	return version
}

func (o *office) site() *site.Site {
	return site.New(o.store, address, false, func() time.Time { return o.now }, slog.New(slog.DiscardHandler))
}

func (o *office) serve(unsigned bool) http.Handler {
	return serve(site.New(o.store, address, unsigned, func() time.Time { return o.now }, slog.New(slog.DiscardHandler)))
}

func serve(s *site.Site) http.Handler {
	mux := http.NewServeMux()
	for _, r := range append(page.Routes(), s.Routes()...) {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	return page.Secure(mux)
}

type response struct {
	status int
	header http.Header
	body   string
}

// get asks for a target; headers are name, value, name, value.
func get(t testing.TB, handler http.Handler, target string, headers ...string) response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for pair := range slices.Chunk(headers, 2) {
		if pair[0] == "Host" {
			r.Host = pair[1]
		}
		r.Header.Set(pair[0], pair[1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(r.URL.Path, "/api/v1/") {
		contract(t).Check(t, r.Method, r.URL.EscapedPath(), w.Code, w.Header().Get("Content-Type"), body)
	}
	return response{w.Code, w.Header(), string(body)}
}

// contract is the API's description, which every response of these tests is held to.
func contract(t testing.TB) *sitetest.Contract {
	described.Do(func() {
		data, err := os.ReadFile("openapi.json")
		if err != nil {
			t.Fatal(err)
		}
		described.contract = sitetest.Read(t, data)
	})
	return described.contract
}

var described struct {
	sync.Once
	contract *sitetest.Contract
}

func rebuttal(id string) knowledge.Entry {
	return knowledge.Entry{
		ID: knowledge.ID(id), Kind: knowledge.Rebuttal, Topic: knowledge.Health, Verdict: knowledge.False, Title: "喝白酒能杀死流感病毒吗",
		Short: "喝白酒杀病毒", Claims: []string{"喝白酒可以杀死流感病毒", "白酒防流感"}, Summary: "喝下去的酒到不了能消毒的浓度，只会伤胃、伤肝。",
		Actions: []string{"勤洗手，多通风。", "60岁以上的人，每年打一次流感疫苗。"}, Body: "第一段。\n\n第二段。",
		Sources: []knowledge.Source{
			{Institution: "国家卫生健康委员会", Title: "流行性感冒诊疗方案（2020年版）", Date: "2020-10-27", Number: "国卫办医函〔2020〕1号", URL: "https://www.nhc.gov.cn/a?b=1&c=2"},
			{Institution: "中国疾控中心", Title: "《流感疫苗预防接种技术指南》", Date: "2023-09"},
		},
	}
}

func guide(id string) knowledge.Entry {
	e := rebuttal(id)
	e.Kind, e.Topic, e.Verdict, e.Claims, e.Questions = knowledge.Guide, knowledge.Disaster, "", nil, []string{"地震来了往哪跑"}
	e.Title, e.Short, e.Actions = "地震来了怎么躲", "地震避险", []string{"先别跑，躲到结实的桌子下面，护住头", "停了再走楼梯下楼。"}
	return e
}

// parse fails unless the page is well-formed: its tags nest, ids are unique, and nothing in it runs or is styled in place.
func parse(t testing.TB, body string) *html.Node {
	t.Helper()
	var open []string
	for z := html.NewTokenizer(strings.NewReader(body)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		token := z.Token()
		switch kind {
		case html.StartTagToken:
			if !slices.Contains([]string{"meta", "link", "br", "img", "input", "hr"}, token.Data) {
				open = append(open, token.Data)
			}
			checkTag(t, token)
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("</%s> closes nothing, open are %v:\n%s", token.Data, open, body)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 || !strings.HasPrefix(body, "<!DOCTYPE html>\n<html lang=\"zh-CN\">") {
		t.Fatalf("open at the end: %v\n%s", open, body)
	}
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(find(root, "h1")); n != 1 {
		t.Errorf("%d h1, want 1", n)
	}
	return root
}

func checkTag(t testing.TB, token html.Token) {
	t.Helper()
	if token.Data == "style" || token.Data == "script" && !slices.Contains(token.Attr, html.Attribute{Key: "type", Val: "application/ld+json"}) {
		t.Errorf("runs or styles in place: %s", token)
	}
	for _, a := range token.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			t.Errorf("runs or styles in place: %s", token)
		}
	}
}

func find(n *html.Node, tag string) (found []*html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == tag {
			found = append(found, d)
		}
	}
	return found
}

func inner(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// one is a store of a single entry, for what no real entry would say; a nil entry: the store is broken. It complains when it is asked for
// what is no id.
type one struct {
	t testing.TB
	p *knowledge.Public
}

func (o one) PublicEntry(_ context.Context, id knowledge.ID, _ bool, _ time.Time) (knowledge.Public, error) {
	if o.p == nil {
		return knowledge.Public{}, fmt.Errorf("broken on purpose")
	}
	if !idForm.MatchString(string(id)) || len(id) > 64 {
		o.t.Errorf("the store is asked for %q", id)
	}
	if id != o.p.Entry.ID {
		return knowledge.Public{}, &knowledge.Error{Code: knowledge.NotFound}
	}
	return *o.p, nil
}

func (o one) PublicEntries(context.Context, knowledge.PublicQuery) ([]knowledge.Public, error) {
	if o.p == nil {
		return nil, fmt.Errorf("broken on purpose")
	}
	return []knowledge.Public{*o.p}, nil
}

func (o one) PublicIDs(context.Context, time.Time, int, int) ([]knowledge.Changed, int, error) {
	if o.p == nil {
		return nil, 0, fmt.Errorf("broken on purpose")
	}
	return []knowledge.Changed{{ID: o.p.Entry.ID, UpdatedAt: o.p.UpdatedAt}}, 1, nil
}

func serveOne(t testing.TB, p *knowledge.Public, url string) http.Handler {
	return serve(site.New(one{t, p}, url, false, time.Now, slog.New(slog.DiscardHandler)))
}
