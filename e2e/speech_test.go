package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
)

// readers stands in for an OpenAI-compatible API that reads aloud: a second and a half of silence, unless it fails.
type readers struct {
	fails atomic.Bool
	words atomic.Value // that it was given last
}

func (r *readers) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	var asked struct{ Input string }
	if json.NewDecoder(request.Body).Decode(&asked) != nil || request.URL.Path != "/v1/audio/speech" || request.Header.Get("Authorization") != "Bearer key" {
		http.Error(w, `{"error":{"message":"no"}}`, http.StatusBadRequest)
		return
	}
	r.words.Store(asked.Input)
	if r.fails.Load() {
		http.Error(w, `{"error":{"message":"The server had an error"}}`, http.StatusInternalServerError)
		return
	}
	frame := make([]byte, 417) // MPEG-1, layer III, 128 kbit/s, 44.1 kHz, one channel: 26 ms
	copy(frame, "\xff\xfb\x90\xc0")
	_, _ = w.Write(bytes.Repeat(frame, 60))
}

// readByServer: where the browser has no Chinese voice, the server has answers read. When that fails the reader is told, and after one failure heard at once.
func readByServer(t *testing.T, b *browser, p *program) {
	voice := &readers{}
	server := httptest.NewServer(voice)
	t.Cleanup(server.Close)
	p.stop()
	p.set = append(p.set, "speech_url="+server.URL+"/v1", "speech_key=key")
	p.serve()
	v := b.window(p.base)
	v.phone()
	v.open("/")
	v.send(baijiu, lead)
	v.until("the button", `!document.querySelector("[data-read]").hidden && !document.querySelector("audio")`)
	v.check("web-speech")
	v.phone()
	voice.fails.Store(true)
	v.click("[data-read]")
	const told = `document.querySelector("[data-unread]")?.innerText === "现在读不出来，请过一会儿再按一次。"`
	v.until("the reader is told", told+` && document.querySelector("[data-read]").innerText === "读给我听"`)
	v.check("web-speech-fails")
	v.phone()
	voice.fails.Store(false)
	v.click("[data-read]")
	v.until("it reads", `document.querySelector("[data-read]").innerText === "别读了" && !document.querySelector("[data-unread]")`)
	if words, _ := voice.words.Load().(string); !strings.HasPrefix(words, lead) || strings.Contains(words, baijiu) {
		t.Errorf("read is %q", words)
	}
	v.click("[data-read]")
	v.until("it stops", `document.querySelector("[data-read]").innerText === "读给我听"`)
	v.click("[data-read]")
	v.until("it reads again", `document.querySelector("[data-read]").innerText === "别读了"`)
	v.until("and comes to its end", `document.querySelector("[data-read]").innerText === "读给我听" && !document.querySelector("[data-unread]")`)
	v.scripts(false)
	v.open("/chat")
	if height := get(v, "the player", chromedp.Evaluate[float64](`document.querySelector("audio[controls]").getBoundingClientRect().height`)); height != 60 {
		t.Errorf("the player is %v px high", height)
	}
	v.checkWithoutScript("web-speech-without-script")
	v.do("a small phone", chromedp.EmulateViewport(320, 640))
	if over := get(v, "overflow", chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`)); over > 0 {
		t.Errorf("the player scrolls %d px sideways at 320 wide", over)
	}
}
