package send_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/broadcast/send"
	"qiuzhen/knowledge"
)

// TestWeChatWays: a customer message within 48 hours, else the template, else the report says why not.
func TestWeChatWays(t *testing.T) {
	const text = "【更正】台风“海燕”改道，南通明天停课取消。\n请照常上班。"
	template := send.Template{ID: "tpl-1", Field: "thing1"}
	subscription := send.Template{ID: "tpl-1", Field: "thing1", Subscription: true}
	for _, c := range []struct {
		name     string
		wrote    time.Duration // ago
		heard    time.Duration // ago, as we know; 0: not known
		service  bool
		template send.Template
		short    string
		fail     map[string]int
		want     string
		sees     []string
	}{
		{name: "customer message", service: true, wrote: time.Hour, heard: time.Hour, want: "sent", sees: []string{text}},
		{name: "not known when", service: true, wrote: time.Hour, want: "sent", sees: []string{text}},
		{name: "48 hours over, no template", service: true, wrote: 50 * time.Hour, heard: 50 * time.Hour,
			want: "refused for good: 读者48小时内没有说过话，又没有设 wechat_template_id"},
		{name: "48 hours over at WeChat alone", service: true, wrote: 50 * time.Hour,
			want: "refused for good: 微信不收发给这位读者的客服消息（errcode 45015），又没有设 wechat_template_id"},
		{name: "template", service: true, wrote: 50 * time.Hour, heard: 50 * time.Hour, template: template, short: "【更正】台风改道", want: "sent", sees: []string{"【更正】台风改道"}},
		{name: "template after WeChat's no", service: true, wrote: 50 * time.Hour, template: template, short: "【更正】台风改道", want: "sent", sees: []string{"【更正】台风改道"}},
		{name: "first line, cut", service: true, wrote: 50 * time.Hour, template: template, want: "sent", sees: []string{"【更正】台风“海燕”改道，南通明天停课…"}},
		{name: "subscription message", wrote: time.Hour, template: subscription, short: "台风改道", want: "sent", sees: []string{"台风改道"}},
		{name: "no service account", wrote: time.Hour, want: "refused for good: 公众号不能发客服消息，又没有设 wechat_template_id"},
		{name: "five messages already", service: true, wrote: time.Hour, fail: map[string]int{"custom/send": 45047},
			want: "refused for good: 微信不收发给这位读者的客服消息（errcode 45047），又没有设 wechat_template_id"},
		{name: "not verified", service: true, wrote: time.Hour, template: template, short: "台风", fail: map[string]int{"custom/send": 48001}, want: "sent", sees: []string{"台风"}},
		{name: "unfollowed", service: true, wrote: time.Hour, fail: map[string]int{"custom/send": 43004}, want: "recipient is gone"},
		{name: "not subscribed to", template: subscription, fail: map[string]int{"subscribe/bizsend": 43101},
			want: "refused for good: 读者没有订阅这个模板（errcode 43101）"},
		{name: "no such reader", service: true, wrote: time.Hour, fail: map[string]int{"custom/send": 40003}, want: "refused for good: 微信不收这条消息（errcode 40003）"},
		{name: "wrong template", template: send.Template{ID: "tpl-2", Field: "thing1"}, want: "all wait 1m0s"},
		{name: "wrong field", template: send.Template{ID: "tpl-1", Field: "thing2"}, want: "all wait 1m0s"},
		{name: "account banned", service: true, wrote: time.Hour, fail: map[string]int{"custom/send": 48004}, want: "all wait 1m0s"},
		{name: "this machine's address", service: true, wrote: time.Hour, fail: map[string]int{"../stable_token": 40164}, want: "all wait 1m0s"},
		{name: "too many in a minute", service: true, wrote: time.Hour, fail: map[string]int{"custom/send": 45011}, want: "all wait 1m0s"},
		{name: "unheard of", service: true, wrote: time.Hour, fail: map[string]int{"custom/send": 99999}, want: "wechat errcode 99999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newWeChat(t)
			f.Follow(openID, f.now().Add(-c.wrote))
			for path, code := range c.fail {
				path = "/cgi-bin/message/" + path
				if path == "/cgi-bin/message/../stable_token" {
					path = "/cgi-bin/stable_token"
				}
				f.Fail(path, code)
			}
			config := f.config(slog.New(slog.DiscardHandler))
			config.Service, config.Template = c.service, c.template
			m := to(openID, text)
			m.Short = c.short
			if c.heard != 0 {
				m.Heard = f.now().Add(-c.heard)
			}
			_, err := send.NewWeChat(config).Send(context.Background(), m)
			if got := outcome(err); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if got := f.Sees(openID); !slices.Equal(got, c.sees) {
				t.Errorf("the reader sees %q, want %q", got, c.sees)
			}
		})
	}
}

// TestWeChatDay: the day's quota is there again after midnight in China.
func TestWeChatDay(t *testing.T) {
	f := newWeChat(t)
	evening := time.Date(2026, 7, 3, 22, 30, 0, 0, knowledge.China)
	f.Pass(evening.Sub(f.now()))
	f.Follow(openID, f.now())
	f.Fail("/cgi-bin/message/custom/send", 45009)
	_, err := send.NewWeChat(f.config(slog.New(slog.DiscardHandler))).Send(context.Background(), to(openID, "台风明天到。"))
	if got, want := outcome(err), "all wait 1h"; got[:len(want)] != want {
		t.Errorf("%s, want a little over %s30m", got, want)
	}
}

// TestWeChatQuotas: of each kind of message the day's quota is its own: when there are no template messages left, customer messages go on, and the other
// way round. Who waits asks the platform no more today.
func TestWeChatQuotas(t *testing.T) {
	const custom, template, late, early = "/cgi-bin/message/custom/send", "/cgi-bin/message/template/send", 50 * time.Hour, time.Hour
	for _, c := range []struct {
		name, usedUp string
		template     bool
		want         map[time.Duration]string // by when the reader wrote
		sees         int
	}{
		{"template messages", template, true, map[time.Duration]string{late: "recipient waits", early: "sent"}, 2},
		{"customer messages", custom, true, map[time.Duration]string{late: "sent", early: "sent"}, 4},
		{"customer messages, no template", custom, false, map[time.Duration]string{early: "all wait"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newWeChat(t)
			config := f.config(slog.New(slog.DiscardHandler))
			if c.template {
				config.Template = send.Template{ID: "tpl-1", Field: "thing1"}
			}
			f.Follow(openID, f.now())
			f.Fail(c.usedUp, 45009) // once: nothing asks again
			sender, n := send.NewWeChat(config), int64(0)
			for range 2 {
				for heard, want := range c.want {
					m := to(openID, "台风明天到。")
					n++
					m.Delivery.N = n
					m.Key, m.Heard, m.Now = broadcast.Key(m.Delivery), f.now().Add(-heard), f.now()
					if _, err := sender.Send(context.Background(), m); !strings.HasPrefix(outcome(err), want) {
						t.Errorf("wrote %v ago: %v, want %s", heard, outcome(err), want)
					}
				}
			}
			if got := f.Sees(openID); len(got) != c.sees {
				t.Errorf("the reader sees %q", got)
			}
			f.Pass(25 * time.Hour)
			f.Follow(openID, f.now())
			for heard := range c.want {
				m := to(openID, "台风明天到。")
				m.Key, m.Heard = "qiuzhen-9-"+heard.String(), f.now().Add(-heard)
				if _, err := sender.Send(context.Background(), m); err != nil {
					t.Errorf("the next day: %v", err)
				}
			}
		})
	}
}

// TestWeChatNeverSubscribed: while the day's customer messages are used up, who did not subscribe to the template waits for tomorrow's, and gets the message.
func TestWeChatNeverSubscribed(t *testing.T) {
	f := newWeChat(t)
	f.Pass(time.Date(2026, 7, 3, 22, 30, 0, 0, knowledge.China).Sub(f.now()))
	f.Follow(openID, f.now())
	f.Fail("/cgi-bin/message/custom/send", 45009)
	f.Fail("/cgi-bin/message/subscribe/bizsend", 43101)
	config := f.config(slog.New(slog.DiscardHandler))
	config.Template = send.Template{ID: "tpl-1", Field: "thing1", Subscription: true}
	sender, m := send.NewWeChat(config), to(openID, "台风明天到。")
	m.Heard, m.Now = f.now(), f.now()
	_, err := sender.Send(context.Background(), m)
	if got, want := outcome(err), "recipient waits 1h"; !strings.HasPrefix(got, want) {
		t.Fatalf("%s, want a little over %s30m", got, want)
	}
	var wait *broadcast.RetryError
	errors.As(err, &wait)
	f.Pass(wait.After)
	m.Now = f.now()
	if _, err := sender.Send(context.Background(), m); err != nil || len(f.Sees(openID)) != 1 {
		t.Errorf("after midnight: %v, the reader sees %q", err, f.Sees(openID))
	}
}

// TestWeChatTemplateTwice: a template message that is sent again within ten minutes arrives once.
func TestWeChatTemplateTwice(t *testing.T) {
	f := newWeChat(t)
	config := f.config(slog.New(slog.DiscardHandler))
	config.Service, config.Template = false, send.Template{ID: "tpl-1", Field: "thing1", URL: "https://qiuzhen.example.cn"}
	for range 2 {
		if receipt, err := send.NewWeChat(config).Send(context.Background(), to(openID, "台风明天到。")); err != nil || receipt.ID == "" {
			t.Fatal(receipt, err)
		}
	}
	if got := f.Sees(openID); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

// TestWeChatToMany: who is named, what is left of the quota, and that a repeat counts as sent.
func TestWeChatToMany(t *testing.T) {
	f := newWeChat(t)
	f.MassSends = 2
	mass := send.NewWeChatMass(f.config(slog.New(slog.DiscardHandler)))
	message := func(n int64, name string) broadcast.Message {
		d := knowledge.Delivery{Broadcast: 7, N: n, To: name}
		return broadcast.Message{Delivery: d, Text: "台风明天到。", Key: broadcast.Key(d)}
	}
	for _, c := range []struct {
		n        int64
		to, want string
	}{
		{1, "all", "sent"}, {1, "all", "sent"}, {2, "tag:3", "sent"}, {3, "tag:4", "refused for good: 公众号的群发次数用完了（errcode 45028）"},
		{4, "tag:", "refused for good: 收件人要写成 all 或 tag:2"},
		{5, openID, "refused for good: 收件人要写成 all 或 tag:2"},
		{6, "tag:-1", "refused for good: 收件人要写成 all 或 tag:2"},
	} {
		if _, err := mass.Send(context.Background(), message(c.n, c.to)); outcome(err) != c.want {
			t.Errorf("%s: %s, want %s", c.to, outcome(err), c.want)
		}
	}
	if got := f.Masses(); len(got) != 2 || !got[0].Everybody || got[1].Everybody || got[1].Tag != 3 {
		t.Errorf("%+v", got)
	}
}
