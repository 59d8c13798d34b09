package send_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/bot/wechat"
	"qiuzhen/bot/wechat/wechattest"
	"qiuzhen/broadcast"
	"qiuzhen/broadcast/send"
	"qiuzhen/broadcast/sendertest"
)

func TestTelegram(t *testing.T) {
	sendertest.Suite(t, func(t *testing.T, log *slog.Logger) (broadcast.Sender, sendertest.Fake) {
		f := newTelegram(t, log)
		return f.sender, f
	})
}

func TestWeChat(t *testing.T) {
	sendertest.Suite(t, func(t *testing.T, log *slog.Logger) (broadcast.Sender, sendertest.Fake) {
		f := newWeChat(t)
		return send.NewWeChat(f.config(log)), f
	})
}

func TestWeChatMass(t *testing.T) {
	sendertest.Suite(t, func(t *testing.T, log *slog.Logger) (broadcast.Sender, sendertest.Fake) {
		f := massFake{newWeChat(t)}
		return send.NewWeChatMass(f.config(log)), f
	})
}

func TestWeCom(t *testing.T) {
	sendertest.Suite(t, func(t *testing.T, _ *slog.Logger) (broadcast.Sender, sendertest.Fake) {
		f := sendertest.NewWeCom()
		t.Cleanup(f.Close)
		return send.NewWeCom(endpoints(t, "wecom", f.To(), f.URL, "")), f
	})
}

func TestDingTalk(t *testing.T) {
	sendertest.Suite(t, func(t *testing.T, _ *slog.Logger) (broadcast.Sender, sendertest.Fake) {
		f := sendertest.NewDingTalk()
		t.Cleanup(f.Close)
		return send.NewDingTalk(endpoints(t, "dingtalk", f.To(), f.URL, f.Secret)), f
	})
}

func TestEmail(t *testing.T) {
	sendertest.Suite(t, func(t *testing.T, log *slog.Logger) (broadcast.Sender, sendertest.Fake) {
		f := newSMTP(t)
		return newEmail(t, mailServer(f, log)), f
	})
}

func TestWebhook(t *testing.T) {
	sendertest.Suite(t, func(t *testing.T, _ *slog.Logger) (broadcast.Sender, sendertest.Fake) {
		f := sendertest.NewHook()
		t.Cleanup(f.Close)
		return send.NewWebhook(endpoints(t, "webhook", f.To(), f.URL, f.Secret)), f
	})
}

// endpoints writes an endpoints.toml.
func endpoints(t *testing.T, channel, name, url, secret string) send.EndpointFile {
	t.Helper()
	path := filepath.Join(t.TempDir(), "endpoints.toml")
	text := fmt.Sprintf("[%s.%q]\nurl = %q\nsecret = %q\nprivate = true\n", channel, name, url, secret)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return send.EndpointFile(path)
}

func newSMTP(t *testing.T) *sendertest.SMTP {
	t.Helper()
	s, err := sendertest.NewSMTP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func mailServer(s *sendertest.SMTP, log *slog.Logger) send.EmailConfig {
	return send.EmailConfig{
		Host: s.Host, Port: s.Port, User: s.User, Password: s.Password, From: "求真 <push@example.cn>", Security: send.StartTLS, Log: log,
		TLS: &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12},
	}
}

func newEmail(t *testing.T, c send.EmailConfig) *send.Email {
	t.Helper()
	e, err := send.NewEmail(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// through puts a line that breaks before a stand-in.
func through(t *testing.T, address string) (*sendertest.Line, string) {
	t.Helper()
	line, err := sendertest.Through(address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(line)
	t.Cleanup(server.Close)
	return line, server.URL
}

// clock is one that a test moves.
type clock struct {
	mu   sync.Mutex
	past time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.past)
}

func (c *clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.past += d
}

// telegramFake is telegramtest behind a line.
type telegramFake struct {
	*sendertest.Line
	clock
	api    *telegramtest.Server
	sender broadcast.Sender
}

const chat = 4711

func newTelegram(t *testing.T, log *slog.Logger) *telegramFake {
	t.Helper()
	f := &telegramFake{api: telegramtest.New()}
	t.Cleanup(f.api.Close)
	f.api.Limits = telegramtest.Limits{}
	var address string
	f.Line, address = through(t, f.api.URL)
	fast := telegram.Limit{PerSecond: 1e6, Burst: 1e6}
	b, err := telegram.New(telegram.Config{Token: telegramtest.Token, API: address, Limits: telegram.Limits{All: fast, Chat: fast, Group: fast}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.CloseIdleConnections)
	b.Now, b.Log = f.now, log
	f.sender = send.NewTelegram(b, log)
	return f
}

func (*telegramFake) To() string { return fmt.Sprint(chat) }

func (f *telegramFake) Arm(fault sendertest.Fault) bool {
	status := map[sendertest.Fault]int{sendertest.Limited: 429, sendertest.Gone: 403, sendertest.Refused: 400, sendertest.ErrorInside: 200}[fault]
	if status == 0 {
		return f.Line.Arm(fault)
	}
	f.api.Fail("sendMessage", telegramtest.Fault{Status: status, Retry: 7})
	return true
}

func (*telegramFake) Limit() broadcast.RetryError {
	return broadcast.RetryError{After: 7 * time.Second}
}

func (*telegramFake) Text(n int) string { return sendertest.Units(n) }

func (f *telegramFake) Arrived() (all []sendertest.Arrival) {
	for _, m := range f.api.Messages(chat) {
		all = append(all, sendertest.Arrival{To: f.To(), Text: m.Text})
	}
	return all
}

func (*telegramFake) Secrets() []string {
	return []string{telegramtest.Token, "AAEstandinstandinstandinstandin0000"}
}

// weChatFake is wechattest behind a line.
type weChatFake struct {
	*sendertest.Line
	clock
	*wechattest.Platform
	address string
}

const (
	openID    = "oReaderReaderReaderReader0001"
	appID     = "wx2c2769f8efd9abc2"
	appSecret = "0123456789abcdef0123456789abcdef"
)

func newWeChat(t *testing.T) *weChatFake {
	t.Helper()
	f := &weChatFake{}
	f.Platform = wechattest.New(wechattest.Config{
		AppID: appID, Secret: appSecret, Service: true, Now: f.now, Templates: map[string]string{"tpl-1": "thing1"}, MassSends: 20,
	})
	t.Cleanup(f.Close)
	f.Follow(openID, f.now())
	f.Line, f.address = through(t, f.URL())
	f.Only = "/message/"
	return f
}

func (f *weChatFake) config(log *slog.Logger) send.WeChatConfig {
	return send.WeChatConfig{API: wechat.NewAPI(f.address, appID, appSecret, &tokens{}, f.now), Service: true, Now: f.now, Log: log}
}

func (*weChatFake) To() string { return openID }

func (f *weChatFake) Arm(fault sendertest.Fault) bool {
	return f.arm("/cgi-bin/message/custom/send", fault, map[sendertest.Fault]int{
		sendertest.Limited: 45011, sendertest.Gone: 43004, sendertest.Refused: 87014, sendertest.ErrorInside: -1,
	})
}

func (f *weChatFake) arm(path string, fault sendertest.Fault, codes map[sendertest.Fault]int) bool {
	if codes[fault] == 0 {
		return f.Line.Arm(fault)
	}
	f.Fail(path, codes[fault])
	return true
}

func (*weChatFake) Limit() broadcast.RetryError { return broadcast.RetryError{After: time.Minute} }

func (*weChatFake) Text(n int) string { return sendertest.Bytes(n) }

func (f *weChatFake) Arrived() (all []sendertest.Arrival) {
	for _, text := range f.Sees(openID) {
		all = append(all, sendertest.Arrival{To: openID, Text: text})
	}
	return all
}

func (*weChatFake) Secrets() []string { return []string{appSecret, "token-"} }

// massFake is the same account, to many.
type massFake struct{ *weChatFake }

func (massFake) To() string { return "tag:2" }

func (f massFake) Arm(fault sendertest.Fault) bool {
	return f.arm("/cgi-bin/message/mass/sendall", fault, map[sendertest.Fault]int{
		sendertest.Limited: 45066, sendertest.Refused: 87014, sendertest.ErrorInside: -1,
	})
}

func (f massFake) Arrived() (all []sendertest.Arrival) {
	for _, m := range f.Masses() {
		to := "all"
		if !m.Everybody {
			to = fmt.Sprintf("tag:%d", m.Tag)
		}
		all = append(all, sendertest.Arrival{To: to, Text: m.Text, Key: m.Key})
	}
	return all
}

// tokens is wechat.Tokens for one node.
type tokens struct {
	mu     sync.Mutex
	token  string
	until  time.Time
	leased bool
}

func (k *tokens) Token(context.Context, string) (string, time.Time, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.token, k.until, nil
}

func (k *tokens) LeaseToken(context.Context, string, string, time.Time, time.Duration) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	mine := !k.leased
	k.leased = true
	return mine, nil
}

func (k *tokens) KeepToken(_ context.Context, _, token string, until time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.token, k.until, k.leased = token, until, false
	return nil
}

// TestChannels: each sender's channel is one that the store knows, and no two have the same.
func TestChannels(t *testing.T) {
	all := []broadcast.Sender{
		newTelegram(t, slog.Default()).sender, send.NewWeChat(send.WeChatConfig{}), send.NewWeChatMass(send.WeChatConfig{}), send.NewWeCom(nil),
		send.NewDingTalk(nil), newEmail(t, send.EmailConfig{From: "a@example.cn", Security: send.StartTLS}), send.NewWebhook(nil),
	}
	var names []string
	for _, s := range all {
		names = append(names, s.Capabilities().Channel)
	}
	slices.Sort(names)
	if want := []string{"dingtalk", "email", "telegram", "webhook", "wechat", "wechat_mass", "wecom"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}
