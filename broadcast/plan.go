package broadcast

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"qiuzhen/knowledge"
)

// Limit is how fast broadcasts may be sent on a channel, by all nodes together.
type Limit struct {
	Channel   string
	PerSecond float64 // in no second more
	Why       string
}

// Really is how many messages a second leave: the pacer's even distances keep a margin of the limit.
func (l Limit) Really() float64 { return float64(time.Second) / float64(Pacing(l.PerSecond)) }

// Limits are the platforms' own where they say one, less what else we send there, else what we keep to ourselves. A preview's times and the
// delivery's rates are both of this table; docs/api.md shows it.
var Limits = []Limit{
	{"telegram", 25, "Telegram: 30 messages a second in all, of which the bot keeps to 25, its replies to readers included"},
	{"wechat", 20, "ours: WeChat says none for customer messages, and limits each reader's"},
	{knowledge.WeChatMass, 1, "WeChat: 60 calls a minute; each follower of a service account has 4 a month"},
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
	Ahead    int               // what is sent before it on the channel, of other broadcasts
	Takes    time.Duration     // that included
	Counties []knowledge.Reach // most first
	Note     string            // what the numbers do not say; empty: nothing
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
		p.N, p.Ahead = p.N+r.N, r.Ahead
		p.Counties = append(p.Counties, r)
	}
	for _, p := range by {
		p.Takes = takesFor(p.Channel, p.N+p.Ahead)
		if p.Channel == knowledge.WeChatMass {
			p.Note = massNote(p.Counties[0].Spent)
		}
		if p.Ahead > 0 {
			p.note(fmt.Sprintf("这个渠道上还有%d条别的推送先发，%s，时间算在里面了", p.Ahead, TakesWords(takesFor(p.Channel, p.Ahead))))
		}
		slices.SortFunc(p.Counties, func(a, b knowledge.Reach) int { return cmp.Or(b.N-a.N, cmp.Compare(a.County, b.County)) })
		channels = append(channels, *p)
		n, takes = n+p.N, max(takes, p.Takes)
	}
	slices.SortFunc(channels, func(a, b ChannelPlan) int { return cmp.Compare(a.Channel, b.Channel) })
	return channels, n, takes
}

func takesFor(channel string, n int) time.Duration {
	return time.Duration(math.Ceil(float64(n)/LimitOf(channel).Really())) * time.Second
}

func (p *ChannelPlan) note(what string) { p.Note = strings.TrimPrefix(p.Note+"；"+what, "；") }

// NoteUnsent says of the channels of a plan on which nothing leaves that this is so; senders are those that are set up.
func NoteUnsent(plan []ChannelPlan, senders []string) {
	for i, p := range plan {
		if !slices.Contains(senders, p.Channel) {
			plan[i].note("这个渠道没有设好，现在发不出去，请先找管机器的同事")
		}
	}
}

// massNote says what a mass message costs. How many it reaches only WeChat knows.
func massNote(spent int) string {
	note := fmt.Sprintf("微信群发：有多少人收到，微信才知道。服务号的读者每人一个月最多收%d条（订阅号一天1条），这个月已经群发了%d次", knowledge.MassQuota, spent)
	if spent >= knowledge.MassQuota {
		note += "：服务号的次数用完了，再群发，微信不收"
	}
	return note
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
