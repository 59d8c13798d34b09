package telegram_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	engine "qiuzhen/bot"
	"qiuzhen/bot/telegram/telegramtest"
)

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatal("never:", what)
}

// TestPoll: polling takes the webhook away, stores before it confirms, and goes on after conflicts and failures.
func TestPoll(t *testing.T) {
	t.Parallel()
	b, api, _ := open(t, unlimited)
	box := &memoryInbox{fail: errors.New("the database is away")}
	b.Inbox = box
	api.Hook("https://elsewhere.example/", "x")
	ctx, cancel := context.WithCancel(context.Background())
	var polling sync.WaitGroup
	polling.Go(func() { b.Poll(ctx) })
	for i := range 250 {
		api.Queue([]byte(said(i+1, noon, "喝白酒")))
	}
	api.Queue([]byte(update(251, `"channel_post":{}`)))
	api.Queue([]byte(update(252, `"message":{"message_id":"x"}`))) // cannot be read: left out
	api.Queue([]byte(said(253, noon.Add(-48*time.Hour), "旧的")))
	time.Sleep(100 * time.Millisecond)
	if api.Pending() != 253 {
		t.Errorf("%d pending: confirmed before they were stored", api.Pending())
	}
	box.mu.Lock()
	box.fail = nil
	box.mu.Unlock()
	api.Fail("getUpdates", telegramtest.Fault{Status: 502}, telegramtest.Fault{Status: 429, Retry: 1})
	eventually(t, "all confirmed", func() bool { return api.Pending() == 0 })
	if n := len(box.take()); n != 250 {
		t.Errorf("%d stored, want 250", n)
	}
	cancel()
	polling.Wait()
}

// TestSecretsStayOutOfLogs: whatever fails, no line and no error holds the token or a reader's words.
func TestSecretsStayOutOfLogs(t *testing.T) {
	t.Parallel()
	b, api, address := open(t, unlimited)
	var mu sync.Mutex
	var log bytes.Buffer
	b.Log = slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return log.Write(p)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	box := &memoryInbox{}
	b.Inbox, b.Readers, b.Media = box, &readers{}, fileMedia{}
	b.Desk = deskFunc(func(m engine.Message) (engine.Reply, error) { return engine.Reply{Text: "答：" + m.Text}, nil })
	var errs []string
	handle := func(raw string) {
		if _, err := telegramtest.Post(context.Background(), address, secret, []byte(raw)); err != nil {
			t.Fatal(err)
		}
		for _, u := range box.take() {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			if err := b.Handle(ctx, u); err != nil {
				errs = append(errs, err.Error())
			}
			cancel()
		}
	}
	handle(said(1, noon, "13800138000"))
	for i, status := range []int{400, 401, 403, 404, 409, 500} {
		api.Fail("sendMessage", telegramtest.Fault{Status: status}, telegramtest.Fault{Status: status}, telegramtest.Fault{Status: status}, telegramtest.Fault{Status: status})
		handle(said(10+i, noon, "13800138000"))
	}
	api.AddFile("f", []byte("unreadable"))
	handle(update(30, `"message":{"message_id":30,"from":{"id":7},"chat":{"id":7,"type":"private"},"date":1795780800,"voice":{"file_id":"f"}}`))
	handle(update(31, `"message":{"message_id":31,"from":{"id":7},"chat":{"id":7,"type":"private"},"date":1795780800,"voice":{"file_id":"nope"}}`))
	api.Close()
	handle(said(40, noon, "13800138000"))
	handle(update(41, `"message":{"message_id":41,"from":{"id":7},"chat":{"id":7,"type":"private"},"date":1795780800,"voice":{"file_id":"f"}}`))
	if _, err := b.Status(context.Background()); err != nil {
		errs = append(errs, err.Error())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	b.Poll(ctx)
	cancel()
	mu.Lock()
	defer mu.Unlock()
	all := log.String() + strings.Join(errs, "\n")
	if len(errs) < 4 || !strings.Contains(all, "deleteWebhook") {
		t.Errorf("too little failed for this to show anything:\n%s", all)
	}
	for _, private := range []string{telegramtest.Token, telegramtest.Token[5:], "13800138000", secret} {
		if strings.Contains(all, private) {
			t.Errorf("%q is in:\n%s", private, all)
		}
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// TestStatus is what doctor tells.
func TestStatus(t *testing.T) {
	b, api, _ := open(t, unlimited)
	b.Now = time.Now
	s, err := b.Status(context.Background())
	if err != nil || s.Name != "@qiuzhen_bot" || s.ReadsGroups || s.Webhook || s.WebhookError != "" {
		t.Errorf("%+v, %v", s, err)
	}
	api.Hook("https://qiuzhen.example.cn/telegram/webhook", secret)
	api.HookError("Wrong response from the webhook: 403 Forbidden")
	if s, err = b.Status(context.Background()); err != nil || !s.Webhook || !strings.Contains(s.WebhookError, "403") {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestPush reaches people alone, and says who is gone.
func TestPush(t *testing.T) {
	b, api, _ := open(t, unlimited)
	api.Limits = telegramtest.Limits{}
	api.Refuse(9, "bot was blocked by the user")
	for _, c := range []struct {
		name string
		gone bool
		chat int64
	}{
		{"7", false, 7}, {engine.MemberOf("-100", "8"), false, 8}, {"9", true, 9}, {"0", true, 0}, {"not a number", true, 0},
	} {
		err := b.Push(context.Background(), engine.Reader{Channel: "telegram", Name: c.name}, engine.Reply{Text: "专家查过了。"})
		if errors.Is(err, engine.ErrGone) != c.gone || !c.gone && (err != nil || len(api.Messages(c.chat)) != 1) {
			t.Errorf("%q: %v", c.name, err)
		}
	}
}
