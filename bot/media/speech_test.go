package media

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	words     = "“喝白酒杀病毒”是谣言，不要转发。\n勤洗手。"
	speechKey = "sk-none-of-yours"
	mp3       = "\xff\xf3\x64\xc4\x00\x00\x00\x03\x48\x00"
)

// endpoint stands in for an OpenAI-compatible API: POST /v1/audio/speech, with the documented refusals of what it does not take.
type endpoint struct {
	asked  atomic.Int32
	answer http.HandlerFunc // nil: a recording
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.asked.Add(1)
	var asked struct {
		Model, Input, Voice string
		Format              string `json:"response_format"`
	}
	err := json.NewDecoder(r.Body).Decode(&asked)
	switch {
	case r.URL.Path != "/v1/audio/speech" || r.Method != http.MethodPost:
		refuse(w, 404, "Invalid URL", "invalid_request_error", "unknown_url")
	case r.Header.Get("Authorization") != "Bearer "+speechKey: // the real one repeats some of the key
		refuse(w, 401, "Incorrect API key provided: "+r.Header.Get("Authorization"), "invalid_request_error", "invalid_api_key")
	case err != nil || r.Header.Get("Content-Type") != "application/json":
		refuse(w, 400, "We could not parse the JSON body of your request.", "invalid_request_error", "")
	case asked.Model != "tts-1":
		refuse(w, 404, "The model `"+asked.Model+"` does not exist", "invalid_request_error", "model_not_found")
	case asked.Voice != "alloy" || asked.Format != "mp3":
		refuse(w, 400, "Invalid value: '"+asked.Voice+"'. Supported values are: 'alloy'.", "invalid_request_error", "invalid_value")
	case asked.Input == "" || len([]rune(asked.Input)) > 4096:
		refuse(w, 400, "String should have at most 4096 characters: "+asked.Input, "invalid_request_error", "string_too_long")
	case e.answer != nil:
		e.answer(w, r)
	default:
		w.Header().Set("Content-Type", "audio/mpeg")
		_, _ = io.WriteString(w, mp3)
	}
}

func refuse(w http.ResponseWriter, status int, message, kind, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": message, "type": kind, "param": nil, "code": code}})
}

func speaking(t *testing.T, e *endpoint, change func(*SpeechConfig)) *Speaker {
	t.Helper()
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	c := SpeechConfig{URL: server.URL + "/v1/", Key: speechKey, Model: "tts-1", Voice: "alloy"}
	if change != nil {
		change(&c)
	}
	return NewSpeaker(c)
}

// TestSpeak: the endpoint gets the words and what it says of them is heard. Whatever else it does is an error that repeats neither words nor key.
func TestSpeak(t *testing.T) {
	says := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "audio/mpeg")
			w.Header().Set("Location", "/v1/audio/speech")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	fails := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, words+speechKey, "server_error", "") }
	}
	slow := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, mp3)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		change func(*SpeechConfig)
		kind   string // heard
		fails  string // else
	}{
		"an mp3":                   {kind: "audio/mpeg"},
		"an mp3 with a tag":        {answer: says(200, "ID3\x04"), kind: "audio/mpeg"},
		"a wav, though not wanted": {answer: says(200, "RIFF\x24\x00\x00\x00WAVE"), kind: "audio/wav"},
		"ogg":                      {answer: says(200, "OggS\x00"), kind: "audio/ogg"},
		"another key":              {change: func(c *SpeechConfig) { c.Key = "sk-other" }, fails: "401"},
		"no key":                   {change: func(c *SpeechConfig) { c.Key = "" }, fails: "401"},
		"another voice":            {change: func(c *SpeechConfig) { c.Voice = "nobody" }, fails: "400"},
		"another model":            {change: func(c *SpeechConfig) { c.Model = "none" }, fails: "404"},
		"too much":                 {answer: fails(429), fails: "429"},
		"broken":                   {answer: fails(500), fails: "500"},
		"elsewhere":                {answer: says(307, ""), fails: "307"},
		"slow":                     {answer: slow, fails: "deadline exceeded"},
		"huge":                     {answer: says(200, mp3+strings.Repeat("x", maxRecording)), fails: "more than"},
		"cut off": {answer: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "99")
			says(200, mp3)(w, r)
		}, fails: "EOF"},
		"JSON":         {answer: says(200, `{"error":"loading"}`), fails: "no audio"},
		"a page":       {answer: says(200, "<!DOCTYPE html>"), fails: "no audio"},
		"AAC":          {answer: says(200, "\xff\xf1\x50\x80"), fails: "no audio"},
		"nothing":      {answer: says(200, ""), fails: "no audio"},
		"nobody there": {change: func(c *SpeechConfig) { c.URL = "http://127.0.0.1:1/v1" }, fails: "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			e := &endpoint{answer: tt.answer}
			ctx, cancel := context.WithTimeout(t.Context(), speakTime)
			if name == "slow" {
				ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
			}
			defer cancel()
			recording, kind, err := speaking(t, e, tt.change).Speak(ctx, words)
			switch {
			case tt.fails == "" && (err != nil || kind != tt.kind || len(recording) == 0):
				t.Errorf("%q, %q, %v", recording, kind, err)
			case tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails) || len(recording) > 0):
				t.Errorf("%d bytes, %v; want an error with %q", len(recording), err, tt.fails)
			case err != nil && (strings.Contains(err.Error(), "sk-") || strings.Contains(err.Error(), "白酒")):
				t.Errorf("an error that tells: %v", err)
			}
			if n := e.asked.Load(); n > 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// TestSpeechRests: an endpoint that has too much to do is left alone for as long as it says, within reason.
func TestSpeechRests(t *testing.T) {
	for _, tt := range []struct {
		says string
		want time.Duration
	}{{"7", 7 * time.Second}, {"", restTime}, {"soon", restTime}, {"-3", restTime}, {"86400", restMost}} {
		now := time.Now()
		e := &endpoint{answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", tt.says)
			refuse(w, 429, "Rate limit reached", "requests", "rate_limit_exceeded")
		}}
		s := speaking(t, e, nil)
		s.now = func() time.Time { return now }
		for range 3 {
			if _, _, err := s.Speak(t.Context(), words); err == nil {
				t.Error("heard")
			}
		}
		now = now.Add(tt.want - time.Millisecond)
		_, _, _ = s.Speak(t.Context(), words)
		if n := e.asked.Load(); n != 1 {
			t.Errorf("Retry-After %q: asked %d times before its time", tt.says, n)
		}
		now, e.answer = now.Add(time.Millisecond), nil
		if _, _, err := s.Speak(t.Context(), words); err != nil {
			t.Errorf("Retry-After %q: %v after %v", tt.says, err, tt.want)
		}
	}
}

// TestSpeechTurns: who waits for the endpoint longer than they can is told so; the endpoint has no more than it takes.
func TestSpeechTurns(t *testing.T) {
	held := make(chan struct{})
	e := &endpoint{answer: func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-held:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, mp3)
	}}
	s := speaking(t, e, nil)
	done := make(chan error, speakAtOnce)
	for range speakAtOnce {
		go func() { _, _, err := s.Speak(t.Context(), words); done <- err }()
	}
	for e.asked.Load() < speakAtOnce {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := s.Speak(ctx, words); !errors.Is(err, context.DeadlineExceeded) || e.asked.Load() != speakAtOnce {
		t.Errorf("%v, asked %d times", err, e.asked.Load())
	}
	close(held)
	for range speakAtOnce {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
