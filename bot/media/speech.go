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
	maxRecording = 8 << 20 // bytes; an answer's mp3 has one or two million

	// How long an endpoint is left alone that has had too much, when it does not say so itself, and at most.
	restTime = 5 * time.Second
	restMost = time.Minute
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
}

// NewSpeaker returns a speaker.
func NewSpeaker(c SpeechConfig) *Speaker {
	return &Speaker{SpeechConfig: c, turns: make(chan struct{}, speakAtOnce), now: time.Now}
}

// Speak is a recording of words, and its media type. No error holds the words, the key, or what the endpoint says in its own, which may repeat both.
func (s *Speaker) Speak(ctx context.Context, words string) (recording []byte, mediaType string, err error) {
	ctx, cancel := context.WithTimeout(ctx, speakTime)
	defer cancel()
	done, err := inTurn(ctx, s.turns)
	if err != nil {
		return nil, "", fmt.Errorf("speech: %w", err)
	}
	defer done()
	if left := s.rests(); left > 0 {
		return nil, "", fmt.Errorf("speech endpoint has too much to do: it is left alone for %v", left.Round(time.Second))
	}
	request, err := s.request(ctx, words)
	if err != nil {
		return nil, "", err
	}
	response, err := operators.Do(request)
	if err != nil {
		return nil, "", fmt.Errorf("speech: %w", withoutAddress(err))
	}
	defer response.Body.Close()
	return s.recorded(response)
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
	if response.StatusCode != http.StatusOK {
		if response.StatusCode == http.StatusTooManyRequests {
			s.rest(response.Header.Get("Retry-After"))
		}
		return nil, "", fmt.Errorf("speech endpoint answered %d %s", response.StatusCode, http.StatusText(response.StatusCode))
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxRecording+1))
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

// rest leaves the endpoint alone for as many seconds as it says.
func (s *Speaker) rest(seconds string) {
	wait := restTime
	if n, err := strconv.Atoi(seconds); err == nil && n > 0 {
		wait = time.Duration(min(n, int(restMost.Seconds()))) * time.Second
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = s.now().Add(wait)
}

// rests is for how long the endpoint is left alone yet.
func (s *Speaker) rests() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.until.Sub(s.now())
}
