package wechat_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
	"qiuzhen/bot/inbox"
	"qiuzhen/bot/wechat"
	"qiuzhen/bot/wechat/wechattest"
	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
	words "qiuzhen/text"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childDSN); dsn != "" {
		child(dsn)
		return
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil { // they wait for the platform's patience, not for the processor
		panic(err)
	}
	postgrestest.Main(m)
}

const (
	appID  = "wx2c2769f8efd9abc2"
	secret = "0123456789abcdef0123456789abcdef"
	token  = "spamtest"
	aesKey = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// quickly is a time of the platform's a quarter faster: a loaded machine with the race detector has most of a second to spare.
func quickly(d time.Duration) time.Duration { return d * 4 / 5 }

var (
	quick = wechat.Times{
		Retry: quickly(4 * time.Second), Hold: quickly(5500 * time.Millisecond), Last: quickly(4 * time.Second), Orphan: quickly(8 * time.Second), Tries: 3,
	}
	patience = quickly(5 * time.Second)
)

// echoDesk answers with what it was told, after the time that it was given.
type echoDesk struct {
	slow    time.Duration // each message that says 慢
	waiting chan struct{} // not nil: those wait until it is closed
	asked   atomic.Int64
}

func (d *echoDesk) Handle(ctx context.Context, m bot.Message) (bot.Reply, error) {
	d.asked.Add(1)
	if strings.Contains(m.Text, "慢") {
		select {
		case <-time.After(d.slow):
		case <-d.waiting:
		case <-ctx.Done():
			return bot.Reply{}, ctx.Err()
		}
	}
	switch {
	case m.Via.Name != "wechat" || m.Via.Buttons || m.Via.Pages || m.Group != "":
		return bot.Reply{}, fmt.Errorf("unexpected %+v", m)
	case strings.Contains(m.Text, "出错"):
		return bot.Reply{}, errors.New("the database is gone")
	case strings.Contains(m.Text, "不理"):
		return bot.Reply{Silent: true}, nil
	case strings.Contains(m.Text, "很长"):
		entry := retrieval.Match{Stored: retrieval.Stored{Entry: knowledge.Entry{ID: "baijiu"}, Version: 1}}
		return bot.Reply{Text: strings.Repeat("这句话正好十个字。\n", 200), Result: retrieval.Result{Answers: []retrieval.Match{entry}}}, nil
	}
	return bot.Reply{Text: "答：" + m.Text}, nil
}

// fakeReader reads every file as its bytes.
type fakeReader struct{}

func (fakeReader) Text(_ context.Context, kind string, r io.Reader) (string, error) {
	data, err := io.ReadAll(r)
	if string(data) == "blurred" {
		return "", &knowledge.Error{Message: "图片里的字没看清。"}
	}
	return kind + "：" + string(data), err
}

// outside fetches pictures where the platform's own service is all there is.
type outside struct{ *wechattest.Platform }

func (o outside) Picture(ctx context.Context, address, domain string) ([]byte, error) {
	if domain != "qpic.cn" {
		return nil, fmt.Errorf("pictures of %s", domain)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := o.Outside().Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	return io.ReadAll(response.Body)
}

// stage is a platform and our nodes.
type stage struct {
	*wechattest.Platform
	store    *postgres.Store
	dsn      string
	desk     *echoDesk
	addr     string   // of the first node's callback
	all      []string // of every node's
	channels []*wechat.Channel
	log      *lockedLog
}

type lockedLog struct {
	mu sync.Mutex
	strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Builder.Write(p)
}

func (l *lockedLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.String()
}

func account(t testing.TB, safe bool) (wechat.Account, string) {
	t.Helper()
	key := ""
	if safe {
		key = aesKey
	}
	a, err := wechat.NewAccount(appID, token, key)
	if err != nil {
		t.Fatal(err)
	}
	return a, key
}

// option changes a stage before it starts.
type option func(*wechattest.Config, *wechat.Config)

func newStage(t *testing.T, safe, service bool, nodes int, options ...option) *stage {
	t.Helper()
	a, key := account(t, safe)
	theirs := wechattest.Config{AppID: appID, Secret: secret, Token: token, AESKey: key, Service: service, Patience: patience}
	s := &stage{dsn: postgrestest.DSN(t), desk: &echoDesk{}, log: &lockedLog{}}
	var err error
	if s.store, err = postgres.Open(context.Background(), s.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.store.Close)
	s.shelve(t, knowledge.Entry{ID: "baijiu", Kind: knowledge.Rebuttal, Topic: knowledge.Rumour, Verdict: knowledge.False, Title: "白酒", Short: "白酒", Claims: []string{"说法"}})
	ours := wechat.Config{
		Account: a, Store: s.store.WeChat(), Desk: s.desk, Reader: fakeReader{}, Service: service, Alerts: true, PublicURL: "https://qiuzhen.example.cn", Times: quick,
		Now: time.Now, Log: slog.New(slog.NewTextHandler(s.log, nil)),
	}
	for _, o := range options {
		o(&theirs, &ours)
	}
	s.Platform = wechattest.New(theirs)
	t.Cleanup(s.Close)
	ours.Pictures = outside{s.Platform}
	for range nodes {
		ours.API = wechat.NewAPI(s.URL(), appID, secret, s.store.WeChat(), ours.Now)
		s.start(t, ours)
	}
	s.addr = s.all[0]
	return s
}

// shelve keeps entries, so that replies that quote them are served.
func (s *stage) shelve(t *testing.T, entries ...knowledge.Entry) {
	t.Helper()
	for _, e := range entries {
		if _, err := s.store.SaveDraft(context.Background(), e, []ingest.IndexedPassage{{
			Passage: knowledge.Passage{Kind: knowledge.ClaimPassage, Text: "说法"}, Terms: []words.IndexTerm{{ID: 1, Count: 1}}}}, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// start runs a node until the test ends.
func (s *stage) start(t *testing.T, c wechat.Config) {
	channel := wechat.New(c)
	worker := inbox.New(wechat.ChannelName, s.store, channel, c.Log)
	channel.Inbox = worker
	mux := http.NewServeMux()
	for _, r := range channel.Routes() {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	server := httptest.NewServer(mux)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { channel.Run(ctx) })
	running.Go(func() { worker.Run(ctx) })
	t.Cleanup(func() {
		server.Close()
		cancel()
		running.Wait()
	})
	s.all = append(s.all, server.URL+"/wechat/callback")
	s.channels = append(s.channels, channel)
}

// text is a message of a reader, as the platform writes it.
func text(from, id, content string) string {
	return fmt.Sprintf("<xml><ToUserName><![CDATA[gh_account]]></ToUserName><FromUserName><![CDATA[%s]]></FromUserName><CreateTime>%d</CreateTime>"+
		"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[%s]]></Content><MsgId>%s</MsgId></xml>", from, time.Now().Unix(), content, id)
}

// eventually waits for something to hold.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// count answers a query with one number.
func (s *stage) count(t *testing.T, sql string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(context.Background(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func deskIs(d wechat.Desk) option {
	return func(_ *wechattest.Config, c *wechat.Config) { c.Desk = d }
}

// patient is the platform's own patience, for tests that are not about it.
func patient(theirs *wechattest.Config, ours *wechat.Config) {
	theirs.Patience, ours.Times = 0, wechat.Times{}
}
