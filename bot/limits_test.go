package bot_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/retrieval"
)

var start = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

// deskAt is a desk whose clock stands still until it is set.
func deskAt(clock *time.Time) (*bot.Desk, *bottest.Store, *bottest.Library) {
	engine, library := bottest.NewEngine()
	now := func() time.Time { return *clock }
	store := &bottest.Store{Now: now}
	return bot.NewDesk(engine, store, now), store, library
}

func handle(t testing.TB, d *bot.Desk, reader, text string) bot.Reply {
	t.Helper()
	reply, err := d.Handle(context.Background(), bot.Message{Via: bot.Channel{Name: "web", Buttons: true}, Reader: reader, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// TestGlobalLimit: more than all together may send is told so, once each, and it is over when the second is.
func TestGlobalLimit(t *testing.T) {
	clock := start
	desk, _, library := deskAt(&clock)
	desk.Limit(bot.Limits{PerMinute: 20, PerSecond: 50})
	answered, busy, silent := 0, 0, 0
	for i := range 300 {
		switch reply := handle(t, desk, fmt.Sprint(i%150), fmt.Sprint("白酒", i)); {
		case reply.Silent:
			silent++
		case strings.HasPrefix(reply.Text, "现在问的人多，请过一分钟再发。"):
			busy++
		default:
			answered++
		}
	}
	if answered != 100 || busy != 150 || silent != 50 || library.Searches() != answered { // twice a second's worth at once
		t.Errorf("%d answered (%d searches), %d told that we are busy, %d silent", answered, library.Searches(), busy, silent)
	}
	clock = clock.Add(time.Second)
	if reply := handle(t, desk, "149", "白酒一秒后"); reply.Decision != "answer" {
		t.Errorf("a second later: %q", reply.Text)
	}
}

// TestDangerOverTheLimit: who is over the limit and in a danger that only the model sees is told the number at once; of what follows within
// the minute no more is asked of the model, since it costs what the limit is for.
func TestDangerOverTheLimit(t *testing.T) {
	clock := start
	desk, _, library := deskAt(&clock)
	desk.Limit(bot.Limits{PerMinute: 2})
	handle(t, desk, "甲", "白酒")
	handle(t, desk, "甲", "头孢")
	if reply := handle(t, desk, "甲", "我爸喘不上气"); reply.Urgent == nil || !strings.Contains(reply.Text, "120") || reply.Silent {
		t.Errorf("in danger: %+v", reply)
	}
	if reply := handle(t, desk, "甲", "我妈也喘不上气"); reply.Urgent != nil || !strings.HasPrefix(reply.Text, "您发得太快了") {
		t.Errorf("a moment later: %+v", reply)
	}
	if n := library.Searches(); n != 2 {
		t.Errorf("%d searches", n)
	}
	clock = clock.Add(time.Minute)
	for range 2 {
		handle(t, desk, "甲", fmt.Sprint("白酒", clock))
		clock = clock.Add(time.Second)
	}
	if reply := handle(t, desk, "甲", "我妈喘不上气了"); reply.Urgent == nil {
		t.Errorf("a minute later: %+v", reply)
	}
}

// TestLimitsForgetReaders: as many readers come as like, memory does not grow with them.
func TestLimitsForgetReaders(t *testing.T) {
	clock := start
	desk, _, _ := deskAt(&clock)
	desk.Limit(bot.Limits{PerMinute: 1, Readers: 10})
	if handle(t, desk, "甲", "白酒"); !strings.HasPrefix(handle(t, desk, "甲", "头孢").Text, "您发得太快了") {
		t.Fatal("the limit does not hold")
	}
	for i := range 10 {
		handle(t, desk, fmt.Sprint(i), "白酒")
	}
	if reply := handle(t, desk, "甲", "头孢"); reply.Decision != "answer" {
		t.Errorf("still known after ten others: %q", reply.Text)
	}
}

// TestRepeatIsFromTheRecord: the same words a moment later cost no search and no second record.
func TestRepeatIsFromTheRecord(t *testing.T) {
	clock := start
	desk, store, library := deskAt(&clock)
	first := handle(t, desk, "甲", "白酒杀毒")
	again := handle(t, desk, "甲", "白酒杀毒")
	if library.Searches() != 1 || len(store.Answers) != 1 || again.Text != first.Text || again.Answer != first.Answer {
		t.Errorf("%d searches, %d records, %+v", library.Searches(), len(store.Answers), again)
	}
	if !handle(t, desk, "甲", "白酒杀毒").Silent {
		t.Error("a third time is answered")
	}
}

// TestConcurrentReaders: messages of many readers at once, each reader's in order.
func TestConcurrentReaders(t *testing.T) {
	clock := start
	desk, store, _ := deskAt(&clock)
	desk.Limit(bot.Limits{})
	var group sync.WaitGroup
	var wrong atomic.Int64
	for i := range 40 {
		group.Go(func() {
			for _, turn := range [][2]string{{"隔夜的东西", "您问的是"}, {"2", "“隔夜菜致癌”"}, {"为什么", "剩菜及时放冰箱"}, {"有用", "谢谢您"}} {
				if reply := handle(t, desk, fmt.Sprint("r", i), turn[0]); !strings.HasPrefix(reply.Text, turn[1]) {
					wrong.Add(1)
				}
			}
		})
	}
	group.Wait()
	if wrong.Load() > 0 || len(store.Answers) != 120 {
		t.Errorf("%d wrong replies, %d answers kept, want 0 and 120", wrong.Load(), len(store.Answers))
	}
}

// sender is a channel that sends, or fails.
type sender struct {
	sent []string
	fail map[string]error
}

func (s *sender) Push(_ context.Context, to bot.Reader, r bot.Reply) error {
	if err := s.fail[to.Name]; err != nil {
		return err
	}
	s.sent = append(s.sent, to.Name+": "+r.Text)
	return nil
}

// once is a store whose claims hold: the fake's do not.
type once struct {
	*bottest.Store
	claimed map[string]bool
}

func (o once) DueToTell(ctx context.Context, channel string, n int, now time.Time, lease time.Duration) (out []bot.Due, err error) {
	due, err := o.Store.DueToTell(ctx, channel, n, now, lease)
	for _, d := range due {
		if !o.claimed[d.Reader.Name] {
			o.claimed[d.Reader.Name] = true
			out = append(out, d)
		}
	}
	return out, err
}

// TestTellDue: who agreed is sent the answer in words that stand by themselves; who cannot be reached waits, who left is gone.
func TestTellDue(t *testing.T) {
	clock := start
	desk, store, library := deskAt(&clock)
	for _, reader := range []string{"甲", "乙", "丙", "丁"} {
		handle(t, desk, reader, "月亮上有没有人")
		handle(t, desk, reader, map[bool]string{true: "不用", false: "好"}[reader == "丁"])
	}
	ref := bottest.Ref("msg-cancer")
	store.AnswerAll(t, ref)
	push := &sender{fail: map[string]error{"乙": errors.New("timeout"), "丙": fmt.Errorf("403: %w", bot.ErrGone)}}
	for _, c := range []struct{ sent int }{{1}, {0}} {
		sent, err := desk.TellDue(context.Background(), "web", once{store, map[string]bool{}}, push)
		if err != nil || sent != c.sent {
			t.Errorf("sent %d (%v), want %d", sent, err, c.sent)
		}
	}
	if len(push.sent) != 1 || !strings.HasPrefix(push.sent[0], "甲: “味精致癌”不对，但不要多放。\n您上次问的“月亮上有没有人”，专家查过了。\n核查的说法：") {
		t.Errorf("sent %q", push.sent)
	}
	library.Withdraw("msg-cancer")
	delete(push.fail, "乙")
	if sent, err := desk.TellDue(context.Background(), "web", once{store, map[string]bool{}}, push); sent != 0 || err != nil {
		t.Errorf("a withdrawn entry was sent %d times (%v)", sent, err)
	}
}

// slowPusher takes as long for each as it may, by the desk's clock.
type slowPusher struct {
	clock  *time.Time
	leases map[string]time.Time
	t      *testing.T
	sent   int
}

func (p *slowPusher) Push(ctx context.Context, to bot.Reader, _ bot.Reply) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		p.t.Fatal("a send may take for ever")
	}
	*p.clock = p.clock.Add(time.Until(deadline).Round(time.Second))
	if !p.clock.Before(p.leases[to.Name]) {
		p.t.Errorf("the lease of %s has ended while it was being told", to.Name)
	}
	p.sent++
	return nil
}

// leasing notes how long each claim holds.
type leasing struct {
	once
	leases map[string]time.Time
}

func (l leasing) DueToTell(ctx context.Context, channel string, n int, now time.Time, lease time.Duration) ([]bot.Due, error) {
	due, err := l.once.DueToTell(ctx, channel, n, now, lease)
	for _, d := range due {
		l.leases[d.Reader.Name] = now.Add(lease)
	}
	return due, err
}

// TestTellDueWithinLease: however long the sends take, each ends before its lease, so that nobody is told twice.
func TestTellDueWithinLease(t *testing.T) {
	clock := start
	desk, store, _ := deskAt(&clock)
	for i := range 8 {
		handle(t, desk, fmt.Sprint("读者", i), "月亮上有没有人")
		handle(t, desk, fmt.Sprint("读者", i), "好")
	}
	store.AnswerAll(t, bottest.Ref("msg-cancer"))
	leases := map[string]time.Time{}
	push := &slowPusher{clock: &clock, leases: leases, t: t}
	sent, err := desk.TellDue(context.Background(), "web", leasing{once{store, map[string]bool{}}, leases}, push)
	if err != nil || sent != 8 {
		t.Errorf("%d sent (%v)", sent, err)
	}
}

// TestDueFits: what would be cut off is not added and not marked as told; it comes with a message that leaves room.
func TestDueFits(t *testing.T) {
	clock := start
	desk, store, _ := deskAt(&clock)
	most := 0
	say := func(words string) string {
		clock = clock.Add(10 * time.Second)
		r, err := desk.Handle(context.Background(), bot.Message{Via: bot.Channel{Name: "wechat", Most: most}, Reader: "甲", Text: words})
		if err != nil {
			t.Fatal(err)
		}
		return r.Text
	}
	whole := say("喝白酒能杀病毒吗")
	say("月亮上有没有人")
	say("好")
	store.AnswerAll(t, bottest.Ref("msg-cancer"))
	most = len(whole) + 100
	if r := say("喝白酒能杀病毒吧"); strings.Contains(r, "您上次问的") || len(store.Questions[0].Told) != 0 {
		t.Errorf("told without room: %s", r)
	}
	most = 2048
	if r := say("谢谢"); !strings.Contains(r, "您上次问的“月亮上有没有人”") || len(store.Questions[0].Told) != 1 || len(r) > most {
		t.Errorf("not told with room: %s", r)
	}
}

// gated is a library that answers when it is let.
type gated struct {
	bot.Answerer
	begun, free chan struct{}
}

func (g gated) Answer(ctx context.Context, m retrieval.Message) (retrieval.Result, error) {
	g.begun <- struct{}{}
	<-g.free
	return g.Answerer.Answer(ctx, m)
}

// TestStaleTurn: what a reader told one node is not undone by a message that another was answering meanwhile.
func TestStaleTurn(t *testing.T) {
	clock := start
	desk, store, _ := deskAt(&clock)
	say := func(d *bot.Desk, words string) bot.Reply {
		r, err := d.Handle(context.Background(), bot.Message{Via: bot.Channel{Name: "telegram", Push: true, Alerts: true}, Reader: "甲", Text: words})
		if err != nil {
			t.Error(err)
		}
		return r
	}
	for _, words := range []string{"订阅", "跳过", "跳过", "跳过", "同意"} {
		say(desk, words)
	}
	engine, _ := bottest.NewEngine()
	slow := gated{engine.Answerer, make(chan struct{}, 1), make(chan struct{})}
	engine.Answerer = slow
	other := bot.NewDesk(engine, store, func() time.Time { return clock })
	answered := make(chan struct{})
	go func() { defer close(answered); say(other, "白酒杀毒") }()
	<-slow.begun
	if r := say(desk, "退订"); !strings.HasPrefix(r.Text, "退订了") {
		t.Errorf("%q", r.Text)
	}
	say(desk, "慢一点")
	close(slow.free)
	<-answered
	r, err := store.Reader(context.Background(), "telegram", "甲")
	if err != nil || r.Wishes.Sent != nil || !r.Wishes.Slow {
		t.Errorf("in the end they wish %+v (%v)", r.Wishes, err)
	}
}
