package bottest

import (
	"slices"
	"testing"

	"qiuzhen/bot"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/web"
	"qiuzhen/bot/wechat"
)

// TestConversations: at least 150 conversations are such that every channel has them, and Conformance leaves none of a channel's out.
func TestConversations(t *testing.T) {
	const least = 150
	channels := []bot.Channel{telegram.Channel, web.Channel, wechat.Can}
	names, had, all := map[string]bool{}, map[string]int{}, 0
	for _, c := range Conversations(t) {
		if names[c.Name] || len(c.Turns) == 0 {
			t.Errorf("%s is there twice, or says nothing", c.Name)
		}
		names[c.Name] = true
		can := 0
		for _, channel := range channels {
			if c.missing(channel) == "" {
				had[channel.Name]++
				can++
			}
		}
		if can == len(channels) {
			all++
		}
	}
	t.Logf("%d conversations, %v; %d of every channel", len(names), had, all)
	if all < least {
		t.Errorf("%d conversations of every channel, want %d", all, least)
	}
}

// TestKills: a reply that came twice belongs to the kill after which it was the last that its reader had seen.
func TestKills(t *testing.T) {
	var k Kills
	k.After(map[string]int{"甲": 1, "乙": 2})
	k.After(map[string]int{"甲": 1, "乙": 5, "丙": 3})
	perKill, unexplained := k.Twice(map[string][]int{"甲": {1}, "乙": {2, 5, 6}, "丙": {3}, "丁": {1}})
	if !slices.Equal(perKill, []int{2, 2}) || unexplained != 2 {
		t.Errorf("%v, %d unexplained", perKill, unexplained)
	}
}
