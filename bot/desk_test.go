package bot_test

import (
	"context"
	"fmt"
	"testing"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
)

// plain is a channel that hands messages to the desk as they are.
type plain struct {
	desk bottest.Desk
	can  bot.Channel
	said map[string][]bot.Reply // by conversation
}

func (p *plain) Can() bot.Channel { return p.can }

func (p *plain) Send(t testing.TB, s bottest.Sent) []bottest.Seen {
	place := s.Reader
	if s.Group != "" {
		place = "group " + s.Group
	}
	m := bot.Message{Via: p.can, Reader: s.Reader, Group: s.Group, Addressed: s.Addressed, Text: s.Text}
	if s.Press != nil {
		on := p.said[place][s.Press.Reply]
		m.About = on.Answer
		for _, c := range on.Choices {
			if c.Label == s.Press.Label {
				m.Text = c.Say
			}
		}
	}
	reply, err := p.desk.Handle(context.Background(), m)
	if err != nil {
		return []bottest.Seen{{Text: bot.ErrorLine}}
	}
	if reply.Silent {
		return nil
	}
	p.said[place] = append(p.said[place], reply)
	seen := bottest.Seen{Text: reply.Text}
	for _, c := range reply.Choices {
		if p.can.Buttons {
			seen.Choices = append(seen.Choices, c.Label)
		}
	}
	return []bottest.Seen{seen}
}

// TestConversations: all cases, as channels of every kind have them.
func TestConversations(t *testing.T) {
	for _, can := range []bot.Channel{
		{Name: "terminal"}, {Name: "wechat", Alerts: true}, {Name: "web", Buttons: true, Pages: true}, {Name: "telegram", Push: true, Alerts: true, Buttons: true, Groups: true},
		{Name: "plain groups", Groups: true},
	} {
		t.Run(can.Name, func(t *testing.T) {
			bottest.Conformance(t, func(_ *testing.T, desk bottest.Desk) bottest.Channel {
				return &plain{desk, can, map[string][]bot.Reply{}}
			})
		})
	}
	if n := len(bottest.Conversations(t)); n < 150 {
		t.Errorf("%d conversations, want at least 150", n)
	}
	fmt.Println(len(bottest.Conversations(t)), "conversations")
}
