package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"qiuzhen/bot/media"
	"qiuzhen/bot/web"
)

// checkMedia refuses addresses at which nobody could hear recordings or read answers aloud.
func (s *settings) checkMedia() error {
	for _, name := range []string{"media_transcribe_url", "speech_url"} {
		if err := s.checkAddress(name); err != nil {
			return err
		}
	}
	return nil
}

// checkAddress refuses what is no base address of an API; empty is none.
func (s *settings) checkAddress(name string) error {
	u, err := url.Parse(s.get(name))
	if s.get(name) != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "") {
		return s.invalid(name, "an address such as https://api.example.cn")
	}
	return nil
}

// openMedia reads what readers send that is no text; serve looks for Tesseract.
func openMedia(s *settings) *media.Reader {
	return media.New(media.Config{
		TranscribeURL: s.get("media_transcribe_url"), TranscribeKey: s.get("media_transcribe_key"), Model: s.get("media_transcribe_model"),
	})
}

// openSpeaker reads answers aloud for browsers that cannot; nil without an endpoint.
func openSpeaker(s *settings) web.Speaker {
	if s.get("speech_url") == "" {
		return nil
	}
	return media.NewSpeaker(media.SpeechConfig{URL: s.get("speech_url"), Key: s.get("speech_key"), Model: s.get("speech_model"), Voice: s.get("speech_voice")})
}

// media notes what readers' pictures and recordings come to.
func (c *checkup) media(ctx context.Context, s *settings) {
	if _, err := media.FindTesseract(ctx); err != nil {
		fmt.Fprintln(c.out, "note               ", err)
	} else {
		c.report("pictures", "tesseract with chi_sim", nil)
	}
	if s.get("media_transcribe_url") == "" {
		fmt.Fprintln(c.out, "note                media_transcribe_url is not set, so recordings are not heard, but for those that WeChat has recognised itself")
	}
}

// trialWords are what doctor has read aloud.
const trialWords = "您好。"

// speech has three characters read aloud: that the voice is there, and a recording comes of it that browsers play, only the endpoint can tell.
func (c *checkup) speech(ctx context.Context, s *settings) {
	speaker := openSpeaker(s)
	if speaker == nil {
		fmt.Fprintln(c.out, "note                speech_url is not set, so answers are read aloud only where the reader's browser has a Chinese voice itself")
		return
	}
	start := time.Now()
	recording, kind, err := speaker.Speak(ctx, trialWords)
	if err != nil {
		err = fmt.Errorf("%w; readers are told that it cannot be read now; see speech_url, speech_key, speech_model and speech_voice", err)
	}
	c.report("speech", fmt.Sprintf("%d characters read in %.1f s, %s, %d kB (an endpoint that charges took a fraction of a cent for them)",
		len([]rune(trialWords)), time.Since(start).Seconds(), kind, (len(recording)+999)/1000), err)
}
