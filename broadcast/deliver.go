package broadcast

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"qiuzhen/knowledge"
)

// AtOnce is how many deliveries of a channel a node holds at once, and so how many recipients may get a message twice after a kill.
const AtOnce = 8

const (
	defaultLease   = 15 * time.Second // so long a killed worker's deliveries wait
	defaultTimeout = 10 * time.Second // of one call to the platform: ends before the lease
	leastLease     = time.Second      // see leastLeft
	defaultIdle    = time.Second
	// mostDeaths is how many workers may die over a delivery before it is given up; what was tried and answered is never given up before its broadcast
	// expires.
	mostDeaths = 20
	// fresh is how old the outlook may be before a message is sent: so soon a cancel, a pause or the platform's wish for silence stops the others.
	fresh = 20 * time.Millisecond
	// farAhead: while the channel's next slot lies further away nothing is claimed, lest leases end before it.
	farAhead = 2 * time.Second
)

// Worker delivers one channel's part of what is being sent, with as many others on other nodes as there are. Its fields are set before Run.
//
// A delivery is claimed under a lease with a fencing token, waits for a slot of the channel's rate, and is sent when its broadcast is still being
// sent then, its lease has not ended and the channel is not silenced; what became of it is recorded together with the next claim.
// A killed worker loses its leases and no delivery.
//
// What was not sent is tried until its broadcast expires, at distances that grow up to a bound: an outage loses no recipient, however long. A node that
// cannot reach the channel claims nothing for up to a minute, and counts no tries; other nodes may go on.
type Worker struct {
	Sender  Sender
	Ledger  Ledger
	Pace    Pace
	Log     *slog.Logger
	Lease   time.Duration // 0: 15 seconds
	Timeout time.Duration // 0: 10 seconds
	Drain   time.Duration // how long Run waits for what is in flight; 0: 10 seconds
	Idle    time.Duration // how often is looked for something new; 0: a second

	caps     Capabilities
	pacer    *pacer
	recents  recents
	results  chan Outcome
	held     int       // claimed and not recorded
	pending  []Outcome // of them: to be recorded
	progress map[int64]*progress

	mu      sync.Mutex
	outlook Outlook
	seen    time.Time
	silent  time.Time // until then, the platform told this node
	away    int       // how often in a row this node found nobody at the channel
	texts   map[int64]map[string]string
}

// Run delivers until ctx ends, then waits for what is in flight.
func (w *Worker) Run(ctx context.Context) {
	w.caps = w.Sender.Capabilities()
	w.pacer, w.recents.apart = newPacer(w.Pace, w.caps), w.caps.PerRecipient
	w.results = make(chan Outcome, AtOnce)
	w.progress, w.texts = map[int64]*progress{}, map[int64]map[string]string{}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	failing := false
	for ctx.Err() == nil {
		err := w.step(ctx, work)
		if err != nil && ctx.Err() == nil {
			if !failing {
				w.Log.Error("broadcast: the ledger does not answer", "channel", w.caps.Channel, "error", err)
			}
			sleep(ctx, w.idle()/4)
		}
		failing = err != nil // told once
	}
	w.drain(work, cancel)
}

// step records what ended and claims as much again; when there is neither, it waits.
func (w *Worker) step(ctx, work context.Context) error {
	w.gather()
	outlook, err := w.look(ctx, w.idle()/4)
	if err != nil {
		w.await(ctx, w.idle()/4)
		return err
	}
	turn := Turn{Channel: w.caps.Channel, Settled: w.pending, Lease: w.lease()}
	order, p := w.pick(outlook)
	if p != nil {
		turn.Want = w.room(outlook)
		p.ask(&turn, order.ID)
	}
	if turn.Want == 0 && len(turn.Settled) == 0 {
		w.await(ctx, w.rest(outlook))
		return nil
	}
	begin := time.Now()
	claimed, err := w.Ledger.Turn(ctx, turn)
	if err != nil {
		return err
	}
	w.held += len(claimed) - len(w.pending)
	w.pending = nil
	if turn.Want > 0 {
		p.got(turn, claimed, w.idle()/4)
	}
	for _, c := range claimed {
		go func() { w.results <- w.deliver(ctx, work, c, begin.Add(w.lease())) }()
	}
	return nil
}

// gather takes the results that are there.
func (w *Worker) gather() {
	for {
		select {
		case o := <-w.results:
			w.pending = append(w.pending, o)
		default:
			return
		}
	}
}

// await waits for a result.
func (w *Worker) await(ctx context.Context, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case o := <-w.results:
		w.pending = append(w.pending, o)
	case <-timer.C:
	case <-ctx.Done():
	}
}

// room is how many more may be claimed: no more than go out long before their leases end.
func (w *Worker) room(o Outlook) int {
	if o.Silent > 0 || o.Wait > farAhead && !w.pacer.stepped(o.Wait) {
		return 0
	}
	most := AtOnce
	if w.caps.Rate > 0 {
		most = min(most, max(1, int(w.caps.Rate*w.lease().Seconds()/5)))
	}
	return max(0, most-w.held+len(w.pending))
}

// rest is how long there is nothing to do but results.
func (w *Worker) rest(o Outlook) time.Duration {
	if len(o.Orders) == 0 {
		return w.idle()
	}
	return w.idle() / 4
}

// pick is what is sent next: CompareOrders says in what order.
func (w *Worker) pick(o Outlook) (Order, *progress) {
	for id := range w.progress {
		if !slices.ContainsFunc(o.Orders, func(of Order) bool { return of.ID == id }) {
			delete(w.progress, id)
		}
	}
	orders := slices.Clone(o.Orders)
	slices.SortFunc(orders, CompareOrders)
	for _, order := range orders {
		if !w.mayGo(order, o.Now) {
			continue
		}
		p := w.progress[order.ID]
		if p == nil {
			p = &progress{}
			w.progress[order.ID] = p
		}
		if !p.dry() {
			return order, p
		}
	}
	return Order{}, nil
}

// mayGo is false in the quiet hours for what is not urgent, and in the broadcast's last moment, which is too short for a message.
func (w *Worker) mayGo(o Order, now time.Time) bool {
	return o.Left >= w.leastLeft() && (o.wakes() || !Quiet(now))
}

// leastLeft: what has less time is not begun.
func (w *Worker) leastLeft() time.Duration { return min(leastLease, w.lease()/10) }

// Quiet reports whether it is between ten at night and seven, when nobody is woken for what is not urgent.
func Quiet(now time.Time) bool {
	hour := now.In(knowledge.China).Hour()
	return hour < 7 || hour >= 22
}

// look is the outlook, no older than that.
func (w *Worker) look(ctx context.Context, old time.Duration) (Outlook, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.seen) <= old {
		return w.silenced(), nil
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	o, err := w.Ledger.Look(ctx, w.caps.Channel)
	if err != nil {
		return o, err
	}
	if o.Silent > 0 {
		w.pacer.drop()
	}
	w.outlook, w.seen = o, begin
	return w.silenced(), nil
}

// silenced is the outlook with what this node was told itself; the caller holds mu.
func (w *Worker) silenced() Outlook {
	o := w.outlook
	o.Silent = max(o.Silent, time.Until(w.silent))
	return o
}

// words are what a broadcast says on this channel.
func (w *Worker) words(ctx context.Context, id int64) (text, short string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	texts, ok := w.texts[id]
	if !ok {
		if texts, err = w.Ledger.Texts(ctx, id); err != nil {
			return "", "", err
		}
		if len(w.texts) > 100 {
			clear(w.texts)
		}
		w.texts[id] = texts
	}
	return texts[w.caps.Channel], texts[w.caps.Channel+"_template"], nil
}

// deliver sends one when its time comes, unless something has changed by then. What is on its way when the program stops is waited for.
func (w *Worker) deliver(ctx, work context.Context, c Claimed, until time.Time) Outcome {
	m := Message{Delivery: c.Delivery, Key: Key(c.Delivery), Heard: c.Heard}
	switch {
	case c.Lost:
		return failed(c.Delivery, "收件人的资料已删除", true)
	case c.Left != "":
		return failed(c.Delivery, c.Left, true)
	case c.Deaths > mostDeaths: // nobody lived to say why
		return failed(c.Delivery, "试了太多次", true)
	}
	var err error
	if m.Text, m.Short, err = w.words(ctx, c.Broadcast); err != nil {
		return w.putBack(c, w.idle())
	}
	if m.Text == "" {
		return failed(c.Delivery, "这个渠道没有文字", true)
	}
	if wait := w.recents.wait(c.To); wait > 0 {
		return w.putBack(c, wait)
	}
	if w.pacer.wait(ctx) != nil {
		return w.putBack(c, 0)
	}
	if wait, err := w.turnOf(ctx, c.To); wait > 0 || err != nil {
		return w.putBack(c, wait)
	}
	outlook, err := w.look(ctx, fresh)
	i := slices.IndexFunc(outlook.Orders, func(o Order) bool { return o.ID == c.Broadcast })
	if err != nil || i < 0 || outlook.Silent > 0 || !w.mayGo(outlook.Orders[i], outlook.Now) {
		return w.putBack(c, outlook.Silent)
	}
	order := outlook.Orders[i]
	m.Exercise, m.Urgent, m.Now, m.Expires = order.Exercise, order.wakes(), outlook.Now, outlook.Now.Add(order.Left)
	left := min(time.Until(until)-w.lease()/10, order.Left)
	if left < w.leastLeft() {
		return w.putBack(c, 0)
	}
	sending, cancel := context.WithTimeout(work, min(left, orDefault(w.Timeout, defaultTimeout)))
	defer cancel()
	receipt, err := w.send(sending, m)
	o := w.judge(work, c.Delivery, receipt, err)
	o.Heard = c.Heard
	return o
}

// turnOf tells how long a recipient has to be left alone because of other nodes: asked only where that is more than a second, as of robots, which are few.
func (w *Worker) turnOf(ctx context.Context, to string) (time.Duration, error) {
	if w.caps.PerRecipient <= time.Second {
		return 0, nil
	}
	return w.Pace.Apart(ctx, w.caps.Channel, to, w.caps.PerRecipient)
}

// send calls the sender; what it panics over may have been sent.
func (w *Worker) send(ctx context.Context, m Message) (r Receipt, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %T", p) // its value may hold an address
		}
	}()
	return w.Sender.Send(ctx, m)
}

// putBack is a delivery that was not tried.
func (w *Worker) putBack(c Claimed, after time.Duration) Outcome {
	return Outcome{Delivery: c.Delivery, End: Postponed, Untried: true, After: after}
}

func failed(d knowledge.Delivery, reason string, untried bool) Outcome {
	return Outcome{Delivery: d, End: Failed, Untried: untried, Reason: reason}
}

// drain records what is in flight as it ends.
func (w *Worker) drain(work context.Context, cancel func()) {
	ctx, stop := context.WithTimeout(work, orDefault(w.Drain, 10*time.Second))
	defer stop()
	for w.held > 0 && ctx.Err() == nil {
		if len(w.pending) < w.held {
			w.await(ctx, w.idle())
			w.gather()
		}
		if len(w.pending) == 0 {
			continue
		}
		if _, err := w.Ledger.Turn(ctx, Turn{Channel: w.caps.Channel, Settled: w.pending}); err != nil {
			sleep(ctx, w.idle()/4)
			continue
		}
		w.held -= len(w.pending)
		w.pending = nil
	}
	cancel()
}

func (w *Worker) idle() time.Duration { return orDefault(w.Idle, defaultIdle) }

func (w *Worker) lease() time.Duration { return min(orDefault(w.Lease, defaultLease), LongestLease) }
