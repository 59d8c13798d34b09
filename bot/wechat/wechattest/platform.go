// Package wechattest is a stand-in for the WeChat platform: it posts readers' messages to a callback as WeChat does, impatient and
// repeating itself, and serves the part of its API that an official account uses, with its tokens, limits and error codes. It shares no code
// with the channel, so that a mistake in one shows in the other.
package wechattest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Config is an account as the platform knows it.
type Config struct {
	AppID, Secret, Token string
	AESKey               string // empty: plain mode
	Service              bool   // may send customer messages
	Unverified           bool   // may not fetch files, make menus or send: 48001
	Now                  func() time.Time
	Patience             time.Duration     // 0: five seconds
	Pause                time.Duration     // after a post that failed sooner, before the next
	TokenLife            time.Duration     // 0: two hours
	SameNonce            bool              // repeats come with the nonce of the first post
	Quota                int               // customer messages a day; 0: 100,000
	Templates            map[string]string // their ids and the one field of each
	MassSends            int               // that are left
}

// Platform is the stand-in.
type Platform struct {
	Config
	server *httptest.Server

	mu       sync.Mutex
	tokens   map[string]time.Time // and their ends
	current  string
	forced   int
	media    map[string]file
	failures map[string][]int // errcodes of the next calls, by path
	calls    []string
	readers  map[string]*reader
	sent     int
	keys     map[string]time.Time // of template messages
	masses   []Mass
}

type file struct {
	kind string
	data []byte
}

// reader is somebody who talks to the account.
type reader struct {
	last  time.Time // message
	since int       // customer messages sent since
	sees  []string
	left  bool
}

// tries is how often a message is posted in all.
const tries = 3

// New starts a platform; Close ends it.
func New(c Config) *Platform {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Patience == 0 {
		c.Patience = 5 * time.Second
	}
	if c.TokenLife == 0 {
		c.TokenLife = 2 * time.Hour
	}
	if c.Quota == 0 {
		c.Quota = 100000
	}
	p := &Platform{Config: c, tokens: map[string]time.Time{}, media: map[string]file{}, failures: map[string][]int{}, readers: map[string]*reader{},
		keys: map[string]time.Time{}}
	p.server = httptest.NewServer(p.hosts())
	return p
}

// URL is the API's address.
func (p *Platform) URL() string { return p.server.URL }

// Close ends the API.
func (p *Platform) Close() { p.server.Close() }

// Sees are the texts that a reader has seen, in order.
func (p *Platform) Sees(openID string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.reader(openID).sees...)
}

// Calls are the requests to the API so far, tokens and secrets left out.
func (p *Platform) Calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.calls...)
}

// Fail makes the next calls of a path fail with these codes.
func (p *Platform) Fail(path string, codes ...int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures[path] = append(p.failures[path], codes...)
}

// Put stores a file that a reader has sent.
func (p *Platform) Put(id, kind string, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.media[id] = file{kind, data}
}

// EndTokens makes all tokens invalid, as another program of the account does that asks for one the old way.
func (p *Platform) EndTokens() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens, p.current = map[string]time.Time{}, ""
}

func (p *Platform) reader(openID string) *reader {
	r := p.readers[openID]
	if r == nil {
		r = &reader{}
		p.readers[openID] = r
	}
	return r
}

// Outcome is what became of a message.
type Outcome struct {
	Posts  int    // that were made
	Reply  string // what the reader saw as the answer; empty: nothing
	Failed bool   // the reader saw 该公众号提供的服务出现故障
	Why    string // of that
}

// Send posts a reader's message until an answer comes, three times at most. From is the reader, who has thereby written.
func (p *Platform) Send(ctx context.Context, callback, from, message string) Outcome {
	p.mu.Lock()
	r := p.reader(from)
	r.last, r.since = p.Now(), 0
	p.mu.Unlock()
	o := Outcome{}
	query := p.Sign(message, p.Now())
	for o.Posts < tries {
		o.Posts++
		if o.Posts > 1 && !p.SameNonce {
			query = p.Sign(message, p.Now())
		}
		answer, status, err := p.Post(ctx, callback, query)
		if err != nil || status != http.StatusOK {
			o.Why = fmt.Sprint(status, err)
			time.Sleep(p.Pause)
			continue
		}
		o.Failed = false
		if o.Reply, err = p.read(answer, from); err != nil {
			o.Failed, o.Why = true, err.Error()
		}
		p.show(from, o.Reply)
		return o
	}
	o.Failed = true
	return o
}

func (p *Platform) show(openID, text string) {
	if text == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.reader(openID)
	r.sees = append(r.sees, text)
}

// Request is a post, ready to be made.
type Request struct {
	Query url.Values
	Body  []byte
}

// Sign makes a post of a message, at a time.
func (c Config) Sign(message string, at time.Time) Request {
	stamp, nonce := strconv.FormatInt(at.Unix(), 10), random(8)
	q := url.Values{"timestamp": {stamp}, "nonce": {nonce}, "signature": {Signature(c.Token, stamp, nonce)}}
	body := []byte(message)
	if c.AESKey != "" {
		sealed := Seal(c.AESKey, c.AppID, body)
		q.Set("encrypt_type", "aes")
		q.Set("msg_signature", Signature(c.Token, stamp, nonce, sealed))
		body = []byte("<xml><ToUserName><![CDATA[gh_account]]></ToUserName><Encrypt><![CDATA[" + sealed + "]]></Encrypt></xml>")
	}
	return Request{q, body}
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Post makes a post, and breaks the connection when the answer takes too long.
func (p *Platform) Post(ctx context.Context, callback string, r Request) (answer []byte, status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.Patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, callback+"?"+r.Query.Encode(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Content-Type", "text/xml")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return answer, response.StatusCode, err
}

// Verify asks a callback whether it is the account's, as the settings page does.
func (p *Platform) Verify(ctx context.Context, callback string) error {
	stamp, nonce, echo := strconv.FormatInt(p.Now().Unix(), 10), random(8), random(12)
	q := url.Values{"timestamp": {stamp}, "nonce": {nonce}, "signature": {Signature(p.Token, stamp, nonce)}, "echostr": {echo}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, callback+"?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != echo {
		return fmt.Errorf("answered %q, %w", body, err)
	}
	return nil
}

// read takes an answer as the platform does: nothing, success, or a message to the reader, at most 2,048 bytes.
func (p *Platform) read(answer []byte, from string) (string, error) {
	if len(answer) == 0 || string(answer) == "success" {
		return "", nil
	}
	if p.AESKey != "" {
		var sealed struct{ Encrypt, MsgSignature, TimeStamp, Nonce string }
		if err := xml.Unmarshal(answer, &sealed); err != nil {
			return "", fmt.Errorf("the answer is no XML: %w", err)
		}
		if Signature(p.Token, sealed.TimeStamp, sealed.Nonce, sealed.Encrypt) != sealed.MsgSignature {
			return "", fmt.Errorf("the answer's signature is wrong")
		}
		var err error
		if answer, err = Open(p.AESKey, p.AppID, sealed.Encrypt); err != nil {
			return "", err
		}
	}
	var m struct {
		ToUserName, FromUserName, MsgType, Content string
		CreateTime                                 int64
	}
	if err := xml.Unmarshal(answer, &m); err != nil {
		return "", fmt.Errorf("the answer is no XML: %w", err)
	}
	if m.ToUserName != from || m.FromUserName == "" || m.MsgType != "text" || m.CreateTime == 0 || strings.TrimSpace(m.Content) == "" || len(m.Content) > maxText {
		return "", fmt.Errorf("not an answer to %s: %.200s (%d bytes)", from, answer, len(m.Content))
	}
	return m.Content, nil
}
