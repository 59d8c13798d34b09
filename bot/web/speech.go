package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"qiuzhen/bot"
	"qiuzhen/text"
)

// Speaker reads words aloud; *media.Speaker does. An error with a method Unasked() bool that is true says that no endpoint was asked, so that the reader has
// spent nothing.
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
	restUnspoken    = "后面的请看字。" // read where an answer is too long
	noSpeechLine    = "这里没有能读给您听的回答。可能时间久了，请再问一次。"
	speechOftenLine = "听的人太多了，请过一会儿再按。"
	speechFailsLine = "刚才没有读出来，请过一会儿再按一次。"
)

// bytesNamed is what names a recording's bytes in its address.
const bytesNamed = "of"

var errSpeechOften = errors.New("too much is read aloud")

// speech reads an answer aloud to the reader who got it, and to nobody else. The words are looked up by its number: none come from outside.
//
// Players fetch by pieces, and each node has a recording of its own of the same words: pieces of two are no sound. So the address names the bytes; who comes
// without their name is led to it.
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
	w.Header().Set("Cache-Control", "private, no-cache") // asked again each time: what is withdrawn is not heard any more
	if named := r.URL.Query().Get(bytesNamed); named == "" {
		http.Redirect(w, r, speechPath+r.PathValue("answer")+"?"+bytesNamed+"="+heard.tag, http.StatusFound)
	} else {
		heard.send(w, r, named)
	}
}

// send sends a recording, or the piece of it that is asked for, to who names bytes by the address or by If-Range. A node that has others than the address
// names, and is not told by If-Range that they are known, gives all and no piece, and asks not to be asked for any.
func (made recording) send(w http.ResponseWriter, r *http.Request, named string) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(speechWritten)) // else the server's own holds
	w.Header().Set("Content-Type", made.mediaType)
	w.Header().Set("ETag", `"`+made.tag+`"`)
	if named == made.tag || r.Header.Get("If-Range") != "" {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(made.data))
		return
	}
	w.Header().Set("Accept-Ranges", "none")
	w.Header().Set("Content-Length", strconv.Itoa(len(made.data)))
	_, _ = w.Write(made.data) // the reader is gone: nobody to tell
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
	return sentences(text.Mask(strings.Join(lines, "\n")))
}

// sentences are as many whole ones as are read aloud: one that stops half-way may say the contrary of what is written.
func sentences(words string) string {
	if utf8.RuneCountInString(words) <= spokenMost {
		return words
	}
	most := spokenMost - utf8.RuneCountInString(restUnspoken)
	end := 0
	for at, r := range words { // at: bytes
		if most--; most < 0 {
			break
		}
		if strings.ContainsRune("。！？\n", r) {
			end = at + utf8.RuneLen(r)
		}
	}
	return words[:end] + restUnspoken
}
