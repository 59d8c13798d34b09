package wechat

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"qiuzhen/bot"
	"qiuzhen/page"
)

// window is how far a post's time may be from ours.
const window = 5 * time.Minute

// success is the answer after which the platform does nothing.
const success = "success"

// heldLine asks a reader to come back for a late reply where none can be sent.
const heldLine = "还在查，要等一会儿。\n过一分钟发“好了吗”三个字，我就把答复给您。"

// Routes are those of the platform's callback.
func (c *Channel) Routes() []page.Route {
	return []page.Route{
		{Pattern: "GET /wechat/callback", Access: page.Public, Handler: c.verify},
		{Pattern: "POST /wechat/callback", Access: page.Public, Handler: c.post},
	}
}

// refusal is why a request is not from the platform, as a status.
type refusal int

func (r refusal) Error() string { return http.StatusText(int(r)) }

const (
	forged    = refusal(http.StatusForbidden)
	malformed = refusal(http.StatusBadRequest)
	tooLarge  = refusal(http.StatusRequestEntityTooLarge)
)

// refuse answers who is not the platform, without a word of why.
func (c *Channel) refuse(w http.ResponseWriter, err error) {
	var r refusal
	if !errors.As(err, &r) {
		c.Log.Error("wechat: a post was not stored", "error", err)
		r = http.StatusServiceUnavailable
	}
	http.Error(w, r.Error(), int(r))
}

var (
	stamp     = regexp.MustCompile(`^[0-9]{1,11}$`)
	nonceWord = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// query are a request's parameters, each at most once, with a time that is about now.
func (c *Channel) query(r *http.Request) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, malformed
	}
	for _, values := range q {
		if len(values) != 1 {
			return nil, malformed
		}
	}
	if !stamp.MatchString(q.Get("timestamp")) || !nonceWord.MatchString(q.Get("nonce")) {
		return nil, malformed
	}
	seconds, err := strconv.ParseInt(q.Get("timestamp"), 10, 64)
	if err != nil || c.Now().Sub(time.Unix(seconds, 0)).Abs() > window {
		return nil, forged
	}
	return q, nil
}

// verify answers the platform's question whether this address is ours.
func (c *Channel) verify(w http.ResponseWriter, r *http.Request) {
	q, err := c.query(r)
	if err == nil && !c.Account.signed(q.Get("signature"), q.Get("timestamp"), q.Get("nonce")) {
		err = forged
	}
	if err == nil && (q.Get("echostr") == "" || len(q.Get("echostr")) > 256) {
		err = malformed
	}
	if err != nil {
		c.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, q.Get("echostr")) // the platform is gone: nobody to tell
}

// posted is a post whose signature is right.
type posted struct {
	Incoming
	nonce string
	Delivery
	update bot.Update
}

// read checks a post and reads its message.
func (c *Channel) read(w http.ResponseWriter, r *http.Request) (posted, error) {
	q, err := c.query(r)
	if err != nil {
		return posted{}, err
	}
	if !c.Account.Safe() && (q.Has("msg_signature") || !c.Account.signed(q.Get("signature"), q.Get("timestamp"), q.Get("nonce"))) {
		return posted{}, forged // before a byte of the body is read
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return posted{}, tooLarge
	case err != nil:
		return posted{}, malformed
	}
	if c.Account.Safe() {
		if body, err = c.unwrap(body, q); err != nil {
			return posted{}, err
		}
	}
	in, err := readMessage(body)
	if err != nil {
		return posted{}, malformed
	}
	in = in.masked()
	payload, err := json.Marshal(in)
	if err != nil {
		return posted{}, malformed
	}
	nonce := sha256.Sum256([]byte(q.Get("timestamp") + " " + q.Get("nonce")))
	digest := sha256.Sum256(body) // unmasked: of what the signature stands for: a post may come again encrypted anew
	now := c.Now()
	return posted{in, q.Get("nonce"),
		Delivery{ID: in.key(), Reader: in.From, At: now, Nonce: nonce[:], Body: digest[:], Retry: c.Times.Retry, Again: cmp.Or(c.Times.Again, c.Times.Retry), Posts: c.Times.Tries + 1},
		bot.Update{Channel: ChannelName, ID: in.key(), Chat: in.From, Payload: payload, Received: now, Lane: in.lane()},
	}, nil
}

// unwrap gives the message of a post in safe mode. A post without encryption is none of the platform's.
func (c *Channel) unwrap(body []byte, q url.Values) ([]byte, error) {
	if q.Get("encrypt_type") != "aes" {
		return nil, forged
	}
	outer, err := fields(body)
	if err != nil {
		return nil, malformed
	}
	sealed := outer["Encrypt"]
	if !c.Account.signed(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), sealed) {
		return nil, forged
	}
	if body, err = c.Account.unseal(sealed); err != nil {
		return nil, forged
	}
	return body, nil
}

// key names a message: by its number, an event by who caused it and when.
func (in Incoming) key() string {
	if in.ID != "" {
		return in.ID
	}
	sum := sha256.Sum256([]byte(in.From + "\x00" + strconv.FormatInt(in.Created.Unix(), 10) + "\x00" + in.Event + "\x00" + in.EventKey))
	return "event-" + hex.EncodeToString(sum[:16])
}

// post takes a message and answers it when the reply is there in time.
func (c *Channel) post(w http.ResponseWriter, r *http.Request) {
	p, err := c.read(w, r)
	if err != nil {
		c.refuse(w, err)
		return
	}
	if p.noise() {
		c.write(w, []byte(success))
		return
	}
	select {
	case c.open <- struct{}{}:
		defer func() { <-c.open }()
	default:
		if !c.hub.seen(p.update.ID) { // otherwise it is stored, and asking for it again would get two answers
			c.say(w, p, bot.Refused(p.said(), busyLine))
			return
		}
	}
	waiting := c.hub.wait(p.update.ID, c.Now())
	defer c.hub.leave(p.update.ID, waiting)
	place, err := c.Store.Deliver(r.Context(), p.Delivery)
	if err == nil && !place.Given {
		_, err = c.Inbox.Receive(r.Context(), p.update) // each post does, in case that the one before got no further
	}
	switch {
	case errors.Is(err, ErrReplayed):
		c.refuse(w, forged)
	case err != nil && r.Context().Err() != nil: // the platform has gone
	case err != nil:
		c.Log.Error("wechat: a post was not stored", "error", err)
		c.say(w, p, bot.Refused(p.said(), bot.ErrorLine))
	case place.Given:
		c.write(w, []byte(success))
	default:
		c.await(w, r, p, place, waiting)
	}
}

// await answers a post with the reply to its message as soon as there is one, and with what can be said when there is none.
func (c *Channel) await(w http.ResponseWriter, r *http.Request, p posted, place Place, woken <-chan struct{}) {
	last, patience := place.Try >= c.Times.Tries, c.Times.Hold
	if last {
		patience = c.Times.Last
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for over, there := false, false; ; {
		reply, ok, err := c.Store.Take(r.Context(), p.update.ID, place.Number, c.Now(), joinLate)
		if err != nil && r.Context().Err() == nil {
			c.Log.Error("wechat: a reply was not taken", "error", err)
		}
		switch {
		case ok:
			c.give(w, r, p, place, refit(reply))
			return
		case there && err == nil: // another post has it
			c.write(w, []byte(success))
			return
		case over && last:
			c.leave(r.Context(), w, p, place)
			return
		case over: // another post will follow; an answer, even an empty one, would prevent it
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		select {
		case <-woken:
			there = true
		case <-timer.C:
			over = true
		case <-r.Context().Done():
			return
		}
	}
}

// give writes a reply; one that has not gone out is given back, for the next post.
func (c *Channel) give(w http.ResponseWriter, r *http.Request, p posted, place Place, reply string) {
	if c.say(w, p, reply) && r.Context().Err() == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 2*time.Second)
	defer cancel()
	if err := c.Store.GiveBack(ctx, p.update.ID, p.From, place.Number); err != nil {
		c.Log.Error("wechat: a reply was not given back", "error", err)
	}
}

// leave answers the last post without a reply.
func (c *Channel) leave(ctx context.Context, w http.ResponseWriter, p posted, place Place) {
	if err := c.Store.Leave(ctx, p.update.ID, place.Number); err != nil {
		c.Log.Error("wechat: a late reply was not noted", "error", err)
	}
	nudge(c.late)
	if line := bot.DangerLine(p.said()); line != "" { // after three posts nobody may be asked to wait for more
		c.say(w, p, line)
		return
	}
	if c.Service || p.Type == "event" {
		c.write(w, []byte(success))
		return
	}
	c.say(w, p, heldLine)
}

// say answers a post with words; without any, with nothing to show. It reports whether that was written.
func (c *Channel) say(w http.ResponseWriter, p posted, words string) bool {
	if words == "" {
		return c.write(w, []byte(success))
	}
	answer := replyXML(p.From, p.To, words, c.Now())
	if c.Account.Safe() {
		var err error
		if answer, err = c.Account.sealedXML(answer, strconv.FormatInt(c.Now().Unix(), 10), p.nonce); err != nil {
			c.Log.Error("wechat: a reply was not sealed", "error", err)
			return false
		}
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	return c.write(w, answer)
}

func (c *Channel) write(w http.ResponseWriter, body []byte) bool {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	if _, err := w.Write(body); err != nil {
		return false
	}
	return http.NewResponseController(w).Flush() == nil
}
