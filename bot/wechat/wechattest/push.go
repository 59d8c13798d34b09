package wechattest

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	maxField = 20 // characters of a template's field
	maxKey   = 64 // bytes of a clientmsgid
	keyLife  = 10 * time.Minute
	massLife = 24 * time.Hour
)

// Mass is a mass send.
type Mass struct {
	ID        int64
	Everybody bool
	Tag       int
	Text, Key string
	At        time.Time
}

// Follow makes somebody a reader who wrote last at that time.
func (p *Platform) Follow(openID string, wrote time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.reader(openID)
	r.last, r.since, r.left = wrote, 0, false
}

// Leave makes a reader follow the account no more.
func (p *Platform) Leave(openID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reader(openID).left = true
}

// Masses are the mass sends so far.
func (p *Platform) Masses() []Mass {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.masses)
}

type templateMessage struct {
	To   string `json:"touser"`
	ID   string `json:"template_id"`
	Key  string `json:"client_msg_id"`
	Data map[string]struct {
		Value string `json:"value"`
	} `json:"data"`
}

// template is what a template message and a subscription message have in common: its reader, its words, or a code.
func (p *Platform) template(body []byte) (m templateMessage, who *reader, words string, code int) {
	if json.Unmarshal(body, &m) != nil {
		return m, nil, "", 47001
	}
	field, known := p.Templates[m.ID]
	words = m.Data[field].Value
	who = p.readers[m.To]
	switch {
	case !known:
		return m, nil, "", 40037
	case who == nil:
		return m, nil, "", 40003
	case words == "" || utf8.RuneCountInString(words) > maxField || len(m.Data) != 1:
		return m, nil, "", 47003
	}
	return m, who, shown(body, words), 0
}

func (p *Platform) templateSend(w http.ResponseWriter, _ *http.Request, body []byte) {
	m, who, words, code := p.template(body)
	if code == 0 && who.left {
		code = 43004
	}
	if code != 0 {
		tell(w, code)
		return
	}
	if at, again := p.keys[m.To+" "+m.Key]; m.Key == "" || !again || p.Now().Sub(at) > keyLife {
		who.sees = append(who.sees, words)
	}
	p.keys[m.To+" "+m.Key] = p.Now()
	reply(w, map[string]any{"errcode": 0, "errmsg": "ok", "msgid": 2000 + len(who.sees)})
}

func (p *Platform) subscribeSend(w http.ResponseWriter, _ *http.Request, body []byte) {
	_, who, words, code := p.template(body)
	switch {
	case code != 0:
	case who.left:
		code = 43101
	default:
		who.sees = append(who.sees, words)
	}
	tell(w, code)
}

func (p *Platform) massSend(w http.ResponseWriter, _ *http.Request, body []byte) {
	var m struct {
		Filter struct {
			All bool `json:"is_to_all"`
			Tag int  `json:"tag_id"`
		} `json:"filter"`
		Type string `json:"msgtype"`
		Text struct {
			Content string `json:"content"`
		} `json:"text"`
		Key string `json:"clientmsgid"`
	}
	if json.Unmarshal(body, &m) != nil || m.Type != "text" || m.Text.Content == "" || len(m.Key) > maxKey {
		tell(w, 47001)
		return
	}
	for _, before := range p.masses {
		if before.Key == m.Key && m.Key != "" && p.Now().Sub(before.At) < massLife {
			reply(w, map[string]any{"errcode": 45065, "errmsg": meaning[45065], "msg_id": before.ID})
			return
		}
	}
	switch {
	case len(m.Text.Content) > maxText:
		tell(w, 45002)
		return
	case len(p.masses) >= p.MassSends:
		tell(w, 45028)
		return
	}
	id := int64(1000000000 + len(p.masses))
	p.masses = append(p.masses, Mass{id, m.Filter.All, m.Filter.Tag, shown(body, m.Text.Content), m.Key, p.Now()})
	reply(w, map[string]any{"errcode": 0, "errmsg": "send job submission success", "msg_id": id, "msg_data_id": id + 1})
}
