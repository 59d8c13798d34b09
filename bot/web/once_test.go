package web_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/bot/bottest"
	"qiuzhen/page"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestOnceEach: forms that come three times each, at once and at two nodes, are one question each: one answer is kept, and all three get it. 120 of
// them; make soak 10,000.
func TestOnceEach(t *testing.T) {
	const people = 20
	n := 120
	if s := os.Getenv("SOAK_WEB"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < people {
			t.Fatal("SOAK_WEB: a number from 20")
		}
	}
	dsn := postgrestest.DSN(t)
	var nodes []*node
	for range 2 {
		store, err := postgres.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(store.Close)
		if len(nodes) == 0 {
			for _, e := range bottest.Entries() {
				if _, err := store.SaveDraft(t.Context(), e, nil, ""); err != nil {
					t.Fatal(err)
				}
			}
		}
		server := httptest.NewServer(page.Secure(onStore(store)))
		t.Cleanup(server.Close)
		nodes = append(nodes, &node{address: server.URL})
	}
	var all sync.WaitGroup
	var lost atomic.Int64
	begin := time.Now()
	for p := range people {
		all.Go(func() {
			c, err := newReader(nodes)
			if err != nil {
				t.Error(err)
				return
			}
			for k := range n / people {
				turn := talk[k%len(talk)]
				if got := c.thrice(url.Values{"text": {turn.say}, "once": {rand.Text()}}, turn.begins); got != 3 {
					lost.Add(1)
					t.Errorf("reader %d, %d: %q is answered %d times of 3", p, k, turn.say, got)
				}
			}
		})
	}
	all.Wait()
	asked := n / people * people
	twice := count(t, dsn, `SELECT count(*) FROM answers`) - asked
	fmt.Printf("%d forms sent three times each at once in %.1f s: %d lost, %d answered twice\n", asked, time.Since(begin).Seconds(), lost.Load(), twice)
	if twice != 0 || lost.Load() != 0 {
		t.Errorf("%d lost, %d answered twice", lost.Load(), twice)
	}
}

// thrice sends a form three times at once, to one node and the other, and counts those that get the reply.
func (c *caller) thrice(form url.Values, begins string) int {
	var all sync.WaitGroup
	var got atomic.Int64
	for i := range 3 {
		all.Go(func() {
			body, status, err := c.send(c.nodes[i%len(c.nodes)], form)
			if err == nil && status == http.StatusOK && strings.Contains(body, begins) {
				got.Add(1)
			}
		})
	}
	all.Wait()
	return int(got.Load())
}
