package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
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

	"qiuzhen/bot"
	"qiuzhen/bot/web"
	"qiuzhen/knowledge"
	"qiuzhen/page"
	"qiuzhen/retrieval"
)

// desk answers what it is asked in the words of its table, else with the question.
type desk struct {
	mu      sync.Mutex
	asked   []bot.Message
	replies map[string]bot.Reply
	err     error
	wait    chan struct{} // nil: answers at once
}

func (d *desk) Handle(ctx context.Context, m bot.Message) (bot.Reply, error) {
	d.mu.Lock()
	d.asked = append(d.asked, m)
	n, err, wait := int64(len(d.asked)), d.err, d.wait
	d.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return bot.Reply{}, ctx.Err()
		}
	}
	if err != nil {
		return bot.Reply{}, err
	}
	reply, ok := d.replies[m.Text]
	if !ok {
		reply = bot.Reply{Text: "回答：" + m.Text, Result: retrieval.Result{Decision: retrieval.Sure}}
	}
	reply.Answer = n
	return reply, nil
}

func (d *desk) last(t *testing.T) bot.Message {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.asked) == 0 {
		t.Fatal("the desk was not asked")
	}
	return d.asked[len(d.asked)-1]
}

func (d *desk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.asked)
}

type library struct{ fails bool }

func (l library) CommonQuestions(_ context.Context, topic knowledge.Topic, group knowledge.Group, _ bool, _ time.Time, _ int) ([]string, error) {
	if l.fails {
		return nil, errors.New("no database")
	}
	if group == knowledge.Workers {
		return nil, nil
	}
	return []string{fmt.Sprintf("%s%s的事怎么办", topic, group)}, nil
}

// served is the chat on a server, for browsers without JavaScript.
type served struct {
	*httptest.Server
	desk *desk
	now  time.Time
}

func serve(t *testing.T, d *desk, change func(*web.Config)) *served {
	t.Helper()
	s := &served{desk: d, now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)}
	cfg := web.Config{
		Desk: d, Library: library{}, Privacy: "# 隐私说明\n\n不问<姓名>。\n\n## 记多久\n\n- 30天。\n- 就这样。\n",
		Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	mux := http.NewServeMux()
	for _, r := range append(page.Routes(), web.New(cfg).Routes()...) {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	s.Server = httptest.NewServer(page.Secure(mux))
	t.Cleanup(s.Close)
	return s
}

// browser keeps cookies and follows redirects.
type browser struct {
	t *testing.T
	*http.Client
	base   string
	header http.Header
}

func (s *served) browser(t *testing.T) *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{t, &http.Client{Jar: jar}, s.URL, http.Header{}}
}

type shown struct {
	*http.Response
	body string
}

func (b *browser) do(method, path string, form url.Values) shown {
	b.t.Helper()
	r, err := http.NewRequest(method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = b.header.Clone()
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return shown{response, string(body)}
}

func (b *browser) get(path string) shown { return b.do("GET", path, nil) }

func (b *browser) ask(text string, more ...string) shown {
	form := url.Values{"text": {text}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return b.do("POST", "/ask", form)
}

var once = regexp.MustCompile(`name="once" value="([^"]+)"`)

func (s shown) once(t *testing.T) string {
	t.Helper()
	found := once.FindStringSubmatch(s.body)
	if found == nil {
		t.Fatal("the page's form has no name")
	}
	return found[1]
}

func (s shown) has(t *testing.T, status int, words ...string) {
	t.Helper()
	if s.StatusCode != status {
		t.Errorf("%s %s: %d, want %d", s.Request.Method, s.Request.URL, s.StatusCode, status)
	}
	for _, w := range words {
		if !strings.Contains(s.body, w) {
			t.Errorf("%s %s does not have %q:\n%s", s.Request.Method, s.Request.URL, w, s.body)
		}
	}
}

func (s shown) lacks(t *testing.T, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(s.body, w) {
			t.Errorf("%s %s has %q:\n%s", s.Request.Method, s.Request.URL, w, s.body)
		}
	}
}
