package telegram

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	engine "qiuzhen/bot"
)

const (
	maxBody   = 1 << 20
	storeTime = 10 * time.Second
	// stale is older than anything that Telegram delivers: it keeps updates for 24 hours. The inbox knows the names of what was dealt with for
	// longer than that, so that no update is taken twice whenever it is sent again.
	stale = 25 * time.Hour
)

// webhook takes one update. 200 says that it is stored, or that it is nothing to us; nothing else is explained to a stranger.
func (b *Bot) webhook(w http.ResponseWriter, r *http.Request) {
	if !b.fromTelegram(r.Header.Get("X-Telegram-Bot-Api-Secret-Token")) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	u, err := parseUpdate(body)
	if err != nil || b.isStale(u) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), storeTime)
	defer cancel()
	if err := b.store(ctx, u); err != nil {
		b.Log.Error("telegram: an update was not stored and will come again", "error", err)
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// fromTelegram compares the secret in constant time, whatever its length.
func (b *Bot) fromTelegram(secret string) bool {
	theirs, ours := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(b.config.Secret))
	return subtle.ConstantTimeCompare(theirs[:], ours[:]) == 1 && b.config.Secret != ""
}

func (b *Bot) isStale(u update) bool {
	when := u.when()
	return !when.IsZero() && b.Now().Sub(when) > stale
}

// store keeps an update in the inbox if there is anything to do with it.
func (b *Bot) store(ctx context.Context, u update) error {
	if !u.wanted() {
		return nil
	}
	switch concerns, err := b.concerns(ctx, u); {
	case err != nil:
		return err
	case !concerns && u.Callback != nil: // beyond what a group is answered: the button does not wait on
		b.answerPress(ctx, u.Callback.ID, BusyLine)
		return nil
	case !concerns:
		return nil
	}
	payload, err := u.payload()
	if err != nil {
		return err
	}
	_, err = b.Inbox.Receive(ctx, engine.Update{
		Channel: Channel.Name, ID: u.number(), Chat: strconv.FormatInt(u.chat().ID, 10), Payload: payload, Received: b.Now(), Lane: b.lane(u),
	})
	if err != nil {
		b.warn(context.WithoutCancel(ctx), u)
	}
	return err
}

// lane is how an update waits: in a group by what it asks about, which may be the message that it answers.
func (b *Bot) lane(u update) engine.Lane {
	m, me := u.about(), b.me.Load()
	switch {
	case m == nil:
		return engine.Words
	case m.Chat.private() || me == nil: // concerns asked who we are, where that matters
		return engine.LaneOf(m.words(), m.media())
	}
	asked := b.asks(me, m)
	return engine.LaneOf(asked.words, asked.forUs && asked.what.media())
}

// warn tells who speaks of a danger what to do when their message cannot even be stored: once, however often it comes again until it can be.
func (b *Bot) warn(ctx context.Context, u update) {
	m := u.about()
	if m == nil || !m.Chat.private() {
		return
	}
	line := engine.DangerLine(m.words())
	if line == "" || b.warned.Contains(u.ID) || !b.quota.allow(m.Chat.ID, b.Now()) {
		return
	}
	if told, _ := b.warned.ContainsOrAdd(u.ID, struct{}{}); told {
		return
	}
	b.line(ctx, m.Chat.ID, line)
}

// concerns reports whether an update is for us; of groups' messages, which all come when the privacy mode is off, most are not.
func (b *Bot) concerns(ctx context.Context, u update) (bool, error) {
	if b.Concerns == nil || u.chat().private() {
		return true, nil
	}
	m, number := u.about(), u.number()
	if c := u.Callback; c != nil {
		return b.Concerns(ctx, engine.Message{Via: Channel, Update: number, Reader: strconv.FormatInt(c.From.ID, 10), Group: u.chat().name(), Addressed: true})
	}
	if m == nil {
		return true, nil
	}
	me, err := b.self(ctx)
	if err != nil {
		return false, err
	}
	asked := b.asks(me, m)
	return b.Concerns(ctx, engine.Message{Via: Channel, Update: number, Reader: m.sender(), Group: m.Chat.name(), Text: asked.words, Addressed: asked.forUs})
}
