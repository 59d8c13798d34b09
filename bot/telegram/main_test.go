package telegram_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	engine "qiuzhen/bot"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/page"
	"qiuzhen/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childDSN); dsn != "" {
		child(dsn)
		return
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "20"); err != nil { // they wait for paces, not for the processor
		panic(err)
	}
	postgrestest.Main(m)
}

const secret = "a-secret-of-32-characters-at-least"

// noon is when the test data says it is.
var noon = time.Unix(1795780800, 0)

// unlimited is no pace at all.
var unlimited = telegram.Limits{All: telegram.Limit{PerSecond: 1e6, Burst: 1e6}, Chat: telegram.Limit{PerSecond: 1e6, Burst: 1e6}, Group: telegram.Limit{PerSecond: 1e6, Burst: 1e6}}

// memoryInbox is an inbox that hands every fresh update to the bot at once, and again while it is told Later or fails.
type memoryInbox struct {
	mu     sync.Mutex
	seen   map[string]bool
	stored []engine.Update
	fail   error
}

func (i *memoryInbox) Receive(_ context.Context, u engine.Update) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		return false, i.fail
	}
	if i.seen == nil {
		i.seen = map[string]bool{}
	}
	if i.seen[u.ID] {
		return false, nil
	}
	i.seen[u.ID], i.stored = true, append(i.stored, u)
	return true, nil
}

func (i *memoryInbox) take() (out []engine.Update) {
	i.mu.Lock()
	defer i.mu.Unlock()
	out, i.stored = i.stored, nil
	return out
}

// readers remember who is gone.
type readers struct {
	mu   sync.Mutex
	gone []string
}

func (r *readers) MarkGone(_ context.Context, channel, name string, _ time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = append(r.gone, channel+" "+name)
	return nil
}

// deskFunc answers as it likes.
type deskFunc func(engine.Message) (engine.Reply, error)

func (f deskFunc) Handle(_ context.Context, m engine.Message) (engine.Reply, error) { return f(m) }

// fileMedia reads files whose bytes are their words.
type fileMedia struct{}

func (fileMedia) Text(_ context.Context, kind string, r io.Reader) (string, error) {
	data, err := io.ReadAll(r)
	if string(data) == "unreadable" {
		return "", errors.New("cannot be read")
	}
	if kind == "voice" {
		return "说：" + string(data), err
	}
	return string(data), err
}

// open is a bot with its webhook on a web server, and a stand-in of Telegram that it talks to.
func open(t testing.TB, limits telegram.Limits) (*telegram.Bot, *telegramtest.Server, string) {
	api := telegramtest.New()
	t.Cleanup(api.Close)
	b, err := telegram.New(telegram.Config{Token: telegramtest.Token, Secret: secret, API: api.URL, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.CloseIdleConnections)
	start := time.Now()
	b.Now = func() time.Time { return noon.Add(time.Since(start)) }
	b.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	mux := http.NewServeMux()
	for _, r := range b.Routes() {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	web := httptest.NewServer(page.Secure(mux))
	t.Cleanup(web.Close)
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	return b, api, web.URL + "/telegram/webhook"
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:40]) + "…" + string(r[len(r)-10:])
	}
	return s
}
