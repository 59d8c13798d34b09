// Package telegram talks to readers by a bot of Telegram: by webhook or long polling, in private and in groups. It translates between
// Telegram's updates and bot.Desk; what was delivered is stored in the inbox before it is acknowledged, and answered from there.
package telegram

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"
	lru "github.com/hashicorp/golang-lru/v2"

	engine "qiuzhen/bot"
	"qiuzhen/page"
)

// Channel is what Telegram can do.
var Channel = engine.Channel{Name: "telegram", Push: true, Alerts: true, Buttons: true, Groups: true, Edits: true}

// Desk answers messages; *bot.Desk does.
type Desk interface {
	Handle(ctx context.Context, m engine.Message) (engine.Reply, error)
}

// Readers notes who cannot be reached any more; *postgres.Store does.
type Readers interface {
	MarkGone(ctx context.Context, channel, name string, at time.Time) error
}

// Inbox stores what was delivered; *inbox.Worker does.
type Inbox interface {
	Receive(ctx context.Context, u engine.Update) (fresh bool, err error)
}

// Media reads pictures ("image") and speech ("voice"); empty when it can make nothing of it. A knowledge.Error says what the reader is told.
type Media interface {
	Text(ctx context.Context, kind string, r io.Reader) (string, error)
}

// Config is how a bot is reached.
type Config struct {
	Token   string // of @BotFather; never logged
	Secret  string // that Telegram sends with each update; for webhooks
	Webhook string // address that Telegram is told to send to; empty: somebody else told it
	API     string // of another server of the Bot API; empty: Telegram's
	Limits  Limits // zero: Official
}

// Bot is a bot of Telegram. Its fields are set before it is used; it is then safe for concurrent use.
type Bot struct {
	Desk    Desk
	Readers Readers
	Traces  Traces // New's: in memory
	Inbox   Inbox
	Media   Media // nil: the reader is asked for text
	// Wording is the words that find an entry, for links that name one; empty when it is not served.
	Wording func(ctx context.Context, id string) (string, error)
	// Concerns reports whether a group's message can be answered at all, and counts it; others are not stored. Nil: all are, and a group may ask without
	// limit.
	Concerns func(ctx context.Context, m engine.Message) (bool, error)
	// Current is a reply that waited as it may be sent now (bot.Desk.Current). Nil: as it is.
	Current func(ctx context.Context, kept ...engine.Kept) ([]engine.Kept, error)
	Now     func() time.Time
	Log     *slog.Logger

	config Config
	api    *bot.Bot
	client *http.Client
	quota  *quota
	owed   *owed
	me     atomic.Pointer[models.User]
	unsent *lru.Cache[string, *outgoing] // replies that wait for another try, by update
	told   *lru.Cache[int64, time.Time]  // chats that were told that too many ask
	warned *lru.Cache[int64, struct{}]   // updates that could not be stored, of who was told the number to call
}

const (
	officialAPI = "https://api.telegram.org"
	requestTime = 30 * time.Second
	mostAnswer  = 32 << 20 // bytes of an answer of the Bot API
	remembered  = 1 << 13  // replies and chats
)

var (
	tokenForm  = regexp.MustCompile(`^[0-9]{1,20}:[A-Za-z0-9_-]{20,100}$`)
	secretForm = regexp.MustCompile(`^[A-Za-z0-9_-]{16,256}$`)
)

// CheckToken reports what is wrong with a token, without repeating it.
func CheckToken(token string) error {
	if !tokenForm.MatchString(token) {
		return errors.New("not a token as @BotFather gives it: digits, a colon, letters")
	}
	return nil
}

// CheckSecret reports what is wrong with a webhook's secret.
func CheckSecret(secret string) error {
	if !secretForm.MatchString(secret) {
		return errors.New("16 to 256 letters, digits, _ and - are needed, such as `openssl rand -hex 32` prints")
	}
	return nil
}

// New returns a bot; Telegram is not asked yet.
func New(c Config) (*Bot, error) {
	if err := CheckToken(c.Token); err != nil {
		return nil, err
	}
	if c.API == "" {
		c.API = officialAPI
	}
	if c.Limits == (Limits{}) {
		c.Limits = Official
	}
	client := &http.Client{
		Transport:     bounded{transport()},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // its address would hold the token
	}
	api, err := bot.New(c.Token, bot.WithSkipGetMe(), bot.WithServerURL(c.API), bot.WithHTTPClient(requestTime, client),
		bot.WithErrorsHandler(func(error) {}), bot.WithDebugHandler(func(string, ...any) {})) // they print what may hold the token
	if err != nil {
		return nil, fmt.Errorf("telegram: %w", err)
	}
	b := &Bot{Now: time.Now, Log: slog.Default(), config: c, api: api, client: client, quota: newQuota(c.Limits), owed: newOwed()}
	b.unsent, _ = lru.New[string, *outgoing](remembered) // fails on a size below one only
	traces, _ := lru.New[[16]byte, engine.Trace](remembered)
	b.Traces = memoryTraces{traces}
	b.told, _ = lru.New[int64, time.Time](remembered)
	b.warned, _ = lru.New[int64, struct{}](remembered)
	return b, nil
}

// bounded lets no answer be longer than is ever needed.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, mostAnswer), response.Body}
	}
	return response, err
}

// CloseIdleConnections closes the connections to Telegram that nobody uses.
func (b *Bot) CloseIdleConnections() {
	b.client.Transport.(bounded).next.(*http.Transport).CloseIdleConnections()
}

// Routes are the webhook's.
func (b *Bot) Routes() []page.Route {
	return []page.Route{{Pattern: "POST /telegram/webhook", Access: page.Public, Handler: b.webhook}}
}

// self is the bot as Telegram knows it, asked for once.
func (b *Bot) self(ctx context.Context) (*models.User, error) {
	if me := b.me.Load(); me != nil {
		return me, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	me, err := b.api.GetMe(ctx)
	if err != nil {
		return nil, failure("getMe", err)
	}
	b.me.Store(me)
	return me, nil
}

// StartWebhook tells Telegram where to send updates, when the address is set, and tries until it could.
func (b *Bot) StartWebhook(ctx context.Context) {
	b.persist(ctx, "setWebhook", func(ctx context.Context) error {
		if b.config.Webhook == "" {
			return nil
		}
		_, err := b.api.SetWebhook(ctx, &bot.SetWebhookParams{
			URL: b.config.Webhook, SecretToken: b.config.Secret, AllowedUpdates: allowed, MaxConnections: 40,
		})
		return err
	})
	b.persist(ctx, "getMe", func(ctx context.Context) error {
		_, err := b.self(ctx)
		return err
	})
}

// persist does something until it succeeds or ctx ends.
func (b *Bot) persist(ctx context.Context, what string, do func(context.Context) error) {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		limited, cancel := context.WithTimeout(ctx, requestTime)
		err := do(limited)
		cancel()
		if err == nil || ctx.Err() != nil {
			return
		}
		b.Log.Warn("telegram does not take a request, trying again", "method", what, "error", failure(what, err), "in", wait)
		if sleep(ctx, wait) != nil {
			return
		}
	}
}

// Status is what doctor tells of a bot.
type Status struct {
	Name         string // of the bot
	ReadsGroups  bool   // false: privacy mode is on, groups' messages come only when they call it
	Webhook      bool   // Telegram sends to an address
	Pending      int    // updates that Telegram holds
	WebhookError string // of the last delivery that failed in the last hour
}

// Status asks Telegram.
func (b *Bot) Status(ctx context.Context) (Status, error) {
	me, err := b.self(ctx)
	if err != nil {
		return Status{}, err
	}
	s := Status{Name: "@" + me.Username, ReadsGroups: me.CanReadAllGroupMessages}
	var info models.WebhookInfo
	if err := b.ask(ctx, "getWebhookInfo", struct{}{}, &info); err != nil {
		return s, err
	}
	s.Webhook, s.Pending = info.URL != "", info.PendingUpdateCount
	if b.Now().Sub(time.Unix(int64(info.LastErrorDate), 0)) < time.Hour {
		s.WebhookError = info.LastErrorMessage
	}
	return s, nil
}

// sendersAtOnce is how many calls a broadcast has under way; each keeps its connection, also to a Bot API of one's own, which speaks HTTP/1.1.
const sendersAtOnce = 8

func transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	t.MaxIdleConnsPerHost = sendersAtOnce
	return t
}
