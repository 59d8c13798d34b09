package send_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/broadcast"
	"qiuzhen/broadcast/send"
	"qiuzhen/knowledge"
)

func to(name, text string) broadcast.Message {
	d := knowledge.Delivery{Broadcast: 7, N: 1, To: name}
	return broadcast.Message{Delivery: d, Text: text, Key: broadcast.Key(d)}
}

// outcome is what became of a message, in one line.
func outcome(err error) string {
	var retry *broadcast.RetryError
	switch {
	case err == nil:
		return "sent"
	case errors.As(err, &retry) && retry.Recipient:
		return fmt.Sprintf("recipient waits %v", retry.After)
	case errors.As(err, &retry):
		return fmt.Sprintf("all wait %v", retry.After)
	}
	return err.Error()
}

// TestTelegramRefusals: what each of Telegram's refusals means.
func TestTelegramRefusals(t *testing.T) {
	for _, c := range []struct {
		name, to string
		fault    *telegramtest.Fault
		refuse   string
		want     string
	}{
		{name: "blocked", to: "5", refuse: "bot was blocked by the user", want: "recipient is gone"},
		{name: "kicked", to: "-100", refuse: "bot was kicked from the supergroup chat", want: "recipient is gone"},
		{name: "deactivated", to: "5", refuse: "user is deactivated", want: "recipient is gone"},
		{name: "no such chat", to: "0", want: "recipient is gone"},
		{name: "no number", to: "somebody", want: "recipient is gone"},
		{name: "member of a group", to: "-100\n5", want: "sent"},
		{name: "group's own limit", to: "-100", fault: &telegramtest.Fault{Status: 429, Retry: 40}, want: "recipient waits 40s"},
		{name: "everybody's limit", to: "5", fault: &telegramtest.Fault{Status: 429, Retry: 3}, want: "all wait 3s"},
		{name: "token", to: "5", fault: &telegramtest.Fault{Status: 401}, want: "all wait 1m0s"},
		{name: "refused", to: "5", fault: &telegramtest.Fault{Status: 400}, want: "refused for good: Telegram不收这条消息"},
		{name: "out of order", to: "5", fault: &telegramtest.Fault{Status: 502}, want: "telegram: sendMessage failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newTelegram(t, slog.New(slog.DiscardHandler))
			if c.fault != nil {
				f.api.Fail("sendMessage", *c.fault)
			}
			if c.refuse != "" {
				f.api.Refuse(5, c.refuse)
				f.api.Refuse(-100, c.refuse)
			}
			_, err := f.sender.Send(context.Background(), to(c.to, "台风明天到。"))
			if got := outcome(err); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestTelegramMoved: a group that became a supergroup gets its message there.
func TestTelegramMoved(t *testing.T) {
	f := newTelegram(t, slog.New(slog.DiscardHandler))
	f.api.Migrate(-100, -1001234)
	if _, err := f.sender.Send(context.Background(), to("-100", "台风明天到。")); err != nil {
		t.Fatal(err)
	}
	if got := f.api.Messages(-1001234); len(got) != 1 || got[0].Text != "台风明天到。" {
		t.Errorf("%v", got)
	}
}

// TestTelegramSilence: Telegram is not called again before the time that it asked for.
func TestTelegramSilence(t *testing.T) {
	f := newTelegram(t, slog.New(slog.DiscardHandler))
	f.api.Fail("sendMessage", telegramtest.Fault{Status: 429, Retry: 9})
	for range 3 {
		if _, err := f.sender.Send(context.Background(), to("5", "台风明天到。")); outcome(err) == "sent" {
			t.Error("sent")
		}
	}
	f.Pass(10 * time.Second)
	if _, err := f.sender.Send(context.Background(), to("5", "台风明天到。")); err != nil {
		t.Error(err)
	}
	if n := len(f.api.Calls()); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

// TestTelegramPace: a crowd is written to as fast as Telegram lets us and no faster: nothing is refused.
func TestTelegramPace(t *testing.T) {
	api := telegramtest.New()
	defer api.Close()
	b, err := telegram.New(telegram.Config{Token: telegramtest.Token, API: api.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer b.CloseIdleConnections()
	sender := send.NewTelegram(b, slog.Default())
	var sending sync.WaitGroup
	for worker := range 8 {
		sending.Go(func() {
			for i := range 5 {
				if _, err := sender.Send(context.Background(), to(fmt.Sprint(1000+10*worker+i), "台风明天到。")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sending.Wait()
	for _, c := range api.Calls() {
		if c.Status != 200 {
			t.Errorf("%d", c.Status)
		}
	}
	if _, err := sender.Send(context.Background(), to("1000", "台风明天到。")); err == nil {
		_, err = sender.Send(context.Background(), to("1000", "台风明天到。"))
		if got := outcome(err); !strings.HasPrefix(got, "recipient waits ") {
			t.Errorf("twice in a second: %s", got)
		}
	}
}
