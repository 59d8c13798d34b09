package telegram_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	engine "qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/inbox"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
)

// TestWithdrawnWhileAReplyWaits: a reply that Telegram did not take at once does not say later what was withdrawn meanwhile; another does, and what to do
// in a danger is said all the same.
func TestWithdrawnWhileAReplyWaits(t *testing.T) {
	for words, want := range map[string]string{"喝白酒能杀病毒吗": engine.GoneLine, "隔夜菜能吃吗": "“隔夜菜致癌”说过头了", "我妈刚喝了农药，白酒能解吗": engine.DangerLine("我妈刚喝了农药") + "\n\n" + engine.GoneBelow} {
		b, api, _ := open(t, unlimited)
		api.Limits = telegramtest.Limits{}
		talk, library := bottest.NewEngine()
		desk := engine.NewDesk(talk, &bottest.Store{}, time.Now)
		b.Desk, b.Readers, b.Current = desk, &readers{}, desk.Current
		api.Fail("sendMessage", telegramtest.Fault{Status: 429, Retry: 60})
		u := engine.Update{Channel: "telegram", ID: "1", Payload: []byte(said(1, noon, words))}
		var later inbox.Later
		if err := b.Handle(context.Background(), u); !errors.As(err, &later) {
			t.Fatalf("%v", err)
		}
		library.Withdraw("baijiu-kills-virus")
		b.Now = func() time.Time { return noon.Add(2 * time.Minute) }
		if err := b.Handle(context.Background(), u); err != nil {
			t.Fatal(err)
		}
		sent := api.Messages(7)
		if len(sent) != 1 || !strings.HasPrefix(sent[0].Text, want) {
			t.Errorf("%s: sent %+v, want %s", words, sent, want)
		}
	}
}

// TestFailingDanger: who speaks of a danger is told the number when the desk fails, also in a group that they call us in; and when not even their message
// can be stored, once, however often Telegram sends it again.
func TestFailingDanger(t *testing.T) {
	b, api, address := open(t, unlimited)
	api.Limits = telegramtest.Limits{}
	box := &memoryInbox{}
	b.Inbox, b.Readers = box, &readers{}
	b.Desk = deskFunc(func(engine.Message) (engine.Reply, error) { return engine.Reply{}, errors.New("no database") })
	in := func(chat, words string) string {
		return update(1, `"message":{"message_id":1,"from":{"id":7},"chat":`+chat+`,"date":1795780800,"text":"`+words+`"}`)
	}
	for _, c := range []struct {
		chat, words, want string
		id                int64
	}{
		{`{"id":7,"type":"private"}`, "我妈刚喝了农药", "120", 7}, {`{"id":8,"type":"private"}`, "味精致癌吗", engine.ErrorLine, 8},
		{`{"id":-5,"type":"supergroup"}`, "求真，我妈刚喝了农药", "120", -5}, {`{"id":-6,"type":"supergroup"}`, "我妈刚喝了农药", "", -6},
	} {
		if err := b.Handle(context.Background(), engine.Update{Channel: "telegram", ID: c.words + c.chat, Payload: []byte(in(c.chat, c.words))}); err != nil {
			t.Fatal(err)
		}
		sent := api.Messages(c.id)
		if c.want == "" && len(sent) > 0 || c.want != "" && (len(sent) != 1 || !strings.Contains(sent[0].Text, c.want)) {
			t.Errorf("%s %s: %+v", c.chat, c.words, sent)
		}
	}
	box.fail = errors.New("no database")
	for id, words := range []string{"我妈刚喝了农药", "味精致癌吗"} {
		raw := []byte(strings.ReplaceAll(said(id+10, noon, words), `"id":7`, `"id":9`))
		for range 3 {
			if status, err := telegramtest.Post(context.Background(), address, secret, raw); err != nil || status != 503 {
				t.Fatalf("status %d, %v", status, err)
			}
		}
	}
	if sent := api.Messages(9); len(sent) != 1 || !strings.Contains(sent[0].Text, "120") || sent[0].Text == telegram.BusyLine {
		t.Errorf("not stored: %+v", sent)
	}
}
