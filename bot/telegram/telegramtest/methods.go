package telegramtest

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// refusal is an answer other than ok; nil is ok.
type refusal struct {
	code  int
	what  string
	retry int
	moved int64
}

func bad(what string) *refusal {
	return &refusal{code: http.StatusBadRequest, what: "Bad Request: " + what}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if path, ok := strings.CutPrefix(r.URL.Path, "/file/bot"+Token+"/"); ok {
		s.serveFile(w, path)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/bot")
	token, method, _ := strings.Cut(rest, "/")
	switch {
	case !ok || method == "":
		answer(w, nil, &refusal{code: http.StatusNotFound, what: "Not Found"})
		return
	case token != Token:
		answer(w, nil, &refusal{code: http.StatusUnauthorized, what: "Unauthorized"})
		return
	}
	p := params(r)
	if method == "getUpdates" {
		s.getUpdates(w, r, p)
		return
	}
	s.mu.Lock()
	fault, failing := s.fault(method)
	var result any
	var no *refusal
	if !failing || fault.Done {
		result, no = s.do(method, p)
	}
	if failing && fault.Status != 0 {
		no = fault.refusal()
	}
	status, retry := http.StatusOK, 0
	if no != nil {
		status, retry = no.code, no.retry
	}
	if failing && fault.Status == 0 {
		status = 0
	}
	if method != "getMe" {
		s.calls = append(s.calls, Call{method, p, status, retry, time.Now()})
	}
	s.mu.Unlock()
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	answer(w, result, no)
}

func (s *Server) fault(method string) (Fault, bool) {
	waiting := s.faults[method]
	if len(waiting) == 0 {
		return Fault{}, false
	}
	s.faults[method] = waiting[1:]
	return waiting[0], true
}

func (f Fault) refusal() *refusal {
	switch f.Status {
	case http.StatusTooManyRequests:
		return tooMany(f.Retry)
	case http.StatusForbidden:
		return &refusal{code: f.Status, what: "Forbidden: bot was blocked by the user"}
	}
	return &refusal{code: f.Status, what: http.StatusText(f.Status)}
}

func tooMany(retry int) *refusal {
	return &refusal{http.StatusTooManyRequests, fmt.Sprintf("Too Many Requests: retry after %d", retry), retry, 0}
}

func answer(w http.ResponseWriter, result any, no *refusal) {
	w.Header().Set("Content-Type", "application/json")
	body := map[string]any{"ok": true, "result": result}
	if no != nil {
		body = map[string]any{"ok": false, "error_code": no.code, "description": no.what}
		if no.retry > 0 {
			body["parameters"] = map[string]any{"retry_after": no.retry}
		}
		if no.moved != 0 {
			body["parameters"] = map[string]any{"migrate_to_chat_id": no.moved}
		}
		w.WriteHeader(no.code)
	}
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody to tell
}

// do is a method's effect; the caller holds mu.
func (s *Server) do(method string, p map[string]any) (any, *refusal) {
	switch method {
	case "getMe":
		return map[string]any{
			"id": ID, "is_bot": true, "first_name": "求真", "username": Username, "can_join_groups": true, "can_read_all_group_messages": s.ReadGroups,
		}, nil
	case "setWebhook":
		s.hook = hook{url: textOf(p["url"]), secret: textOf(p["secret_token"])}
		return true, nil
	case "deleteWebhook":
		s.hook = hook{}
		return true, nil
	case "getWebhookInfo":
		info := map[string]any{"url": s.hook.url, "has_custom_certificate": false, "pending_update_count": len(s.updates)}
		if s.hook.lastError != "" {
			info["last_error_date"], info["last_error_message"] = time.Now().Unix(), s.hook.lastError
		}
		return info, nil
	case "sendMessage":
		return s.sendMessage(p)
	case "editMessageText":
		return s.editMessage(p)
	case "answerCallbackQuery":
		if !s.presses[textOf(p["callback_query_id"])] {
			return nil, bad("query is too old and response timeout expired or query ID is invalid")
		}
		return true, nil
	case "getFile":
		id := textOf(p["file_id"])
		if _, known := s.files[id]; !known {
			return nil, bad("invalid file_id")
		}
		return map[string]any{"file_id": id, "file_unique_id": "u" + id, "file_size": len(s.files[id]), "file_path": "files/" + id}, nil
	}
	return nil, &refusal{code: http.StatusNotFound, what: "Not Found: method not found"}
}

// HookError is what getWebhookInfo tells of the last delivery.
func (s *Server) HookError(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook.lastError = what
}

func (s *Server) serveFile(w http.ResponseWriter, path string) {
	s.mu.Lock()
	data, ok := s.files[strings.TrimPrefix(path, "files/")]
	s.mu.Unlock()
	if !ok {
		answer(w, nil, &refusal{code: http.StatusNotFound, what: "Not Found"})
		return
	}
	_, _ = w.Write(data) // the client is gone: nobody to tell
}

// check is what sending and editing have in common.
func (s *Server) check(p map[string]any) *refusal {
	chat, text := number(p["chat_id"]), textOf(p["text"])
	markup, _ := json.Marshal(p["reply_markup"]) // made of JSON
	switch why := s.refused[chat]; {
	case chat == 0:
		return bad("chat not found")
	case why != "":
		return &refusal{code: http.StatusForbidden, what: "Forbidden: " + why}
	case s.moved[chat] != 0:
		return &refusal{code: http.StatusBadRequest, what: "Bad Request: group chat was upgraded to a supergroup chat", moved: s.moved[chat]}
	case strings.TrimSpace(text) == "":
		return bad("message text is empty")
	case len(utf16.Encode([]rune(text))) > 4096:
		return bad("message is too long")
	case !dataFits(markup):
		return bad("BUTTON_DATA_INVALID")
	}
	return s.limit(chat)
}

func dataFits(markup []byte) bool {
	var m struct {
		Rows [][]struct {
			Data string `json:"callback_data"`
		} `json:"inline_keyboard"`
	}
	_ = json.Unmarshal(markup, &m) // no keyboard
	for _, b := range slices.Concat(m.Rows...) {
		if b.Data == "" || len(b.Data) > 64 {
			return false
		}
	}
	return true
}

// limit refuses what comes too fast, and says for how long.
func (s *Server) limit(chat int64) *refusal {
	now := time.Now()
	mine := s.times[chat]
	wait := max(s.silent.Sub(now), tooSoon(s.all, now, s.Limits.All, time.Second))
	if chat < 0 {
		wait = max(wait, tooSoon(mine, now, s.Limits.Group, time.Minute))
	} else if s.Limits.Gap > 0 {
		wait = max(wait, tooSoon(mine, now, 1, s.Limits.Gap))
	}
	if wait > 0 {
		return tooMany(int(math.Ceil(wait.Seconds())))
	}
	s.all, s.times[chat] = recent(append(s.all, now), now, time.Second), recent(append(mine, now), now, time.Minute)
	return nil
}

// tooSoon is how long until one more fits among the most of any window.
func tooSoon(times []time.Time, now time.Time, most int, window time.Duration) time.Duration {
	if most == 0 || len(times) < most {
		return 0
	}
	return times[len(times)-most].Add(window).Sub(now)
}

func recent(times []time.Time, now time.Time, window time.Duration) []time.Time {
	for len(times) > 0 && now.Sub(times[0]) > window {
		times = times[1:]
	}
	return times
}

func (s *Server) sendMessage(p map[string]any) (any, *refusal) {
	if no := s.check(p); no != nil {
		return nil, no
	}
	chat := number(p["chat_id"])
	s.next++
	m := &Message{ID: s.next, Text: textOf(p["text"]), Markup: fmt.Sprint(p["reply_markup"])}
	s.sent[chat] = append(s.sent[chat], m)
	return shown(chat, m), nil
}

func (s *Server) editMessage(p map[string]any) (any, *refusal) {
	if no := s.check(p); no != nil {
		return nil, no
	}
	chat, id := number(p["chat_id"]), int(number(p["message_id"]))
	for _, m := range s.sent[chat] {
		if m.ID != id {
			continue
		}
		text, markup := textOf(p["text"]), fmt.Sprint(p["reply_markup"])
		if m.Text == text && m.Markup == markup {
			return nil, bad("message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message")
		}
		m.Text, m.Markup, m.Edits = text, markup, m.Edits+1
		return shown(chat, m), nil
	}
	return nil, bad("message to edit not found")
}

func shown(chat int64, m *Message) map[string]any {
	kind := "private"
	if chat < 0 {
		kind = "supergroup"
	}
	return map[string]any{"message_id": m.ID, "date": time.Now().Unix(), "chat": map[string]any{"id": chat, "type": kind}, "text": m.Text}
}

// getUpdates waits for updates from offset on; those before it are confirmed and gone. One poller at a time: a newer one ends the older.
func (s *Server) getUpdates(w http.ResponseWriter, r *http.Request, p map[string]any) {
	offset, limit := number(p["offset"]), int(number(p["limit"]))
	if limit == 0 {
		limit = 100
	}
	end := time.After(time.Duration(number(p["timeout"])) * time.Second)
	s.mu.Lock()
	s.poller++
	me := s.poller
	s.announce()
	for {
		if fault, failing := s.fault("getUpdates"); failing {
			s.mu.Unlock()
			answer(w, nil, fault.refusal())
			return
		}
		s.updates = slices.DeleteFunc(s.updates, func(u queued) bool { return u.id < offset })
		ready, arrived := slices.Clone(s.updates[:min(limit, len(s.updates))]), s.arrived
		hooked, replaced := s.hook.url != "", s.poller != me
		s.mu.Unlock()
		switch {
		case hooked:
			answer(w, nil, &refusal{code: http.StatusConflict, what: "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"})
			return
		case replaced:
			answer(w, nil, &refusal{code: http.StatusConflict, what: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"})
			return
		case len(ready) > 0:
			raw := make([]json.RawMessage, len(ready))
			for i, u := range ready {
				raw[i] = u.raw
			}
			answer(w, raw, nil)
			return
		}
		select {
		case <-arrived:
		case <-end:
			answer(w, []json.RawMessage{}, nil)
			return
		case <-r.Context().Done():
			return
		}
		s.mu.Lock()
	}
}
