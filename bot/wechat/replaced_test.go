package wechat_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/wechat"
	"qiuzhen/retrieval"
)

// fullDesk answers with an entry and with what the reader waited for, which together just fit, and of which the latter is withdrawn before it is said.
type fullDesk struct{ slow time.Duration }

func (d fullDesk) Handle(ctx context.Context, _ bot.Message) (bot.Reply, error) {
	select {
	case <-time.After(d.slow):
	case <-ctx.Done():
		return bot.Reply{}, ctx.Err()
	}
	const entry, ends = "“喝白酒杀病毒”是谣言，不要转发。\n核查的说法：喝白酒可以杀死流感病毒。\n", "\n来源：中国疾控中心《指南》（2023年9月）"
	const due = "\n\n您上次问的“月亮上有没有人”，专家查过了。\n没有。"
	why := strings.Repeat("这句话正好十个字。", (wechat.MaxText-len(entry)-len(ends)-len(due))/len("这句话正好十个字。"))
	return bot.Reply{Text: entry + why + ends + due, Told: []retrieval.Ref{{ID: "moon", Version: 1}}}, nil
}

// TestReplacedFits: a reply that says in longer words what has been withdrawn while it waited is taken by the platform, as an answer and as a customer
// message.
func TestReplacedFits(t *testing.T) {
	for name, slow := range map[string]time.Duration{"an answer": 0, "a customer message": quickly(18 * time.Second)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, true, true, 1, deskIs(fullDesk{slow}))
			s.Send(t.Context(), s.addr, "grandma", text("grandma", "1", "喝白酒能杀病毒吗"))
			eventually(t, "the reader sees it", func() bool { return len(s.Sees("grandma")) > 0 })
			words := s.Sees("grandma")[0]
			for _, part := range []string{"“喝白酒杀病毒”是谣言", "\n……\n来源：中国疾控中心", "\n\n另外，您上次问的“月亮上有没有人”，答案刚刚撤下或者改过了。"} {
				if !strings.Contains(words, part) {
					t.Errorf("%q lacks %q", words, part)
				}
			}
			if strings.Contains(words, "没有。") {
				t.Errorf("what is gone is said: %q", words)
			}
		})
	}
}
