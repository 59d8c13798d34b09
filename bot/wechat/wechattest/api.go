package wechattest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxText      = 2048
	mostSince    = 5 // customer messages after one of the reader's
	reachable    = 48 * time.Hour
	mostForced   = 20 // tokens a day
	maxRequest   = 1 << 20
	maxButtons   = 3
	maxSubs      = 5
	maxName      = 16 // bytes of a button's name
	maxSubName   = 60
	maxButtonKey = 128
)

// api serves what the channel calls. Errors come with status 200, as the platform's do.
func (p *Platform) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /cgi-bin/stable_token", p.stableToken)
	mux.HandleFunc("POST /cgi-bin/message/custom/send", p.withRight(p.customSend))
	mux.HandleFunc("POST /cgi-bin/message/template/send", p.withRight(p.templateSend))
	mux.HandleFunc("POST /cgi-bin/message/subscribe/bizsend", p.withRight(p.subscribeSend))
	mux.HandleFunc("POST /cgi-bin/message/mass/sendall", p.withRight(p.massSend))
	mux.HandleFunc("POST /cgi-bin/menu/create", p.withRight(p.createMenu))
	mux.HandleFunc("GET /cgi-bin/media/get", p.withRight(p.getMedia))
	return mux
}

func tell(w http.ResponseWriter, code int) {
	reply(w, map[string]any{"errcode": code, "errmsg": fmt.Sprintf("%s rid: %s", meaning[code], random(4))})
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v) // the caller is gone: nobody to tell
}

var meaning = map[int]string{
	-1: "system error", 0: "ok", 40001: "invalid credential, access_token is invalid or not latest", 40003: "invalid openid", 40007: "invalid media_id",
	40013: "invalid appid", 40016: "invalid button size", 40018: "invalid button name size", 40019: "invalid button key size", 40125: "invalid appsecret",
	42001: "access_token expired", 43004: "require subscribe", 45002: "content size out of limit", 45009: "reach max api daily quota limit",
	45011: "api freq out of limit", 45015: "response out of time limit or subscription is canceled", 45047: "out of response count limit",
	40037: "invalid template_id", 43101: "user refuse to accept the msg", 45028: "has no masssend quota", 45065: "clientmsgid exist",
	47001: "data format error", 47003: "argument invalid!", 48001: "api unauthorized",
}

// note keeps a call and gives the failure that was ordered for it; 0 for none.
func (p *Platform) note(r *http.Request, body []byte) int {
	p.calls = append(p.calls, strings.TrimSpace(r.Method+" "+r.URL.Path+" "+string(body)))
	codes := p.failures[r.URL.Path]
	if len(codes) == 0 {
		return 0
	}
	p.failures[r.URL.Path] = codes[1:]
	return codes[0]
}

func (p *Platform) stableToken(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		GrantType string `json:"grant_type"`
		AppID     string `json:"appid"`
		Secret    string `json:"secret"`
		Force     bool   `json:"force_refresh"`
	}
	err := json.NewDecoder(io.LimitReader(r.Body, maxRequest)).Decode(&asked)
	p.mu.Lock()
	defer p.mu.Unlock()
	code := p.note(r, fmt.Appendf(nil, "force=%v", asked.Force))
	switch {
	case code != 0:
	case err != nil || asked.GrantType != "client_credential":
		code = 47001
	case asked.AppID != p.AppID:
		code = 40013
	case asked.Secret != p.Secret:
		code = 40125
	case asked.Force && p.forced == mostForced:
		code = 45009
	}
	if code != 0 {
		tell(w, code)
		return
	}
	if asked.Force {
		p.forced++
		delete(p.tokens, p.current)
	}
	end, ok := p.tokens[p.current]
	if !ok || end.Sub(p.Now()) < 5*time.Minute && p.TokenLife > 10*time.Minute || !p.Now().Before(end) {
		p.current, end = "token-"+random(16), p.Now().Add(p.TokenLife)
		p.tokens[p.current] = end
	}
	reply(w, map[string]any{"access_token": p.current, "expires_in": int(end.Sub(p.Now()).Seconds())})
}

// withRight is withToken for what only verified accounts may do.
func (p *Platform) withRight(do func(w http.ResponseWriter, r *http.Request, body []byte)) http.HandlerFunc {
	return p.withToken(func(w http.ResponseWriter, r *http.Request, body []byte) {
		if p.Unverified {
			tell(w, 48001)
			return
		}
		do(w, r, body)
	})
}

// withToken lets a call through that has a token which is good.
func (p *Platform) withToken(do func(w http.ResponseWriter, r *http.Request, body []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
		p.mu.Lock()
		defer p.mu.Unlock()
		code := p.note(r, body)
		end, known := p.tokens[r.URL.Query().Get("access_token")]
		switch {
		case !known:
			code = 40001
		case !p.Now().Before(end):
			code = 42001
		case err != nil || !utf8.Valid(body):
			code = 47001
		}
		if code != 0 {
			tell(w, code)
			return
		}
		do(w, r, body)
	}
}

func (p *Platform) customSend(w http.ResponseWriter, _ *http.Request, body []byte) {
	var m struct {
		To   string `json:"touser"`
		Type string `json:"msgtype"`
		Text struct {
			Content string `json:"content"`
		} `json:"text"`
	}
	if json.Unmarshal(body, &m) != nil || m.Type != "text" || m.Text.Content == "" {
		tell(w, 47001)
		return
	}
	who, known := p.readers[m.To]
	code := 0
	switch {
	case !p.Service:
		code = 48001
	case !known:
		code = 40003
	case who.left:
		code = 43004
	case len(m.Text.Content) > maxText:
		code = 45002
	case p.sent >= p.Quota:
		code = 45009
	case p.Now().Sub(who.last) > reachable:
		code = 45015
	case who.since == mostSince:
		code = 45047
	default:
		who.since++
		p.sent++
		who.sees = append(who.sees, shown(body, m.Text.Content))
	}
	tell(w, code)
}

// shown is how a text arrives: an escape that JSON would allow is shown as it stands.
func shown(body []byte, content string) string {
	if strings.Contains(string(body), `\u`) {
		return "\\u " + content
	}
	return content
}

type button struct {
	Name string   `json:"name"`
	Type string   `json:"type"`
	Key  string   `json:"key"`
	URL  string   `json:"url"`
	Subs []button `json:"sub_button"`
}

func (p *Platform) createMenu(w http.ResponseWriter, _ *http.Request, body []byte) {
	var m struct {
		Buttons []button `json:"button"`
	}
	if json.Unmarshal(body, &m) != nil {
		tell(w, 47001)
		return
	}
	tell(w, menuFault(m.Buttons, maxButtons, maxName))
}

func menuFault(buttons []button, most, longest int) int {
	if len(buttons) == 0 || len(buttons) > most {
		return 40016
	}
	for _, b := range buttons {
		switch {
		case b.Name == "" || len(b.Name) > longest:
			return 40018
		case len(b.Subs) > 0:
			if code := menuFault(b.Subs, maxSubs, maxSubName); code != 0 {
				return code
			}
		case b.Type == "click" && (b.Key == "" || len(b.Key) > maxButtonKey):
			return 40019
		case b.Type == "view" && !strings.HasPrefix(b.URL, "http"), b.Type != "view" && b.Type != "click":
			return 47001
		}
	}
	return 0
}

func (p *Platform) getMedia(w http.ResponseWriter, r *http.Request, _ []byte) {
	f, ok := p.media[r.URL.Query().Get("media_id")]
	if !ok {
		tell(w, 40007)
		return
	}
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Content-Disposition", `attachment; filename="file"`)
	_, _ = w.Write(f.data) // the caller is gone: nobody to tell
}
