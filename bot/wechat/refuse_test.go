package wechat_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/bot/wechat"
	"qiuzhen/bot/wechat/wechattest"
)

// change makes a request that is not the platform's of one that is.
type change struct {
	name   string
	change func(p *wechattest.Platform, r *wechattest.Request, n int)
}

func set(name string, value func(n int) string) func(*wechattest.Platform, *wechattest.Request, int) {
	return func(_ *wechattest.Platform, r *wechattest.Request, n int) { r.Query.Set(name, value(n)) }
}

func constant(s string) func(int) string { return func(int) string { return s } }

// signedAt is a request of the platform's own, from another time.
func signedAt(shift time.Duration) func(*wechattest.Platform, *wechattest.Request, int) {
	return func(p *wechattest.Platform, r *wechattest.Request, n int) {
		*r = p.Sign(text("mallory", strconv.Itoa(n), "旧的"), time.Now().Add(shift))
	}
}

// resigned replaces the body of a request and signs it anew, as the platform would if it sent such things.
func resigned(body func(n int) string) func(*wechattest.Platform, *wechattest.Request, int) {
	return func(p *wechattest.Platform, r *wechattest.Request, n int) { *r = p.Sign(body(n), time.Now()) }
}

// changes are the ways; each is tried with several numbers.
var changes = []change{
	{"no signature", func(_ *wechattest.Platform, r *wechattest.Request, _ int) {
		r.Query.Del("signature")
		r.Query.Del("msg_signature")
	}},
	{"empty signature", func(_ *wechattest.Platform, r *wechattest.Request, _ int) {
		r.Query.Set("signature", "")
		r.Query.Set("msg_signature", "")
	}},
	{"guessed signature", func(_ *wechattest.Platform, r *wechattest.Request, n int) {
		guess := fmt.Sprintf("%040x", n)
		r.Query.Set("signature", guess)
		if r.Query.Has("msg_signature") {
			r.Query.Set("msg_signature", guess)
		}
	}},
	{"upper case", func(_ *wechattest.Platform, r *wechattest.Request, _ int) {
		for _, name := range []string{"signature", "msg_signature"} {
			if r.Query.Has(name) {
				r.Query.Set(name, strings.ToUpper(r.Query.Get(name))+"A")
			}
		}
	}},
	{"other token", func(p *wechattest.Platform, r *wechattest.Request, n int) {
		other := p.Config
		other.Token = fmt.Sprint("guess", n)
		*r = other.Sign(text("mallory", "1", "伪造"), time.Now())
	}},
	{"other nonce", set("nonce", func(n int) string { return fmt.Sprint("nonce", n) })},
	{"no nonce", set("nonce", constant(""))},
	{"long nonce", set("nonce", constant(strings.Repeat("1", 65)))},
	{"nonce of markup", set("nonce", constant("]]><x>"))},
	{"other time", set("timestamp", func(n int) string { return strconv.FormatInt(time.Now().Unix()-int64(n)-1, 10) })},
	{"no time", set("timestamp", constant(""))},
	{"time of letters", set("timestamp", constant("now"))},
	{"huge time", set("timestamp", constant("99999999999999999999"))},
	{"negative time", set("timestamp", constant("-1"))},
	{"stale", signedAt(-5*time.Minute - 2*time.Second)},
	{"an hour old", signedAt(-time.Hour)},
	{"from the future", signedAt(6 * time.Minute)},
	{"twice signed", func(_ *wechattest.Platform, r *wechattest.Request, _ int) {
		r.Query.Add("signature", r.Query.Get("signature"))
		r.Query.Add("nonce", "2")
	}},
	{"oversized", func(p *wechattest.Platform, r *wechattest.Request, n int) {
		*r = p.Sign(text("mallory", strconv.Itoa(n+1), strings.Repeat("长", 100_000)), time.Now())
	}},
	{"empty body", func(_ *wechattest.Platform, r *wechattest.Request, _ int) { r.Body = nil }},
	{"cut off", func(_ *wechattest.Platform, r *wechattest.Request, n int) { r.Body = r.Body[:len(r.Body)-1-n] }},
	{"JSON", func(_ *wechattest.Platform, r *wechattest.Request, _ int) { r.Body = []byte(`{"MsgType":"text"}`) }},
	{"zeros", func(_ *wechattest.Platform, r *wechattest.Request, n int) { r.Body = make([]byte, n*100) }},
	{"entities", resigned(constant(`<!DOCTYPE x [<!ENTITY a "aaaa">]><xml><Content>&a;</Content></xml>`))},
	{"deep", resigned(func(n int) string { return "<xml>" + strings.Repeat("<a>", 1000+n) })},
	{"nobody", resigned(func(n int) string { return strings.ReplaceAll(text("mallory", strconv.Itoa(n), "x"), "mallory", "") })},
	{"no number", resigned(func(int) string { return text("mallory", "", "x") })},
	{"not UTF-8", resigned(func(int) string { return text("mallory", "1", "\xff\xfe") })},
	{"a zero byte", resigned(func(int) string { return text("mallory", "1", "a\x00b") })},
	{"no markup", resigned(func(n int) string { return strings.Repeat("x", n) })},
}

// TestRefused: 300 requests a mode that are forged, stale, oversized or malformed: none gets a message through or an answer.
func TestRefused(t *testing.T) {
	for _, mode := range []struct {
		name string
		safe bool
	}{{"plain", false}, {"safe", true}} {
		t.Run(mode.name, func(t *testing.T) {
			s := newStage(t, mode.safe, true, 1)
			refused, before := 0, heap()
			for _, c := range changes {
				for n := range 10 {
					r := s.Sign(text("mallory", strconv.Itoa(n+1), "伪造"), time.Now())
					c.change(s.Platform, &r, n)
					answer, status, err := s.Post(t.Context(), s.addr, r)
					if err == nil && (status != 403 && status != 400 && status != 413 || strings.Contains(string(answer), "mallory")) {
						t.Errorf("%s %d: %d %s", c.name, n, status, answer)
					}
					refused++
				}
			}
			if refused < 300 || s.desk.asked.Load() != 0 {
				t.Errorf("%d requests, %d of them asked the desk", refused, s.desk.asked.Load())
			}
			for _, table := range []string{"inbox", "wechat_messages", "wechat_nonces"} {
				if n := s.count(t, `SELECT count(*) FROM `+table); n != 0 {
					t.Errorf("%s has %d rows", table, n)
				}
			}
			if grown := int64(heap()) - int64(before); grown > 4<<20 {
				t.Errorf("the heap grew by %d KB", grown>>10)
			}
			t.Logf("%s: %d refused, 0 accepted, heap %+d KB", mode.name, refused, (int64(heap())-int64(before))>>10)
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestDowngrade: with a key, a message in plain is refused however well it is signed; without one, an encrypted one is.
func TestDowngrade(t *testing.T) {
	t.Parallel()
	s := newStage(t, true, true, 1)
	plain := s.Config
	plain.AESKey = ""
	r := plain.Sign(text("mallory", "1", "明文"), time.Now())
	for _, kind := range []string{"", "raw", "aes"} {
		r.Query.Set("encrypt_type", kind)
		if _, status, err := s.Post(t.Context(), s.addr, r); err != nil || status == http.StatusOK {
			t.Errorf("encrypt_type %q: %d, %v", kind, status, err)
		}
	}
	open := newStage(t, false, true, 1)
	if _, status, err := open.Post(t.Context(), open.addr, s.Sign(text("mallory", "1", "密文"), time.Now())); err != nil || status == http.StatusOK {
		t.Errorf("sealed for plain mode: %d, %v", status, err)
	}
}

// TestReplayed: a request that was taken is worth nothing any more: not with another message, not more often than the platform posts, not
// after the time in which it does, and on no other node.
func TestReplayed(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct {
		name string
		safe bool
	}{{"plain", false}, {"safe", true}} {
		t.Run(mode.name, func(t *testing.T) {
			begin := time.Now()
			var passed atomic.Int64 // the nodes look at the clock meanwhile
			now := func() time.Time { return begin.Add(time.Duration(passed.Load())) }
			s := newStage(t, mode.safe, true, 2, func(_ *wechattest.Config, c *wechat.Config) { c.Now = now })
			taken := s.Sign(text("grandma", "1001", "真的"), begin)
			if _, status, err := s.Post(t.Context(), s.addr, taken); err != nil || status != http.StatusOK {
				t.Fatalf("%d, %v", status, err)
			}
			other := wechattest.Request{Query: maps.Clone(taken.Query), Body: bytes.ReplaceAll(taken.Body, []byte("真的"), []byte("假的"))}
			if mode.safe { // what only the platform could do
				other = s.Sign(text("grandma", "1002", "假的"), begin)
				other.Query.Set("nonce", taken.Query.Get("nonce"))
				other.Query.Set("msg_signature", wechattest.Signature(token, other.Query.Get("timestamp"), other.Query.Get("nonce"), sealedIn(other.Body)))
			}
			accepted := 0
			for i := range 60 {
				for _, r := range []wechattest.Request{other, taken} {
					answer, status, err := s.Post(t.Context(), s.all[i%2], r)
					if err == nil && status == http.StatusOK {
						if accepted++; string(answer) != "success" {
							t.Errorf("answered %s", answer)
						}
					}
				}
				if i == 30 {
					passed.Store(int64(time.Minute))
				}
			}
			if accepted != 3 || s.desk.asked.Load() != 1 {
				t.Errorf("%d posts more were taken, want the 3 repeats; the desk was asked %d times", accepted, s.desk.asked.Load())
			}
			if n := s.count(t, `SELECT count(*) FROM wechat_nonces`); n != 1 {
				t.Errorf("%d nonces", n)
			}
		})
	}
}

func sealedIn(body []byte) string {
	_, rest, _ := strings.Cut(string(body), "<Encrypt><![CDATA[")
	sealed, _, _ := strings.Cut(rest, "]]>")
	return sealed
}

// TestVerify: the settings page's question is answered, and no other.
func TestVerify(t *testing.T) {
	t.Parallel()
	s := newStage(t, true, true, 1)
	if err := s.Verify(t.Context(), s.addr); err != nil {
		t.Error(err)
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	old := strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
	for name, q := range map[string]url.Values{
		"nothing": {}, "forged": {"timestamp": {stamp}, "nonce": {"1"}, "signature": {strings.Repeat("0", 40)}, "echostr": {"x"}},
		"stale":   {"timestamp": {old}, "nonce": {"1"}, "signature": {wechattest.Signature(token, old, "1")}, "echostr": {"x"}},
		"no echo": {"timestamp": {stamp}, "nonce": {"1"}, "signature": {wechattest.Signature(token, stamp, "1")}},
		"long":    {"timestamp": {stamp}, "nonce": {"1"}, "signature": {wechattest.Signature(token, stamp, "1")}, "echostr": {strings.Repeat("x", 300)}},
	} {
		response, err := http.Get(s.addr + "?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			t.Errorf("%s: answered", name)
		}
	}
}
