package web

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"qiuzhen/bot"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

const (
	// formMost bounds what a form may send, in bytes; a Chinese character is nine of them on the way.
	formMost = 256 << 10
	// answerWithin is how long a question may take; the server writes for 30 s at most.
	answerWithin = 20 * time.Second
	// askedShown is how much of a question is shown again, in characters.
	askedShown = 500
)

// What the reader hears when nothing was asked of the desk.
const (
	emptyLine     = "刚才没有看到要问的话。请写在框里，再按“问一问”。"
	crowdedLine   = "现在问的人太多，请过一会儿再问一次。"
	saidLine      = "这句话刚才答过了，请看上面的答复。要再问一遍，请过一分钟。"
	silentLine    = "这一句没有答。有人不舒服、有危险，先打120或110。"
	elsewhereLine = "这句话是从别的网站来的，没有收。请在这个页面上再问一次。"
)

// question is what a form asks.
type question struct {
	text   string
	about  int64  // the reply that it is about
	forget bool   // all there is of the reader
	once   string // names the form: sent again it is the same question
}

func (q question) key() string { return q.once + "\x00" + q.text }

// problem is why there is no answer, as the reader is told.
type problem struct {
	status int
	line   string
}

var notForgotten = &problem{http.StatusServiceUnavailable, "刚才没有删成，请再按一次。"}

// read takes a form.
func (c *Chat) read(w http.ResponseWriter, r *http.Request) (question, *problem) {
	r.Body = http.MaxBytesReader(w, r.Body, formMost)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return question{}, &problem{http.StatusRequestEntityTooLarge, bot.TooLongLine}
		}
		return question{}, &problem{http.StatusBadRequest, bot.ErrorLine}
	}
	q := question{text: strings.TrimSpace(r.PostForm.Get("text")), once: r.PostForm.Get("once")}
	q.about, _ = strconv.ParseInt(r.PostForm.Get("about"), 10, 64) // none: about what was said last
	if !utf8.ValidString(q.text) || !utf8.ValidString(q.once) || len(q.once) > 64 {
		return question{}, &problem{http.StatusBadRequest, bot.UnreadableLine}
	}
	return q, nil
}

// ask answers a question and leads to the page of the conversation.
func (c *Chat) ask(w http.ResponseWriter, r *http.Request) {
	q, problem := c.read(w, r)
	if problem != nil {
		c.fail(w, r, q, problem)
		return
	}
	who := c.readerOf(r)
	reply, problem := c.answer(r, who, q)
	if problem != nil {
		c.fail(w, r, q, problem)
		return
	}
	c.remember(w, r, who)
	if reply.silent() {
		c.fail(w, r, q, c.unanswered(r, who, q))
		return
	}
	if reply.look != "" {
		l := lookOf(r).changed(reply.look)
		c.keepLook(w, r, l)
		w.Header().Set(lookHeader, l.Class())
	}
	if reply.forgot {
		w.Header().Set(forgotHeader, "all")
	}
	switch {
	case byScript(r):
		c.part(w, http.StatusOK, "turn", c.turn(reply, true))
	case !who.brought, reply.alone, reply.forgot && c.Forms != nil: // a browser that keeps no cookies would find an empty page, as who is forgotten would
		p := c.talkPage(r, chatPath)
		p.Talk = c.turns([]exchange{reply})
		c.show(w, http.StatusOK, "talk", p)
	default:
		http.Redirect(w, r, fmt.Sprintf("%s#t%d", chatPath, reply.N), http.StatusSeeOther)
	}
}

// unanswered says of a question to which the desk says nothing that its words are not lost. Why it is silent a page can only tell from what it shows:
// the same again is answered above; all else is too much at once, or the reader is blocked: the line is true of
// both.
func (c *Chat) unanswered(r *http.Request, who reader, q question) *problem {
	talk := c.shown(r.Context(), who)
	if n := len(talk); n > 0 && talk[n-1].Asked == asked(q.text) {
		return &problem{http.StatusTooManyRequests, saidLine}
	}
	return &problem{http.StatusTooManyRequests, silentLine}
}

// answer asks the desk. When nobody can be asked, who speaks of a danger is told all the same what to do.
func (c *Chat) answer(r *http.Request, who reader, q question) (exchange, *problem) {
	e, problem := c.fromDesk(r, who, q)
	if problem == nil {
		return e, nil
	}
	reply, danger := bot.DangerReply(q.text)
	if !danger {
		return e, problem
	}
	e = newExchange(q, reply)
	e.alone = true
	return e, nil
}

// admits reports whether a reader may be answered: who is known may, others so many from an address.
func (c *Chat) admits(r *http.Request, who reader, deletes bool) bool {
	if c.talks.known(who.name) {
		return true
	}
	if !deletes || !who.brought {
		return c.gate.admit(c.Proxies.Address(r), c.Now())
	}
	if c.forgets.admit(c.Proxies.Address(r), c.Now()) {
		return true
	}
	if c.Forms == nil {
		return false
	}
	known, err := c.Forms.Known(r.Context(), who.name)
	if err != nil {
		c.Log.Error("a reader was not looked up", "channel", Channel.Name, "error", err)
	}
	return known
}

// fromDesk asks the desk, unless the same form was answered already. The zero exchange when nothing is to be said.
func (c *Chat) fromDesk(r *http.Request, who reader, q question) (exchange, *problem) {
	if q.text == "" {
		return exchange{}, &problem{http.StatusBadRequest, emptyLine}
	}
	if !c.admits(r, who, q.forget) {
		return exchange{}, &problem{http.StatusTooManyRequests, crowdedLine}
	}
	// a browser that is gone comes back and sends the form again: then its answer is there
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), answerWithin)
	defer cancel()
	turns := c.talks.turns(who.name)
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	case <-ctx.Done():
		return exchange{}, &problem{http.StatusServiceUnavailable, bot.ErrorLine}
	}
	if done, ok := c.talks.answered(who.name, q.key()); ok && q.once != "" && c.Forms == nil {
		return done, nil
	}
	e, err := c.exchange(ctx, who, q)
	if errors.Is(err, errBusy) {
		return exchange{}, &problem{http.StatusServiceUnavailable, crowdedLine}
	}
	if err != nil {
		c.Log.Error("answer failed", "channel", Channel.Name, "error", err)
		return exchange{}, &problem{http.StatusServiceUnavailable, bot.ErrorLine}
	}
	return e, nil
}

// exchange asks the desk; the zero exchange when nothing is to be said.
func (c *Chat) exchange(ctx context.Context, who reader, q question) (exchange, error) {
	shown := asked(q.text)
	if q.about != 0 {
		shown = cmp.Or(pressed(c.said(ctx, who.name), q.about, q.text), shown) // 喝白酒杀病毒, not 1
	}
	id, n, err := c.note(ctx, who, q, shown)
	if err != nil {
		return exchange{}, err
	}
	reply, err := c.handle(ctx, who, q, id)
	if err != nil || reply.Silent {
		return exchange{}, err
	}
	e := newExchange(q, reply)
	e.Asked, e.N = shown, n
	if c.Forms != nil {
		return e, c.Forms.KeepForm(ctx, id, reply.Kept())
	}
	if reply.Forgot {
		c.talks.clear(who.name)
	}
	return c.talks.add(who.name, e), nil
}

// note names and numbers a form for all nodes; a form without a name is another each time.
func (c *Chat) note(ctx context.Context, who reader, q question, shown string) (id string, n int, err error) {
	if c.Forms == nil {
		return "", 0, nil
	}
	name := sha256.Sum256([]byte(who.name + "\x00" + cmp.Or(q.once, random()) + "\x00" + q.text))
	id = hex.EncodeToString(name[:])
	number, err := c.Forms.Ask(ctx, bot.Update{Channel: Channel.Name, ID: id, Chat: who.name, Payload: []byte(shown), Received: c.Now()})
	return id, int(number), err
}

// shown is a reader's conversation as pages show it, oldest first: where an answer quotes what was withdrawn since, that is said instead. Who brings no
// cookie has none, and nothing is asked for.
func (c *Chat) shown(ctx context.Context, who reader) []exchange {
	if !who.brought {
		return nil
	}
	list := c.said(ctx, who.name)
	if c.Current == nil || len(list) == 0 {
		return list
	}
	kept := make([]bot.Kept, len(list))
	for i, e := range list {
		kept[i] = e.kept
	}
	now, err := c.Current(ctx, kept...)
	if err != nil { // nothing rather than what may have been withdrawn
		c.Log.Error("a conversation was not looked up", "channel", Channel.Name, "error", err)
		return nil
	}
	for i, e := range list {
		if len(now[i].Shown()) == len(e.kept.Shown()) {
			continue
		}
		list[i] = newExchange(question{}, now[i].Reply())
		list[i].Asked, list[i].N, list[i].key = e.Asked, e.N, e.key
	}
	return list
}

// said is a reader's conversation as it was, oldest first.
func (c *Chat) said(ctx context.Context, name string) []exchange {
	if c.Forms == nil {
		return c.talks.shown(name)
	}
	talk, err := c.Forms.Talk(ctx, name, exchangesShown)
	if err != nil {
		c.Log.Error("a conversation was not read", "channel", Channel.Name, "error", err)
	}
	list := make([]exchange, len(talk))
	for i, kept := range talk {
		list[i] = newExchange(question{}, kept.Reply.Reply())
		list[i].Asked, list[i].N = kept.Asked, int(kept.N)
	}
	return list
}

var errBusy = errors.New("too many questions at once")

func (c *Chat) handle(ctx context.Context, who reader, q question, update string) (bot.Reply, error) {
	select {
	case c.busy <- struct{}{}:
		defer func() { <-c.busy }()
	default:
		return bot.Reply{}, errBusy
	}
	words := text.Mask(q.text) // before anything repeats it: no answer needs a number of a phone or of a person
	return c.Desk.Handle(ctx, bot.Message{Via: Channel, Reader: who.name, Text: words, Update: update, About: q.about, Delete: q.forget, At: c.Now()})
}

// silent reports whether nothing was said.
func (e exchange) silent() bool { return e.Text == "" }

func newExchange(q question, reply bot.Reply) exchange {
	e := exchange{
		key: q.key(), Asked: asked(q.text), Text: reply.Text, Choices: reply.Choices, Answer: reply.Answer,
		forgot: reply.Forgot, kept: reply.Kept(),
		Advice: (reply.Decision == retrieval.Sure || reply.Urgent != nil) && !bot.IsGone(reply.Text),
	}
	if reply.Urgent != nil {
		e.Call = reply.Urgent.Number
	}
	if reply.Void != "" && letters.MatchString(q.text) {
		e.look = "smaller"
		if reply.Wishes.Large {
			e.look = "larger"
		}
	}
	return e
}

// letters is a wish about their size, which the desk has understood: 字大一点, 看不清字. What is wished is in its reply.
var letters = regexp.MustCompile(`^.{0,4}字.{0,4}[大小]|[大小]字|看不清`)

// What chat.js is told beside the reply: the class that the page has from now on, and that what was said before goes from the page.
const (
	lookHeader   = "Qiuzhen-Look"
	forgotHeader = "Qiuzhen-Forgot"
)

// asked is a question as it is shown again, masked: the page may be open where others see it.
func asked(s string) string {
	const beyond = 64 // so that no number is cut before it is recognised
	return firstLine(text.Mask(firstLine(s, askedShown+beyond)), askedShown)
}

// fail tells what went wrong, on the page that the reader was on and with what they typed.
func (c *Chat) fail(w http.ResponseWriter, r *http.Request, q question, what *problem) {
	switch {
	case what.line == saidLine, what.line == silentLine:
		w.Header().Set("Retry-After", "60")
	case what.status == http.StatusServiceUnavailable, what.status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "2")
	}
	if byScript(r) {
		c.part(w, what.status, "line", what.line)
		return
	}
	p := c.talkPage(r, chatPath)
	if len(p.Talk) == 0 {
		p = c.talkPage(r, homePath)
	}
	p.Problem, p.Draft, p.About = what.line, q.text, q.about
	c.show(w, what.status, "talk", p)
}
