package media

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	listenTime = 20 * time.Second
	maxHeard   = 64 << 10
)

// voice has a recording transcribed. The address is the operator's own, so it may lie inside their network.
func (r *Reader) voice(ctx context.Context, data []byte) (string, error) {
	if r.TranscribeURL == "" {
		return "", errors.New("no transcription endpoint is set")
	}
	done, err := inTurn(ctx, r.reading)
	if err != nil {
		return "", err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, listenTime)
	defer cancel()
	body, kind, err := r.form(data)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(r.TranscribeURL, "/")+"/audio/transcriptions", body)
	if err != nil {
		return "", errors.New("the transcription endpoint's address is none")
	}
	request.Header.Set("Content-Type", kind)
	if r.TranscribeKey != "" {
		request.Header.Set("Authorization", "Bearer "+r.TranscribeKey)
	}
	response, err := operators.Do(request)
	if err != nil {
		return "", fmt.Errorf("transcription: %w", withoutAddress(err))
	}
	defer response.Body.Close()
	return heard(response)
}

// operators asks the endpoints that the operator named. It follows no redirect: the key is for that address. Who asks sets the time.
var operators = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// withoutAddress is what went wrong on the way to an endpoint, without where it is.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (r *Reader) form(data []byte) (*bytes.Buffer, string, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "voice."+format(data))
	if err == nil {
		_, err = file.Write(data)
	}
	for _, field := range [][2]string{{"model", r.Model}, {"language", "zh"}, {"response_format", "json"}} {
		err = errors.Join(err, form.WriteField(field[0], field[1]))
	}
	return &body, form.FormDataContentType(), errors.Join(err, form.Close())
}

// format tells endpoints what they get; they go by the name. WeChat sends AMR, Telegram Ogg.
func format(data []byte) string {
	for _, f := range []struct{ head, name string }{{"#!AMR", "amr"}, {"OggS", "ogg"}, {"RIFF", "wav"}, {"ID3", "mp3"}, {"fLaC", "flac"}} {
		if bytes.HasPrefix(data, []byte(f.head)) {
			return f.name
		}
	}
	if len(data) > 12 && string(data[4:8]) == "ftyp" {
		return "m4a"
	}
	return "mp3"
}

func heard(response *http.Response) (string, error) {
	var answer struct {
		Text string `json:"text"`
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxHeard))
	switch {
	case err != nil:
		return "", fmt.Errorf("transcription: %w", err)
	case response.StatusCode != http.StatusOK:
		return "", fmt.Errorf("transcription endpoint answered %s", response.Status)
	case json.Unmarshal(body, &answer) != nil:
		return "", errors.New("transcription endpoint answered with no JSON")
	}
	words := strings.TrimSpace(answer.Text)
	if letterCount(words) == 0 {
		return "", errNoWords
	}
	return words, nil
}
