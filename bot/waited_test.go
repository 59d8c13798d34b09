package bot_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
)

// TestGroupOfNodes: what a group asks of several nodes is counted once for each update, as it arrives and whichever node gets it, also again; not once
// more as it is answered.
func TestGroupOfNodes(t *testing.T) {
	clock := start
	one, store, _ := deskAt(&clock)
	engine, _ := bottest.NewEngine()
	other := bot.NewDesk(engine, store, one.Now)
	message := func(n int) bot.Message {
		return bot.Message{Via: bot.Channel{Name: "telegram", Groups: true}, Reader: fmt.Sprint("m", n), Group: "家人群", Text: "求真，白酒能杀病毒吗", Update: fmt.Sprint(n)}
	}
	var taken []int
	for n := range 40 {
		for i, node := range []*bot.Desk{one, other, one} {
			ok, err := node.Concerns(context.Background(), message(n))
			if err != nil {
				t.Fatal(err)
			}
			if ok && i == 0 {
				taken = append(taken, n)
			} else if ok != slices.Contains(taken, n) {
				t.Fatalf("update %d, taken before: %v; once more: %v", n, slices.Contains(taken, n), ok)
			}
		}
	}
	if len(taken) != 15 {
		t.Errorf("%d of 40 messages are stored, want 15", len(taken))
	}
	for _, n := range taken {
		if reply, err := other.Handle(context.Background(), message(n)); err != nil || reply.Silent {
			t.Fatalf("update %d is not answered (%v)", n, err)
		}
	}
}

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
