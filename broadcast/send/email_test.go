package send_test

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"qiuzhen/broadcast"
	"qiuzhen/broadcast/send"
)

// TestEmailRefusals: 4xx may be taken later, 5xx never; only a mailbox that is not there ends a subscription.
func TestEmailRefusals(t *testing.T) {
	for _, c := range []struct{ at, reply, want string }{
		{"RCPT", "550 5.1.1 no such user", "recipient is gone"},
		{"RCPT", "550 5.2.1 mailbox disabled", "recipient is gone"},
		{"RCPT", "550 5.7.1 your server is on a list", "refused for good: 邮件服务器不收（550 5.7.1）"},
		{"RCPT", "550 no", "refused for good: 邮件服务器不收（550）"},
		{"RCPT", "452 4.2.2 mailbox full", "the mail server answers with code 452 4.2.2"},
		{"RCPT", "450 4.2.0 greylisted", "the mail server answers with code 450 4.2.0"},
		{"DATA", "552 5.3.4 too large", "refused for good: 邮件服务器不收（552 5.3.4）"},
		{"DATA", "451 4.3.0 local error", "the mail server answers with code 451 4.3.0"},
		{"MAIL", "421 4.7.0 too much", "all wait 1m0s"},
		{"MAIL", "553 5.1.8 not your sender", "all wait 1m0s"},
		{"EHLO", "421 4.3.2 closing", "all wait 1m0s"},
		{"EHLO", "451 4.3.0 not now", "the mail server answers with code 451"},
		{"AUTH", "454 4.7.0 temporary", "the mail server answers with code 454"},
		{"AUTH", "535 5.7.8 bad", "all wait 1m0s"},
		{"RCPT", "4", "the connection to the mail server broke"},
	} {
		t.Run(c.reply, func(t *testing.T) {
			t.Parallel()
			s := newSMTP(t)
			s.Reply(c.at, c.reply)
			_, err := newEmail(t, mailServer(s, slog.New(slog.DiscardHandler))).Send(context.Background(), to(s.To(), "台风明天到。"))
			if got := outcome(err); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if later := strings.Contains(c.want, "answers with code") || c.reply == "4"; later != errors.As(err, new(*broadcast.NotTakenError)) {
				t.Errorf("%v: known not to be taken: %t", err, !later)
			}
		})
	}
}

// TestEmailPrivate: nothing is sent, and no password told, to a server that offers no encryption or whose certificate nobody knows.
func TestEmailPrivate(t *testing.T) {
	plain := newSMTP(t)
	plain.Plain = true
	strange := newSMTP(t)
	config := mailServer(strange, slog.New(slog.DiscardHandler))
	config.TLS = &tls.Config{ServerName: strange.Host, MinVersion: tls.VersionTLS12}
	for name, e := range map[string]*send.Email{
		"no STARTTLS": newEmail(t, mailServer(plain, slog.New(slog.DiscardHandler))), "certificate": newEmail(t, config),
	} {
		if _, err := e.Send(context.Background(), to(plain.To(), "台风明天到。")); outcome(err) != "all wait 1m0s" {
			t.Errorf("%s: %v", name, err)
		}
	}
	local := mailServer(plain, slog.New(slog.DiscardHandler))
	local.Security = send.LocalTLS
	if _, err := newEmail(t, local).Send(context.Background(), to(plain.To(), "台风明天到。")); err != nil {
		t.Error("a relay on this machine:", err)
	}
	if n := len(plain.Letters()) + len(strange.Letters()); n != 1 {
		t.Errorf("%d letters, want 1", n)
	}
}

// TestEmailLetter: what arrives: over TLS, with the headers of a letter to many.
func TestEmailLetter(t *testing.T) {
	s := newSMTP(t)
	e := newEmail(t, mailServer(s, slog.New(slog.DiscardHandler)))
	text := "“喝白酒杀病毒”是谣言，不要转发。" + strings.Repeat("很长", 60) + "\n.\n第二行 Bcc: x@example.cn\n"
	receipt, err := e.Send(context.Background(), to(s.To(), text))
	if err != nil {
		t.Fatal(err)
	}
	l := s.Letters()[0]
	for name, want := range map[string]string{
		"Message-Id": "<qiuzhen-7-1@example.cn>", "List-Unsubscribe": "<mailto:push@example.cn?subject=unsubscribe>", "Auto-Submitted": "auto-generated",
		"Content-Type": "text/plain; charset=UTF-8", "To": "<" + s.To() + ">",
	} {
		if got := l.Header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	from, err := l.Header.AddressList("From")
	if err != nil || from[0].Name != "求真" || from[0].Address != "push@example.cn" || l.Header.Get("Date") == "" {
		t.Errorf("from %v, %v", from, err)
	}
	if !l.Secure || l.Text != strings.TrimRight(text, "\n") || !strings.HasPrefix(l.Subject, "“喝白酒杀病毒”是谣言") || len([]rune(l.Subject)) != 100 || receipt.ID != "qiuzhen-7-1@example.cn" {
		t.Errorf("%+v %v", l, receipt)
	}
	for _, name := range []string{"", "nobody", "a@b.cn, c@d.cn", "Name <a@b.cn>", "a@b.cn\r\nBcc: c@d.cn"} {
		if _, err := e.Send(context.Background(), to(name, text)); outcome(err) != "refused for good: 收件人不是电子邮件地址" {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestEmailSettings: what cannot work is refused when the program starts.
func TestEmailSettings(t *testing.T) {
	good := send.EmailConfig{Host: "smtp.example.cn", From: "push@example.cn", Security: send.StartTLS}
	for name, change := range map[string]func(*send.EmailConfig){
		"from":        func(c *send.EmailConfig) { c.From = "push" },
		"security":    func(c *send.EmailConfig) { c.Security = "none" },
		"local":       func(c *send.EmailConfig) { c.Security = send.LocalTLS },
		"unsubscribe": func(c *send.EmailConfig) { c.Unsubscribe = "mailto:a@b.cn>\r\nBcc: c@d.cn" },
		"address":     func(c *send.EmailConfig) { c.Unsubscribe = "http://example.cn" },
	} {
		c := good
		change(&c)
		if _, err := send.NewEmail(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := send.NewEmail(good); err != nil {
		t.Error(err)
	}
}
