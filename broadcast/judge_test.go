package broadcast_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// hand is a ledger with one delivery, which notes what becomes of it.
type hand struct {
	orders
	mu      sync.Mutex
	claimed []broadcast.Claimed
	turns   int
	settled chan broadcast.Outcome
}

func newHand(c broadcast.Claimed) *hand {
	noon := time.Date(2026, 7, 3, 12, 0, 0, 0, knowledge.China)
	c.Broadcast, c.N, c.Channel, c.To = 1, 1, "telegram", "r1"
	order := broadcast.Order{ID: 1, Type: knowledge.Alert, Left: time.Hour}
	return &hand{orders: orders{Outlook: broadcast.Outlook{Now: noon, Orders: []broadcast.Order{order}}}, claimed: []broadcast.Claimed{c}, settled: make(chan broadcast.Outcome, 9)}
}

func (h *hand) Texts(context.Context, int64) (map[string]string, error) {
	return map[string]string{"telegram": "水要来。"}, nil
}

func (h *hand) Turn(_ context.Context, t broadcast.Turn) (claimed []broadcast.Claimed, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range t.Settled {
		h.settled <- o
	}
	h.turns++
	if t.Want > 0 {
		claimed, h.claimed = h.claimed, nil
	}
	return claimed, nil
}

// noting is a channel that notes what it is given.
type noting struct{ got chan broadcast.Message }

func (noting) Capabilities() broadcast.Capabilities {
	return broadcast.Capabilities{Channel: "telegram"}
}

func (n noting) Send(_ context.Context, m broadcast.Message) (broadcast.Receipt, error) {
	n.got <- m
	return broadcast.Receipt{}, nil
}

// TestMessageTime: a message has the database's time, whatever the node's clock says.
func TestMessageTime(t *testing.T) {
	t.Parallel()
	h, n := newHand(claim(1, 0)), noting{make(chan broadcast.Message, 1)}
	h.run(t, n)
	if m := <-n.got; !m.Now.Equal(h.Now) || !m.Expires.Equal(h.Now.Add(time.Hour)) {
		t.Errorf("now %v, expires %v; the ledger's time is %v", m.Now, m.Expires, h.Now)
	}
}

// failing is a channel on which each message meets the same error.
type failing struct {
	err        error
	ownAddress bool
}

func (f failing) Capabilities() broadcast.Capabilities {
	return broadcast.Capabilities{Channel: "telegram", OwnAddress: f.ownAddress}
}

func (f failing) Send(context.Context, broadcast.Message) (broadcast.Receipt, error) {
	return broadcast.Receipt{}, f.err
}

// run lets a worker go on until the delivery is settled.
func (h *hand) run(t *testing.T, s broadcast.Sender) broadcast.Outcome {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	w := &broadcast.Worker{Sender: s, Ledger: h, Pace: h, Log: slog.New(slog.DiscardHandler), Idle: 20 * time.Millisecond}
	go func() { w.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	select {
	case o := <-h.settled:
		return o
	case <-time.After(5 * time.Second):
		t.Fatal("never settled")
		return broadcast.Outcome{}
	}
}

// TestJudge: what was not sent is tried until its broadcast expires, however often it was tried: an outage loses nobody.
func TestJudge(t *testing.T) {
	t.Parallel()
	dial := &net.OpError{Op: "dial", Err: errors.New("refused")}
	const bit, long = time.Second, 5 * time.Minute
	for _, c := range []struct {
		name          string
		claim         broadcast.Claimed
		err           error
		ownAddress    bool
		want          broadcast.Outcome // but for the delivery and After
		least, atMost time.Duration
	}{
		{name: "nobody at the channel", claim: claim(1, 0), err: dial, least: bit, atMost: 3 * bit,
			want: broadcast.Outcome{End: broadcast.Postponed, Untried: true, Reason: "连不上渠道"}},
		{name: "nobody at the recipient's address", claim: claim(900, 0), err: dial, ownAddress: true, least: long / 2, atMost: long * 3 / 2,
			want: broadcast.Outcome{End: broadcast.Postponed, Reason: "连不上渠道"}},
		{name: "not taken", claim: claim(900, 0), err: &broadcast.NotTakenError{Err: errors.New("code 450")}, least: long / 2, atMost: long * 3 / 2,
			want: broadcast.Outcome{End: broadcast.Postponed, Reason: "渠道暂时不收"}},
		{name: "somebody has to mend it", claim: claim(1, 0), err: &broadcast.NotTakenError{Err: errors.New("no such name"), Reason: "收件人不在 endpoints.toml 里"}, least: bit, atMost: 3 * bit,
			want: broadcast.Outcome{End: broadcast.Postponed, Reason: "收件人不在 endpoints.toml 里"}},
		{name: "not known", claim: claim(900, 0), err: errors.New("reset"), least: long, atMost: 5 * long,
			want: broadcast.Outcome{End: broadcast.Postponed, Unclear: true, Reason: "渠道没有确认，可能已收到"}},
		{name: "workers die over it", claim: claim(21, 21), want: broadcast.Outcome{End: broadcast.Failed, Untried: true, Reason: "试了太多次"}},
		{name: "workers were killed", claim: claim(21, 20), want: broadcast.Outcome{End: broadcast.Sent}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := newHand(c.claim).run(t, failing{c.err, c.ownAddress})
			if got.After < c.least || got.After > c.atMost {
				t.Errorf("after %v, want %v to %v", got.After, c.least, c.atMost)
			}
			got.Delivery, got.After = knowledge.Delivery{}, 0
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func claim(tries, deaths int) broadcast.Claimed {
	return broadcast.Claimed{Delivery: knowledge.Delivery{Tries: tries}, Deaths: deaths}
}

// TestAway: a node that finds nobody at the channel claims nothing for a while. Other nodes are not silent for it, nor for a node's own wish.
func TestAway(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"away": &net.OpError{Op: "dial", Err: errors.New("refused")}, "own wish": &broadcast.RetryError{After: 5 * time.Second, Node: true}} {
		h := newHand(claim(1, 0))
		h.silences = make(chan time.Duration, 9)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		w := &broadcast.Worker{Sender: failing{err: err}, Ledger: h, Pace: h, Log: slog.New(slog.DiscardHandler), Idle: 20 * time.Millisecond}
		go func() { w.Run(ctx); close(done) }()
		<-h.settled
		time.Sleep(50 * time.Millisecond)
		h.mu.Lock()
		before := h.turns
		h.mu.Unlock()
		time.Sleep(300 * time.Millisecond)
		h.mu.Lock()
		if h.turns != before || len(h.silences) > 0 {
			t.Errorf("%s: %d turns more, %d silences on all nodes", name, h.turns-before, len(h.silences))
		}
		h.mu.Unlock()
		cancel()
		<-done
	}
}
