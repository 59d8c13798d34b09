package telegram_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	engine "qiuzhen/bot"
	"qiuzhen/bot/inbox"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/page"
	"qiuzhen/postgres/postgrestest"
)

// size is how many updates the tests of delivery send; `make soak` asks for 10,000.
func size(t testing.TB, small int) int {
	n, err := strconv.Atoi(os.Getenv("SOAK_UPDATES"))
	if os.Getenv("SOAK_UPDATES") != "" && (err != nil || n < 100) {
		t.Fatal("SOAK_UPDATES: a number from 100")
	}
	return max(n, small)
}

// manyChats is how many people send them.
const manyChats = 97

func numbered(i int, text string) []byte {
	return fmt.Appendf(nil, `{"update_id":%d,"message":{"message_id":%d,"from":{"id":%d},"chat":{"id":%d,"type":"private"},"date":%d,"text":%q}}`,
		i+1, i+1, i%manyChats+1, i%manyChats+1, time.Now().Unix(), text)
}

// deliver sends each update three times from 16 connections, as often as it takes until it is acknowledged.
func deliver(t *testing.T, n int, address func() string, delivered *atomic.Int64) {
	work := make(chan int)
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			for i := range work {
				raw := numbered(i, fmt.Sprintf("问%d。", i))
				for try := 0; ; try++ {
					if status, err := telegramtest.Post(context.Background(), address(), secret, raw); err == nil && status == 200 {
						break
					}
					if try == 2000 {
						t.Errorf("update %d is never acknowledged", i)
						break
					}
					time.Sleep(10 * time.Millisecond)
				}
				delivered.Add(1)
			}
		})
	}
	const apart = 20 // the three deliveries of an update overlap, and others lie between them
	for base := 0; base < n; base += apart {
		for range 3 {
			for i := base; i < min(base+apart, n); i++ {
				work <- i
			}
		}
	}
	close(work)
	senders.Wait()
}

// answers counts how often each update was answered.
func answers(api *telegramtest.Server, n int) (counts []int, total int) {
	counts = make([]int, n)
	for chat := range int64(manyChats) {
		for _, m := range api.Messages(chat + 1) {
			i, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(m.Text, "答：问"), "。"))
			if err == nil && i < n {
				counts[i]++
				total++
			}
		}
	}
	return counts, total
}

func tally(counts []int) (lost, twice int) {
	for _, c := range counts {
		if c == 0 {
			lost++
		} else {
			twice += c - 1
		}
	}
	return lost, twice
}

// TestOnceEach: updates delivered three times each, concurrently, get exactly one answer each, in order in each chat.
func TestOnceEach(t *testing.T) {
	n := size(t, 300)
	store := postgrestest.New(t)
	b, api, address := open(t, unlimited)
	b.Now, api.Limits = time.Now, telegramtest.Limits{}
	worker := wire(store, b, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { worker.Run(ctx) })
	begin := time.Now()
	var delivered atomic.Int64
	deliver(t, n, func() string { return address }, &delivered)
	settled(t, n, api, 5*time.Minute)
	cancel()
	running.Wait()
	counts, _ := answers(api, n)
	lost, twice := tally(counts)
	fmt.Printf("%d updates delivered three times each in %.1f s: %d lost, %d answered twice\n", n, time.Since(begin).Seconds(), lost, twice)
	if lost+twice > 0 || delivered.Load() != int64(3*n) {
		t.Errorf("%d lost, %d answered twice", lost, twice)
	}
	for chat := range int64(manyChats) {
		last := -1
		for _, m := range api.Messages(chat + 1) {
			var i int
			if _, err := fmt.Sscanf(m.Text, "答：问%d。", &i); err != nil || i < last {
				t.Errorf("chat %d: %q after %d", chat+1, m.Text, last)
			}
			last = i
		}
	}
}

// settled waits until every update has an answer and nothing more comes.
func settled(t *testing.T, n int, api *telegramtest.Server, patience time.Duration) {
	t.Helper()
	before := -1
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		counts, total := answers(api, n)
		if lost, _ := tally(counts); lost == 0 && total == before {
			return
		}
		before = total
	}
}

// TestKilled: the process is killed with kill -9 while updates come in and replies go out. What was acknowledged is answered; only replies
// that were on their way are sent twice.
func TestKilled(t *testing.T) {
	n, kills, lease := size(t, 300), 2, "2s"
	if n > 300 {
		kills, lease = 10, "15s" // as it ships
	}
	api := telegramtest.New()
	t.Cleanup(api.Close)
	api.Limits = telegramtest.Limits{}
	p := &process{env: []string{childDSN + "=" + postgrestest.DSN(t), childAPI + "=" + api.URL, childLease + "=" + lease}}
	p.start(t)
	t.Cleanup(p.kill)
	var delivered atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		deliver(t, n, p.webhook, &delivered)
	}()
	for k := range kills {
		for at := int64(3 * n * (k + 1) / (kills + 1)); delivered.Load() < at; {
			time.Sleep(time.Millisecond)
		}
		p.kill()
		p.start(t)
	}
	<-done
	settled(t, n, api, 5*time.Minute)
	counts, total := answers(api, n)
	lost, twice := tally(counts)
	fmt.Printf("%d updates delivered three times each, %d kills -9: %d acknowledged and lost, %d answered twice (%.1f a kill), %d messages\n",
		n, kills, lost, twice, float64(twice)/float64(kills), total)
	if lost > 0 || twice > kills*inbox.AtOnce {
		t.Errorf("%d lost, %d answered twice", lost, twice)
	}
}

// TestPace: Telegram's limits are kept, in a crowd, in one chat and in a group; nothing is refused.
func TestPace(t *testing.T) {
	b, api, _ := open(t, telegram.Official)
	b.Now = time.Now
	b.Readers, b.Desk = &readers{}, deskFunc(func(m engine.Message) (engine.Reply, error) {
		return engine.Reply{Text: "答：" + m.Text}, nil
	})
	var sending sync.WaitGroup
	for i := range 60 {
		chat := int64(i + 1)
		switch {
		case i < 3:
			chat = 1000
		case i < 9:
			chat = -1000
		}
		sending.Go(func() {
			raw := fmt.Appendf(nil, `{"update_id":%d,"message":{"message_id":%d,"from":{"id":7},"chat":{"id":%d},"date":1,"text":"x"}}`, i+1, i+1, chat)
			for {
				err := b.Handle(context.Background(), engine.Update{ID: strconv.Itoa(i), Payload: raw})
				if err == nil {
					return
				}
				time.Sleep(time.Until(err.(inbox.Later).At))
			}
		})
	}
	sending.Wait()
	refused := 0
	for _, c := range api.Calls() {
		if c.Status != 200 {
			refused++
		}
	}
	if n := len(api.Calls()); n != 60 || refused != 0 {
		t.Errorf("%d calls, %d refused", n, refused)
	}
}

// TestShed: a reader is told once that too many ask, a group not at all, and never beyond the quota.
func TestShed(t *testing.T) {
	b, api, _ := open(t, telegram.Official)
	b.Now = time.Now
	b.Readers = &readers{}
	shed := func(chat int) {
		raw := fmt.Appendf(nil, `{"update_id":1,"message":{"message_id":1,"from":{"id":7},"chat":{"id":%d},"date":1,"text":"x"}}`, chat)
		if err := b.Shed(context.Background(), engine.Update{ID: "1", Payload: raw}); err != nil {
			t.Error(err)
		}
	}
	begin := time.Now()
	for chat := 1; chat <= 200; chat++ {
		shed(chat)
		shed(chat)
	}
	shed(-5)
	took := time.Since(begin)
	calls := api.Calls()
	if most := 5 + int(26*took.Seconds()); len(calls) < 5 || len(calls) > most+1 {
		t.Errorf("%d lines in %v", len(calls), took)
	}
	for _, c := range calls {
		if c.Status != 200 || c.Params["text"] != telegram.BusyLine {
			t.Errorf("%v", c)
		}
	}
}

// BenchmarkFlood is 500 updates a second for a minute (FLOOD_SECONDS) from 20,000 people, with Telegram's limits: each is stored before
// it is acknowledged, replies keep to the quota, and what the quota cannot carry is shed with a kind line.
func BenchmarkFlood(b *testing.B) {
	const rate, people = 500, 20_000
	seconds := 60
	if s := os.Getenv("FLOOD_SECONDS"); s != "" {
		seconds, _ = strconv.Atoi(s)
	}
	store := postgrestest.New(b)
	api := telegramtest.New()
	defer api.Close()
	tg, err := telegram.New(telegram.Config{Token: telegramtest.Token, Secret: secret, API: api.URL})
	if err != nil {
		b.Fatal(err)
	}
	worker := wire(store, tg, slog.New(slog.DiscardHandler))
	worker.Bound = 500
	mux := http.NewServeMux()
	for _, r := range tg.Routes() {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	web := httptest.NewServer(page.Secure(mux))
	defer web.Close()
	client := http.DefaultTransport.(*http.Transport)
	client.MaxIdleConnsPerHost = 200
	for b.Loop() {
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { worker.Run(ctx) })
		took := make([]time.Duration, rate*seconds)
		var failed atomic.Int64
		var sending sync.WaitGroup
		begin := time.Now()
		for i := range took {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / rate)))
			sending.Go(func() {
				who := i * 7919 % people
				raw := fmt.Appendf(nil, `{"update_id":%d,"message":{"message_id":%d,"from":{"id":%d},"chat":{"id":%d,"type":"private"},"date":%d,"text":"问"}}`, i+1, i+1, who+1, who+1, time.Now().Unix())
				at := time.Now()
				if status, err := telegramtest.Post(ctx, web.URL+"/telegram/webhook", secret, raw); err != nil || status != 200 {
					failed.Add(1)
				}
				took[i] = time.Since(at)
			})
		}
		sending.Wait()
		left, recovering := 0, time.Now()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if left, _ = store.Waiting(ctx, "telegram"); left <= worker.Bound {
				break
			}
		}
		fmt.Printf("back at the bound %.1f s after the flood\n", time.Since(recovering).Seconds())
		cancel()
		running.Wait()
		slices.Sort(took)
		answered, busy, refused := 0, 0, 0
		for _, c := range api.Calls() {
			switch {
			case c.Method == "sendMessage" && c.Status != 200:
				refused++
			case c.Params["text"] == telegram.BusyLine:
				busy++
			case c.Method == "sendMessage":
				answered++
			}
		}
		fmt.Printf("%d updates in %d s: %d not acknowledged, ack p50 %v p99 %v max %v; %d answered, %d told that too many ask, %d still wait, %d refused by the limits\n",
			len(took), seconds, failed.Load(), took[len(took)/2], took[len(took)*99/100], took[len(took)-1], answered, busy, left, refused)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ack-p99-ms")
	}
}
