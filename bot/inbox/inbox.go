// Package inbox deals with what a channel delivered: each update is stored before it is acknowledged, claimed under a lease by one worker,
// handled, and finished. A killed worker loses its leases, not its updates; at most Worker.AtOnce of them are
// handled twice.
package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"qiuzhen/bot"
)

// Queue holds updates and leases them; *postgres.Store does.
type Queue interface {
	// Claim leases up to n waiting updates, at most so many of them slow: dangers first, then the oldest, of each chat one at a time.
	Claim(ctx context.Context, channel string, n, slow int, now time.Time, lease time.Duration) ([]bot.Update, error)
	// Postpone moves the end of a lease; false when the lease was lost.
	Postpone(ctx context.Context, u bot.Update, to time.Time) (mine bool, err error)
	// Finish marks an update as dealt with; false when the lease was lost.
	Finish(ctx context.Context, u bot.Update, now time.Time) (mine bool, err error)
}

// Store takes updates in and counts those that wait; *postgres.Store does.
type Store interface {
	Receive(ctx context.Context, u bot.Update) (fresh bool, err error)
	Waiting(ctx context.Context, channel string) (int, error)
}

// Handler deals with one update. What returns nil is finished; Later is tried again then, any other error after a while.
type Handler interface {
	Handle(ctx context.Context, u bot.Update) error
	// Shed tells the reader that too many ask, without any work. It must not wait.
	Shed(ctx context.Context, u bot.Update) error
}

// Later is what a Handler returns to have an update tried again at a time, such as when the platform's quota is used up.
type Later struct{ At time.Time }

func (l Later) Error() string { return "try again at " + l.At.Format(time.RFC3339) }

// DefaultAtOnce is how many updates a worker handles at once unless it is told otherwise, and so how many replies may be sent twice after a kill.
const DefaultAtOnce = 8

// SlowAtOnce is how many of them may be pictures, speech and links, so that words do not wait for those.
const SlowAtOnce = 3

const (
	defaultLease = 15 * time.Second // renewed while an update is handled: this long a killed worker's updates wait
	idle         = time.Second      // how often is looked for what another process received, or what was postponed
	maxClaims    = 20               // an update claimed so often does harm, such as ending the process: it is given up
	countEvery   = 200 * time.Millisecond
)

// Worker is the loop of one channel. Its fields are set before Run.
type Worker struct {
	Channel string
	Queue   Queue
	Store   Store
	Handler Handler
	AtOnce  int           // updates handled at once, and so perhaps twice after a kill; 0: DefaultAtOnce
	Bound   int           // above so many waiting updates they are shed; 0: never
	Lease   time.Duration // 0: 15 seconds
	Drain   time.Duration // how long Run waits for what is being handled; 0: 10 seconds
	Now     func() time.Time
	Log     *slog.Logger

	wake    chan struct{}
	slow    atomic.Int32 // being handled
	shed    atomic.Int32 // being shed
	counted time.Time
	excess  int // of the waiting ones, to be shed
}

// New returns a worker.
func New(channel string, store interface {
	Queue
	Store
}, h Handler, log *slog.Logger) *Worker {
	return &Worker{Channel: channel, Queue: store, Store: store, Handler: h, Now: time.Now, Log: log, wake: make(chan struct{}, 1)}
}

// Receive stores an update and wakes the loop; false when the update is there already.
func (w *Worker) Receive(ctx context.Context, u bot.Update) (fresh bool, err error) {
	if fresh, err = w.Store.Receive(ctx, u); fresh {
		w.rouse()
	}
	return fresh, err
}

func (w *Worker) rouse() {
	select {
	case w.wake <- struct{}{}:
	default: // it is awake
	}
}

// Run deals with updates until ctx ends, then waits for those that are being handled.
func (w *Worker) Run(ctx context.Context) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	slots := make(chan struct{}, cmp.Or(w.AtOnce, DefaultAtOnce))
	var handling sync.WaitGroup
	for ctx.Err() == nil {
		n := take(ctx, slots)
		claimed, err := w.claim(ctx, n)
		if err != nil && ctx.Err() == nil {
			w.Log.Error("inbox: claim failed", "channel", w.Channel, "error", err)
		}
		for range n - len(claimed) {
			<-slots
		}
		for _, u := range claimed {
			shed, done := w.begin(ctx, u)
			handling.Go(func() {
				defer w.rouse() // a chat's next update waits for this one
				defer func() { <-slots }()
				defer done()
				w.handle(work, u, shed)
			})
		}
		if len(claimed) < n || err != nil {
			w.sleep(ctx)
		}
	}
	drained := make(chan struct{})
	go func() { handling.Wait(); close(drained) }()
	select {
	case <-drained:
	case <-time.After(cmp.Or(w.Drain, 10*time.Second)):
		cancel()
		<-drained
	}
}

// take waits for a free slot and takes all that are free.
func take(ctx context.Context, slots chan struct{}) (n int) {
	select {
	case slots <- struct{}{}:
		n++
	case <-ctx.Done():
		return 0
	}
	for n < cap(slots) {
		select {
		case slots <- struct{}{}:
			n++
		default:
			return n
		}
	}
	return n
}

func (w *Worker) claim(ctx context.Context, n int) ([]bot.Update, error) {
	if n == 0 {
		return nil, nil
	}
	return w.Queue.Claim(ctx, w.Channel, n, SlowAtOnce-int(w.slow.Load()), w.Now(), w.lease())
}

// sleep waits for a fresh update, at most for idle.
func (w *Worker) sleep(ctx context.Context) {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	select {
	case <-w.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// begin says whether an update is shed, and counts it until done.
func (w *Worker) begin(ctx context.Context, u bot.Update) (shed bool, done func()) {
	var shedding, slow int32
	if u.Lane != bot.Danger && w.tooMany(ctx) {
		w.excess--
		shedding = 1
	}
	if u.Lane == bot.Slow {
		slow = 1
	}
	w.shed.Add(shedding)
	w.slow.Add(slow)
	return shedding > 0, func() { w.shed.Add(-shedding); w.slow.Add(-slow) }
}

// tooMany reports whether more updates wait than can be answered while their readers still wait. It counts a few times a second; between the
// counts no more are shed than were too many.
func (w *Worker) tooMany(ctx context.Context) bool {
	if w.Bound == 0 || w.Now().Sub(w.counted) < countEvery {
		return w.excess > 0
	}
	leaving := int(w.shed.Load()) // before the count, which may have them still
	n, err := w.Store.Waiting(ctx, w.Channel)
	if err != nil {
		return w.excess > 0 // Claim tells
	}
	w.counted = w.Now()
	excess := max(n-leaving-w.Bound, 0)
	if (excess > 0) != (w.excess > 0) {
		w.Log.Warn("inbox: shedding", "channel", w.Channel, "shedding", excess > 0, "waiting", n, "bound", w.Bound)
	}
	w.excess = excess
	return excess > 0
}

// handle deals with one update while it renews its lease, and finishes or postpones it.
func (w *Worker) handle(ctx context.Context, u bot.Update, shed bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	renewing := w.renew(ctx, cancel, u)
	err := w.try(ctx, u, shed)
	close(renewing)
	closing, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second) // what is done is finished whatever ended
	defer stop()
	var later Later
	switch {
	case err == nil:
		_, err = w.Queue.Finish(closing, u, w.Now())
	case ctx.Err() != nil: // shutting down, or the lease is lost: at once for the next
		_, err = w.Queue.Postpone(closing, u, w.Now())
	case errors.As(err, &later):
		_, err = w.Queue.Postpone(closing, u, later.At)
	case u.Token >= maxClaims:
		w.Log.Error("inbox: gave an update up", "channel", w.Channel, "update", u.ID, "tries", u.Token, "error", err)
		_, err = w.Queue.Finish(closing, u, w.Now())
	default:
		w.Log.Warn("inbox: an update waits for another try", "channel", w.Channel, "update", u.ID, "tries", u.Token, "error", err)
		_, err = w.Queue.Postpone(closing, u, w.Now().Add(backOff(u.Token)))
	}
	if err != nil {
		w.Log.Error("inbox: the end of an update was not kept", "channel", w.Channel, "update", u.ID, "error", err)
	}
}

// try calls the handler. What it panics over is given up like what fails.
func (w *Worker) try(ctx context.Context, u bot.Update, shed bool) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %T", p) // its value may hold the reader's words
		}
	}()
	switch {
	case u.Token > maxClaims:
		return errors.New("claimed too often") // by processes that did not live to say why
	case shed:
		return w.Handler.Shed(ctx, u)
	}
	return w.Handler.Handle(ctx, u)
}

// renew keeps an update leased until the returned channel is closed; when the lease is lost it cancels.
func (w *Worker) renew(ctx context.Context, cancel func(), u bot.Update) chan struct{} {
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(w.lease() / 3)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			mine, err := w.Queue.Postpone(ctx, u, w.Now().Add(w.lease()))
			if err == nil && !mine {
				cancel()
				return
			}
		}
	}()
	return done
}

func (w *Worker) lease() time.Duration { return cmp.Or(w.Lease, defaultLease) }

// backOff grows with the number of tries: 2 s, 4 s, then up to a minute.
func backOff(tries int64) time.Duration {
	return min(time.Second<<min(tries, 6), time.Minute)
}
