package bot

import (
	"context"
	"sync"
)

// turns lets the messages of one reader wait for each other, and for nobody else's: a link that takes seconds to open holds up its own
// reader alone. The zero value is ready.
type turns struct {
	mu      sync.Mutex
	readers map[string]*oneAtATime
}

type oneAtATime struct {
	busy chan struct{} // holds a token while a message is answered
	of   int           // messages that wait or are answered
}

// take waits until the reader's earlier messages are answered; done lets the next one in. The error is the context's.
func (t *turns) take(ctx context.Context, reader string) (done func(), err error) {
	t.mu.Lock()
	if t.readers == nil {
		t.readers = map[string]*oneAtATime{}
	}
	mine, ok := t.readers[reader]
	if !ok {
		mine = &oneAtATime{busy: make(chan struct{}, 1)}
		t.readers[reader] = mine
	}
	mine.of++
	t.mu.Unlock()
	select {
	case mine.busy <- struct{}{}:
		return func() { <-mine.busy; t.leave(reader, mine) }, nil
	case <-ctx.Done():
		t.leave(reader, mine)
		return nil, ctx.Err()
	}
}

func (t *turns) leave(reader string, mine *oneAtATime) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.of--; mine.of == 0 {
		delete(t.readers, reader)
	}
}
