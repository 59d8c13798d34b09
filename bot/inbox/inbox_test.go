package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/inbox"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// handler notes what it is given.
type handler struct {
	mu      sync.Mutex
	handled []string
	shed    []string
	atOnce  int
	most    int
	do      func(ctx context.Context, u bot.Update) error
}

func (h *handler) Handle(ctx context.Context, u bot.Update) error {
	h.mu.Lock()
	h.atOnce++
	h.most = max(h.most, h.atOnce)
	h.mu.Unlock()
	err := error(nil)
	if h.do != nil {
		err = h.do(ctx, u)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.atOnce--
	if err == nil {
		h.handled = append(h.handled, u.ID)
	}
	return err
}

func (h *handler) Shed(_ context.Context, u bot.Update) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shed = append(h.shed, u.ID)
	return nil
}

func (h *handler) done() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.handled)
}

type bench struct {
	*inbox.Worker
	store *postgres.Store
	h     *handler
	log   *bytes.Buffer
	stop  func()
}

func start(t *testing.T, set func(*inbox.Worker), h *handler, before ...bot.Update) *bench {
	b := &bench{store: postgrestest.New(t), h: h, log: &bytes.Buffer{}}
	for _, u := range before {
		if _, err := b.store.Receive(context.Background(), u); err != nil {
			t.Fatal(err)
		}
	}
	b.Worker = inbox.New("test", b.store, h, slog.New(slog.NewTextHandler(b.log, nil)))
	if set != nil {
		set(b.Worker)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { b.Run(ctx) })
	b.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(b.stop)
	return b
}

func update(id int, chat string) bot.Update {
	return bot.Update{Channel: "test", ID: fmt.Sprint(id), Chat: chat, Payload: []byte("喝白酒"), Received: time.Now()}
}

func (b *bench) receive(t *testing.T, id int, chat string) {
	if fresh, err := b.Receive(context.Background(), update(id, chat)); err != nil || !fresh {
		t.Fatal(fresh, err)
	}
}

func (b *bench) waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	b.stop()
	t.Fatalf("never: %s\n%s", what, b.log)
}

func (b *bench) waiting(t *testing.T) int {
	n, err := b.store.Waiting(context.Background(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOrder: each chat's updates are handled in their order, eight chats at once.
func TestOrder(t *testing.T) {
	var mu sync.Mutex
	last := map[string]string{}
	h := &handler{do: func(_ context.Context, u bot.Update) error {
		mu.Lock()
		defer mu.Unlock()
		if last[u.Chat] > fmt.Sprintf("%4s", u.ID) {
			t.Errorf("chat %s: %s after %s", u.Chat, u.ID, last[u.Chat])
		}
		last[u.Chat] = fmt.Sprintf("%4s", u.ID)
		return nil
	}}
	b := start(t, nil, h)
	for i := range 200 {
		b.receive(t, i, fmt.Sprint(i%11))
	}
	b.waitFor(t, "all handled", func() bool { return len(h.done()) == 200 })
	if h.most > inbox.DefaultAtOnce {
		t.Errorf("%d at once", h.most)
	}
}

// TestWakesAtOnce: what is received in this process is not waited for.
func TestWakesAtOnce(t *testing.T) {
	h := &handler{}
	b := start(t, nil, h)
	time.Sleep(50 * time.Millisecond)
	begin := time.Now()
	for i := range 5 {
		b.receive(t, i, "a")
		b.waitFor(t, "handled", func() bool { return len(h.done()) == i+1 })
	}
	if took := time.Since(begin); took > 2500*time.Millisecond { // without being woken it looks once a second
		t.Errorf("five updates took %v", took)
	}
}

// TestTriedAgain: Later and other failures are tried again in their place, panics too; what fails for good is given up and says so.
func TestTriedAgain(t *testing.T) {
	var mu sync.Mutex
	tries := map[string]int{}
	h := &handler{do: func(_ context.Context, u bot.Update) error {
		mu.Lock()
		defer mu.Unlock()
		tries[u.ID]++
		switch {
		case u.ID == "1" && tries[u.ID] < 3:
			return inbox.Later{At: time.Now().Add(10 * time.Millisecond)}
		case u.ID == "2" && tries[u.ID] < 2:
			return errors.New("the network is away")
		case u.ID == "3" && tries[u.ID] < 2:
			panic("13800138000")
		}
		return nil
	}}
	b := start(t, nil, h)
	for i := range 3 {
		b.receive(t, i+1, "a")
	}
	b.receive(t, 5, "b")
	b.waitFor(t, "all handled", func() bool { return len(h.done()) == 4 && b.waiting(t) == 0 })
	if got := strings.Join(slices.DeleteFunc(h.done(), func(id string) bool { return id == "5" }), " "); got != "1 2 3" {
		t.Errorf("chat a: %s", got)
	}
	b.stop()
	if strings.Contains(b.log.String(), "13800138000") || !strings.Contains(b.log.String(), "panic: string") {
		t.Error("the log:", b.log)
	}
}

// TestPoison: an update that ends the process whenever it is handled is not handled for ever.
func TestPoison(t *testing.T) {
	h := &handler{}
	store := postgrestest.New(t)
	ctx := context.Background()
	if _, err := store.Receive(ctx, update(1, "a")); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if got, err := store.Claim(ctx, "test", 1, 1, time.Now(), 0); err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
	}
	var log bytes.Buffer
	w := inbox.New("test", store, h, slog.New(slog.NewTextHandler(&log, nil)))
	running, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { w.Run(running); close(done) }()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if n, err := store.Waiting(ctx, "test"); err == nil && n == 0 {
			break
		}
	}
	cancel()
	<-done
	if len(h.done()) != 0 || !strings.Contains(log.String(), "gave an update up") {
		t.Errorf("handled %v; %s", h.done(), &log)
	}
}

// TestSheds: above the bound updates are shed without being handled, and below it nothing is.
func TestSheds(t *testing.T) {
	release := make(chan struct{})
	h := &handler{do: func(context.Context, bot.Update) error { <-release; return nil }}
	var before []bot.Update
	for i := range 100 {
		before = append(before, update(i, fmt.Sprint(i)))
	}
	b := start(t, func(w *inbox.Worker) { w.Bound = 50 }, h, before...)
	b.waitFor(t, "down to the bound", func() bool { return b.waiting(t) <= 50+inbox.DefaultAtOnce })
	time.Sleep(300 * time.Millisecond) // the count is taken again
	b.receive(t, 1000, "new")
	close(release)
	b.waitFor(t, "all dealt with", func() bool { return b.waiting(t) == 0 })
	b.stop()
	if len(h.shed) == 0 || len(h.handled) == 0 || len(h.shed)+len(h.handled) != 101 || slices.Contains(h.shed, "1000") {
		t.Errorf("%d shed, %d handled of 101", len(h.shed), len(h.handled))
	}
}

// TestLease: an update that takes longer than its lease stays its worker's; one whose worker died is another's after it.
func TestLease(t *testing.T) {
	h := &handler{do: func(ctx context.Context, u bot.Update) error {
		if u.ID == "2" {
			return nil
		}
		time.Sleep(2 * time.Second)
		return ctx.Err()
	}}
	b := start(t, func(w *inbox.Worker) { w.Lease = 600 * time.Millisecond }, h)
	b.receive(t, 1, "a")
	time.Sleep(time.Second)
	if got, err := b.store.Claim(context.Background(), "test", 8, 8, time.Now(), time.Minute); err != nil || len(got) != 0 {
		t.Error("another worker got", got, err)
	}
	b.waitFor(t, "handled", func() bool { return len(h.done()) == 1 })
	b.stop()
	if _, err := b.store.Receive(context.Background(), update(2, "a")); err != nil {
		t.Fatal(err)
	}
	if got, err := b.store.Claim(context.Background(), "test", 8, 8, time.Now(), 300*time.Millisecond); err != nil || len(got) != 1 {
		t.Fatal(got, err)
	} // and died
	w := inbox.New("test", b.store, h, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	b.waitFor(t, "handled by the next", func() bool { return len(h.done()) == 2 })
	cancel()
	running.Wait()
}

// TestDrain: Run returns when what is being handled is done; what takes longer than the drain is left for the next process at once.
func TestDrain(t *testing.T) {
	begun := make(chan struct{}, 2)
	h := &handler{do: func(ctx context.Context, u bot.Update) error {
		begun <- struct{}{}
		if u.ID == "1" {
			time.Sleep(200 * time.Millisecond)
			return ctx.Err()
		}
		<-ctx.Done()
		return ctx.Err()
	}}
	b := start(t, func(w *inbox.Worker) { w.Drain = 600 * time.Millisecond }, h)
	b.receive(t, 1, "a")
	b.receive(t, 2, "b")
	<-begun
	<-begun
	b.stop()
	if got := h.done(); len(got) != 1 || got[0] != "1" {
		t.Errorf("handled %v", got)
	}
	if got, err := b.store.Claim(context.Background(), "test", 8, 8, time.Now(), time.Minute); err != nil || len(got) != 1 || got[0].ID != "2" {
		t.Errorf("the next process gets %v, %v", got, err)
	}
}
