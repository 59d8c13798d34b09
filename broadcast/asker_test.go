package broadcast_test

import (
	"sync"
	"time"

	"qiuzhen/knowledge"
)

const knowledgeDone = knowledge.BroadcastDone

// asker asks for silence from time to time.
type asker struct {
	every int
	mu    sync.Mutex
	until time.Time
	asked []time.Time
}

const (
	askedFor = 400 * time.Millisecond
	// underway: calls that began before the answer was known to both nodes. A node looks no longer than 20 ms before each message.
	underway = 100 * time.Millisecond
)

func newAsker(every int) *asker { return &asker{every: every} }

func (a *asker) answer(n int, c call) (int, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now := time.Now(); now.Before(a.until) {
		return 429, a.until.Sub(now)
	}
	if n%a.every == 0 {
		a.until = time.Now().Add(askedFor)
		a.asked = append(a.asked, time.Now())
		return 429, askedFor
	}
	return 200, 0
}

func (a *asker) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

// broken counts the calls during silences.
func (a *asker) broken(c *channel) (n int) {
	calls := c.all()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, at := range a.asked {
		for _, got := range calls {
			if since := got.at.Sub(at); since > underway && since < askedFor {
				n++
			}
		}
	}
	return n
}
