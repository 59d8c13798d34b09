package bot_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
)

// TestWaited: a message is understood as of when it was written, however long it waited for us; in a group nobody is told hours later what nobody asked.
func TestWaited(t *testing.T) {
	clock := start
	desk, store, _ := deskAt(&clock)
	say := func(m bot.Message) bot.Reply {
		t.Helper()
		m.Via = bot.Channel{Name: "telegram", Groups: true}
		reply, err := desk.Handle(context.Background(), m)
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	for name, c := range map[string]struct {
		written, answered time.Duration // since the first answer
		goesOn            bool
	}{
		"at once":             {time.Minute, time.Minute, true},
		"waited three hours":  {time.Minute, 3 * time.Hour, true},
		"written too late":    {40 * time.Minute, 40 * time.Minute, false},
		"by a clock far off":  {5 * time.Hour, 10 * time.Minute, true},
		"before the question": {-time.Hour, 10 * time.Minute, true},
	} {
		clock = start
		say(bot.Message{Reader: name, Text: "喝白酒能杀病毒吗", At: clock})
		clock = start.Add(c.answered)
		if reply := say(bot.Message{Reader: name, Text: "来源", At: start.Add(c.written)}); strings.Contains(reply.Text, "来源：") != c.goesOn {
			t.Errorf("%s: %s", name, reply.Text)
		}
	}
	clock = start
	say(bot.Message{Reader: "甲", Group: "家人群", Text: "求真，自动辟谣"})
	for waited, silent := range map[time.Duration]bool{time.Minute: false, 3 * time.Hour: true} {
		clock = clock.Add(24 * time.Hour)
		if reply := say(bot.Message{Reader: "甲", Group: "家人群", Text: "喝白酒能杀病毒", At: clock.Add(-waited)}); reply.Silent != silent {
			t.Errorf("unasked, %v later: %+v", waited, reply)
		}
	}
	if r, err := store.Reader(context.Background(), "telegram", "家人群"); err != nil || !r.Wishes.Auto {
		t.Errorf("the group wishes %+v (%v)", r.Wishes, err)
	}
}
