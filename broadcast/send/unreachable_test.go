package send_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/bot/wechat"
	"qiuzhen/broadcast"
	"qiuzhen/broadcast/send"
)

// TestUnreachable: where nobody listens nothing can have been taken. Each sender's error still holds that, for Worker, and neither key nor address.
func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	log := slog.New(slog.DiscardHandler)
	b, err := telegram.New(telegram.Config{Token: telegramtest.Token, API: address})
	if err != nil {
		t.Fatal(err)
	}
	const key, hookKey = "s3cret-in-address", "whsec_dGhpcnR5LXR3byBieXRlcyBvZiBhIHNlY3JldCBrZXk="
	account := send.WeChatConfig{
		API: wechat.NewAPI(address, appID, appSecret, &tokens{token: key, until: time.Now().Add(time.Hour)}, time.Now), Service: true, Now: time.Now, Log: log,
	}
	for name, c := range map[string]struct {
		sender broadcast.Sender
		to     string
	}{
		"telegram": {send.NewTelegram(b, log), "5"},
		"wechat":   {send.NewWeChat(account), openID},
		"mass":     {send.NewWeChatMass(account), "all"},
		"wecom":    {send.NewWeCom(endpoints(t, "wecom", "群", address+"/?key="+key, "")), "群"},
		"dingtalk": {send.NewDingTalk(endpoints(t, "dingtalk", "群", address+"/?access_token="+key, key)), "群"},
		"webhook":  {send.NewWebhook(endpoints(t, "webhook", "台", address+"/?key="+key, hookKey)), "台"},
		"email": {newEmail(t, send.EmailConfig{Host: "127.0.0.1", Port: port, From: "a@example.cn", Security: send.LocalTLS, Password: key, Log: log}),
			"b@example.cn"},
	} {
		_, err := c.sender.Send(context.Background(), to(c.to, "台风明天到。"))
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" {
			t.Errorf("%s: %v", name, err)
		}
		for _, secret := range []string{key, hookKey, telegramtest.Token} {
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestRedirected: no sender follows a redirect, which would take the message and its key elsewhere.
func TestRedirected(t *testing.T) {
	followed := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		followed = true
		_, _ = w.Write([]byte(`{"errcode":0,"ok":true,"accepted":true,"result":{"message_id":1}}`))
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	log := slog.New(slog.DiscardHandler)
	b, err := telegram.New(telegram.Config{Token: telegramtest.Token, API: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	account := send.WeChatConfig{
		API: wechat.NewAPI(server.URL, appID, appSecret, &tokens{token: "t", until: time.Now().Add(time.Hour)}, time.Now), Service: true, Now: time.Now, Log: log,
	}
	for name, sender := range map[string]broadcast.Sender{
		"5": send.NewTelegram(b, log), openID: send.NewWeChat(account), "群": send.NewWeCom(endpoints(t, "wecom", "群", server.URL, "")),
	} {
		if _, err := sender.Send(context.Background(), to(name, "台风明天到。")); err == nil || followed {
			t.Errorf("%s: %v, followed %t", name, err, followed)
		}
	}
}
