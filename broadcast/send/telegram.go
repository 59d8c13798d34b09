package send

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/telegram"
	"qiuzhen/broadcast"
)

// Telegram sends by the bot that answers readers, within the quota of both.
type Telegram struct {
	bot *telegram.Bot
	log *slog.Logger
}

// NewTelegram returns the sender of a bot.
func NewTelegram(b *telegram.Bot, log *slog.Logger) *Telegram { return &Telegram{b, log} }

// Capabilities are those of broadcast.Limits, and never more than the bot itself keeps to (telegram.Official).
func (*Telegram) Capabilities() broadcast.Capabilities {
	return broadcast.Capabilities{Channel: telegram.Channel.Name, Rate: min(broadcast.LimitOf(telegram.Channel.Name).PerSecond, telegram.Official.All.PerSecond), PerRecipient: time.Second, MaxChars: telegram.MaxUnits}
}

// Send sends a message.
func (t *Telegram) Send(ctx context.Context, m broadcast.Message) (broadcast.Receipt, error) {
	if err := fits(m.Text, utf16Length, telegram.MaxUnits, "字"); err != nil {
		return broadcast.Receipt{}, err
	}
	id, err := t.bot.Tell(ctx, m.Delivery.To, m.Text)
	var wait *telegram.Wait
	switch {
	case err == nil:
		return broadcast.Receipt{ID: strconv.Itoa(id)}, nil
	case errors.As(err, &wait):
		err = &broadcast.RetryError{After: wait.For, Recipient: wait.Chat, Node: wait.Own}
	case errors.Is(err, bot.ErrGone):
		err = broadcast.ErrGone
	case errors.Is(err, telegram.ErrRefused):
		err = permanent("Telegram不收这条消息")
	case errors.Is(err, telegram.ErrAccount):
		err = misconfigured(t.log, telegram.Channel.Name, "telegram_token is not taken")
	}
	return broadcast.Receipt{}, err
}
