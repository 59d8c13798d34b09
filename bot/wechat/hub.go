package wechat

import (
	"context"
	"sync"
	"time"
)

// hub wakes the posts that wait for a reply: those of this node's workers at once, those of other nodes' after a look into the store, one for
// all posts that wait.
type hub struct {
	mu      sync.Mutex
	waiting map[string][]chan struct{}
	lately  map[string]time.Time // messages whose posts came here
}

const (
	lookEvery = 150 * time.Millisecond
	// remembered is longer than the platform's three posts take.
	remembered = 30 * time.Second
)

func newHub() *hub {
	return &hub{waiting: map[string][]chan struct{}{}, lately: map[string]time.Time{}}
}

// seen reports whether a post of the message came here before.
func (h *hub) seen(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, ok := h.lately[id]
	return ok
}

func (h *hub) wait(id string, now time.Time) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	woken := make(chan struct{}, 1)
	h.waiting[id] = append(h.waiting[id], woken)
	h.lately[id] = now
	return woken
}

func (h *hub) leave(id string, woken chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var others []chan struct{}
	for _, w := range h.waiting[id] {
		if w != woken {
			others = append(others, w)
		}
	}
	if h.waiting[id] = others; len(others) == 0 {
		delete(h.waiting, id)
	}
}

// tell wakes all posts of the messages.
func (h *hub) tell(ids ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		for _, w := range h.waiting[id] {
			nudge(w)
		}
	}
}

// forget drops the messages of a while ago.
func (h *hub) forget(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, at := range h.lately {
		if now.Sub(at) > remembered {
			delete(h.lately, id)
		}
	}
}

func (h *hub) ids() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := make([]string, 0, len(h.waiting))
	for id := range h.waiting {
		ids = append(ids, id)
	}
	return ids
}

// look wakes the posts whose replies other nodes have stored.
func (c *Channel) look(ctx context.Context) error {
	ids := c.hub.ids()
	if len(ids) == 0 {
		return nil
	}
	answered, err := c.Store.Answered(ctx, ids)
	if err != nil {
		return err
	}
	c.hub.tell(answered...)
	return nil
}
