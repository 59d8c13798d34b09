package web_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"qiuzhen/page"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
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
