package telegram_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"
	"unicode/utf16"

	engine "qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
)

// TestConformance holds the conversations of all channels over the webhook and the stand-in.
func TestConformance(t *testing.T) {
	bottest.Conformance(t, func(t *testing.T, desk bottest.Desk) bottest.Channel {
		b, api, address := open(t, unlimited)
		c := &channel{bot: b, api: api, keys: map[int64][]map[string]string{}}
		api.Limits = telegramtest.Limits{}
		api.Hook(address, secret)
		b.Inbox, b.Readers, b.Desk = &c.inbox, &readers{}, desk
		return c
	})
}

// channel is Telegram as the conversations use it.
type channel struct {
	bot   *telegram.Bot
	api   *telegramtest.Server
	inbox memoryInbox
	n     int
	calls int
	keys  map[int64][]map[string]string // label -> callback_data of each reply, by chat
}

func (c *channel) Can() engine.Channel { return telegram.Channel }

func idOf(name string) int64 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int64(h.Sum32()) + 1
}

func (c *channel) Send(t testing.TB, s bottest.Sent) []bottest.Seen {
	c.n++
	from := map[string]any{"id": idOf(s.Reader)}
	chat := map[string]any{"id": idOf(s.Reader), "type": "private"}
	place := idOf(s.Reader)
	if s.Group != "" {
		place = -idOf(s.Group)
		chat = map[string]any{"id": place, "type": "supergroup"}
	}
	update := map[string]any{"update_id": c.n}
	if s.Press != nil {
		data, ok := c.keys[place][s.Press.Reply][s.Press.Label]
		if !ok {
			t.Fatalf("reply %d has no button %s: %v", s.Press.Reply, s.Press.Label, c.keys[place])
		}
		update["callback_query"] = map[string]any{"id": fmt.Sprint("q", c.n), "from": from, "data": data, "message": map[string]any{"message_id": 1, "chat": chat, "date": noon.Unix()}}
	} else {
		m := map[string]any{"message_id": c.n, "from": from, "chat": chat, "date": noon.Unix(), "text": s.Text}
		if s.Addressed {
			const name = "@" + telegramtest.Username
			m["text"] = s.Text + " " + name
			m["entities"] = []any{map[string]any{"type": "mention", "offset": len(utf16.Encode([]rune(s.Text))) + 1, "length": len(name)}}
		}
		update["message"] = m
	}
	raw, err := json.Marshal(update)
	if err != nil {
		t.Fatal(err)
	}
	if status, err := c.api.Deliver(context.Background(), raw); err != nil || status != 200 {
		t.Fatalf("status %d, %v", status, err)
	}
	for _, u := range c.inbox.take() {
		if err := c.bot.Handle(context.Background(), u); err != nil {
			t.Fatal(err)
		}
	}
	return c.seen(place)
}

// seen joins the messages since the last look.
func (c *channel) seen(place int64) []bottest.Seen {
	var parts, labels []string
	keys := map[string]string{}
	calls := c.api.Calls()
	for _, call := range calls[c.calls:] {
		if call.Method != "sendMessage" || call.Status != 200 {
			continue
		}
		parts = append(parts, call.Params["text"].(string))
		if m, ok := call.Params["reply_markup"].(map[string]any); ok {
			for _, row := range m["inline_keyboard"].([]any) {
				for _, b := range row.([]any) {
					label := b.(map[string]any)["text"].(string)
					labels, keys[label] = append(labels, label), b.(map[string]any)["callback_data"].(string)
				}
			}
		}
	}
	c.calls = len(calls)
	if len(parts) == 0 {
		return nil
	}
	c.keys[place] = append(c.keys[place], keys)
	return []bottest.Seen{{Text: strings.Join(parts, "\n"), Choices: labels}}
}
