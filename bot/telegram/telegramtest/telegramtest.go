// Package telegramtest is a stand-in for the Bot API of Telegram: the methods that the program uses, with Telegram's own refusals and
// limits, so that the channel is tested and measured without the outside.
package telegramtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What the stand-in's bot is called.
const (
	Token    = "4242:AAEstandinstandinstandinstandin0000"
	Username = "qiuzhen_bot"
	ID       = 4242
)

// Limits are those that the server enforces; a zero one is not.
type Limits struct {
	All   int           // messages in any second
	Gap   time.Duration // between two messages to one person
	Group int           // messages to a group in any minute
}

// Official are Telegram's: 30 in a second, about one a second in a chat (a little less, for the network's jitter), 20 a minute in a group.
var Official = Limits{All: 30, Gap: 800 * time.Millisecond, Group: 20}

// Server is a Bot API for one bot. Its fields are set before it is used.
type Server struct {
	URL        string
	Limits     Limits
	ReadGroups bool // privacy mode is off

	web     *httptest.Server
	mu      sync.Mutex
	arrived chan struct{} // closed and replaced when an update comes or a poller takes over
	updates []queued
	poller  int // the newest getUpdates
	hook    hook
	calls   []Call
	sent    map[int64][]*Message // by chat
	times   map[int64][]time.Time
	all     []time.Time
	silent  time.Time // until then nobody is written to
	next    int
	refused map[int64]string // chats that send 403, with the reason
	moved   map[int64]int64  // groups that became supergroups
	files   map[string][]byte
	presses map[string]bool
	faults  map[string][]Fault
}

type queued struct {
	id  int64
	raw json.RawMessage
}

type hook struct{ url, secret, lastError string }

// Call is one request to the API and how it ended.
type Call struct {
	Method string
	Params map[string]any
	Status int
	Retry  int // retry_after of a 429, in seconds
	At     time.Time
}

// Message is one that was sent and stands as it is now.
type Message struct {
	ID     int
	Text   string
	Markup string
	Edits  int
}

// Fault is what happens to a call instead of what it asks.
type Fault struct {
	Status int  // 0: the connection is closed without an answer
	Retry  int  // retry_after of a 429
	Done   bool // the call takes effect all the same: only its answer is lost
}

// New starts a server with Telegram's limits.
func New() *Server {
	s := &Server{
		Limits: Official, arrived: make(chan struct{}), sent: map[int64][]*Message{}, times: map[int64][]time.Time{}, next: 1000,
		refused: map[int64]string{}, moved: map[int64]int64{}, files: map[string][]byte{}, presses: map[string]bool{}, faults: map[string][]Fault{},
	}
	s.web = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = s.web.URL
	return s
}

// Close ends the server.
func (s *Server) Close() {
	s.mu.Lock()
	s.announce()
	s.mu.Unlock()
	s.web.CloseClientConnections()
	s.web.Close()
}

// Refuse makes a chat answer 403 from now on: "bot was blocked by the user", "bot was kicked from the group chat".
func (s *Server) Refuse(chat int64, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[chat] = why
}

// Migrate makes a group a supergroup, which has another id.
func (s *Server) Migrate(group, supergroup int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved[group] = supergroup
}

// Fail lets the next calls of a method fail so, one after the other.
func (s *Server) Fail(method string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[method] = append(s.faults[method], faults...)
}

// Silence refuses all messages for so long, with the whole seconds that are left of it, as Telegram does with a bot that it wants to be quiet.
func (s *Server) Silence(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = time.Now().Add(d)
}

// AddFile keeps a file that updates name by its id.
func (s *Server) AddFile(id string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[id] = data
}

// Calls are all requests so far but those of getMe and getUpdates.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Messages are those that stand in a chat.
func (s *Server) Messages(chat int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Message
	for _, m := range s.sent[chat] {
		out = append(out, *m)
	}
	return out
}

// Hook sets the webhook, as setWebhook does.
func (s *Server) Hook(url, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook{url: url, secret: secret}
}

// Deliver sends an update to the webhook and returns the status.
func (s *Server) Deliver(ctx context.Context, raw []byte) (status int, err error) {
	s.mu.Lock()
	h := s.hook
	s.notePress(raw)
	s.mu.Unlock()
	return Post(ctx, h.url, h.secret, raw)
}

// Post sends an update to a webhook as Telegram does.
func Post(ctx context.Context, url, secret string, raw []byte) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(raw))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// Queue keeps an update for getUpdates.
func (s *Server) Queue(raw []byte) {
	var u struct {
		ID int64 `json:"update_id"`
	}
	_ = json.Unmarshal(raw, &u) // a broken one is number 0
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notePress(raw)
	s.updates = append(s.updates, queued{u.ID, raw})
	s.announce()
}

// Pending counts the updates that no getUpdates has confirmed.
func (s *Server) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.updates)
}

func (s *Server) announce() {
	close(s.arrived)
	s.arrived = make(chan struct{})
}

func (s *Server) notePress(raw []byte) {
	var u struct {
		Callback struct {
			ID string `json:"id"`
		} `json:"callback_query"`
	}
	if json.Unmarshal(raw, &u) == nil && u.Callback.ID != "" {
		s.presses[u.Callback.ID] = true
	}
}

// params reads a request's parameters in each of the ways that the API takes.
func params(r *http.Request) map[string]any {
	out := map[string]any{}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		_ = json.NewDecoder(r.Body).Decode(&out) // what cannot be read has no parameters
		return out
	}
	_ = r.ParseMultipartForm(1 << 20)
	for name, values := range r.Form {
		out[name] = values[0]
		if !words[name] {
			var v any
			if json.Unmarshal([]byte(values[0]), &v) == nil {
				out[name] = v
			}
		}
	}
	return out
}

// words are parameters that are text even when they look like a number.
var words = map[string]bool{"text": true, "url": true, "secret_token": true, "callback_query_id": true, "file_id": true}

func number(v any) int64 {
	switch v := v.(type) {
	case float64:
		return int64(v)
	case string:
		n, _ := strconv.ParseInt(v, 10, 64) // no number is 0
		return n
	}
	return 0
}

func textOf(v any) string {
	text, _ := v.(string)
	return text
}
