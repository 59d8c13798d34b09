package web

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/page"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed chat.js
var scriptContent []byte

var script = page.NewAsset("chat.js", "text/javascript", scriptContent)

var templates = template.Must(template.New("").ParseFS(templateFiles, "templates/*.html"))

// frame is what every page has.
type frame struct {
	Title string
	Path  string
	Look  look
	Form  string // the form that the buttons for the look belong to
}

// Style and Script are the addresses of the page's files.
func (frame) Style() string { return page.Style.Path }

// Script is that of chat.js.
func (frame) Script() string { return script.Path }

// turn is an exchange as it is shown.
type turn struct {
	exchange
	Blocks []block
	Left   []bot.Choice // buttons below
	Once   string       // of its buttons
	Active bool         // its buttons are shown
	Speech string       // where it is read aloud; empty: nowhere
}

// turn is an exchange as the conversation shows it.
func (c *Chat) turn(e exchange, active bool) turn {
	t := newTurn(e, active)
	if c.aloud != nil && e.Answer != 0 {
		t.Speech = speechPath + strconv.FormatInt(e.Answer, 10)
	}
	return t
}

func newTurn(e exchange, active bool) turn {
	t := turn{exchange: e, Once: random(), Active: active && len(e.Choices) > 0}
	if !t.Active {
		t.Blocks, _ = blocks(e.Text, nil)
		return t
	}
	t.Blocks, t.Left = blocks(e.Text, e.Choices)
	return t
}

// Heading is the question, in short.
func (t turn) Heading() string { return firstLine(t.Asked, 80) }

// talkPage is the first page, and that of the conversation.
type talkPage struct {
	frame
	Home    bool
	Talk    []turn
	Shelves []shelf
	Again   bool // there is a conversation to go on with
	// the form for the next question
	Once    string
	Problem string
	Draft   string
	About   int64
}

// talkPage is the page at a path, as the reader sees it now.
func (c *Chat) talkPage(r *http.Request, path string) *talkPage {
	p := &talkPage{frame: frame{Title: "求真：拿不准的消息，先问一问", Path: path, Look: lookOf(r), Form: "ask"}, Once: random()}
	talk := c.shown(r.Context(), c.readerOf(r))
	if path == homePath {
		p.Home, p.Again, p.Shelves = true, len(talk) > 0, c.shelves.get(c)
		return p
	}
	p.Title = "您和求真的对话"
	p.Talk = c.turns(talk)
	return p
}

// turns show a conversation; the buttons of the last reply that has any are there, and of those after it.
func (c *Chat) turns(talk []exchange) []turn {
	turns := make([]turn, len(talk))
	active := true
	for i := len(talk) - 1; i >= 0; i-- {
		turns[i] = c.turn(talk[i], active)
		active = active && !turns[i].Active
	}
	return turns
}

func (c *Chat) home(w http.ResponseWriter, r *http.Request) {
	who := c.readerOf(r)
	c.remember(w, r, who) // before the first question, so that one sent again is known; nothing is kept of who only looks
	c.show(w, http.StatusOK, "talk", c.talkPage(r, homePath))
}

func (c *Chat) chat(w http.ResponseWriter, r *http.Request) {
	who := c.readerOf(r)
	c.remember(w, r, who)
	c.show(w, http.StatusOK, "talk", c.talkPage(r, chatPath))
}

// paperPage is one reply for the printer.
type paperPage struct {
	frame
	turn
	Day string
}

// print shows a reply to the reader who got it, and to nobody else.
func (c *Chat) print(w http.ResponseWriter, r *http.Request) {
	e, ok := c.own(r, c.readerOf(r))
	if !ok {
		c.show(w, http.StatusNotFound, "notice", &noticePage{
			frame: c.plainFrame(r, "没有找到这一条"), Line: "这里没有您要打印的回答。可能时间久了，请再问一次。",
		})
		return
	}
	t := newTurn(e, false)
	c.show(w, http.StatusOK, "paper", &paperPage{
		frame: frame{Title: "求真的回答：" + firstLine(t.Asked, 20), Path: printPath + r.PathValue("answer"), Look: lookOf(r), Form: "look"},
		turn:  t, Day: c.Now().In(knowledge.China).Format("2006年1月2日"),
	})
}

// own is the answer that a path names, when it was given to the reader, as it may be shown now.
func (c *Chat) own(r *http.Request, who reader) (exchange, bool) {
	for _, e := range c.shown(r.Context(), who) {
		if e.Answer != 0 && strconv.FormatInt(e.Answer, 10) == r.PathValue("answer") {
			return e, true
		}
	}
	return exchange{}, false
}

// noticePage says one thing.
type noticePage struct {
	frame
	Line   string
	Blocks []block
}

func (c *Chat) plainFrame(r *http.Request, title string) frame {
	return frame{Title: title, Path: homePath, Look: lookOf(r), Form: "look"}
}

type privacyPage struct {
	frame
	Parts []part
}

func (c *Chat) privacyPage(w http.ResponseWriter, r *http.Request) {
	f := c.plainFrame(r, "隐私说明")
	f.Path = privacyPath
	c.show(w, http.StatusOK, "privacy", &privacyPage{f, c.privacy})
}

// forgetWords are those of the button, on which the page has asked already.
const forgetWords = "删除我的数据"

// forget has the desk delete what it keeps, and drops what the pages keep; not before the desk has done it.
func (c *Chat) forget(w http.ResponseWriter, r *http.Request) {
	who := c.readerOf(r)
	reply, problem := c.answer(r, who, question{text: forgetWords, forget: true})
	if problem == nil && !reply.forgot {
		problem = notForgotten
	}
	if problem != nil {
		c.fail(w, r, question{}, problem)
		return
	}
	c.talks.forget(who.name)
	c.setReader(w, r, "", -1)
	p := &noticePage{frame: c.plainFrame(r, "您的数据")}
	p.Blocks, _ = blocks(reply.Text, nil)
	c.show(w, http.StatusOK, "notice", p)
}

// show writes a page. What it says is the reader's: no proxy keeps it.
func (c *Chat) show(w http.ResponseWriter, status int, name string, data any) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		c.Log.Error("page failed", "page", name, "error", err)
		http.Error(w, bot.ErrorLine, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "private, no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client is gone: nobody to tell
}

// byScript reports whether chat.js asks, which takes the place of the form.
func byScript(r *http.Request) bool { return r.Header.Get("X-Requested-With") == "fetch" }

// partHeader says what chat.js is given; what lacks it comes from somebody in between.
const partHeader = "Qiuzhen-Part"

// part writes what chat.js puts into the page that is there.
func (c *Chat) part(w http.ResponseWriter, status int, name string, data any) {
	w.Header().Set(partHeader, name)
	if line, ok := data.(string); ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(line)) // the client is gone: nobody to tell
		return
	}
	c.show(w, status, name, data)
}
