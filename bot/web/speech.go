package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/sync/singleflight"

	"qiuzhen/bot"
	"qiuzhen/text"
)

// Speaker reads words aloud; *media.Speaker does.
type Speaker interface {
	Speak(ctx context.Context, words string) (recording []byte, mediaType string, err error)
}

// How much may be read aloud that was not just read already; the endpoint may cost money.
const (
	spokenMost    = 1500 // characters of an answer
	speechWithin  = 20 * time.Second
	speechWritten = 2 * time.Minute // a recording may go over a slow connection

	readerSpeechAtOnce = 10
	readerSpeechEvery  = 30 * time.Second
	allSpeechAtOnce    = 60
	allSpeechEvery     = 2 * time.Second

	recordingsKept = 256
	recordingsMost = 64 << 20 // bytes
)

// What somebody sees who opens the address of a recording by itself; the button and the player have words of their own.
const (
	unspokenTitle   = "现在读不出来"
	noSpeechLine    = "这里没有能读给您听的回答。可能时间久了，请再问一次。"
	speechOftenLine = "听的人太多了，请过一会儿再按。"
	speechFailsLine = "刚才没有读出来，请过一会儿再按一次。"
)

var errSpeechOften = errors.New("too much is read aloud")

// speech reads an answer aloud to the reader who got it, and to nobody else. The words are looked up by its number: none come from outside.
func (c *Chat) speech(w http.ResponseWriter, r *http.Request) {
	who := c.readerOf(r)
	if c.aloud == nil {
		c.unspoken(w, r, http.StatusNotFound, noSpeechLine)
		return
	}
	e, ok := c.own(r, who)
	if !ok {
		c.unspoken(w, r, http.StatusNotFound, noSpeechLine)
		return
	}
	heard, err := c.aloud.read(r.Context(), who.name, spoken(e.Text))
	switch {
	case errors.Is(err, errSpeechOften):
		w.Header().Set("Retry-After", "30")
		c.unspoken(w, r, http.StatusTooManyRequests, speechOftenLine)
		return
	case err != nil:
		if r.Context().Err() == nil {
			c.Log.Warn("an answer was not read aloud", "channel", Channel.Name, "error", err)
		}
		c.unspoken(w, r, http.StatusServiceUnavailable, speechFailsLine)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(speechWritten)) // else the server's own holds
	w.Header().Set("Content-Type", heard.mediaType)
	w.Header().Set("Cache-Control", "private, no-cache") // asked again each time: what is withdrawn is not heard any more
	w.Header().Set("ETag", heard.tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(heard.data))
}

func (c *Chat) unspoken(w http.ResponseWriter, r *http.Request, status int, line string) {
	c.show(w, status, "notice", &noticePage{frame: c.plainFrame(r, unspokenTitle), Line: line})
}

// spoken are the words of a reply that are read aloud, a line each, as chat.js has them from the page; nothing that is the reader's own.
func spoken(reply string) string {
	var lines []string
	shown, _ := blocks(bot.Impersonal(reply), nil)
	for _, b := range shown {
		for _, l := range b.Lines {
			var words strings.Builder
			for _, run := range l {
				words.WriteString(run.Text)
			}
			lines = append(lines, words.String())
		}
	}
	words := []rune(text.Mask(strings.Join(lines, "\n")))
	return string(words[:min(len(words), spokenMost)])
}

// recording is a reply read aloud.
type recording struct {
	data           []byte
	mediaType, tag string
}

// aloud has replies read aloud, once for all who get the same, which is often: what is forwarded is asked by many.
type aloud struct {
	speaker Speaker
	now     func() time.Time
	readers *buckets[string]
	all     *buckets[struct{}]
	flights singleflight.Group

	mu   sync.Mutex
	kept *simplelru.LRU[string, recording] // by the words' hash
	size int                               // bytes
}

func newAloud(speaker Speaker, now func() time.Time) *aloud {
	a := &aloud{
		speaker: speaker, now: now,
		readers: newBuckets[string](readerSpeechAtOnce, readerSpeechEvery, readersShown),
		all:     newBuckets[struct{}](allSpeechAtOnce, allSpeechEvery, 1),
	}
	a.kept, _ = simplelru.NewLRU(recordingsKept, func(_ string, gone recording) { a.size -= len(gone.data) }) // fails for sizes below 1 only
	return a
}

// read is a recording of words for a reader. One that is being made is waited for; who leaves does not end it for the others.
func (a *aloud) read(ctx context.Context, reader, words string) (recording, error) {
	sum := sha256.Sum256([]byte(words))
	key := string(sum[:])
	if kept, ok := a.find(key); ok {
		return kept, nil
	}
	if !a.readers.take(reader, a.now()) {
		return recording{}, errSpeechOften
	}
	flight := a.flights.DoChan(key, func() (any, error) { return a.record(context.WithoutCancel(ctx), key, words) })
	select {
	case landed := <-flight:
		made, _ := landed.Val.(recording)
		return made, landed.Err
	case <-ctx.Done():
		return recording{}, ctx.Err()
	}
}

func (a *aloud) record(ctx context.Context, key, words string) (recording, error) {
	if kept, ok := a.find(key); ok { // another flight has just landed
		return kept, nil
	}
	if !a.all.take(struct{}{}, a.now()) {
		return recording{}, errSpeechOften
	}
	ctx, cancel := context.WithTimeout(ctx, speechWithin)
	defer cancel()
	data, mediaType, err := a.speaker.Speak(ctx, words)
	if err != nil {
		return recording{}, err
	}
	sum := sha256.Sum256(data)
	made := recording{data, mediaType, `"` + hex.EncodeToString(sum[:16]) + `"`}
	a.keep(key, made)
	return made, nil
}

func (a *aloud) find(key string) (recording, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.kept.Get(key)
}

// keep keeps a recording while there is room; what was heard least recently goes.
func (a *aloud) keep(key string, made recording) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kept.Add(key, made)
	a.size += len(made.data)
	for a.size > recordingsMost {
		a.kept.RemoveOldest()
	}
}
