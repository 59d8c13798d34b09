package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/web"
	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/page"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/text"
)

// count answers a query with one number.
func count(t *testing.T, dsn, sql string, args ...any) (n int) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestTwoNodes: the same form sent to two nodes at once is one question with one reply; a danger's number to call is there each time; what is
// deleted at one node is gone at the other.
func TestTwoNodes(t *testing.T) {
	dsn := postgrestest.DSN(t)
	jar, _ := cookiejar.New(nil)
	c := &caller{Client: &http.Client{Jar: jar}}
	for range 2 {
		store, err := postgres.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(store.Close)
		server := httptest.NewServer(page.Secure(onStore(store)))
		t.Cleanup(server.Close)
		c.nodes = append(c.nodes, &node{address: server.URL})
	}
	b := &browser{t, c.Client, c.nodes[0].address, http.Header{}}
	b.get("/")
	form := url.Values{"text": {"我妈胸口闷得厉害"}, "once": {"one"}}
	replies := make([]string, 8)
	var all sync.WaitGroup
	for i := range replies {
		all.Go(func() { replies[i], _, _ = c.send(c.nodes[i%2], form) })
	}
	all.Wait()
	for _, r := range replies {
		turn, _, _ := strings.Cut(r, `<form class="choices`) // whose form has a new name each time
		first, _, _ := strings.Cut(replies[0], `<form class="choices`)
		if turn != first || !strings.Contains(r, `href="tel:120">现在打120</a>`) {
			t.Errorf("%s\nand then %s", first, r)
		}
	}
	if n := count(t, dsn, `SELECT count(*) FROM answers`); n != 1 {
		t.Errorf("%d answers", n)
	}
	b.base = c.nodes[1].address
	b.get("/chat").has(t, 200, "胸口闷得厉害", "现在打120")
	b.ask("删除我的数据")
	gone := b.ask("删除")
	if !strings.Contains(gone.body, "都删掉了") {
		gone = b.ask("确定")
	}
	gone.has(t, 200, "都删掉了")
	b.base = c.nodes[0].address
	b.get("/chat").lacks(t, "胸口", "现在打120")
	if n := count(t, dsn, `SELECT count(*) FROM inbox WHERE chat <> ''`); n != 0 {
		t.Errorf("%d forms name the reader", n)
	}
}

// TestWithdrawnSince: a conversation that is looked at again, and its answers for the printer, do not show what was withdrawn meanwhile; who is known to the
// store may delete what there is of them though strangers have used up what their address may.
func TestWithdrawnSince(t *testing.T) {
	store := postgrestest.New(t)
	for _, e := range bottest.Entries() {
		if _, err := store.SaveDraft(t.Context(), e, []ingest.IndexedPassage{{
			Passage: knowledge.Passage{Kind: knowledge.ClaimPassage, Text: "说法"}, Terms: []text.IndexTerm{{ID: 1, Count: 1}}}}, ""); err != nil {
			t.Fatal(err)
		}
	}
	engine, library := bottest.NewEngine()
	d := bot.NewDesk(engine, store, time.Now)
	chat := web.New(web.Config{Desk: d, Forms: store, Current: d.Current, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	mux := http.NewServeMux()
	for _, r := range chat.Routes() {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	server := httptest.NewServer(page.Secure(mux))
	t.Cleanup(server.Close)
	browse := func() *browser {
		jar, _ := cookiejar.New(nil)
		b := &browser{t, &http.Client{Jar: jar}, server.URL, http.Header{}}
		b.get("/")
		return b
	}
	b := browse()
	b.ask("喝白酒能杀病毒吗")
	page := b.ask("隔夜菜能吃吗")
	prints := regexp.MustCompile(`href="(/print/[0-9]+)"`).FindAllStringSubmatch(page.body, -1)
	if len(prints) != 2 {
		t.Fatalf("printed: %v", prints)
	}
	danger := url.Values{"text": {"我妈刚喝了农药，白酒能解吗"}, "once": {"danger"}}
	printed := regexp.MustCompile(`href="(/print/[0-9]+)">打印这一条`)
	b.header.Set("X-Requested-With", "fetch")
	poisoned := b.do("POST", "/ask", danger)
	dangerPrint := printed.FindStringSubmatch(poisoned.body)
	if dangerPrint == nil || !strings.Contains(poisoned.body, "喝白酒杀病毒") {
		t.Fatalf("not printed, or without the answer: %s", poisoned.body)
	}
	b.ask("刚才是地震吗，往哪跑").has(t, 200, "中国地震台网发布的为准", "地震时在楼里怎么躲")
	library.Withdraw("baijiu-kills-virus")
	library.Withdraw("earthquake-indoors")
	gone := "刚才那一条已经撤下或者改过了"
	again := b.do("POST", "/ask", danger)
	again.has(t, 200, "这件事另有一条回答，已经撤下或者改过了", "现在打120")
	again.lacks(t, "打印这一条", "喝白酒杀病毒")
	b.header.Del("X-Requested-With")
	b.get("/chat").has(t, 200, "中国地震台网发布的为准", "现在打120")
	b.get("/chat").lacks(t, "地震时在楼里怎么躲", dangerPrint[1])
	b.get("/chat").has(t, 200, gone, "喝白酒能杀病毒吗", "隔夜菜致癌")
	b.get("/chat").lacks(t, "“喝白酒杀病毒”是谣言", prints[0][1])
	b.get(prints[0][1]).has(t, 200, gone)
	b.get(prints[0][1]).lacks(t, "是谣言")
	b.get(prints[1][1]).has(t, 200, "隔夜菜致癌")

	other := web.New(web.Config{Desk: d, Forms: store, Now: time.Now, Log: slog.New(slog.DiscardHandler)}) // restarted: it remembers nobody
	mux = http.NewServeMux()
	for _, r := range other.Routes() {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	server.Config.Handler = mux
	for range 12 {
		browse().do("POST", "/forget", url.Values{})
	}
	browse().do("POST", "/forget", url.Values{}).has(t, 429)
	b.do("POST", "/forget", url.Values{}).has(t, 200, "都删掉了")
}
