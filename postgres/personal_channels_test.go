//go:build !race

package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/inbox"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/bot/web"
	"qiuzhen/bot/wechat"
	"qiuzhen/bot/wechat/wechattest"
	"qiuzhen/embedding"
	"qiuzhen/page"
	"qiuzhen/postgres"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// TestNothingPersonalByChannels: a thousand numbers of phones and identity cards come by the web, Telegram and WeChat, in every field where words may
// stand. They are in no table while the messages wait, nor when they are answered; in no line of the log; and in nothing that is sent to a
// model, to who reads answers aloud, to Telegram or to WeChat.
func TestNothingPersonalByChannels(t *testing.T) {
	s := newPersonal(t)
	r := rand.New(rand.NewPCG(11, 11)) //nolint:gosec // seeded on purpose
	var seeded []string
	for i := range 1000 {
		number := phone(r)
		if i/3%2 == 1 {
			number = identity(r)
		}
		seeded = append(seeded, number)
		[]func(int, string){s.byWeb, s.byTelegram, s.byWeChat}[i%3](i, number)
	}
	if n := s.store.Count(t, `SELECT count(*) FROM inbox WHERE done_at IS NULL AND payload IS NOT NULL AND reply IS NULL`); n < 600 {
		t.Fatalf("%d messages wait: the test says too little", n)
	}
	holdsNone(t, seeded, map[string]string{"tables while messages wait": s.store.Dump(t)})
	s.answer()
	s.mu.Lock()
	defer s.mu.Unlock()
	holdsNone(t, seeded, map[string]string{
		"tables": s.store.Dump(t), "the log": s.log.String(), "calls of the model": s.model.String(),
		"calls of Telegram": fmt.Sprint(s.telegram.Calls()), "calls of WeChat": fmt.Sprint(s.platform.Calls()) + s.seen.String(), "pages": s.pages.String(),
		"words read aloud": s.aloud.String(),
	})
	if s.heard < 150 {
		t.Errorf("%d answers are heard: the test says too little", s.heard)
	}
}

// holdsNone looks at every run of digits, and at each part of it that is as long as a number.
func holdsNone(t *testing.T, numbers []string, places map[string]string) {
	t.Helper()
	secret := map[string]bool{}
	for _, n := range numbers {
		secret[n] = true
	}
	for place, words := range places {
		found := 0
		for _, run := range digitRun.FindAllString(words, -1) {
			for _, length := range []int{11, 18} {
				for at := 0; at+length <= len(run); at++ {
					if secret[run[at:at+length]] {
						if found++; found < 3 {
							t.Errorf("%s has %s", place, run)
						}
					}
				}
			}
		}
		fmt.Printf("%d seeded numbers, %d in %s (%d bytes)\n", len(numbers), found, place, len(words))
		if len(words) < 100 {
			t.Errorf("%s: %q says too little", place, words)
		}
	}
}

var digitRun = regexp.MustCompile(`[0-9]{10,}X?`)

// personal is the program with its three channels, the platforms and a model behind an address, of which all that they are told is kept.
type personal struct {
	t        *testing.T
	store    *postgres.Store
	telegram *telegramtest.Server
	platform *wechattest.Platform
	web      string
	callback string
	browsers map[int]*http.Client
	workers  []*inbox.Worker
	wechat   *wechat.Channel

	mu                      sync.Mutex
	log, model, seen, pages strings.Builder
	aloud                   strings.Builder // what is read aloud
	heard                   int
}

// to is a writer into one of the builders.
type to struct {
	s *personal
	b *strings.Builder
}

func (w to) Write(p []byte) (int, error) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	return w.b.Write(p)
}

// aloud keeps what it is to read aloud.
type aloud struct{ to }

func (a aloud) Speak(_ context.Context, words string) ([]byte, string, error) {
	_, err := io.WriteString(a.to, words+"\n")
	return []byte("ID3"), "audio/mpeg", err
}

// inPicture reads pictures of words that are nothing else.
type inPicture struct{}

func (inPicture) Text(_ context.Context, _ string, r io.Reader) (string, error) {
	words, err := io.ReadAll(r)
	return string(words), err
}

const personalSecret = "a-secret-of-32-characters-at-least"

func newPersonal(t *testing.T) *personal {
	s := &personal{t: t, store: shelf(t), telegram: telegramtest.New(), browsers: map[int]*http.Client{}}
	t.Cleanup(s.telegram.Close)
	s.telegram.Limits = telegramtest.Limits{}
	log := slog.New(slog.NewTextHandler(to{s, &s.log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var said atomic.Int64 // so that what is masked to the same words is not said twice in a minute
	desk := bot.NewDesk(s.engine(), s.store, func() time.Time { return time.Now().Add(time.Duration(said.Add(1)) * time.Second) })
	desk.Limit(bot.Limits{})
	mux := http.NewServeMux()
	serve := func(routes []page.Route) {
		for _, r := range routes {
			mux.HandleFunc(r.Pattern, r.Handler)
		}
	}
	serve(web.New(web.Config{Desk: desk, Forms: s.store, Speaker: aloud{to{s, &s.aloud}}, Now: time.Now, Log: log}).Routes())

	tg, err := telegram.New(telegram.Config{Token: telegramtest.Token, Secret: personalSecret, API: s.telegram.URL, Limits: telegram.Limits{
		All: telegram.Limit{PerSecond: 1e6, Burst: 1e6}, Chat: telegram.Limit{PerSecond: 1e6, Burst: 1e6}, Group: telegram.Limit{PerSecond: 1e6, Burst: 1e6}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tg.CloseIdleConnections)
	worker := inbox.New(telegram.Channel.Name, s.store, tg, log)
	tg.Inbox, tg.Readers, tg.Traces, tg.Desk, tg.Log = worker, s.store, s.store, desk, log
	serve(tg.Routes())

	account, err := wechat.NewAccount("wx2c2769f8efd9abc2", "spamtest", "")
	if err != nil {
		t.Fatal(err)
	}
	s.platform = wechattest.New(wechattest.Config{AppID: "wx2c2769f8efd9abc2", Secret: "0123456789abcdef0123456789abcdef", Token: "spamtest", Service: true})
	t.Cleanup(s.platform.Close)
	s.wechat = wechat.New(wechat.Config{Account: account, Store: s.store.WeChat(), Desk: desk, Reader: inPicture{}, Service: true, Now: time.Now, Log: log,
		API:   wechat.NewAPI(s.platform.URL(), "wx2c2769f8efd9abc2", "0123456789abcdef0123456789abcdef", s.store.WeChat(), time.Now),
		Times: wechat.Times{Retry: time.Millisecond, Hold: time.Millisecond, Last: time.Millisecond, Orphan: time.Millisecond, Tries: 3}})
	s.workers = []*inbox.Worker{worker, inbox.New(wechat.ChannelName, s.store, s.wechat, log)}
	s.wechat.Inbox = s.workers[1]
	serve(s.wechat.Routes())
	server := httptest.NewServer(page.Secure(mux))
	t.Cleanup(server.Close)
	s.telegram.Hook(server.URL+"/telegram/webhook", personalSecret)
	s.web, s.callback = server.URL, server.URL+"/wechat/callback"
	return s
}

// engine concludes as the library does, after the model behind an address was asked as ever.
func (s *personal) engine() *bot.Engine {
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(to{s, &s.model}, r.Body)
		_, _ = io.WriteString(w, `{"data":[{"index":0,"embedding":[1,0]}]}`)
	}))
	s.t.Cleanup(endpoint.Close)
	model, err := embedding.OpenRemote(embedding.RemoteConfig{Kind: "openai", URL: endpoint.URL, Model: "m", Dimensions: 2})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { model.Close() })
	e, library := bottest.NewEngine()
	e.Answerer = withModel{library, &retrieval.Engine{Searcher: noPassages{}, Analyzer: noPassages{}, Embedder: model, Now: time.Now}}
	return e
}

type withModel struct {
	*bottest.Library
	model *retrieval.Engine
}

func (m withModel) Answer(ctx context.Context, asked retrieval.Message) (retrieval.Result, error) {
	if _, err := m.model.Answer(ctx, asked); err != nil {
		return retrieval.Result{}, err
	}
	return m.Library.Answer(ctx, asked)
}

// noPassages is an index without entries, and an analyzer without words.
type noPassages struct{}

func (noPassages) Search(context.Context, retrieval.Query) ([]retrieval.Hit, error) { return nil, nil }

func (noPassages) Load(context.Context, []retrieval.Ref, bool, time.Time) ([]retrieval.Stored, error) {
	return nil, nil
}

func (noPassages) IndexTerms(string) []text.IndexTerm { return nil }

func (noPassages) Correct(s string) string { return s }

// says are words with a number in them, of many kinds.
func says(i int, n string) string {
	return []string{
		"打" + n + "问喝白酒能不能杀病毒", n + "说月亮上有人", "隔夜的东西" + n, "那" + n[:min(len(n), 12)] + "呢", "我妈刚喝了农药，电话" + n, "今晚台风到南通吗" + n,
		n, n + "是不是骗子", "https://example.org/" + n, "味精\n" + n + "\n致癌吗",
		n + "坏了", // the engine fails, which is logged
	}[i/3%11]
}

func (s *personal) byWeb(i int, number string) {
	b := s.browsers[i%40]
	if b == nil {
		jar, _ := cookiejar.New(nil)
		b = &http.Client{Jar: jar}
		s.browsers[i%40] = b
		s.keepPage(b.Get(s.web + "/"))
	}
	page := s.keepPage(b.PostForm(s.web+"/ask", url.Values{"text": {says(i, number)}, "once": {fmt.Sprint("form", i)}}))
	if reads := readAt.FindAllString(page, -1); reads != nil {
		if s.keepPage(b.Get(s.web+reads[len(reads)-1])) != "" {
			s.heard++
		}
	}
}

var readAt = regexp.MustCompile(`/speech/[0-9]+`)

func (s *personal) keepPage(r *http.Response, err error) string {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
	case r.StatusCode == http.StatusOK:
		_, err = to{s, &s.pages}.Write(body)
	case r.StatusCode == http.StatusServiceUnavailable: // the engine failed: what was typed is still in the reader's box, as it was
		return ""
	default:
		err = fmt.Errorf("status %d", r.StatusCode)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return string(body)
}

func (s *personal) byTelegram(i int, number string) {
	words := says(i, number)
	who := map[string]any{"id": i%97 + 1, "type": "private", "first_name": number, "username": number}
	m := map[string]any{"message_id": i, "from": who, "chat": who, "date": time.Now().Unix(), "text": words}
	kind := "message"
	switch i / 30 % 4 {
	case 1:
		m["entities"] = []any{map[string]any{"type": "phone_number", "offset": 0, "length": 5}, map[string]any{"type": "text_mention", "offset": 0, "length": 1, "user": who}}
	case 2:
		delete(m, "text")
		m["caption"], m["photo"], m["contact"] = words, []any{map[string]any{"file_id": "a"}}, map[string]any{"phone_number": number}
	case 3:
		kind, m["reply_to_message"] = "edited_message", map[string]any{"message_id": 1, "from": who, "text": words, "caption": words}
	}
	s.deliver(map[string]any{"update_id": i + 1, kind: m})
}

func (s *personal) deliver(update map[string]any) {
	s.t.Helper()
	raw, err := json.Marshal(update)
	if err != nil {
		s.t.Fatal(err)
	}
	if status, err := s.telegram.Deliver(context.Background(), raw); err != nil || status != http.StatusOK {
		s.t.Fatal(status, err)
	}
}

func (s *personal) byWeChat(i int, number string) {
	words, picture := says(i, number), fmt.Sprint("picture-", i)
	s.platform.Put(picture, "image/png", []byte(words))
	kind := []string{
		"<MsgType>text</MsgType><Content><![CDATA[" + words + "]]></Content>",
		"<MsgType>voice</MsgType><MediaId>m</MediaId><Recognition><![CDATA[" + words + "]]></Recognition>",
		"<MsgType>link</MsgType><Title><![CDATA[" + words + "]]></Title><Description><![CDATA[" + words + "]]></Description><Url><![CDATA[https://example.org/" + number + "]]></Url>",
		"<MsgType>image</MsgType><PicUrl><![CDATA[http://" + wechattest.PictureHost + "/mmbiz_jpg/" + number + "/0]]></PicUrl><MediaId>" + picture + "</MediaId>",
	}[i/30%4]
	message := fmt.Sprintf("<xml><ToUserName>gh</ToUserName><FromUserName>o%d</FromUserName><CreateTime>%d</CreateTime>%s<MsgId>%d</MsgId></xml>", i/3%120, time.Now().Unix(), kind, i+1)
	answer, status, err := s.platform.Post(context.Background(), s.callback, s.platform.Sign(message, time.Now()))
	if err != nil || status != http.StatusServiceUnavailable { // it is stored, and nobody answers yet
		s.t.Fatal(status, string(answer), err)
	}
}

// answer has all that waits answered, and sent.
func (s *personal) answer() {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, w := range s.workers {
		running.Go(func() { w.Run(ctx) })
	}
	running.Go(func() { s.wechat.Run(ctx) })
	defer running.Wait()
	defer cancel()
	for i := range 120 { // who is looked for by the platform: its stand-in sends to those alone who wrote
		s.platform.Follow(fmt.Sprint("o", i), time.Now())
	}
	left := `SELECT (SELECT count(*) FROM inbox WHERE channel <> 'web' AND done_at IS NULL) + (SELECT count(*) FROM wechat_messages WHERE reply IS NULL OR reply <> '')`
	for deadline := time.Now().Add(time.Minute); s.store.Count(s.t, left) > 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%d are never answered", s.store.Count(s.t, left))
		}
	}
	for i := range 120 {
		_, _ = fmt.Fprintln(to{s, &s.seen}, s.platform.Sees(fmt.Sprint("o", i)))
	}
}
