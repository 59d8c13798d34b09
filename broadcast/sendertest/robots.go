package sendertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"qiuzhen/broadcast"
)

// robots is what the stand-ins of WeCom and DingTalk have in common. Whatever the platform thinks of a message, it answers with status 200.
type robots struct {
	*Line
	URL string // of the one group's robot

	group    string // as our recipients are named
	secrets  []string
	most     int // bytes
	limit    broadcast.RetryError
	codes    map[Fault]int
	tooLong  int
	tooMany  int
	unproven func(url.Values) int // the code of a call whose key or signature is wrong; 0: they are right

	mu      sync.Mutex
	next    int // code of the next call
	times   []time.Time
	arrived []Arrival
}

// mostMinute is how many messages a robot may send in a minute.
const mostMinute = 20

func (p *robots) start(path, query string) *httptest.Server {
	p.Line = &Line{Next: http.HandlerFunc(p.serve)}
	mux := http.NewServeMux()
	mux.Handle("POST "+path, p.Line)
	server := httptest.NewServer(mux)
	p.URL = server.URL + path + "?" + query
	return server
}

func (p *robots) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	p.mu.Lock()
	code := p.judge(r, body)
	p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	// the platforms' own words repeat what is secret
	_ = json.NewEncoder(w).Encode(map[string]any{"errcode": code, "errmsg": "see " + r.URL.String()})
}

func (p *robots) judge(r *http.Request, body []byte) int {
	var m struct {
		Type string `json:"msgtype"`
		Text struct {
			Content string `json:"content"`
		} `json:"text"`
	}
	code := p.next
	p.next = 0
	now := time.Now()
	for len(p.times) > 0 && now.Sub(p.times[0]) > time.Minute {
		p.times = p.times[1:]
	}
	switch {
	case code != 0:
		return code
	case p.unproven(r.URL.Query()) != 0:
		return p.unproven(r.URL.Query())
	case !utf8.Valid(body) || json.Unmarshal(body, &m) != nil || m.Type != "text" || m.Text.Content == "":
		return p.codes[Refused]
	case len(m.Text.Content) > p.most:
		return p.tooLong
	case len(p.times) >= mostMinute:
		return p.tooMany
	}
	p.times = append(p.times, now)
	p.arrived = append(p.arrived, Arrival{To: p.group, Text: m.Text.Content})
	return 0
}

// To is the group.
func (p *robots) To() string { return p.group }

// Arm makes the next call meet a fault.
func (p *robots) Arm(f Fault) bool {
	code, ok := p.codes[f]
	if !ok {
		return p.Line.Arm(f)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = code
	return true
}

// Limit is what too many messages lead to.
func (p *robots) Limit() broadcast.RetryError { return p.limit }

// Text is a text of n bytes.
func (p *robots) Text(n int) string { return Bytes(n) }

// Arrived are the group's messages.
func (p *robots) Arrived() []Arrival {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Arrival(nil), p.arrived...)
}

// Secrets are the robot's.
func (p *robots) Secrets() []string { return p.secrets }

// WeCom is a group with a robot.
type WeCom struct {
	robots
	server *httptest.Server
}

// NewWeCom starts one.
func NewWeCom() *WeCom {
	const key = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"
	p := &WeCom{robots: robots{
		group: "崇川网格员", secrets: []string{key}, most: 2048, tooLong: 40058, tooMany: 45009, limit: broadcast.RetryError{After: time.Minute, Recipient: true},
		codes: map[Fault]int{Limited: 45009, Gone: 93000, Refused: 44004, ErrorInside: -1},
	}}
	p.unproven = func(q url.Values) int {
		if q.Get("key") != key {
			return 93000
		}
		return 0
	}
	p.server = p.start("/cgi-bin/webhook/send", "key="+key)
	return p
}

// Close ends it.
func (p *WeCom) Close() { p.server.Close() }

// DingTalk is a group with a robot that checks signatures.
type DingTalk struct {
	robots
	Secret string
	Now    func() time.Time // the platform's clock
	server *httptest.Server
}

// NewDingTalk starts one.
func NewDingTalk() *DingTalk {
	const token = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	p := &DingTalk{Secret: "SEC5c7e9f3b2a1d4e6f8091a2b3c4d5e6f7", Now: time.Now, robots: robots{
		group: "通州网格员", most: 20000, tooLong: 460101, tooMany: 130101, limit: broadcast.RetryError{After: 10 * time.Minute, Recipient: true},
		codes: map[Fault]int{Limited: 130101, Gone: 400106, Refused: 430102, ErrorInside: -1},
	}}
	p.secrets = []string{token, p.Secret}
	p.unproven = func(q url.Values) int { return p.judgeSignature(q, token) }
	p.server = p.start("/robot/send", "access_token="+token)
	return p
}

func (p *DingTalk) judgeSignature(q url.Values, token string) int {
	const oldest = time.Hour
	stamp, err := strconv.ParseInt(q.Get("timestamp"), 10, 64)
	mac := hmac.New(sha256.New, []byte(p.Secret))
	mac.Write([]byte(q.Get("timestamp") + "\n" + p.Secret))
	given, badBase64 := base64.StdEncoding.DecodeString(q.Get("sign"))
	switch {
	case q.Get("access_token") != token:
		return 300001
	case err != nil || badBase64 != nil || p.Now().Sub(time.UnixMilli(stamp)).Abs() > oldest || !hmac.Equal(given, mac.Sum(nil)):
		return 310000
	}
	return 0
}

// Close ends it.
func (p *DingTalk) Close() { p.server.Close() }
