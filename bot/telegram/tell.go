package telegram

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-telegram/bot"

	engine "qiuzhen/bot"
)

// MaxUnits is the longest message that Telegram takes, in UTF-16 units.
const MaxUnits = maxUnits

// Wait is that a message was not sent, and when it may be: Telegram asked for silence, or too many others come first.
type Wait struct {
	For  time.Duration
	Chat bool // it is about this chat only
	Own  bool // Telegram did not ask for it: replies to readers come first
}

func (w *Wait) Error() string { return fmt.Sprintf("telegram: wait for %v", w.For) }

// What else Tell returns.
var (
	ErrRefused = errors.New("telegram: the message was refused")      // it was not taken and never will be
	ErrAccount = errors.New("telegram: the bot's token is not taken") // nothing is, until the operator mends it
)

// Tell sends one text to a reader or group that has not just asked. It tries once: errors are *Wait, bot.ErrGone, ErrRefused or ErrAccount when the
// message was not taken, and another one when nobody knows.
func (b *Bot) Tell(ctx context.Context, name, text string) (message int, err error) {
	chat, ok := chatOf(name)
	if !ok {
		return 0, engine.ErrGone
	}
	if err := b.quota.spare(ctx, chat, b.Now()); err != nil {
		return 0, err
	}
	o := &outgoing{chat: chat, parts: []string{text}}
	message, err = b.sendOnce(ctx, o)
	var moved *bot.MigrateError
	if errors.As(err, &moved) && moved.MigrateToChatID != 0 {
		o.chat = int64(moved.MigrateToChatID)
		message, err = b.sendOnce(ctx, o)
	}
	return message, b.meaning(o.chat, err)
}

// meaning is what an error of the library means; its words are Telegram's, and may hold anything.
func (b *Bot) meaning(chat int64, err error) error {
	var tooMany *bot.TooManyRequestsError
	var moved *bot.MigrateError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooMany):
		wait := time.Duration(max(tooMany.RetryAfter, 1)) * time.Second
		b.quota.silence(chat, b.Now().Add(wait))
		return &Wait{For: wait, Chat: isGroup(chat)} // a group has a limit of its own, 20 a minute
	case errors.Is(err, bot.ErrorForbidden):
		return engine.ErrGone
	case errors.Is(err, bot.ErrorUnauthorized), errors.Is(err, bot.ErrorNotFound):
		return ErrAccount
	case errors.As(err, &moved): // twice
		return errors.New("telegram: the group moves")
	case errors.Is(err, bot.ErrorBadRequest):
		for _, none := range []string{"chat not found", "user not found", "group chat was deactivated", "PEER_ID_INVALID"} {
			if strings.Contains(err.Error(), none) {
				return engine.ErrGone
			}
		}
		return ErrRefused
	}
	return failure("sendMessage", err)
}

const (
	mostHeld  = 2 * time.Second        // how long Tell waits for the bot's place in the quota
	stepAside = 200 * time.Millisecond // how long it leaves the quota to replies
	// toldShare is how much of the quota it takes while replies wait: 15 of 25 a second.
	toldShare = 0.6
)

// spare takes a chat's place when there is one at once, and waits its turn for the bot's, which it shares with replies to readers: all keep to
// Telegram's limit together, and a reply waits for no more messages than are on their way. While replies wait it takes its share and no more.
func (q *quota) spare(ctx context.Context, chat int64, now time.Time) error {
	if wait := q.delay(chat, now); wait > 0 {
		return &Wait{For: wait, Chat: true}
	}
	at := time.Now()
	place := q.all.ReserveN(at, 1)
	wait := place.DelayFrom(at)
	if wait > mostHeld || !q.told.AllowN(at, 1) && q.waiting.Load() > 0 {
		place.CancelAt(at)
		return &Wait{For: stepAside, Own: true}
	}
	q.limiterOf(chat).AllowN(at, 1)
	return sleep(ctx, place.DelayFrom(at))
}
