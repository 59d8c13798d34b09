package web_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/bot/media"
)

// TestSpeechPressedOn: a reader who presses on has an endpoint that fails asked a few times only, though it charges for each: of all words it rests, and of
// those that it refuses alone the reader has so many. Others are not made to pay while it rests.
func TestSpeechPressedOn(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		most   int32
		atOnce int // for another reader at once, when the endpoint is well again
	}{
		"broken":                {500, "", 2, 503},
		"a wrong key":           {401, "", 2, 503},
		"no audio":              {200, "<!DOCTYPE html>", 2, 503},
		"has too much to do":    {429, "", 1, 503},
		"refuses certain words": {400, "", 10, 200},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			var well atomic.Bool
			endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				if well.Load() {
					_, _ = io.WriteString(w, "ID3")
					return
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			t.Cleanup(endpoint.Close)
			s := serve(t, &desk{}, speaksBy(media.NewSpeaker(media.SpeechConfig{URL: endpoint.URL})))
			keen, other := s.browser(t), s.browser(t)
			keen.get("/")
			keen.ask("第1句")
			other.get("/")
			other.ask("第2句")
			for range 100 {
				if got := keen.get("/speech/1"); got.StatusCode != 503 && got.StatusCode != 429 {
					t.Fatalf("status %d", got.StatusCode)
				}
			}
			if n := asked.Load(); n != tt.most {
				t.Errorf("asked %d times", n)
			}
			well.Store(true)
			for range 20 { // more than they may have read
				other.get("/speech/2").has(t, tt.atOnce)
			}
		})
	}
}

// TestSpeechFailurePaid: what failed when the endpoint was asked is paid for, and comes back with time.
func TestSpeechFailurePaid(t *testing.T) {
	voice := &speaker{err: errors.New("speech endpoint answered 400")}
	s := serve(t, &desk{}, speaks(voice))
	b := s.browser(t)
	b.get("/")
	b.ask("味精致癌吗")
	for range 10 {
		b.get("/speech/1").has(t, 503)
	}
	b.get("/speech/1").has(t, 429, "请过一会儿再按")
	s.now = s.now.Add(30 * time.Second)
	voice.fail(nil)
	b.get("/speech/1").has(t, 200)
}
