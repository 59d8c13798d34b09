package telegram_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	engine "qiuzhen/bot"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/postgres/postgrestest"
)

// TestFlood: far more ask than Telegram's quota carries. Who is in danger is answered before all others, though they ask last; of the others some
// are answered, and each of those who are not hears one line, none of them two.
func TestFlood(t *testing.T) {
	t.Parallel()
	const crowd, dangers = 300, 6
	store := postgrestest.New(t)
	b, api, _ := open(t, telegram.Limits{All: telegram.Limit{PerSecond: 100, Burst: 5}, Chat: unlimited.Chat, Group: unlimited.Group})
	b.Now, api.Limits = time.Now, telegramtest.Limits{}
	worker := wire(store, b, slog.New(slog.DiscardHandler))
	worker.Bound = 40
	for i := range crowd + dangers {
		text := "问"
		if i >= crowd {
			text = "我爸突然嘴歪了说不清话"
		}
		chat := fmt.Sprint(i + 1)
		raw := fmt.Appendf(nil, `{"update_id":%d,"message":{"message_id":1,"from":{"id":%s},"chat":{"id":%s},"date":%d,"text":%q}}`, i+1, chat, chat, time.Now().Unix(), text)
		u := engine.Update{Channel: telegram.Channel.Name, ID: chat, Chat: chat, Payload: raw, Received: time.Now(), Lane: engine.LaneOf(text, false)}
		if _, err := store.Receive(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { worker.Run(ctx) })
	running.Go(func() { b.TellOwed(ctx) })
	heard := func() (n int) {
		for chat := range int64(crowd + dangers) {
			n += min(1, len(api.Messages(chat+1)))
		}
		return n
	}
	for end := time.Now().Add(30 * time.Second); heard() < crowd+dangers && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	cancel()
	running.Wait()
	answered, told := 0, 0
	for chat := range int64(crowd + dangers) {
		m := api.Messages(chat + 1)
		if len(m) != 1 {
			t.Fatalf("chat %d hears %v", chat+1, m)
		}
		switch {
		case strings.HasPrefix(m[0].Text, "答："):
			answered++
		case m[0].Text == telegram.BusyLine || m[0].Text == telegram.OwedLine:
			told++
		}
		if chat >= crowd && !strings.HasPrefix(m[0].Text, "答：") {
			t.Errorf("in danger: %q", m[0].Text)
		}
	}
	before := 0
	for i, c := range api.Calls() {
		if strings.Contains(fmt.Sprint(c.Params["text"]), "嘴歪") {
			before = max(before, i)
		}
	}
	if answered < worker.Bound || told < crowd/2 || answered+told != crowd+dangers || before > 2*dangers+8 {
		t.Errorf("%d answered, %d told; the last danger was answered after %d messages", answered, told, before)
	}
}

// TestShedPress: who presses a button while too many ask is told so on the button, in groups too.
func TestShedPress(t *testing.T) {
	b, api, _ := open(t, unlimited)
	for _, chat := range []string{`{"id":7,"type":"private"}`, `{"id":-5,"type":"supergroup"}`} {
		payload := fmt.Appendf(nil, `{"update_id":9,"callback_query":{"id":"q","from":{"id":7},"data":"A1:0:为什么","message":{"message_id":1,"chat":%s,"date":%d}}}`, chat, noon.Unix())
		before := len(api.Calls())
		if err := b.Shed(context.Background(), engine.Update{Channel: "telegram", ID: "9", Payload: payload}); err != nil {
			t.Fatal(err)
		}
		calls := api.Calls()[before:]
		if len(calls) != 1 || calls[0].Method != "answerCallbackQuery" || calls[0].Params["text"] != telegram.BusyLine {
			t.Errorf("%s: %+v", chat, calls)
		}
	}
}
