package bot_test

import (
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
)

// TestRepeatedAtAnotherNode: the same words within a minute get the reply that they had, unless the reader has said something else meanwhile, which another
// node heard: then they are answered anew, so that what follows is about them.
func TestRepeatedAtAnotherNode(t *testing.T) {
	clock := start
	one, store, _ := deskAt(&clock)
	engine, _ := bottest.NewEngine()
	other := bot.NewDesk(engine, store, func() time.Time { return clock })
	for i, c := range []struct {
		at           *bot.Desk
		says, begins string
	}{
		{one, "喝酒", "您问的是下面哪一个"}, {one, "喝酒", "您问的是下面哪一个"},
		{other, "隔夜", "您问的是下面哪一个"}, {one, "喝酒", "您问的是下面哪一个"}, {other, "1", "“喝白酒杀病毒”"},
	} {
		clock = clock.Add(time.Second)
		if reply := handle(t, c.at, "甲", c.says); !strings.HasPrefix(reply.Text, c.begins) {
			t.Errorf("%d: %q is answered %q", i+1, c.says, reply.Text)
		}
	}
	if n := len(store.Answers); n != 4 {
		t.Errorf("%d answers are kept, want 4: one was given once more", n)
	}
}
