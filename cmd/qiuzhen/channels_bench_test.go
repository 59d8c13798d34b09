package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"qiuzhen/bot"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/bot/wechat/wechattest"
)

// ofAll messages are ten over web pages, three over WeChat and two over Telegram, whose quota is 25 replies a second: of 150 messages it gets 20.
const ofAll = 15

// warmUp is how long a flood begins in which nearly every text is new; what comes after is told apart too.
const warmUp = 10 * time.Second

// channelReaders is how many people talk: so many that nobody says the same twice, which is answered once.
const channelReaders = 30_000

// BenchmarkChannels drives the real binary with the real model over web pages, Telegram and WeChat together: 150 messages a second for a minute
// (CHANNELS_RATE, CHANNELS_SECONDS), whatever the answers take, with stand-ins that enforce the platforms' limits. A time is from the message to its
// answer: the page's, Telegram's sendMessage, WeChat's passive reply. late are WeChat's that no post took; shed are those told that too many ask, failed
// those told that it did not work, lost those without any answer, late ones included that no customer message followed. What a platform's quota makes wait is told apart: the least that its bucket allows for these times of sending. What is
// said again within a minute costs no search (bot.Recent): the texts are drawn as forwards come, the k-th most frequent 1/k times as often as the
// first (Zipf, exponent 1.05, thousands of texts); CHANNELS_NEW=1 makes every text another.
func BenchmarkChannels(b *testing.B) {
	demo(b)
	rate, seconds := benchSize(b, "CHANNELS_RATE", 150), benchSize(b, "CHANNELS_SECONDS", 60)
	allNew := os.Getenv("CHANNELS_NEW") != ""
	texts := forwards(b)
	for b.Loop() {
		c := startChannels(b)
		draw := rand.NewZipf(rand.New(rand.NewPCG(7, 7)), 1.05, 1, uint64(len(texts)-1)) //nolint:gosec // a fixed seed
		different := map[string]bool{}
		cpu := processorTime(b, c.pid)
		begin := time.Now()
		c.begun = begin
		first := int(begin.UnixMilli()%1e9) * ofAll // updates of a run before are known to the database
		var sending sync.WaitGroup
		for i := range rate * seconds {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / time.Duration(rate))))
			text := texts[draw.Uint64()]
			if allNew {
				text = fmt.Sprintf("%s（%d）", text, i)
			}
			different[text] = true
			sending.Go(func() { c.send(first+i, text) })
		}
		sending.Wait()
		c.telegramTimes()
		c.followed()
		cpu = processorTime(b, c.pid) - cpu
		c.stop()
		for _, name := range []string{"web", "telegram", "wechat"} {
			took := c.took[name]
			slices.Sort(took)
			if len(took) == 0 {
				b.Errorf("%s: nothing was answered; %d lost", name, c.lost[name])
				continue
			}
			p50, p99, most := took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
			steady := c.steady[name]
			slices.Sort(steady)
			later := int64(0)
			if n := len(steady); n > 0 {
				later = steady[n*99/100].Milliseconds()
			}
			fmt.Printf("%-9s %6d answered  p50 %5d ms  p99 %5d ms  max %5d ms  p99 after the first %v %5d ms  %d shed, %d failed, %d lost\n",
				name, len(took), p50.Milliseconds(), p99.Milliseconds(), most.Milliseconds(), warmUp, later, c.shed[name], c.failed[name], c.lost[name])
			b.ReportMetric(float64(p99.Milliseconds()), name+"-p99-ms")
		}
		slices.Sort(c.beyondQuota)
		if n := len(c.beyondQuota); n > 0 {
			fmt.Printf("telegram without what its quota of %v a second makes wait: p99 %d ms\n", telegram.Official.All.PerSecond, c.beyondQuota[n*99/100].Milliseconds())
		}
		fmt.Printf("%d messages a second for %d s, %d different texts (all new: %v); %.0f ms of processor a message in the program, Postgres apart; %d of WeChat's were late: %q\n",
			rate, seconds, len(different), allNew, cpu.Seconds()*1000/float64(rate*seconds), len(c.late), c.late[:min(3, len(c.late))])
	}
}

// forwards are messages of the tune wordings, in an order that mixes their kinds, up to 200 characters as most are; links would wait for other people's
// servers.
func forwards(b *testing.B) (texts []string) {
	files, err := filepath.Glob("../../eval/testdata/wordings/tune_*.jsonl")
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		for _, m := range readWordings(b, file) {
			if len([]rune(m.Text)) <= 200 {
				texts = append(texts, m.Text)
			}
		}
	}
	rand.New(rand.NewPCG(3, 3)).Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] }) //nolint:gosec // a fixed seed
	return texts
}

func benchSize(b *testing.B, name string, fallback int) int {
	s := os.Getenv(name)
	if s == "" {
		return fallback
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		b.Fatalf("%s=%s: a number from 1", name, s)
	}
	return n
}

// channels is the program with stand-ins of the platforms around it.
type channels struct {
	b        *testing.B
	pid      int
	stop     func()
	address  string
	telegram *telegramtest.Server
	wechat   *wechattest.Platform
	client   *http.Client

	mu     sync.Mutex
	begun  time.Time
	took   map[string][]time.Duration
	steady map[string][]time.Duration // of took, what was sent after warmUp
	shed   map[string]int             // told that too many ask
	failed map[string]int
	lost   map[string]int
	late   []string // their words
	seen   int      // passive replies of WeChat's
	// beyondQuota are Telegram's times less what its quota makes wait at least
	beyondQuota []time.Duration
	posted      map[int64]time.Time // Telegram's chats
}

func startChannels(b *testing.B) *channels {
	return startChannelsBy(b, func(args ...string) *exec.Cmd { return program(b, args...) })
}

// startChannelsBy starts the program by the command that start makes of its arguments.
func startChannelsBy(b *testing.B, start func(args ...string) *exec.Cmd) *channels {
	const appID, secret, token = "wx2c2769f8efd9abc2", "0123456789abcdef0123456789abcdef", "spamtest"
	c := &channels{
		b: b, telegram: telegramtest.New(), wechat: wechattest.New(wechattest.Config{AppID: appID, Secret: secret, Token: token, Service: true}),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 200}, Timeout: 35 * time.Second},
		took:   map[string][]time.Duration{}, steady: map[string][]time.Duration{}, shed: map[string]int{}, failed: map[string]int{}, lost: map[string]int{}, posted: map[int64]time.Time{},
	}
	args := []string{"--data", testData, "--demo"}
	for _, s := range []string{
		"telegram_token=" + telegramtest.Token, "telegram_secret=" + telegramSecret, "telegram_api=" + c.telegram.URL,
		"wechat_app_id=" + appID, "wechat_app_secret=" + secret, "wechat_token=" + token, "wechat_api=" + c.wechat.URL(), "wechat_service_account=true",
		"trusted_proxies=127.0.0.1", "fetch_links=false",
	} {
		args = append(args, "--set", s)
	}
	cmd := start(append(args, "serve", "--listen", "127.0.0.1:0")...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	c.address, c.pid = serveAddress(b, stderr), cmd.Process.Pid
	if status := get(b, c.address+"/readyz"); status != http.StatusOK {
		b.Fatalf("not ready: %d", status)
	}
	c.stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		c.telegram.Close()
		c.wechat.Close()
	}
	return c
}

// send sends one message over the channel whose turn it is.
func (c *channels) send(i int, text string) {
	switch slot := i % ofAll; {
	case slot%7 == 3: // 3 and 10
		c.toTelegram(i, text)
	case slot%5 == 1: // 1, 6 and 11
		c.toWeChat(i, text)
	default:
		c.toWeb(i, text)
	}
}

// answered notes what a reader got; "": nothing.
func (c *channels) answered(channel string, begin time.Time, reply string) {
	took := time.Since(begin)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case reply == "":
		c.lost[channel]++
	case strings.Contains(reply, shedWords):
		c.shed[channel]++
	case reply == notDone || strings.Contains(reply, bot.ErrorLine):
		c.failed[channel]++
	default:
		c.note(channel, begin, took)
	}
}

// shedWords are in each channel's line that too many ask; notDone stands for a page with another status.
const shedWords, notDone = "现在问的人", "\x00"

// note keeps the time of an answer to what was sent then.
func (c *channels) note(channel string, begin time.Time, took time.Duration) {
	c.took[channel] = append(c.took[channel], took)
	if begin.Sub(c.begun) > warmUp {
		c.steady[channel] = append(c.steady[channel], took)
	}
}

func (c *channels) toWeb(i int, text string) {
	who := sha256.Sum256(fmt.Append(nil, "reader ", i%channelReaders))
	form := url.Values{"text": {text}, "once": {strconv.Itoa(i)}}
	r, err := http.NewRequest(http.MethodPost, c.address+"/ask", strings.NewReader(form.Encode())) //nolint:noctx // the client has a timeout
	if err != nil {
		c.b.Error(err)
		return
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Requested-With", "fetch")
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", who[16], who[17], who[18]))
	r.AddCookie(&http.Cookie{Name: "reader", Value: base64.RawURLEncoding.EncodeToString(who[:16])})
	begin := time.Now()
	var body []byte
	response, err := c.client.Do(r)
	if err == nil {
		body, err = io.ReadAll(response.Body)
		response.Body.Close()
	}
	reply := string(body)
	switch {
	case err != nil:
		reply = ""
	case response.StatusCode != http.StatusOK && !strings.Contains(reply, shedWords):
		reply = notDone
	}
	c.answered("web", begin, reply)
}

func (c *channels) toWeChat(i int, text string) {
	who := fmt.Sprint("reader", i%channelReaders)
	message := fmt.Sprintf("<xml><ToUserName><![CDATA[gh_account]]></ToUserName><FromUserName><![CDATA[%s]]></FromUserName><CreateTime>%d</CreateTime>"+
		"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[%s]]></Content><MsgId>%d</MsgId></xml>", who, time.Now().Unix(), text, 1_000_000+i)
	begin := time.Now()
	o := c.wechat.Send(context.Background(), c.address+"/wechat/callback", who, message)
	c.mu.Lock()
	late := o.Reply == "" && !o.Failed // a customer message follows
	if late {
		c.late = append(c.late, text)
	} else {
		c.seen++
	}
	c.mu.Unlock()
	if !late {
		c.answered("wechat", begin, o.Reply)
	}
}

func (c *channels) toTelegram(i int, text string) {
	chat := int64(1_000_000 + i) // each from somebody else: one message a second in a chat is a quota of its own
	raw := fmt.Appendf(nil, `{"update_id":%d,"message":{"message_id":%d,"from":{"id":%d},"chat":{"id":%d,"type":"private"},"date":%d,"text":%q}}`,
		i+1, i+1, chat, chat, time.Now().Unix(), text)
	c.mu.Lock()
	c.posted[chat] = time.Now()
	c.mu.Unlock()
	if status, err := telegramtest.Post(context.Background(), c.address+"/telegram/webhook", telegramSecret, raw); err != nil || status != http.StatusOK {
		c.mu.Lock()
		delete(c.posted, chat)
		c.lost["telegram"]++
		c.mu.Unlock()
	}
}

// telegramTimes waits for the last answers and takes the times of all from the stand-in's calls.
func (c *channels) telegramTimes() {
	quota := quotaWaits(slices.SortedFunc(maps.Values(c.posted), time.Time.Compare), telegram.Official.All)
	answered := map[int64]bool{}
	for end := time.Now().Add(30 * time.Second); len(answered) < len(c.posted) && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		for _, call := range c.telegram.Calls() {
			id, err := strconv.ParseFloat(fmt.Sprint(call.Params["chat_id"]), 64)
			chat := int64(id)
			begin, asked := c.posted[chat]
			if err != nil || call.Method != "sendMessage" || call.Status != http.StatusOK || !asked || answered[chat] {
				continue
			}
			answered[chat] = true
			switch said := fmt.Sprint(call.Params["text"]); {
			case strings.Contains(said, shedWords):
				c.shed["telegram"]++
				continue
			case strings.Contains(said, bot.ErrorLine):
				c.failed["telegram"]++
				continue
			}
			c.note("telegram", begin, call.At.Sub(begin))
			c.beyondQuota = append(c.beyondQuota, call.At.Sub(begin)-quota[begin])
		}
	}
	c.lost["telegram"] += len(c.posted) - len(answered)
}

// followed waits for the customer messages that follow what was late.
func (c *channels) followed() {
	shown := 0
	for end := time.Now().Add(20 * time.Second); shown < c.seen+len(c.late) && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		shown = 0
		for i := range channelReaders {
			shown += len(c.wechat.Sees(fmt.Sprint("reader", i)))
		}
	}
	c.lost["wechat"] += c.seen + len(c.late) - shown
}

// quotaWaits is how long each of the messages, by when they were sent, would wait for its place in a quota if it were answered at once.
func quotaWaits(sent []time.Time, l telegram.Limit) map[time.Time]time.Duration {
	bucket := rate.NewLimiter(rate.Limit(l.PerSecond), l.Burst)
	waits := map[time.Time]time.Duration{}
	for _, at := range sent {
		waits[at] = bucket.ReserveN(at, 1).DelayFrom(at)
	}
	return waits
}

// processorTime is what a process has used, in user and kernel mode.
func processorTime(b *testing.B, pid int) time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
