package broadcast_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/postgres"
)

// What the child is told by its parent.
const (
	childDSN     = "QIUZHEN_BROADCAST_CHILD"
	childAddress = "QIUZHEN_BROADCAST_ADDRESS"
	childRate    = "QIUZHEN_BROADCAST_RATE"
	childLease   = "QIUZHEN_BROADCAST_LEASE"
	childNode    = "QIUZHEN_BROADCAST_NODE"
	childDies    = "QIUZHEN_BROADCAST_DIES" // at which of the points, counted together; 0: never
)

// doomed ends the process with SIGKILL at a point of its way.
type doomed struct {
	broadcast.Ledger
	broadcast.Pace
	broadcast.Sender
	left atomic.Int64
}

func (d *doomed) point() {
	if d.left.Add(-1) == 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}

func (d *doomed) Look(ctx context.Context, channel string) (broadcast.Outlook, error) {
	d.point()
	return d.Ledger.Look(ctx, channel)
}

func (d *doomed) Turn(ctx context.Context, t broadcast.Turn) ([]broadcast.Claimed, error) {
	d.point() // sent, not recorded
	claimed, err := d.Ledger.Turn(ctx, t)
	d.point() // claimed, not sent
	return claimed, err
}

func (d *doomed) Send(ctx context.Context, m broadcast.Message) (broadcast.Receipt, error) {
	d.point()
	receipt, err := d.Sender.Send(ctx, m)
	d.point() // sent, and nobody knows
	return receipt, err
}

// child is a node to be killed: a worker and a steward on a database, sending to the parent's fake channel.
func child(dsn string) {
	ctx := context.Background()
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		panic(err)
	}
	ledger, err := store.OpenLedger(ctx)
	if err != nil {
		panic(err)
	}
	rate, _ := strconv.ParseFloat(os.Getenv(childRate), 64)
	lease, _ := time.ParseDuration(os.Getenv(childLease))
	dies, _ := strconv.ParseInt(os.Getenv(childDies), 10, 64)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	d := &doomed{Ledger: ledger, Pace: ledger, Sender: &sender{
		address: os.Getenv(childAddress), node: os.Getenv(childNode), rate: rate,
		client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: broadcast.AtOnce}},
	}}
	d.left.Store(dies)
	go (&broadcast.Steward{Books: ledger, Log: log, Every: 200 * time.Millisecond}).Run(ctx)
	w := &broadcast.Worker{Sender: d, Ledger: d, Pace: d, Log: log, Lease: lease, Idle: 200 * time.Millisecond}
	fmt.Println("up")
	w.Run(ctx)
}

// node is a child.
type node struct {
	*exec.Cmd
	ended chan struct{}
}

func startNode(t *testing.T, w *world, c *channel, name string, rate float64, lease time.Duration, dies int) *node {
	t.Helper()
	n := &node{exec.Command(os.Args[0]), make(chan struct{})}
	n.Env = append(os.Environ(), childDSN+"="+w.dsn, childAddress+"="+c.URL, childNode+"="+name, fmt.Sprintf("%s=%g", childRate, rate),
		childLease+"="+lease.String(), childDies+"="+strconv.Itoa(dies))
	n.Stderr = os.Stderr
	must(t, n.Start())
	go func() { _ = n.Wait(); close(n.ended) }()
	t.Cleanup(n.kill)
	return n
}

// kill ends the child as a power cut would.
func (n *node) kill() {
	_ = n.Process.Kill()
	<-n.ended
}

// TestKilled: two nodes are killed at random points of their way, 20 times. Nothing is lost, at most 8 messages a kill go out twice, what a killed node
// held is sent within 30 seconds, and the channel's rate and its wishes for silence are kept.
func TestKilled(t *testing.T) {
	const kills, official = 20, 30
	n, lease := size(t, 2000), time.Second
	factor := 15 // of Telegram's rate, so that it ends soon
	if n > 2000 {
		lease = 15 * time.Second // as it ships
		factor = 60
	}
	rate := float64(official * factor)
	w, c := newWorld(t, n), newChannel(t)
	asks := newAsker(n / 5)
	c.answer = asks.answer
	id := w.begin(t, alert())
	begin := time.Now()
	random := rand.New(rand.NewPCG(1, 2))
	points := n / kills * 2 // a message passes about three of them
	died := make(chan int, 2)
	for i := range 2 {
		go func() { died <- i }()
	}
	var nodes [2]*node
	dead, overdue := -2, time.Duration(0)
	for end := time.Now().Add(5*time.Minute + time.Duration(n)*time.Millisecond*5); w.state(t, id) != knowledgeDone; {
		select {
		case i := <-died:
			dies := 1 + random.IntN(points)
			if dead++; dead > kills-2 {
				dies = 0
			}
			nodes[i] = startNode(t, w, c, strconv.Itoa(dead), rate, lease, dies)
			go func(n *node) { <-n.ended; died <- i }(nodes[i])
		case <-time.After(50 * time.Millisecond):
			late := value[float64](t, w, `SELECT coalesce(extract(epoch FROM max(now() - leased_to)), 0)::float8 FROM deliveries WHERE state = 'claimed'`)
			overdue = max(overdue, time.Duration(late*float64(time.Second)))
			if time.Now().After(end) {
				t.Fatalf("not done: %v, %d kills", w.states(t, id), dead)
			}
		}
	}
	lost, twice := n, 0
	for _, times := range c.taken(id) {
		lost--
		twice += times - 1
	}
	dead = max(dead, 0)
	fmt.Printf("%d recipients at Telegram's rate times %d, %d kills -9 of two nodes, in %.1f s: %d lost, %d sent twice (%.1f a kill), "+
		"resumed at most %.1f s after a kill, busiest second %d of %.0f, %d calls in %d silences\n",
		n, factor, kills, time.Since(begin).Seconds(), lost, twice, float64(twice)/kills, (lease + overdue).Seconds(), c.busiest(), rate, asks.broken(c), asks.count())
	switch {
	case lost > 0 || twice > 8*kills:
		t.Errorf("%d lost, %d twice", lost, twice)
	case dead < kills:
		t.Errorf("%d kills only", dead)
	case lease+overdue > 30*time.Second:
		t.Errorf("resumed after %v", lease+overdue)
	case c.busiest() > int(rate):
		t.Errorf("%d in a second", c.busiest())
	case asks.broken(c) > 0:
		t.Errorf("%d calls before retry_after", asks.broken(c))
	}
}
