package wechat_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/wechat"
)

// TestConformance holds the conversations of all channels over the callback in safe mode (make soak: all of them), with the same database.
func TestConformance(t *testing.T) {
	desk := &switchDesk{}
	s := newStage(t, true, false, 1, deskIs(desk), patient)
	var conversations int
	bottest.ConformanceSample(t, func(_ *testing.T, d bottest.Desk) bottest.Channel {
		conversations++
		desk.set(d)
		return &channel{s, conversations, 0}
	})
	t.Logf("%d conversations", conversations)
}

// switchDesk is the desk of the conversation under way.
type switchDesk struct {
	mu   sync.Mutex
	desk wechat.Desk
}

func (s *switchDesk) set(d wechat.Desk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.desk = d
}

func (s *switchDesk) Handle(ctx context.Context, m bot.Message) (bot.Reply, error) {
	s.mu.Lock()
	d := s.desk
	s.mu.Unlock()
	return d.Handle(ctx, m)
}

// channel is WeChat as the conversations use it.
type channel struct {
	*stage
	conversation, n int
}

func (c *channel) Can() bot.Channel { return wechat.Can }

func (c *channel) Send(t testing.TB, s bottest.Sent) []bottest.Seen {
	c.n++
	reader := fmt.Sprintf("o%d-%x", c.conversation, s.Reader)
	o := c.Platform.Send(t.Context(), c.addr, reader, text(reader, fmt.Sprintf("%d%04d", c.conversation, c.n), s.Text))
	switch {
	case o.Failed:
		t.Fatalf("%s: %s\n%s", s.Text, o.Why, c.log.text())
	case o.Reply == "":
		return nil
	}
	return []bottest.Seen{{Text: o.Reply}}
}
