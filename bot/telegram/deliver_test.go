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
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/inbox"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/page"
	"qiuzhen/postgres"
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
const manyChats = 41

func numbered(i int, text string) []byte {
	return fmt.Appendf(nil, `{"update_id":%d,"message":{"message_id":%d,"from":{"id":%d},"chat":{"id":%d,"type":"private"},"date":%d,"text":%q}}`,
		i+1, i+1, i%manyChats+1, i%manyChats+1, time.Now().Unix(), text)
}

// deliver sends each update three times from 16 connections, as often as it takes until it is acknowledged.
func deliver(t *testing.T, n int, say func(int) string, address func() string, delivered *atomic.Int64) {
	work := make(chan int)
	var senders sync.WaitGroup
	for range 16 {
		senders.Go(func() {
			for i := range work {
				raw := numbered(i, say(i))
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
func answers(api *telegramtest.Server, n int) []int {
	counts := make([]int, n)
	for chat := range int64(manyChats) {
		for _, m := range api.Messages(chat + 1) {
			i, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(m.Text, "答：问"), "。"))
			if err == nil && i < n {
				counts[i]++
			}
		}
	}
	return counts
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
	n := size(t, 200)
	store := postgrestest.New(t)
	b, api, address := open(t, unlimited)
	b.Now, api.Limits = time.Now, telegramtest.Limits{}
	worker := wire(store, b, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { worker.Run(ctx) })
	begin := time.Now()
	var delivered atomic.Int64
	deliver(t, n, func(i int) string { return fmt.Sprintf("问%d。", i) }, func() string { return address }, &delivered)
	settled(func() (lost, twice int) { return tally(answers(api, n)) }, waitAnswers(n))
	cancel()
	running.Wait()
	lost, twice := tally(answers(api, n))
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

// waitAnswers is how long so many may take.
func waitAnswers(n int) time.Duration { return 15*time.Second + time.Duration(n)*30*time.Millisecond }

// settled waits until every update has an answer and nothing more comes.
func settled(count func() (lost, twice int), patience time.Duration) {
	before := -1
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		lost, twice := count()
		if lost == 0 && twice == before {
			return
		}
		before = twice
	}
}

// talk is what each chat of TestKilled says, again and again, and how the replies begin. 1 and 2 mean nothing but after what was said before.
var talk = []struct{ say, begins string }{
	{"喝酒", "您问的是下面哪一个"}, {"1", "“喝白酒杀病毒”"}, {"隔夜", "您问的是下面哪一个"}, {"2", "“隔夜菜致癌”"},
}

// entries are the engine's entries in the store, which replies name.
func entries(t *testing.T, dsn string) {
	store, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, e := range bottest.Entries() {
		if _, err := store.SaveDraft(context.Background(), e, nil, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKilled: the process is killed with kill -9 while people talk to the desk. What was acknowledged is answered as if nothing had been; only
// replies that were on their way are sent twice.
func TestKilled(t *testing.T) {
	n, kills, lease := size(t, 200), 2, "1s"
	if n > 200 {
		kills, lease = 10, "15s" // as it ships
	}
	api := telegramtest.New()
	t.Cleanup(api.Close)
	api.Limits = telegramtest.Limits{}
	dsn := postgrestest.DSN(t)
	entries(t, dsn)
	p := &process{env: []string{childDSN + "=" + dsn, childAPI + "=" + api.URL, childLease + "=" + lease}}
	p.start(t)
	t.Cleanup(p.kill)
	var delivered atomic.Int64
	var dead bottest.Kills
	done := make(chan struct{})
	say := func(i int) string { return talk[i/manyChats%len(talk)].say }
	go func() {
		defer close(done)
		deliver(t, n, say, p.webhook, &delivered)
	}()
	for k := range kills {
		for at := int64(3 * n * (k + 1) / (kills + 1)); delivered.Load() < at; {
			time.Sleep(time.Millisecond)
		}
		p.kill()
		time.Sleep(50 * time.Millisecond) // what it sent last arrives
		seen := map[string]int{}
		for chat := range manyChats {
			seen[fmt.Sprint(chat)] = len(api.Messages(int64(chat + 1)))
		}
		dead.After(seen)
		p.start(t)
	}
	<-done
	settled(func() (lost, twice int) {
		lost, again, _ := talks(api, n)
		perKill, unexplained := dead.Twice(again)
		return lost, total(perKill) + unexplained
	}, waitAnswers(n))
	lost, again, wrong := talks(api, n)
	perKill, unexplained := dead.Twice(again)
	for _, w := range wrong {
		t.Error(w)
	}
	fmt.Printf("%d updates delivered three times each, %d kills -9: %d acknowledged and lost, %d answered twice (by kill: %d)\n",
		n, kills, lost, total(perKill)+unexplained, perKill)
	if lost > 0 || slices.Max(perKill) > inbox.DefaultAtOnce || unexplained > 0 {
		t.Errorf("%d lost, %d answered twice by kill, %d without one", lost, perKill, unexplained)
	}
}

// talks counts the replies that are missing in the chats and says by chat which repeat the one before. Another reply than the next is wrong.
func talks(api *telegramtest.Server, n int) (lost int, again map[string][]int, wrong []string) {
	again = map[string][]int{}
	for chat := range manyChats {
		said, sent := 0, (n-chat+manyChats-1)/manyChats // this chat's share of updates
		before := ""
		for i, m := range api.Messages(int64(chat + 1)) {
			switch {
			case m.Text == before:
				again[fmt.Sprint(chat)] = append(again[fmt.Sprint(chat)], i)
				continue
			case said < sent && strings.HasPrefix(m.Text, talk[said%len(talk)].begins):
				said++
			default:
				wrong = append(wrong, fmt.Sprintf("chat %d: reply %d is %q, want %q", chat+1, said, short(m.Text), talk[said%len(talk)].begins))
			}
			before = m.Text
		}
		lost += sent - said
	}
	return lost, again, wrong
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
		var slow []int // seconds
		for second := range seconds {
			if of := slices.Sorted(slices.Values(took[second*rate : (second+1)*rate])); of[rate*99/100] > 200*time.Millisecond {
				slow = append(slow, second)
			}
		}
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
		fmt.Printf("%d updates in %d s: %d not acknowledged, ack p50 %v p99 %v max %v, p99 over 200 ms in the seconds %v; %d answered, %d told that too many ask, %d still wait, %d refused by the limits\n",
			len(took), seconds, failed.Load(), took[len(took)/2], took[len(took)*99/100], took[len(took)-1], slow, answered, busy, left, refused)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ack-p99-ms")
	}
}
