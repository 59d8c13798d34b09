package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/web"
)

// TestWithdrawnOnAllNodes: two nodes on one database, each with its own connections, model and memory of what it said last. An entry that is
// withdrawn on one is answered by neither from five seconds on: not to who asks anew, not to who says again what was answered a moment ago, not by
// the way of a form sent again, and its page says so.
func TestWithdrawnOnAllNodes(t *testing.T) {
	const id, question = "garlic-kills-virus", "吃大蒜能杀病毒吗"
	o := openBureau(t, id)
	_, _, xu := o.publishedAtOnce(t, id, "sunnode", "zhounode", "xunode")

	other, err := openApp(context.Background(), &cli{Data: filepath.Join(testData, "bureau")}, stdio{err: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	second := httptest.NewServer(newHandler(other, slog.New(slog.DiscardHandler)))
	defer second.Close()
	n := 0
	says := func(reader, update string) string {
		t.Helper()
		r, err := other.Desk.Handle(t.Context(), bot.Message{Via: web.Channel, Reader: reader, Text: question, Update: update})
		if err != nil {
			t.Fatal(err)
		}
		return r.Text
	}
	answers := func() (which []string) {
		n++
		for way, said := range map[string]string{"anew": says(fmt.Sprint("新", n), ""), "again": says("老", ""), "form": says("表", "form-1")} {
			if strings.Contains(said, "核查的说法") {
				which = append(which, way)
			}
		}
		if got(t, second.URL+"/e/"+id) == http.StatusOK {
			which = append(which, "page")
		}
		return which
	}
	if _, err := other.Store.Ask(t.Context(), bot.Update{ID: "form-1", Chat: "表", Payload: []byte(question), Received: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if which := answers(); len(which) != 4 {
		t.Fatalf("before, only %v are answered: %s", which, says("谁", ""))
	}
	xu.open(entryAt(id, ""))
	xu.send(entryAt(id, "/withdraw"), map[string]string{"comment": "有误"})
	xu.says(http.StatusOK, "撤下了")
	begin := time.Now()
	for which := answers(); len(which) > 0; which = answers() {
		if time.Since(begin) > 5*time.Second {
			t.Fatalf("five seconds later the other node still answers: %v", which)
		}
	}
	t.Logf("gone on the other node within %v", time.Since(begin).Round(time.Millisecond))
}

// got is the status of a page.
func got(t *testing.T, url string) int {
	t.Helper()
	response, err := http.Get(url) //nolint:noctx,gosec // a test
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}
