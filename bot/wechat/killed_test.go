package wechat_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/bot/inbox"
	"qiuzhen/bot/wechat"
	"qiuzhen/bot/wechat/wechattest"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// What the child is told by its parent.
const (
	childDSN    = "QIUZHEN_WECHAT_CHILD"
	childListen = "QIUZHEN_WECHAT_LISTEN"
	childAPI    = "QIUZHEN_WECHAT_API"
)

// lateDesk is the desk as it ships, between whose memory and whose reply there is time for a kill.
type lateDesk struct{ *bot.Desk }

func (d lateDesk) Handle(ctx context.Context, m bot.Message) (bot.Reply, error) {
	reply, err := d.Desk.Handle(ctx, m)
	time.Sleep(20 * time.Millisecond)
	return reply, err
}

// child is a process to be killed: the callback, the worker and the desk on a database. It says that it listens.
func child(dsn string) {
	ctx, log := context.Background(), slog.New(slog.NewTextHandler(os.Stderr, nil))
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		panic(err)
	}
	a, err := wechat.NewAccount(appID, token, aesKey)
	if err != nil {
		panic(err)
	}
	talk, _ := bottest.NewEngine()
	desk := bot.NewDesk(talk, store, time.Now)
	desk.Limit(bot.Limits{})
	times := quick
	times.Again = 300 * time.Millisecond
	c := wechat.New(wechat.Config{
		Account: a, Store: store.WeChat(), Desk: lateDesk{desk}, Service: true, Times: times, Now: time.Now, Log: log,
		API: wechat.NewAPI(os.Getenv(childAPI), appID, secret, store.WeChat(), time.Now),
	})
	worker := inbox.New(wechat.ChannelName, store, c, log)
	worker.AtOnce, worker.Bound = wechat.AtOnce, wechat.Bound // as it ships
	worker.Lease, c.Inbox = time.Second, worker
	mux := http.NewServeMux()
	for _, r := range c.Routes() {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	listener, err := net.Listen("tcp", os.Getenv(childListen))
	if err != nil {
		panic(err)
	}
	go worker.Run(ctx)
	go c.Run(ctx)
	fmt.Println("listens")
	panic(http.Serve(listener, mux))
}

// startChild starts a process and waits until it listens; kill ends it as a power cut would.
func startChild(t *testing.T, env []string) (kill func()) {
	cmd := exec.Command(os.Args[0]) //nolint:gosec // this test
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	var word string
	if _, err := fmt.Fscanln(out, &word); err != nil {
		kill()
		t.Fatal("the child did not start: ", err)
	}
	return kill
}

// talk is what each reader of TestKilled says, again and again, and how the replies begin. 1 and 2 mean nothing but after what was said before.
var talk = []struct{ say, begins string }{
	{"喝酒", "您问的是下面哪一个"}, {"1", "“喝白酒杀病毒”"}, {"隔夜", "您问的是下面哪一个"}, {"2", "“隔夜菜致癌”"},
}

const manyReaders = 40

// crowd are readers who talk to an account until each has said their part.
type crowd struct {
	*wechattest.Platform
	store    *postgres.Store
	callback string
	said     atomic.Int64
	lost     atomic.Int64
	unstored atomic.Int64 // the platform told the reader that the account is out of order, and rightly
}

// reader says so much, each after the reply to what was said before, as people do.
func (c *crowd) reader(t *testing.T, who string, says int) {
	for k := range says {
		if !c.say(t, who, k) {
			c.lost.Add(1)
			return // what follows would be about something else
		}
		c.said.Add(1)
	}
}

// say sends one message, anew while the account is out of order and has not stored it, and waits for its reply.
func (c *crowd) say(t *testing.T, who string, k int) bool {
	for try := range 50 {
		id := fmt.Sprintf("%s%04d%02d", strings.TrimPrefix(who, "reader"), k, try)
		o := c.Send(t.Context(), c.callback, who, text(who, id, talk[k%len(talk)].say))
		if o.Failed && !c.stored(t, who, id) {
			c.unstored.Add(1)
			time.Sleep(50 * time.Millisecond)
			continue
		}
		for end := time.Now().Add(45 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) { // a late reply's lease is 30 seconds
			if seen, _, _ := replies(c.Sees(who)); seen > k {
				return true
			}
		}
		t.Errorf("%s: nothing after %q (%+v): %q", who, talk[k%len(talk)].say, o, c.Sees(who))
		return false
	}
	return false
}

// stored reports whether a message that came is in the inbox: receiving it once more says so.
func (c *crowd) stored(t *testing.T, who, id string) bool {
	fresh, err := c.store.Receive(t.Context(), bot.Update{Channel: wechat.ChannelName, ID: id, Chat: who, Payload: []byte("{}"), Received: time.Now()})
	if err != nil {
		t.Error(err)
	}
	if fresh { // not to be answered: the reader says it again under another number
		if err := c.store.DropStale(t.Context(), []string{wechat.ChannelName}, time.Time{}, time.Now()); err != nil {
			t.Error(err)
		}
	}
	return !fresh
}

// replies counts the replies of a reader's talk; again are those that repeat the one before. wrong is the first that is another than the next.
func replies(sees []string) (seen int, again []int, wrong string) {
	before := ""
	for i, s := range sees {
		switch {
		case s == before:
			again = append(again, i)
			continue
		case strings.HasPrefix(s, talk[seen%len(talk)].begins):
			seen++
		case wrong == "":
			wrong = fmt.Sprintf("reply %d is %q, want %q", seen, s, talk[seen%len(talk)].begins)
		}
		before = s
	}
	return seen, again, wrong
}

// TestKilled: the process is killed with kill -9 while people talk to the account. What was stored is answered as if nothing had been; only
// replies that were on their way are seen twice.
func TestKilled(t *testing.T) {
	n, kills := 200, 2
	if s := os.Getenv("SOAK_WECHAT"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < 400 {
			t.Fatal("SOAK_WECHAT: a number from 400")
		}
		kills = 10
	}
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, e := range bottest.Entries() {
		if _, err := store.SaveDraft(t.Context(), e, nil, ""); err != nil {
			t.Fatal(err)
		}
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String() // the same after each kill, since the platform knows one
	free.Close()
	platform := wechattest.New(wechattest.Config{AppID: appID, Secret: secret, Token: token, AESKey: aesKey, Service: true, Patience: patience, Pause: patience / 2})
	defer platform.Close()
	env := []string{childDSN + "=" + dsn, childListen + "=" + address, childAPI + "=" + platform.URL()}
	kill := startChild(t, env)
	defer func() { kill() }()

	c := &crowd{Platform: platform, store: store, callback: "http://" + address + "/wechat/callback"}
	var all sync.WaitGroup
	var dead bottest.Kills
	begin := time.Now()
	for r := range manyReaders {
		all.Go(func() { c.reader(t, fmt.Sprint("reader", 100+r), n/manyReaders) })
	}
	for k := range kills {
		for at := int64(n * (k + 1) / (kills + 1)); c.said.Load() < at && c.lost.Load() == 0; {
			time.Sleep(time.Millisecond)
		}
		kill()
		time.Sleep(50 * time.Millisecond) // what it said last arrives
		seen := map[string]int{}
		for r := range manyReaders {
			who := fmt.Sprint("reader", 100+r)
			seen[who] = len(c.Sees(who))
		}
		dead.After(seen)
		kill = startChild(t, env)
	}
	all.Wait()
	twice, again := 0, map[string][]int{}
	for r := range manyReaders {
		who, wrong := fmt.Sprint("reader", 100+r), ""
		if _, again[who], wrong = replies(c.Sees(who)); wrong != "" {
			t.Errorf("%s: %s", who, wrong)
		}
		twice += len(again[who])
	}
	perKill, unexplained := dead.Twice(again)
	fmt.Printf("%d messages in %.1f s, %d kills -9: %d stored and lost, %d answered twice (by kill: %d), %d refused while it was down\n",
		n, time.Since(begin).Seconds(), kills, c.lost.Load(), twice, perKill, c.unstored.Load())
	if c.lost.Load() > 0 || slices.Max(perKill) > wechat.AtOnce || unexplained > 0 {
		t.Errorf("%d lost, %d answered twice by kill, %d without one", c.lost.Load(), perKill, unexplained)
	}
}
