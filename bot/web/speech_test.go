package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/web"
	"qiuzhen/retrieval"
)

// speaker stands in for who reads aloud: its recordings are the words, and it keeps what it was asked for.
type speaker struct {
	mu    sync.Mutex
	asked []string
	err   error
	wait  chan struct{} // nil: reads at once
}

func (s *speaker) Speak(ctx context.Context, words string) ([]byte, string, error) {
	s.mu.Lock()
	s.asked = append(s.asked, words)
	err, wait := s.err, s.wait
	s.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
	}
	return []byte("ID3" + words), "audio/mpeg", err
}

func (s *speaker) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func speaks(s *speaker) func(*web.Config) { return speaksBy(s) }

func speaksBy(s web.Speaker) func(*web.Config) { return func(c *web.Config) { c.Speaker = s } }

func (s *speaker) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// TestSpeech: an answer is read to the reader who got it, by its number, as the browser would read it; nobody else can have anything read.
func TestSpeech(t *testing.T) {
	voice := &speaker{}
	s := serve(t, &desk{replies: map[string]bot.Reply{"喝白酒杀病毒吗": baijiu}}, speaks(voice))
	b := s.browser(t)
	b.get("/")
	b.get("/speech/1").has(t, 404, "现在读不出来", "请再问一次")
	b.ask("喝白酒杀病毒吗").has(t, 200, `data-read="/speech/1" hidden>读给我听</button>`, `<noscript>读给我听：<audio controls preload="none" src="/speech/1"`)
	heard := b.get("/speech/1")
	heard.has(t, 200)
	const want = "“喝白酒杀病毒”是谣言，不要转发。\n核查的说法：喝白酒可以杀死病毒。\n可以这样做：\n勤洗手。\n不舒服打120，拿不准打12320问一问。\n" +
		"来源：中国疾控中心《技术指南》（2023年9月）\n示范内容，尚未经专家签审。"
	if heard.body != "ID3"+want || voice.asked[0] != want {
		t.Errorf("read %q of %q", heard.body, voice.asked)
	}
	h := heard.Header
	if h.Get("Content-Type") != "audio/mpeg" || h.Get("Cache-Control") != "private, no-cache" || h.Get("ETag") == "" ||
		!strings.Contains(h.Get("Content-Security-Policy"), "media-src 'self'") {
		t.Errorf("it came with %v", h)
	}
	b.header.Set("Range", "bytes=0-1") // a phone asks so first
	if part := b.get("/speech/1"); part.StatusCode != http.StatusPartialContent || part.body != "ID" {
		t.Errorf("of a part came %d %q", part.StatusCode, part.body)
	}
	b.header.Del("Range")
	b.header.Set("If-None-Match", h.Get("ETag"))
	b.get("/speech/1").has(t, 304)
	b.header.Del("If-None-Match")
	other := s.browser(t)
	other.get("/speech/1").has(t, 404)
	other.get("/")
	other.ask("另一句")
	for _, address := range []string{"/speech/1", "/speech/0", "/speech/-1", "/speech/02", "/speech/2x", "/speech/9999999999999999999999", "/speech/念这句话"} {
		other.get(address).has(t, 404)
	}
	if voice.count() != 1 {
		t.Errorf("read %q", voice.asked)
	}
}

// TestNoSpeech: without an endpoint nothing leads to one.
func TestNoSpeech(t *testing.T) {
	b := serve(t, &desk{}, nil).browser(t)
	b.get("/")
	b.ask("味精致癌吗").lacks(t, "<audio", "/speech/")
	b.get("/speech/1").has(t, 404)
}

// TestSpeechHides: no number of a person and none of the reader's own words goes out, and of what was withdrawn nothing is read.
func TestSpeechHides(t *testing.T) {
	voice, withdrawn := &speaker{}, false
	reply := bot.Reply{Text: "请打13812345678。\n\n您上次问的“王秀英的血糖”，专家查过了。\n蜂蜜不能降糖。", Told: []retrieval.Ref{{ID: "honey", Version: 1}}}
	b := serve(t, &desk{replies: map[string]bot.Reply{"问": reply}}, func(c *web.Config) {
		c.Speaker = voice
		c.Current = func(_ context.Context, kept ...bot.Kept) ([]bot.Kept, error) {
			if !withdrawn {
				return kept, nil
			}
			return []bot.Kept{{Text: bot.GoneLine, Answer: kept[0].Answer}}, nil
		}
	}).browser(t)
	b.get("/")
	b.ask("问")
	b.get("/speech/1").has(t, 200)
	if got := voice.asked[0]; got != "请打138****5678。\n您上次问的事，专家查过了。\n蜂蜜不能降糖。" {
		t.Errorf("read %q", got)
	}
	withdrawn = true
	got := b.get("/speech/1")
	got.has(t, 200, "已经撤下或者改过了")
	got.lacks(t, "蜂蜜")
}

// TestSpeechShared: the same words are read once, for all who come at the time and afterwards; who leaves does not end it.
func TestSpeechShared(t *testing.T) {
	voice := &speaker{wait: make(chan struct{})}
	s := serve(t, &desk{replies: map[string]bot.Reply{"甲": baijiu}}, speaks(voice))
	var readers []*browser
	for i := range 8 {
		b := s.browser(t)
		b.get("/")
		b.ask("甲").has(t, 200, fmt.Sprintf("/speech/%d", i+1))
		readers = append(readers, b)
	}
	impatient := *readers[0].Client
	impatient.Timeout = 50 * time.Millisecond
	if _, err := impatient.Get(s.URL + "/speech/1"); err == nil {
		t.Error("read at once")
	}
	var all sync.WaitGroup
	for i, b := range readers {
		all.Go(func() { b.get(fmt.Sprintf("/speech/%d", i+1)).has(t, 200) })
	}
	close(voice.wait)
	all.Wait()
	readers[3].get("/speech/4").has(t, 200)
	if n := voice.count(); n != 1 {
		t.Errorf("read %d times", n)
	}
}

// TestSpeechLimits: a reader has so much read, all together so much, and more after a while; what was read already is heard as often as they like.
func TestSpeechLimits(t *testing.T) {
	voice := &speaker{}
	s := serve(t, &desk{}, speaks(voice))
	answer := 0
	reads := func(b *browser, status int) {
		t.Helper()
		answer++
		b.ask(fmt.Sprintf("第%d句", answer))
		got := b.get(fmt.Sprintf("/speech/%d", answer))
		got.has(t, status)
		if status == 429 {
			got.has(t, 429, "请过一会儿再按")
			if got.Header.Get("Retry-After") == "" {
				t.Error("it does not say when")
			}
		}
	}
	fresh := func() *browser {
		b := s.browser(t)
		b.get("/")
		return b
	}
	keen := fresh()
	for range 10 {
		reads(keen, 200)
	}
	reads(keen, 429)
	keen.get("/speech/1").has(t, 200)
	s.now = s.now.Add(30 * time.Second)
	reads(keen, 200)
	reads(keen, 429)
	for range 6 {
		b := fresh()
		for range 9 {
			reads(b, 200)
		}
	}
	for range 5 { // of 60
		reads(fresh(), 200)
	}
	reads(fresh(), 429)
	s.now = s.now.Add(2 * time.Second)
	reads(fresh(), 200)
	reads(fresh(), 429)
}

// TestSpeechFails: a kind line, nothing kept of it, and the next press tries again.
func TestSpeechFails(t *testing.T) {
	voice := &speaker{err: errors.New("speech endpoint answered 500")}
	b := serve(t, &desk{}, speaks(voice)).browser(t)
	b.get("/")
	b.ask("味精致癌吗")
	got := b.get("/speech/1")
	got.has(t, 503, "刚才没有读出来，请过一会儿再按一次。")
	got.lacks(t, "endpoint", "500")
	voice.fail(nil)
	b.get("/speech/1").has(t, 200, "味精致癌吗")
}

// resting is the error of a speaker that asked nobody.
type resting struct{ error }

func (resting) Unasked() bool { return true }

// TestSpeechRest: who presses while the endpoint rests has not spent what they, and all, may have read: afterwards all are heard.
func TestSpeechRest(t *testing.T) {
	voice := &speaker{err: resting{errors.New("speech endpoint has too much to do")}}
	s := serve(t, &desk{}, speaks(voice))
	var readers []*browser
	for i := range 6 {
		b := s.browser(t)
		b.get("/")
		for j := range 10 {
			b.ask(fmt.Sprintf("第%d句", 10*i+j+1))
		}
		readers = append(readers, b)
	}
	every := func(status int) {
		t.Helper()
		for i, b := range readers {
			for j := range 10 {
				b.get(fmt.Sprintf("/speech/%d", 10*i+j+1)).has(t, status)
			}
		}
	}
	every(503)
	every(503)
	voice.fail(nil)
	every(200)
}

// TestSpeechJoined: who waits for what another has read already pays nothing, nor needs to have anything left.
func TestSpeechJoined(t *testing.T) {
	voice := &speaker{}
	s := serve(t, &desk{replies: map[string]bot.Reply{"甲": baijiu}}, speaks(voice))
	keen, other := s.browser(t), s.browser(t)
	keen.get("/")
	for i := range 9 {
		keen.ask(fmt.Sprintf("第%d句", i))
		keen.get(fmt.Sprintf("/speech/%d", i+1)).has(t, 200)
	}
	keen.ask("甲") // 10
	keen.ask("乙") // 11
	keen.ask("丙") // 12
	other.get("/")
	other.ask("甲").has(t, 200, "/speech/13")
	voice.mu.Lock()
	voice.wait = make(chan struct{})
	voice.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { other.get("/speech/13").has(t, 200) })
	for voice.count() < 10 {
		time.Sleep(time.Millisecond)
	}
	both.Go(func() { keen.get("/speech/10").has(t, 200) })
	time.Sleep(20 * time.Millisecond)
	close(voice.wait)
	both.Wait()
	if n := voice.count(); n != 10 {
		t.Errorf("read %d times", n)
	}
	keen.get("/speech/11").has(t, 200)
	keen.get("/speech/12").has(t, 429)
}

// TestSpeechWhole: what is too long is read as far as a sentence goes, and the reader is told that there is more.
func TestSpeechWhole(t *testing.T) {
	long := strings.Repeat("一二三四五六七八。\n", 149) // 1,490 characters
	for name, c := range map[string]struct{ text, want string }{
		"as much as is read":   {long + "不要吃蜂蜜。", long + "不要吃蜂蜜。"},
		"cut before a refusal": {long + "千万不要吃蜂蜜，也不要喝甜的东西。", long + "后面的请看字。"},
		"a question":           {"能吃吗？" + strings.Repeat("甲", 2000), "能吃吗？后面的请看字。"},
		"no end":               {"不要" + strings.Repeat("甲", 2000), "后面的请看字。"},
	} {
		voice := &speaker{}
		b := serve(t, &desk{replies: map[string]bot.Reply{"问": {Text: c.text}}}, speaks(voice)).browser(t)
		b.get("/")
		b.ask("问")
		b.get("/speech/1").has(t, 200)
		if got := voice.asked[0]; got != c.want || len([]rune(got)) > 1500 {
			t.Errorf("%s: reads %d characters: …%s", name, len([]rune(got)), got[max(0, len(got)-90):])
		}
	}
}
