// Package console is the staff's web pages: what waits for me, one entry under review beside its original, and what may be done with it.
// The rules are the store's, the same as at the terminal; the pages say what will happen before it happens, and afterwards what was done.
package console

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"qiuzhen/authoring"
	"qiuzhen/knowledge"
	"qiuzhen/page"
)

// Doors let people in and out.
type Doors interface {
	// OpenSession signs in; the token is what the browser holds.
	OpenSession(ctx context.Context, login, secret string, now time.Time) (token string, err error)
	CloseSession(ctx context.Context, token string) error
}

// Sessions know who holds a token.
type Sessions interface {
	// Session is the person as she is now; NotFound when the session has ended.
	Session(ctx context.Context, token string, now time.Time) (knowledge.Session, error)
	// Say keeps what the session's next page says was done.
	Say(ctx context.Context, token, said string) error
}

// Work lists entries for a person.
type Work interface {
	Tasks(ctx context.Context, p knowledge.Person, now time.Time) ([]knowledge.Task, error)
	// Find lists entries whose id or title has the words; empty: all.
	Find(ctx context.Context, words string, limit int) ([]knowledge.Version, error)
	// Involvement is what a person had to do with a version.
	Involvement(ctx context.Context, id knowledge.ID, version int, by knowledge.PersonID) (knowledge.Involvement, error)
}

// Versions are what is known of one entry.
type Versions interface {
	// Version is one version; 0: the newest.
	Version(ctx context.Context, id knowledge.ID, number int) (knowledge.Version, error)
	// Pending is the published version (empty when there is none) and the newest.
	Pending(ctx context.Context, id knowledge.ID) (before, after knowledge.Version, err error)
	History(ctx context.Context, id knowledge.ID) ([]knowledge.Happened, error)
}

// Originals are the files that entries were made of.
type Originals interface {
	// NearestOrigin is that of a version, or of the newest before it that has one, and which version that is.
	NearestOrigin(ctx context.Context, id knowledge.ID, version int) (o knowledge.Origin, from int, err error)
	OriginalContent(ctx context.Context, sha256 [32]byte) ([]byte, error)
}

// Notices tell a person of what she signed.
type Notices interface {
	Notices(ctx context.Context, person knowledge.PersonID, all bool) ([]knowledge.Notice, error)
	// ReadNotice notes that she has seen one of hers.
	ReadNotice(ctx context.Context, person knowledge.PersonID, id int64, now time.Time) error
}

// Questions are what readers asked.
type Questions interface {
	// Unanswered are those that no entry answers, those asked most first.
	Unanswered(ctx context.Context, limit int) (knowledge.QuestionBacklog, error)
	Question(ctx context.Context, id int64) (knowledge.Question, error)
	// AnswerQuestion names the entry that does; who waits is told once it is published.
	AnswerQuestion(ctx context.Context, question int64, entry knowledge.ID) error
}

// Closings are of questions that need no answer.
type Closings interface {
	// ClosedQuestions are those, the last closed first.
	ClosedQuestions(ctx context.Context, limit int) (knowledge.QuestionBacklog, error)
	CloseQuestion(ctx context.Context, question int64, why knowledge.Closing, now time.Time) error
	ReopenQuestion(ctx context.Context, question int64) error
}

// Drafts come under review.
type Drafts interface {
	// SubmitDespite keeps the author's reason when a published verdict is contradicted.
	SubmitDespite(ctx context.Context, id knowledge.ID, reason string) (version int, err error)
	Sign(ctx context.Context, s knowledge.Signature) error
}

// Service begins and ends with these.
type Service interface {
	Publish(ctx context.Context, id knowledge.ID, emergency bool, now time.Time) error
	Withdraw(ctx context.Context, id knowledge.ID, reason string) error
	// Recipients counts those who were answered with the entry since then.
	Recipients(ctx context.Context, id knowledge.ID, since time.Time) ([]knowledge.Recipient, error)
}

// Store is the database, which is all of these.
type Store interface {
	Doors
	Sessions
	Work
	Versions
	Originals
	Notices
	Questions
	Closings
	Drafts
	Service
	Broadcasts
	Surges
}

// Desk is where texts are written: entries as their Markdown source.
type Desk interface {
	Source(e knowledge.Entry) (string, error)
	// Read returns the entry of a source with what is wrong, by line; readable is false when it is no entry at all.
	Read(source string) (e knowledge.Entry, notes []Note, readable bool)
	// Save stores a new version; false when the newest says this already.
	Save(ctx context.Context, e knowledge.Entry) (created bool, err error)
}

// Beginnings are new entries: an empty one, and what a file that an office brings makes.
type Beginnings interface {
	// Blank is the source of an entry that is to be written; wording is how readers put it, or empty.
	Blank(kind knowledge.Kind, topic knowledge.Topic, title, wording string) string
	// Import makes drafts of the file at the path, which its owner calls name.
	Import(ctx context.Context, name, path string, topic knowledge.Topic) (Imported, error)
}

// Note is what is to be mended at a line of the source.
type Note struct {
	Line int
	What string
}

// Piece is a part of an original as it was read.
type Piece struct {
	Text, Place string
	Heading     bool
	Used        bool // the draft has it
	Skipped     int  // so many pieces before this one are left out
}

// Config is what the console needs.
type Config struct {
	Store  Store
	Desk   Desk
	Begin  Beginnings
	Pieces func(blocks json.RawMessage) ([]Piece, error) // of an original
	Now    func() time.Time
	Log    *slog.Logger
	// Proxies are ours: they speak TLS with browsers and name their addresses.
	Proxies page.Proxies
	// Sends are the channels that broadcasts leave on.
	Sends []string
	// Check looks at what is being written for whoever writes or reviews it.
	Check func(ctx context.Context, e knowledge.Entry, version int) (authoring.Report, error)
}

// Console serves the pages.
type Console struct {
	Config
	tries    *limiter
	hashing  chan struct{} // passwords that are being checked: each takes 32 MB
	uploads  chan struct{} // files that are on their way or wait to be read
	reading  chan struct{} // files that are being read: each may take 512 MB
	counting sync.Mutex
	counted  map[int64]*counted // by broadcast
}

// New makes a console.
func New(c Config) *Console {
	return &Console{
		Config: c, tries: newLimiter(signInsMost, signInsWindow), hashing: make(chan struct{}, 2),
		uploads: make(chan struct{}, uploadsAtOnce), reading: make(chan struct{}, 1), counted: map[int64]*counted{},
	}
}

// Routes are all ways in.
func (c *Console) Routes() []page.Route {
	writes, signs, serves := page.Only(knowledge.Author, knowledge.Editor),
		page.Only(knowledge.Expert, knowledge.Editor, knowledge.Publisher), page.Only(knowledge.Publisher)
	answers := page.Only(knowledge.Author, knowledge.Editor, knowledge.Publisher)
	const entry, question = "/console/entries/{id}", "/console/questions/{question}"
	routes := []page.Route{
		style.Route(),
		{Pattern: "GET /console/sign-in", Access: page.Public, Handler: c.signInPage},
		{Pattern: "POST /console/sign-in", Access: page.Public, Handler: c.signIn},
		{Pattern: "POST /console/upload", Access: writes, Handler: c.guardUpTo(writes, uploadMost, c.upload)},
	}
	for _, r := range []struct {
		pattern string
		access  page.Access
		do      handler
	}{
		{"POST /console/sign-out", page.SignedIn, c.signOut},
		{"GET /console", page.SignedIn, c.queue},
		{"GET /console/{rest...}", page.SignedIn, c.nothing},
		{"POST /console/notices/{notice}", page.SignedIn, c.readNotice},
		{"GET /console/new", writes, c.newPage},
		{"POST /console/new", writes, c.create},
		{"GET /console/questions", page.SignedIn, c.questions},
		{"GET " + question, page.SignedIn, c.question},
		{"POST " + question, answers, c.answerQuestion},
		{"POST " + question + "/close", answers, c.closeQuestion},
		{"POST " + question + "/reopen", answers, c.reopenQuestion},
		{"GET /console/entries", page.SignedIn, c.entries},
		{"GET " + entry, page.SignedIn, c.entry},
		{"GET " + entry + "/original", page.SignedIn, c.original},
		{"GET " + entry + "/edit", writes, c.editPage},
		{"POST " + entry + "/edit", writes, c.edit},
		{"POST " + entry + "/submit", writes, c.act(c.submit)},
		{"POST " + entry + "/sign", signs, c.act(c.sign)},
		{"POST " + entry + "/return", signs, c.act(c.sendBack)},
		{"POST " + entry + "/publish", serves, c.act(c.publish)},
		{"POST " + entry + "/emergency", serves, c.act(c.emergency)},
		{"POST " + entry + "/withdraw", serves, c.act(c.withdraw)},
	} {
		routes = append(routes, page.Route{Pattern: r.pattern, Access: r.access, Handler: c.guard(r.access, r.do)})
	}
	return slices.Concat(routes, c.broadcastRoutes(), c.apiRoutes())
}

func (c *Console) nothing(http.ResponseWriter, *http.Request, visit) error {
	return &knowledge.Error{Code: knowledge.NotFound, Message: "没有这个页面"}
}
