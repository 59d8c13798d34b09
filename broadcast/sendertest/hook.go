package sendertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"qiuzhen/broadcast"
)

// Hook is a platform of text messages or loudspeakers that takes our webhook, as docs/webhook.md tells its programmers to write it.
type Hook struct {
	*Line
	URL    string
	Secret string
	Now    func() time.Time // the platform's clock

	server *httptest.Server
	mu     sync.Mutex
	next   *hookAnswer
	ids    map[string]string // of messages that it has -> its own
	got    []Arrival
	Bodies [][]byte // of what it took; read when nothing is sent
}

type hookAnswer struct {
	status int
	header map[string]string
	body   string
}

// NewHook starts one.
func NewHook() *Hook {
	h := &Hook{Secret: "whsec_" + base64.StdEncoding.EncodeToString([]byte("thirty-two bytes of a secret key")), Now: time.Now, ids: map[string]string{}}
	h.Line = &Line{Next: http.HandlerFunc(h.serve)}
	h.server = httptest.NewServer(h.Line)
	h.URL = h.server.URL + "/qiuzhen?key=in-the-address"
	return h
}

// Close ends it.
func (h *Hook) Close() { h.server.Close() }

func (h *Hook) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	h.mu.Lock()
	defer h.mu.Unlock()
	id := r.Header.Get("Webhook-Id")
	if a := h.next; a != nil {
		h.next = nil
		for name, value := range a.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.body)
		return
	}
	var m struct {
		ID   string `json:"id"`
		To   string `json:"to"`
		Text string `json:"text"`
	}
	switch {
	case !h.signed(r.Header, body):
		w.WriteHeader(http.StatusUnauthorized)
		return
	case json.Unmarshal(body, &m) != nil || m.ID != id || m.Text == "":
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if h.ids[id] == "" {
		h.ids[id] = fmt.Sprintf("sms-%d", len(h.ids)+1)
		h.got = append(h.got, Arrival{m.To, m.Text, id})
		h.Bodies = append(h.Bodies, body)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"accepted": true, "id": h.ids[id]})
}

// signed: the first thing that a receiver does.
func (h *Hook) signed(header http.Header, body []byte) bool {
	const oldest = 5 * time.Minute
	stamp, err := strconv.ParseInt(header.Get("Webhook-Timestamp"), 10, 64)
	if err != nil || h.Now().Sub(time.Unix(stamp, 0)).Abs() > oldest {
		return false
	}
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(h.Secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(header.Get("Webhook-Id") + "." + header.Get("Webhook-Timestamp") + "."))
	mac.Write(body)
	for _, given := range strings.Fields(header.Get("Webhook-Signature")) {
		version, signature, _ := strings.Cut(given, ",")
		if sum, err := base64.StdEncoding.DecodeString(signature); version == "v1" && err == nil && hmac.Equal(sum, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// Answer makes the next call get this instead of being looked at.
func (h *Hook) Answer(status int, header map[string]string, body string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next = &hookAnswer{status, header, body}
}

// To is the platform as recipients are named.
func (*Hook) To() string { return "海门大喇叭" }

// Arm makes the next call meet a fault.
func (h *Hook) Arm(f Fault) bool {
	switch f {
	case Limited:
		h.Answer(http.StatusTooManyRequests, map[string]string{"Retry-After": "7"}, "")
	case Gone:
		h.Answer(http.StatusGone, nil, "")
	case Refused:
		h.Answer(http.StatusUnprocessableEntity, nil, `{"accepted":false,"code":"sensitive_words","reason":"喝白酒 `+h.Secret+`"}`)
	case ErrorInside:
		h.Answer(http.StatusOK, nil, `{"accepted":false,"code":"`+h.Secret+` 白酒"}`)
	default:
		return h.Line.Arm(f)
	}
	return true
}

// Limit is what Limited asks for.
func (*Hook) Limit() broadcast.RetryError {
	return broadcast.RetryError{After: 7 * time.Second, Recipient: true}
}

// Text is a text of n characters.
func (*Hook) Text(n int) string { return Runes(n) }

// Arrived are the messages that it took.
func (h *Hook) Arrived() []Arrival {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Arrival(nil), h.got...)
}

// Secrets are what only both sides know.
func (h *Hook) Secrets() []string {
	return []string{h.Secret, strings.TrimPrefix(h.Secret, "whsec_"), "in-the-address"}
}
