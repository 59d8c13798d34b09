package bot

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"qiuzhen/retrieval"
)

// Readers keeps readers between messages; *postgres.Store does. Its errors are those of the database.
type Readers interface {
	// Reader is somebody as they are kept, or new.
	Reader(ctx context.Context, channel, name string) (Reader, error)
	// Keep saves a turn and numbers its answer; 0 when there is none.
	Keep(ctx context.Context, t Turn) (int64, error)
	// Forget deletes all there is of a reader.
	Forget(ctx context.Context, reader int64) error
}

// Desk is where the readers of all channels come: it knows them, answers in their conversation, and keeps what was said as far as it
// must be kept. It is safe for concurrent use; messages of one reader are taken one after the other.
type Desk struct {
	Engine  *Engine
	Readers Readers
	Now     func() time.Time

	turns [64]sync.Mutex // a reader's messages wait for each other
	seed  maphash.Seed
}

// NewDesk returns a desk.
func NewDesk(e *Engine, r Readers, now func() time.Time) *Desk {
	return &Desk{Engine: e, Readers: r, Now: now, seed: maphash.MakeSeed()}
}

// Handle answers a message. An error means that a dependency failed; ErrorLine is what the reader gets then.
func (d *Desk) Handle(ctx context.Context, m Message) (Reply, error) {
	start := time.Now()
	mine := &d.turns[maphash.String(d.seed, m.Via.Name+"\x00"+m.Reader)%uint64(len(d.turns))]
	mine.Lock()
	defer mine.Unlock()
	reader, err := d.Readers.Reader(ctx, m.Via.Name, m.Reader)
	if err != nil {
		return Reply{}, fmt.Errorf("reader: %w", err)
	}
	if reader.Blocked {
		return Reply{Silent: true}, nil
	}
	turn := Turn{Reader: reader}
	reply, err := d.converse(ctx, m, &turn)
	if err != nil {
		return Reply{}, err
	}
	turn.Answered = answered(m, reply, d.Now(), time.Since(start))
	if reply.Answer, err = d.Readers.Keep(ctx, turn); err != nil {
		return Reply{}, fmt.Errorf("keep the turn: %w", err)
	}
	return reply, nil
}

// converse answers in the reader's conversation.
func (d *Desk) converse(ctx context.Context, m Message, t *Turn) (Reply, error) {
	c := Conversation{Memory: t.Reader.Memory}
	engine := *d.Engine
	engine.Unanswered = func(_ context.Context, question string) { t.Filed = question }
	reply, err := engine.Continue(ctx, &c, retrieval.Message{Text: m.Text}, d.Now())
	t.Reader.Memory = c.Memory
	return reply, err
}

// answered is the record of a reply; nil when nothing was asked.
func answered(m Message, r Reply, at time.Time, took time.Duration) *Answered {
	if r.Void != "" && r.Urgent == nil {
		return nil
	}
	a := &Answered{At: at, Message: masked(m.Text), Decision: r.Decision, Took: took}
	if r.Urgent != nil {
		a.Urgent = r.Urgent.Class
	}
	if r.Live != nil {
		a.Live = r.Live.Kind
	}
	for _, s := range r.Answers {
		a.Shown = append(a.Shown, shown(s, true))
	}
	for _, s := range r.Candidates {
		a.Shown = append(a.Shown, shown(s, false))
	}
	a.Shown = slices.CompactFunc(a.Shown, func(x, y Shown) bool { return x.Ref == y.Ref })
	return a
}

func shown(m retrieval.Match, quoted bool) Shown {
	return Shown{Ref: retrieval.Ref{ID: m.ID, Version: m.Version}, Score: m.Score, Quoted: quoted}
}
