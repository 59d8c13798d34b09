package media

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func saysUnasked(err error) bool {
	var said interface{ Unasked() bool }
	return errors.As(err, &said) && said.Unasked()
}

// TestSpeechFailureRests: an endpoint that fails twice in a row is left alone for a while, whoever asks; who is told so knows that it was not asked. A failure
// of some words alone is no failure of the endpoint's.
func TestSpeechFailureRests(t *testing.T) {
	says := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	slow := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		most   int32 // of 10
	}{
		"broken":      {says(500, ""), 2},
		"overloaded":  {says(503, ""), 2},
		"the key":     {says(401, ""), 2},
		"not allowed": {says(403, ""), 2},
		"no model":    {says(404, ""), 2},
		"no audio":    {says(200, `{"error":"loading"}`), 2},
		"huge":        {says(200, mp3+strings.Repeat("x", maxRecording)), 2},
		"hung up":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 2},
		"slow":        {slow, 2},
		"these words": {says(400, ""), 10},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			var well atomic.Bool
			e := &endpoint{answer: func(w http.ResponseWriter, r *http.Request) {
				if well.Load() {
					_, _ = io.WriteString(w, mp3)
				} else {
					tt.answer(w, r)
				}
			}}
			s := speaking(t, e, nil)
			s.now = func() time.Time { return now }
			ask := func() error {
				within := time.Minute
				if name == "slow" && !well.Load() {
					within = 50 * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(t.Context(), within)
				defer cancel()
				_, _, err := s.Speak(ctx, words)
				return err
			}
			for i := range int32(10) {
				if err := ask(); err == nil || saysUnasked(err) != (i >= tt.most) {
					t.Errorf("%d: %v", i, err)
				}
			}
			if n := e.asked.Load(); n != tt.most {
				t.Fatalf("asked %d times", n)
			}
			if tt.most == 10 {
				return
			}
			now = now.Add(failedRest - time.Millisecond)
			_ = ask()
			now = now.Add(time.Millisecond)
			_, _ = ask(), ask()
			if n := e.asked.Load(); n != tt.most+1 {
				t.Errorf("asked %d times when it fails after the rest, too", n)
			}
			now = now.Add(failedRest)
			well.Store(true)
			if err := ask(); err != nil {
				t.Error(err)
			}
			well.Store(false)
			_ = ask()
			well.Store(true)
			if err := ask(); err != nil {
				t.Errorf("after one failure: %v", err)
			}
		})
	}
}
