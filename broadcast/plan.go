package broadcast

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"qiuzhen/knowledge"
)

// Limit is how fast a channel may be sent on, by all nodes together.
type Limit struct {
	Channel   string
	PerSecond float64
	Why       string
}

// Limits are the platforms' own where they say one, else what we keep to ourselves. A preview's times and the delivery's rates are both of this table.
var Limits = []Limit{
	{"telegram", 30, "Telegram: 30 messages a second in all"},
	{"wechat", 20, "ours: WeChat says none for customer messages, and limits each reader's"},
	{"wecom", 5, "ours: a robot takes 20 a minute, and each group has its own"},
	{"dingtalk", 5, "ours: a robot takes 20 a minute, and each group has its own"},
	{"email", 10, "ours: mail servers take what is sent slowly for wanted"},
	{"webhook", 20, "ours: the platform behind it says its own"},
}

// LimitOf is a channel's; one that is not known is slow.
func LimitOf(channel string) Limit {
	for _, l := range Limits {
		if l.Channel == channel {
			return l
		}
	}
	return Limit{channel, 1, "ours: not known"}
}

// ChannelPlan is how many get a broadcast on a channel, and how long that takes at best.
type ChannelPlan struct {
	Channel  string
	N        int
	Takes    time.Duration
	Counties []knowledge.Reach // most first
}

// Plan is what the staff see before they ask for an approval: whom it reaches, and when the last of them has it. Channels go side by side.
func Plan(reach []knowledge.Reach) (channels []ChannelPlan, n int, takes time.Duration) {
	by := map[string]*ChannelPlan{}
	for _, r := range reach {
		p := by[r.Channel]
		if p == nil {
			p = &ChannelPlan{Channel: r.Channel}
			by[r.Channel] = p
		}
		p.N += r.N
		p.Counties = append(p.Counties, r)
	}
	for _, p := range by {
		p.Takes = time.Duration(math.Ceil(float64(p.N)/LimitOf(p.Channel).PerSecond)) * time.Second
		slices.SortFunc(p.Counties, func(a, b knowledge.Reach) int { return cmp.Or(b.N-a.N, cmp.Compare(a.County, b.County)) })
		channels = append(channels, *p)
		n, takes = n+p.N, max(takes, p.Takes)
	}
	slices.SortFunc(channels, func(a, b ChannelPlan) int { return cmp.Compare(a.Channel, b.Channel) })
	return channels, n, takes
}

// TakesWords words a time as people say it, rounded up.
func TakesWords(d time.Duration) string {
	minutes := int(math.Ceil(d.Minutes()))
	switch {
	case d < time.Minute:
		return "不到1分钟"
	case minutes < 120:
		return fmt.Sprintf("约%d分钟", minutes)
	}
	return fmt.Sprintf("约%.1f小时", d.Hours())
}
