package wechat_test

import (
	"context"
	"sync"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/wechat"
)

// memory is the store and the inbox of a channel that is one node and whose posts all are answered in time: what comes is handled at once. What such
// a channel never asks for is not there (Run is not called).
type memory struct {
	wechat.Store
	channel *wechat.Channel

	mu       sync.Mutex
	messages map[string]*heldMessage
	working  sync.WaitGroup
}

type heldMessage struct {
	posts    int
	received bool
	reply    *string
	given    bool
}

func (m *memory) message(id string) *heldMessage {
	if m.messages == nil {
		m.messages = map[string]*heldMessage{}
	}
	if m.messages[id] == nil {
		m.messages[id] = &heldMessage{}
	}
	return m.messages[id]
}

func (m *memory) Deliver(_ context.Context, d wechat.Delivery) (wechat.Place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	of := m.message(d.ID)
	of.posts++
	return wechat.Place{Number: of.posts, Try: of.posts, Given: of.given}, nil
}

func (m *memory) Take(_ context.Context, id string, number int, _ time.Time, _ func(string, []string) (string, int)) (string, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	of := m.message(id)
	if of.posts != number || of.reply == nil || of.given {
		return "", false, nil
	}
	of.given = true
	return *of.reply, true, nil
}

func (m *memory) Answer(_ context.Context, id string, k bot.Kept) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if of := m.message(id); of.reply == nil {
		of.reply = &k.Text
	}
	return nil
}

func (m *memory) Expects(context.Context, string, string) (bool, error) { return false, nil }

// Receive is the inbox's.
func (m *memory) Receive(_ context.Context, u bot.Update) (fresh bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	of := m.message(u.ID)
	if fresh, of.received = !of.received, true; fresh {
		m.working.Go(func() { _ = m.channel.Handle(context.Background(), u) }) // an error is said
	}
	return fresh, nil
}
