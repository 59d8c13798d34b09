package broadcast_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"qiuzhen/knowledge"
)

// random decides by a fixed seed, from several goroutines.
type random struct {
	mu sync.Mutex
	r  *rand.Rand
}

func newRandom(seed uint64) *random { return &random{r: rand.New(rand.NewPCG(seed, seed))} }

func (r *random) n(most int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.r.IntN(most)
}

// status is a platform's answer: mostly yes.
func (r *random) status() int {
	switch n := r.n(20); n {
	case 0:
		return 500
	case 1:
		return 403
	case 2:
		return 400
	}
	return 200
}

func (r *random) wait() time.Duration { return time.Duration(r.n(120)) * time.Millisecond }

// draftUpdate approves an Update of what is being sent, some time after it began.
func (w *world) draftUpdate(t testing.TB, id int64, after time.Duration) int64 {
	t.Helper()
	eventually(t, 10*time.Second, "it begins", func() bool { return !w.begunAt(t, id).IsZero() })
	time.Sleep(after)
	return w.approve(t, correction(knowledge.Update, id, false))
}

func (w *world) begunAt(t testing.TB, id int64) time.Time {
	t.Helper()
	b, err := w.store.Broadcast(w.author, id)
	must(t, err)
	return b.BegunAt
}
