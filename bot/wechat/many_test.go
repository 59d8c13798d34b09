package wechat_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/wechat"
	"qiuzhen/bot/wechat/wechattest"
)

// TestDelivered3: messages, each posted three times at once to two nodes, are answered once each; 300, make soak 10,000.
func TestDelivered3(t *testing.T) {
	s := newStage(t, true, true, 2, func(p *wechattest.Config, c *wechat.Config) {
		p.Patience, c.Times.Retry, c.Times.Hold, c.Times.Last = 10*time.Second, 8*time.Second, 11*time.Second, 9*time.Second
	})
	messages, posts := 300, 3
	if soak := os.Getenv("SOAK_WECHAT"); soak != "" {
		var err error
		if messages, err = strconv.Atoi(soak); err != nil {
			t.Fatal("SOAK_WECHAT: a number")
		}
	}
	var mu sync.Mutex
	answers := map[int]int{}
	var slowest atomic.Int64
	places, begin := make(chan struct{}, 60), time.Now()
	var all sync.WaitGroup
	for i := range messages {
		message := text(fmt.Sprint("reader", i%40), fmt.Sprint(50000+i), fmt.Sprint("问", i))
		for n := range posts {
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				start := time.Now()
				answer, status, err := s.Post(t.Context(), s.all[n%2], s.Sign(message, time.Now()))
				if err != nil || status != 200 {
					t.Errorf("%d: %d, %v", i, status, err)
				}
				slowest.Store(max(slowest.Load(), int64(time.Since(start))))
				if string(answer) != "success" {
					mu.Lock()
					answers[i]++
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	for i := range messages {
		if answers[i] != 1 {
			t.Errorf("message %d was answered %d times", i, answers[i])
		}
	}
	if n := s.desk.asked.Load(); n != int64(messages) {
		t.Errorf("the desk was asked %d times", n)
	}
	twice := 0
	for _, n := range answers {
		twice += n - 1
	}
	fmt.Printf("%d messages posted three times each at once in %.1f s: %d lost, %d answered twice, the slowest post held %v\n", messages,
		time.Since(begin).Seconds(), messages-len(answers), twice, time.Duration(slowest.Load()).Round(time.Millisecond))
}

// TestStored: a message is in the store, leased, while it is being answered.
func TestStored(t *testing.T) {
	t.Parallel()
	s := newStage(t, true, false, 1)
	ctx := context.Background()
	message := text("grandma", "1001", "地震往哪跑")
	held := make(chan struct{})
	s.desk.waiting, s.desk.slow = held, time.Hour
	done := make(chan wechattest.Outcome)
	go func() { done <- s.Send(ctx, s.addr, "grandma", strings.ReplaceAll(message, "地震", "慢")) }()
	eventually(t, "claimed", func() bool { return s.desk.asked.Load() == 1 })
	if n := s.count(t, `SELECT count(*) FROM inbox WHERE done_at IS NULL AND leased_to > now()`); n != 1 {
		t.Errorf("%d leased", n)
	}
	close(held)
	if o := <-done; o.Reply != "答：慢往哪跑" {
		t.Errorf("%+v", o)
	}
}

// TestShed: more posts than can be held are told so at once and not kept; afterwards all is as before.
func TestShed(t *testing.T) {
	t.Parallel()
	s := newStage(t, true, true, 1, func(_ *wechattest.Config, c *wechat.Config) { c.MostOpen = 3 })
	s.desk.waiting = make(chan struct{})
	s.desk.slow = time.Hour
	var held sync.WaitGroup
	for i := range 3 {
		held.Go(func() {
			s.Send(t.Context(), s.addr, fmt.Sprint("held", i), text(fmt.Sprint("held", i), fmt.Sprint(100+i), "慢"))
		})
	}
	eventually(t, "three held", func() bool { return s.desk.asked.Load() == 3 })
	start := time.Now()
	if o := s.Send(t.Context(), s.addr, "grandma", text("grandma", "200", "地震往哪跑")); !strings.Contains(o.Reply, "请过几分钟再发一次") || time.Since(start) > patience/2 {
		t.Errorf("%+v after %v", o, time.Since(start))
	}
	close(s.desk.waiting)
	held.Wait()
	if o := s.Send(t.Context(), s.addr, "grandma", text("grandma", "201", "地震往哪跑")); o.Reply != "答：地震往哪跑" {
		t.Errorf("afterwards %+v", o)
	}
	if n := s.count(t, `SELECT count(*) FROM wechat_messages WHERE id = '200'`); n != 0 {
		t.Error("what was refused is kept")
	}
}

// TestToken: thirty callers on three nodes fetch one token, and one more when all are refused.
func TestToken(t *testing.T) {
	t.Parallel()
	s := newStage(t, true, true, 3)
	s.Put("M", "image/png", []byte("x"))
	fetch := func() {
		var all sync.WaitGroup
		for i := range 30 {
			all.Go(func() {
				file, err := s.channels[i%3].API.Media(t.Context(), "M")
				if err != nil {
					t.Error(err)
					return
				}
				file.Close()
			})
		}
		all.Wait()
	}
	asked := func() (n int) {
		for _, call := range s.Calls() {
			if strings.Contains(call, "stable_token") {
				n++
			}
		}
		return n
	}
	fetch()
	if n := asked(); n != 1 {
		t.Errorf("asked for a token %d times", n)
	}
	s.EndTokens()
	fetch()
	if n := asked(); n != 2 {
		t.Errorf("asked for a token %d times after it ended", n)
	}
}

// TestNoSecrets: neither the token nor the secret nor what readers say is in the log or in an error.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	s := newStage(t, true, true, 1)
	s.Send(t.Context(), s.addr, "grandma", text("grandma", "1", "出错 13812345678"))
	var access string
	if err := s.channels[0].API.SendText(t.Context(), "grandma", "x"); err != nil {
		t.Error(err)
	}
	access, _, err := s.store.WeChat().Token(t.Context(), appID)
	if err != nil || access == "" {
		t.Fatal(err)
	}
	s.Close()
	_, mediaErr := s.channels[0].API.Media(t.Context(), "M")
	sendErr := s.channels[0].API.SendText(t.Context(), "grandma", "x")
	for _, hidden := range []string{access, secret, token, aesKey, "13812345678"} {
		if all := fmt.Sprint(s.log.text(), mediaErr, sendErr); strings.Contains(all, hidden) || mediaErr == nil || sendErr == nil {
			t.Errorf("%s shows in %s", hidden, all)
		}
	}
}

// TestMenu: the menu that is made is one that the platform takes.
func TestMenu(t *testing.T) {
	t.Parallel()
	s := newStage(t, true, true, 1)
	for _, address := range []string{"", "https://qiuzhen.example.cn"} {
		if err := s.channels[0].API.CreateMenu(t.Context(), wechat.DefaultMenu(address)); err != nil {
			t.Error(err)
		}
	}
}

// TestForgotten: who got their answer is named nowhere in the channel's own table, and a minute later no row of it is left. Who is
// forgotten has nothing coming, but for the word that they are.
func TestForgotten(t *testing.T) {
	t.Parallel()
	s := newStage(t, true, false, 1, patient)
	store, ctx := s.store.WeChat(), t.Context()
	s.Send(ctx, s.addr, "grandma", text("grandma", "1", "在吗"))
	if n := s.count(t, `SELECT count(*) FROM wechat_messages WHERE reader <> ''`); n != 0 {
		t.Errorf("%d rows name the reader", n)
	}
	now := time.Now()
	if _, err := s.store.Keep(ctx, bot.Turn{Reader: bot.Reader{Channel: "wechat", Name: "grandma", Memory: bot.Memory{At: now}}}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"2", "3"} {
		place, err := store.Deliver(ctx, wechat.Delivery{
			ID: id, Reader: "grandma", At: now, Nonce: bytes.Repeat([]byte(id), 32), Body: bytes.Repeat([]byte(id), 32), Retry: time.Second, Posts: 4})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Leave(ctx, id, place.Number); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Answer(ctx, "2", bot.Kept{Text: "答"}); err != nil {
		t.Fatal(err)
	}
	if expects, err := store.Expects(ctx, "grandma", "3"); err != nil || !expects {
		t.Errorf("expects %v, %v", expects, err)
	}
	if _, err := s.store.Forget(ctx, "wechat", "grandma", "", nil); err != nil {
		t.Fatal(err)
	}
	if n := s.count(t, `SELECT count(*) FROM wechat_messages WHERE id = '2'`); n != 0 {
		t.Error("a late reply is still there")
	}
	if n := s.count(t, `SELECT count(*) FROM wechat_messages WHERE id = '3'`); n != 1 {
		t.Error("the message that is being answered is gone")
	}
	if err := store.Sweep(ctx, now.Add(49*time.Hour)); err != nil || s.count(t, `SELECT (SELECT count(*) FROM wechat_messages) + (SELECT count(*) FROM wechat_nonces)`) != 0 {
		t.Errorf("rows stay (%v)", err)
	}
}
