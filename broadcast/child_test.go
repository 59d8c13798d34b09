package broadcast_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/broadcast"
	"qiuzhen/broadcast/send"
	"qiuzhen/postgres"
)

// What the child is told by its parent.
const (
	childDSN     = "QIUZHEN_BROADCAST_CHILD"
	childAddress = "QIUZHEN_BROADCAST_ADDRESS"
	childRate    = "QIUZHEN_BROADCAST_RATE"
	childLease   = "QIUZHEN_BROADCAST_LEASE"
	childNode    = "QIUZHEN_BROADCAST_NODE"
	childDies    = "QIUZHEN_BROADCAST_DIES"   // at which of the points, counted together; 0: never
	childFactor  = "QIUZHEN_BROADCAST_FACTOR" // the address is Telegram's stand-in, whose limits are so many times the real ones; 0: it is a channel
)

// doomed ends the process with SIGKILL at a point of its way.
type doomed struct {
	broadcast.Ledger
	broadcast.Pace
	broadcast.Books
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

func (d *doomed) Reserve(ctx context.Context, channel string, n int, apart time.Duration) (time.Duration, error) {
	wait, err := d.Pace.Reserve(ctx, channel, n, apart)
	d.point() // slots taken that nobody will use
	return wait, err
}

func (d *doomed) Begin(ctx context.Context) (broadcast.Begun, error) {
	d.point()
	begun, err := d.Books.Begin(ctx)
	d.point()
	return begun, err
}

// raised is the sender of Telegram that ships, at a multiple of its rate.
type raised struct {
	*send.Telegram
	factor int
}

func (r raised) Capabilities() broadcast.Capabilities {
	c := r.Telegram.Capabilities()
	c.Rate *= float64(r.factor)
	return c
}

func newRaised(api string, factor int) raised {
	limits := telegram.Official
	limits.All = telegram.Limit{PerSecond: limits.All.PerSecond * float64(factor), Burst: limits.All.Burst * factor}
	b, err := telegram.New(telegram.Config{Token: telegramtest.Token, API: api, Limits: limits})
	if err != nil {
		panic(err)
	}
	return raised{send.NewTelegram(b, slog.New(slog.DiscardHandler)), factor}
}

// child is a node to be killed: a worker and a steward on a database, sending to the parent's fake channel or stand-in.
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
	d := &doomed{Ledger: ledger, Pace: ledger, Books: ledger, Sender: &sender{
		address: os.Getenv(childAddress), node: os.Getenv(childNode), rate: rate,
		client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: broadcast.AtOnce}},
	}}
	if factor, _ := strconv.Atoi(os.Getenv(childFactor)); factor > 0 {
		d.Sender = newRaised(os.Getenv(childAddress), factor)
	}
	d.left.Store(dies)
	go (&broadcast.Steward{Books: d, Log: log, Every: 200 * time.Millisecond}).Run(ctx)
	w := &broadcast.Worker{Sender: d, Ledger: d, Pace: d, Log: log, Lease: lease, Idle: 200 * time.Millisecond}
	fmt.Println("up")
	w.Run(ctx)
}

// node is a child.
type node struct {
	*exec.Cmd
	ended chan struct{}
}

func startNode(t *testing.T, w *world, c *channel, name string, rate float64, lease time.Duration) *node {
	t.Helper()
	return startChild(t, w, lease, childAddress+"="+c.URL, childNode+"="+name, fmt.Sprintf("%s=%g", childRate, rate))
}

func startChild(t *testing.T, w *world, lease time.Duration, environment ...string) *node {
	t.Helper()
	n := &node{exec.Command(os.Args[0]), make(chan struct{})}
	n.Env = append(append(os.Environ(), childDSN+"="+w.dsn, childLease+"="+lease.String()), environment...)
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
