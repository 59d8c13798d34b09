package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestDoctorSpeech: doctor has a few characters read aloud where there is an endpoint, and says what it hears or what is wrong.
func TestDoctorSpeech(t *testing.T) {
	const key = "sk-none-of-yours"
	answer, asked := "\xff\xf3\x64\xc4", ""
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = string(body)
		if r.URL.Path != "/v1/audio/speech" || r.Header.Get("Authorization") != "Bearer "+key {
			http.Error(w, "Incorrect API key provided", http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(endpoint.Close)
	at := "speech_url=" + endpoint.URL + "/v1"
	for name, c := range map[string]struct {
		set    []string
		answer string
		want   string
		failed bool
	}{
		"no endpoint":     {want: "note                speech_url is not set"},
		"it reads":        {set: []string{at, "speech_key=" + key, "speech_voice=xiaoxiao"}, answer: "\xff\xf3\x64\xc4", want: "ok     speech       3 characters read in"},
		"another key":     {set: []string{at, "speech_key=sk-other"}, want: "WRONG  speech       speech endpoint answered 401", failed: true},
		"no recording":    {set: []string{at, "speech_key=" + key}, answer: "{}", want: "WRONG  speech       speech endpoint answered with no audio", failed: true},
		"nobody is there": {set: []string{"speech_url=http://127.0.0.1:1/v1"}, want: "see speech_url, speech_key, speech_model and speech_voice", failed: true},
	} {
		answer, asked = c.answer, ""
		s, err := loadSettings(t.TempDir(), c.set)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		check := &checkup{out: &out}
		check.speech(t.Context(), s)
		if !strings.Contains(out.String(), c.want) || check.failed != c.failed || strings.Contains(out.String(), "sk-") {
			t.Errorf("%s: failed %v, want %q in\n%s", name, check.failed, c.want, out.String())
		}
		if name == "it reads" && (!strings.Contains(asked, trialWords) || !strings.Contains(asked, "xiaoxiao")) {
			t.Errorf("asked %s", asked)
		}
	}
}
