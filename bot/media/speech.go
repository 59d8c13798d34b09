package media

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	speakTime    = 20 * time.Second
	speakAtOnce  = 4
	turnTime     = speakTime / 2 // that a turn is waited for, so that an endpoint always has the other half before it counts as slow
	maxRecording = 8 << 20       // bytes; an answer's mp3 has one or two million

	// How long an endpoint is left alone that has had too much, when it does not say so itself, and at most.
	restTime = 5 * time.Second
	restMost = time.Minute

	// How long an endpoint is left alone that has failed so often in a row: once happens.
	failedRest = 30 * time.Second
	failedMost = 2
)

// SpeechConfig is who reads aloud.
type SpeechConfig struct {
	URL   string // base address of an OpenAI-compatible API
	Key   string
	Model string // that the endpoint is asked for
	Voice string
}

// Speaker has words read aloud by an endpoint. It is safe for concurrent use.
type Speaker struct {
	SpeechConfig
	turns chan struct{}
	now   func() time.Time

	mu    sync.Mutex
	until time.Time // the endpoint is left alone
	fails int       // of the endpoint's own, in a row
}

// unasked is an error of which the endpoint knows nothing.
type unasked struct{ error }

func (e unasked) Unwrap() error { return e.error }

// Unasked tells packages that do not know this one.
func (unasked) Unasked() bool { return true }

// NewSpeaker returns a speaker.
func NewSpeaker(c SpeechConfig) *Speaker {
	return &Speaker{SpeechConfig: c, turns: make(chan struct{}, speakAtOnce), now: time.Now}
}

// Speak is a recording of words, and its media type. No error holds the words, the key, or what the endpoint says in its own, which may repeat both.
// One with a method Unasked says that the endpoint was not asked, so that nothing was spent.
func (s *Speaker) Speak(ctx context.Context, words string) (recording []byte, mediaType string, err error) {
	ctx, cancel := context.WithTimeout(ctx, speakTime)
	defer cancel()
	done, err := s.turn(ctx)
	if err != nil {
		return nil, "", unasked{fmt.Errorf("speech: no turn came: %w", err)}
	}
	defer done()
	if left := s.rests(); left > 0 {
		return nil, "", unasked{fmt.Errorf("speech endpoint fails or has too much to do: it is left alone for %v", left.Round(time.Second))}
	}
	request, err := s.request(ctx, words)
	if err != nil {
		return nil, "", unasked{err}
	}
	response, err := operators.Do(request)
	if err != nil {
		s.failed()
		return nil, "", fmt.Errorf("speech: %w", withoutAddress(err))
	}
	defer response.Body.Close()
	return s.recorded(response)
}

func (s *Speaker) turn(ctx context.Context) (done func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, turnTime)
	defer cancel()
	return inTurn(ctx, s.turns)
}

func (s *Speaker) request(ctx context.Context, words string) (*http.Request, error) {
	body, err := json.Marshal(map[string]string{"model": s.Model, "input": words, "voice": s.Voice, "response_format": "mp3"})
	if err != nil {
		return nil, fmt.Errorf("speech: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(s.URL, "/")+"/audio/speech", bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the speech endpoint's address is none")
	}
	request.Header.Set("Content-Type", "application/json")
	if s.Key != "" {
		request.Header.Set("Authorization", "Bearer "+s.Key)
	}
	return request, nil
}

func (s *Speaker) recorded(response *http.Response) ([]byte, string, error) {
	switch status := response.StatusCode; status {
	case http.StatusOK:
		data, kind, err := audio(response.Body)
		if err != nil {
			s.failed()
		} else {
			s.spoke()
		}
		return data, kind, err
	case http.StatusTooManyRequests:
		s.rest(asLongAs(response.Header.Get("Retry-After")))
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity: // of these words; of others it may read
	default:
		s.failed()
	}
	return nil, "", fmt.Errorf("speech endpoint answered %d %s", response.StatusCode, http.StatusText(response.StatusCode))
}

// audio is a recording that browsers play, and its media type.
func audio(body io.Reader) ([]byte, string, error) {
	data, err := io.ReadAll(io.LimitReader(body, maxRecording+1))
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("speech: %w", err)
	case len(data) > maxRecording:
		return nil, "", fmt.Errorf("speech endpoint answered with more than %d bytes", maxRecording)
	}
	kind := audioType(data)
	if kind == "" {
		return nil, "", errors.New("speech endpoint answered with no audio that browsers play")
	}
	return data, kind, nil
}

// audioType goes by the bytes: endpoints name types that they do not send, and send others than they were asked for. Empty: no audio.
func audioType(data []byte) string {
	for _, f := range []struct{ head, name string }{
		{"ID3", "audio/mpeg"}, {"RIFF", "audio/wav"}, {"OggS", "audio/ogg"}, {"fLaC", "audio/flac"},
	} {
		if bytes.HasPrefix(data, []byte(f.head)) {
			return f.name
		}
	}
	if len(data) > 2 && data[0] == 0xFF && data[1]&0xE6 == 0xE2 { // eleven bits of synchronisation, layer III
		return "audio/mpeg"
	}
	return ""
}

// asLongAs is for how many seconds an endpoint says that it wants to be left alone, within reason.
func asLongAs(seconds string) time.Duration {
	if n, err := strconv.Atoi(seconds); err == nil && n > 0 {
		return time.Duration(min(n, int(restMost.Seconds()))) * time.Second
	}
	return restTime
}

// rest leaves the endpoint alone; a rest that lasts longer stays.
func (s *Speaker) rest(wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := s.now().Add(wait); until.After(s.until) {
		s.until = until
	}
}

// failed counts a failure of the endpoint's own, which may have been charged: it is left alone when it goes on so, whoever asks.
func (s *Speaker) failed() {
	s.mu.Lock()
	s.fails++
	enough := s.fails >= failedMost
	s.mu.Unlock()
	if enough {
		s.rest(failedRest)
	}
}

func (s *Speaker) spoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = 0
}

// rests is for how long the endpoint is left alone yet.
func (s *Speaker) rests() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.until.Sub(s.now())
}
