// Package web is the chat on web pages, for readers who are old and on a phone: made on the server, whole without JavaScript, and a little better
// with it (chat.js). The browser is known by a random number in a cookie; the desk gets its hash as the reader's name.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/page"
)

// Channel is what web pages can do.
var Channel = bot.Channel{Name: "web", Buttons: true, Pages: true}

// Desk answers readers; *bot.Desk does.
type Desk interface {
	Handle(context.Context, bot.Message) (bot.Reply, error)
}

// Library knows what is asked often; *postgres.Store does.
type Library interface {
	CommonQuestions(ctx context.Context, topic knowledge.Topic, group knowledge.Group, unsigned bool, now time.Time, n int) ([]string, error)
}

// Forms keeps what forms led to, past a kill and for all nodes: a form sent again gets the same reply, and any node shows the conversation.
// *postgres.Store does.
type Forms interface {
	// Ask notes a form, whose payload is the question as it is shown, and numbers it; one that came before has its number.
	Ask(ctx context.Context, u bot.Update) (n int64, err error)
	// KeepForm keeps the reply to a form when the desk has not.
	KeepForm(ctx context.Context, id string, k bot.Kept) error
	// Talk is the end of a reader's conversation, oldest first.
	Talk(ctx context.Context, reader string, most int) ([]bot.Exchange, error)
	// Known reports whether anything is kept of a reader.
	Known(ctx context.Context, reader string) (bool, error)
}

// Config is what the chat is made of.
type Config struct {
	Desk    Desk
	Library Library // nil: the first page has no common questions
	Forms   Forms   // nil: in memory
	// Current are replies as they may be shown now, when some of what they quote may have been withdrawn (bot.Desk.Current). Nil: as they are.
	Current  func(ctx context.Context, kept ...bot.Kept) ([]bot.Kept, error)
	Speaker  Speaker // reads answers aloud where the browser cannot; nil: nobody does
	Unsigned bool    // entries that nobody has signed are served
	Proxies  page.Proxies
	Privacy  string // the privacy page, in Markdown: headings, paragraphs, lists
	Now      func() time.Time
	Log      *slog.Logger
}

// Chat serves the pages. It is safe for concurrent use.
type Chat struct {
	Config
	talks     *talks
	gate      gate // of new readers
	forgets   gate // of deletions by who is not known
	busy      chan struct{}
	shelves   shelves
	aloud     *aloud // nil without a speaker
	privacy   []part
	protected *http.CrossOriginProtection
}

// atOnce bounds the questions answered at a time, so that a flood waits outside the database and the model.
const atOnce = 64

// New returns a chat.
func New(cfg Config) *Chat {
	c := &Chat{
		Config: cfg, talks: newTalks(), gate: newGate(newReadersAtOnce, newReaderEvery), forgets: newGate(forgetsAtOnce, forgetEvery), busy: make(chan struct{}, atOnce),
		privacy: parts(cfg.Privacy), protected: http.NewCrossOriginProtection(),
	}
	if c.Speaker != nil {
		c.aloud = newAloud(c.Speaker, c.Now)
	}
	c.protected.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.fail(w, r, question{}, &problem{http.StatusForbidden, elsewhereLine})
	}))
	return c
}

// The addresses of the pages.
const (
	homePath    = "/"
	chatPath    = "/chat"
	privacyPath = "/privacy"
	printPath   = "/print/"
	speechPath  = "/speech/"
)

// Routes are the ways in.
func (c *Chat) Routes() []page.Route {
	open := func(pattern string, h http.HandlerFunc) page.Route {
		return page.Route{Pattern: pattern, Access: page.Public, Handler: h}
	}
	// a change asked for by a page of another site is refused
	change := func(pattern string, h http.HandlerFunc) page.Route {
		return open(pattern, c.protected.Handler(h).ServeHTTP)
	}
	to := func(path string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, path, http.StatusSeeOther) }
	}
	return []page.Route{
		open("GET /{$}", c.home),
		open("GET "+chatPath, c.chat),
		change("POST /ask", c.ask),
		open("GET /ask", to(chatPath)), // the address that a page of a failed question has, loaded again
		change("POST /look", c.change),
		open("GET /look", to(homePath)),
		change("POST /forget", c.forget),
		open("GET /forget", to(privacyPath)),
		open("GET "+printPath+"{answer}", c.print),
		open("GET "+speechPath+"{answer}", c.speech),
		open("GET "+privacyPath, c.privacyPage),
		script.Route(),
	}
}
