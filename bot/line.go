package bot

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// line lets in so many at a time, and of those who wait whoever has waited longest.
type line struct {
	mu      sync.Mutex
	free    int
	waiting waiters
	came    int
}

// waiter waits since a time; n orders those of the same time as they came.
type waiter struct {
	since time.Time
	n     int
	let   chan struct{} // closed when it is let in
	at    int           // in waiters; -1: let in
}

func newLine(atOnce int) *line { return &line{free: atOnce} }

// enter waits to be let in; leave must follow. The error is the context's, after which it must not.
func (l *line) enter(ctx context.Context, since time.Time) error {
	l.mu.Lock()
	if l.free > 0 {
		l.free--
		l.mu.Unlock()
		return nil
	}
	l.came++
	w := &waiter{since: since, n: l.came, let: make(chan struct{})}
	heap.Push(&l.waiting, w)
	l.mu.Unlock()
	select {
	case <-w.let:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	in := w.at < 0
	if !in {
		heap.Remove(&l.waiting, w.at)
	}
	l.mu.Unlock()
	if in { // in the same moment
		l.leave()
	}
	return ctx.Err()
}

// leave lets in the next.
func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.free++
		return
	}
	close(heap.Pop(&l.waiting).(*waiter).let)
}

// waiters is a heap, longest waiting first.
type waiters []*waiter

func (w waiters) Len() int { return len(w) }

func (w waiters) Less(i, k int) bool {
	if !w[i].since.Equal(w[k].since) {
		return w[i].since.Before(w[k].since)
	}
	return w[i].n < w[k].n
}

func (w waiters) Swap(i, k int) {
	w[i], w[k] = w[k], w[i]
	w[i].at, w[k].at = i, k
}

// Push is heap.Interface's.
func (w *waiters) Push(x any) {
	one := x.(*waiter)
	one.at = len(*w)
	*w = append(*w, one)
}

// Pop is heap.Interface's.
func (w *waiters) Pop() any {
	last := len(*w) - 1
	one := (*w)[last]
	one.at = -1
	(*w)[last] = nil
	*w = (*w)[:last]
	return one
}
