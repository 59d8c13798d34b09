package wechat_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/wechat"
	"qiuzhen/bot/wechat/wechattest"
)

// TestConformance holds the conversations of all channels over the callback in safe mode, with a store in memory.
func TestConformance(t *testing.T) {
	desk, log := &switchDesk{}, &lockedLog{}
	a, key := account(t, true)
	store := &memory{}
	store.channel = wechat.New(wechat.Config{
		Account: a, Store: store, Desk: desk, Alerts: true, PublicURL: bottest.PublicURL, Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	store.channel.Inbox = store
	mux := http.NewServeMux()
	for _, r := range store.channel.Routes() {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	server := httptest.NewServer(mux)
	platform := wechattest.New(wechattest.Config{AppID: appID, Secret: secret, Token: token, AESKey: key})
	t.Cleanup(func() {
		server.Close()
		platform.Close()
		store.working.Wait()
	})
	conversations := 0
	bottest.Conformance(t, func(_ *testing.T, d bottest.Desk) bottest.Channel {
		conversations++
		desk.set(d)
		return &channel{platform, server.URL + "/wechat/callback", log, conversations, 0}
	})
}

// TestConformanceStored holds some of them (make soak: all) with the database, the inbox and its worker, as the program has it.
func TestConformanceStored(t *testing.T) {
	desk := &switchDesk{}
	s := newStage(t, true, false, 1, deskIs(desk), patient)
	s.shelve(t, slices.Collect(maps.Values(bottest.Entries()))...)
	conversations := 0
	bottest.ConformanceSample(t, func(_ *testing.T, d bottest.Desk) bottest.Channel {
		conversations++
		desk.set(d)
		return &channel{s.Platform, s.addr, s.log, conversations, 0}
	})
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
	*wechattest.Platform
	addr            string
	log             *lockedLog
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
