// Package wechat is the channel of a WeChat official account: the platform's callback, and its API for what comes too late for an answer
// to the callback.
//
// # The way of a message
//
// The platform posts it and breaks the connection after five seconds, three times in all. The first post stores it (Inbox); a worker of
// any node has it answered by the desk (Handle) and stores the reply; whichever post is open then takes the reply, and the reader sees it as the
// answer. What is not there when the last post must be answered is late: a service account sends it as a customer message, another account
// asks the reader to write something, and gives it with the answer to that.
package wechat

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"qiuzhen/bot"
)

// ChannelName names the channel in messages and in the store.
const ChannelName = "wechat"

// Can is what the channel is able to do. A service account reaches readers for 48 hours after they have written: too short to promise
// that they will be told, so that what they wait for comes with their next message when it could not be sent (Push).
var Can = bot.Channel{Name: ChannelName, Alerts: true, Most: maxReply}

// Desk answers messages; *bot.Desk does.
type Desk interface {
	Handle(ctx context.Context, m bot.Message) (bot.Reply, error)
}

// Reader turns a picture or a recording into words; *media.Reader does.
type Reader interface {
	Text(ctx context.Context, kind string, r io.Reader) (string, error)
}

// Pictures fetches a picture from a host of a domain, redirects included; *fetch.Client does.
type Pictures interface {
	Picture(ctx context.Context, address, domain string) ([]byte, error)
}

// Delivery is one post of a message by the platform.
type Delivery struct {
	ID, Reader string
	At         time.Time
	Nonce      []byte // digest of the nonce with its time
	Body       []byte // digest of what was posted with it: the nonce is good for nothing else
	// Retry is the least time after which another post of the same message means that the platform gave up on the one before. Earlier, it is
	// a duplicate.
	Retry time.Duration
	// Again is how long after its reply was given another post means that it did not arrive, such as when the process that gave it was
	// killed: the platform posts nothing again that it has an answer to.
	Again time.Duration
	Posts int // how often a nonce may come with the same body
}

// Place is where a post stands among those of its message.
type Place struct {
	Number int  // of the post; a later one makes it void
	Try    int  // the platform's, from 1: posts that came too soon are not counted
	Given  bool // the reply went out with a post before it
}

// ErrReplayed says that the nonce was used before, for something else or too often or too long ago.
var ErrReplayed = errors.New("replayed")

// Intake keeps account of what the platform posts; postgres.WeChat does, as all that follows.
type Intake interface {
	// Deliver notes a post; ErrReplayed when it is none of the platform's.
	Deliver(ctx context.Context, d Delivery) (Place, error)
	// Answered are those of the messages that have a reply.
	Answered(ctx context.Context, ids []string) ([]string, error)
}

// Giver hands replies to posts. What a reply quotes that has been withdrawn since, it and the Outbox leave out (bot.Without).
type Giver interface {
	// Take gives the reply to a post: false when there is none, a later post is there, or an earlier one has taken it. Join makes one text
	// of it and the reader's late replies, and says how many of those it took.
	Take(ctx context.Context, id string, number int, now time.Time, join func(own string, late []string) (string, int)) (string, bool, error)
	// GiveBack says that a reply taken has not gone out.
	GiveBack(ctx context.Context, id, reader string, number int) error
	// Leave says that no post will come any more: the reply is late.
	Leave(ctx context.Context, id string, number int) error
}

// Inbox takes messages in, to be handed to Handle by one node at a time; *inbox.Worker does.
type Inbox interface {
	Receive(ctx context.Context, u bot.Update) (fresh bool, err error)
}

// Replies keeps what the desk said.
type Replies interface {
	// Answer stores the reply to a message with what it quotes; without text nothing is said.
	Answer(ctx context.Context, id string, reply bot.Kept) error
	// Expects reports whether a reader was promised a reply to a message before this one.
	Expects(ctx context.Context, reader, besides string) (bool, error)
	// Left says that a reader has left the account: nothing is sent any more.
	Left(ctx context.Context, channel, reader string, now time.Time) error
}

// Late is a reply that no post has taken.
type Late struct {
	ID     string
	Reader string
	Reply  string
	Sends  int // attempts so far, this one included
}

// Outbox are the late replies.
type Outbox interface {
	// Due leases late replies that may be sent; those whose last post is older than orphaned are late too.
	Due(ctx context.Context, now time.Time, orphaned, lease time.Duration) ([]Late, error)
	// Sent says that one was sent, or never can be.
	Sent(ctx context.Context, id string) error
	// PutOff keeps one until then; the reader's next message may take it before, or at once when it is not to be sent at all.
	PutOff(ctx context.Context, id string, until time.Time) error
}

// Store is all that the channel keeps between requests and shares between nodes.
type Store interface {
	Intake
	Giver
	Replies
	Outbox
	// Sweep deletes what is older than its use.
	Sweep(ctx context.Context, now time.Time) error
}

// Config is what a channel is made of.
type Config struct {
	Account Account
	Store   Store
	Desk    Desk
	API     *API
	Reader  Reader // nil: pictures and recordings are not read
	// Pictures has the pictures that the account may not fetch by its API; nil: those are not read.
	Pictures Pictures
	// Service says that the account may send customer messages: verified service accounts may, subscription accounts may not.
	Service   bool
	Alerts    bool   // broadcasts reach its readers: by customer messages, or by a template
	PublicURL string // of the entries' pages; empty: a reply that is cut has no link
	Now       func() time.Time
	Log       *slog.Logger
	Times     Times // zero: the platform's
	MostOpen  int   // posts held at a time, beyond which readers are asked to send again; 0: 512
}

// Times are the platform's patience, and ours within it.
type Times struct {
	Retry  time.Duration // another post sooner than that is a duplicate
	Again  time.Duration // another post of an answered message sooner than that is; 0: as Retry
	Hold   time.Duration // how long a post is held that another will follow: the platform must break it first
	Last   time.Duration // when the last post is answered, whatever there is
	Orphan time.Duration // without a post for so long, none follows
	Tries  int
}

// platform: five seconds a post, three posts. The last is answered early enough for the way back.
var platform = Times{Retry: 4 * time.Second, Again: time.Second, Hold: 5500 * time.Millisecond, Last: 4300 * time.Millisecond, Orphan: 8 * time.Second, Tries: 3}

// Channel serves one account.
type Channel struct {
	Config
	Inbox Inbox // set before the first post

	hub  *hub
	late chan struct{} // something to send
	open chan struct{}
}

// New returns a channel.
func New(c Config) *Channel {
	if c.Times == (Times{}) {
		c.Times = platform
	}
	if c.MostOpen == 0 {
		c.MostOpen = 512
	}
	return &Channel{
		Config: c, hub: newHub(),
		late: make(chan struct{}, 1), open: make(chan struct{}, c.MostOpen),
	}
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // somebody has already
	}
}
