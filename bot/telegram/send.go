package telegram

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	engine "qiuzhen/bot"
	"qiuzhen/bot/inbox"
)

// outgoing is a reply on its way: what is left of it waits for another try.
type outgoing struct {
	reader  string // who gets it
	chat    int64
	thread  int         // topic of a forum
	answers int         // the message that it answers, in groups
	edit    int         // the message of ours that it replaces; 0: none
	kept    engine.Kept // with what it quotes
	parts   []string
	choices *models.InlineKeyboardMarkup // below the last part
	trace   engine.Trace                 // of the message that was asked with; zero: none
	sent    []int
}

const (
	sendTries = 4
	waitHere  = 20 * time.Second // for what is longer the reply waits in the inbox
	callTime  = 15 * time.Second
)

// errUndeliverable means that Telegram will never take a message: its chat is gone, or never was.
var errUndeliverable = errors.New("telegram: the message cannot be delivered")

// Push sends to a reader who has not just asked. Who spoke to us in a group only is written to alone.
func (b *Bot) Push(ctx context.Context, to engine.Reader, r engine.Reply) error {
	chat, ok := chatOf(to.Name)
	if !ok {
		return engine.ErrGone
	}
	err := b.deliver(ctx, &outgoing{chat: chat, reader: to.Name, parts: split(r.Text, maxUnits), choices: keyboard(r)})
	if errors.Is(err, errUndeliverable) {
		return engine.ErrGone
	}
	return err
}

// chatOf is where a reader is written to alone, or a group.
func chatOf(name string) (chat int64, ok bool) {
	if _, person, member := strings.Cut(name, "\n"); member { // bot.MemberOf
		name = person
	}
	chat, err := strconv.ParseInt(name, 10, 64)
	return chat, err == nil
}

// deliver sends what is left of a reply. Errors are bot.ErrGone, errUndeliverable, inbox.Later, or another one worth a new try.
func (b *Bot) deliver(ctx context.Context, o *outgoing) error {
	for len(o.parts) > 0 {
		id, err := b.send(ctx, o)
		var moved *bot.MigrateError
		switch {
		case errors.As(err, &moved) && int64(moved.MigrateToChatID) != o.chat:
			o.chat = int64(moved.MigrateToChatID)
			continue
		case errors.Is(err, bot.ErrorForbidden):
			return engine.ErrGone
		case errors.Is(err, bot.ErrorBadRequest) && o.edit != 0:
			o.edit = 0 // deleted, or too old: a new message
			continue
		case errors.Is(err, bot.ErrorBadRequest):
			b.Log.Warn("telegram: a message cannot be delivered", "error", failure("sendMessage", err))
			return errUndeliverable
		case err != nil:
			return err
		}
		o.sent, o.parts = append(o.sent, id), o.parts[1:]
	}
	b.keepTrace(ctx, o)
	b.owed.settle(o.chat)
	return nil
}

// send sends the next part, pacing itself and trying again after errors that pass.
func (b *Bot) send(ctx context.Context, o *outgoing) (id int, err error) {
	for try := range sendTries {
		if err := b.quota.wait(ctx, o.chat, b.Now); err != nil {
			return 0, err
		}
		if id, err = b.sendOnce(ctx, o); err == nil || !passes(err) {
			return id, err
		}
		wait := 500 * time.Millisecond << try
		var tooMany *bot.TooManyRequestsError
		if errors.As(err, &tooMany) {
			wait = time.Duration(max(tooMany.RetryAfter, 1)) * time.Second
			b.quota.silence(o.chat, b.Now().Add(wait))
		}
		if wait > waitHere {
			return 0, inbox.Later{At: b.Now().Add(wait)}
		}
		if err := sleep(ctx, wait); err != nil {
			return 0, err
		}
	}
	return 0, failure("sendMessage", err)
}

// passes reports whether an error may be gone at another try: the network's, Telegram's own, too many requests.
func passes(err error) bool {
	var moved *bot.MigrateError
	if errors.As(err, &moved) {
		return false
	}
	for _, lasting := range []error{bot.ErrorForbidden, bot.ErrorBadRequest, bot.ErrorUnauthorized, bot.ErrorNotFound, bot.ErrorConflict} {
		if errors.Is(err, lasting) {
			return false
		}
	}
	return true
}

func (b *Bot) sendOnce(ctx context.Context, o *outgoing) (id int, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	noPreview := &models.LinkPreviewOptions{IsDisabled: bot.True()}
	var markup models.ReplyMarkup
	if len(o.parts) == 1 && o.choices != nil { // a nil interface, not an interface that holds nil
		markup = o.choices
	}
	if o.edit != 0 {
		_, err := b.api.EditMessageText(ctx, &bot.EditMessageTextParams{
			ChatID: o.chat, MessageID: o.edit, Text: o.parts[0], LinkPreviewOptions: noPreview, ReplyMarkup: markup,
		})
		if err != nil && strings.Contains(err.Error(), "message is not modified") {
			err = nil
		}
		return o.edit, err
	}
	params := &bot.SendMessageParams{
		ChatID: o.chat, MessageThreadID: o.thread, Text: o.parts[0], LinkPreviewOptions: noPreview, ReplyMarkup: markup,
	}
	if o.answers != 0 && len(o.sent) == 0 {
		params.ReplyParameters = &models.ReplyParameters{MessageID: o.answers, AllowSendingWithoutReply: true}
	}
	m, err := b.api.SendMessage(ctx, params)
	if err != nil {
		return 0, err
	}
	return m.ID, nil
}

// maxData is the longest callback_data that Telegram takes, in bytes.
const maxData = 64

// keyboard shows choices: short ones two a row, so that each stays large under a thumb.
func keyboard(r engine.Reply) *models.InlineKeyboardMarkup {
	const short, longestLabel = 7, 60 // characters
	k := &models.InlineKeyboardMarkup{}
	pair := false
	for i, c := range r.Choices {
		label := c.Label
		if runes := []rune(label); len(runes) > longestLabel {
			label = string(runes[:longestLabel-1]) + "…"
		}
		b := models.InlineKeyboardButton{Text: label, CallbackData: choiceData(r.Answer, i, c)}
		fits := len([]rune(label)) <= short
		if pair && fits {
			last := len(k.InlineKeyboard) - 1
			k.InlineKeyboard[last], pair = append(k.InlineKeyboard[last], b), false
			continue
		}
		k.InlineKeyboard, pair = append(k.InlineKeyboard, []models.InlineKeyboardButton{b}), fits
	}
	if len(k.InlineKeyboard) == 0 {
		return nil
	}
	return k
}

// choiceData is what comes back when a button is pressed: A, the answer's number, the choice's, and the words that it stands for. Words that
// do not fit are the button's label.
func choiceData(answer int64, i int, c engine.Choice) string {
	data := fmt.Sprintf("A%d:%d", answer, i)
	if whole := data + ":" + c.Say; len(whole) <= maxData {
		return whole
	}
	return data
}

// choice reads choiceData back. Anybody can send anything here: it is no more than what a reader says.
func (c callback) choice() (answer int64, say string, ok bool) {
	rest, ok := strings.CutPrefix(c.Data, "A")
	number, rest, cutOK := strings.Cut(rest, ":")
	answer, err := strconv.ParseInt(number, 10, 64)
	if !ok || !cutOK || err != nil || answer < 0 {
		return 0, "", false
	}
	index, say, whole := strings.Cut(rest, ":")
	if _, err := strconv.ParseUint(index, 10, 8); err != nil {
		return 0, "", false
	}
	if whole {
		return answer, say, say != ""
	}
	if c.Message != nil {
		for _, row := range c.Message.Markup.Rows {
			for _, b := range row {
				if b.Data == c.Data {
					return answer, b.Text, b.Text != ""
				}
			}
		}
	}
	return 0, "", false
}
