package telegram

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-telegram/bot"
)

// OwedLine is for who was shed while not even a line could be sent, once one can.
const OwedLine = "刚才问的人很多，没来得及答您。\n还想问的话，请再发一次。\n有人不舒服、有危险，先打120。"

const (
	mostOwed  = 1 << 15
	owedFor   = 15 * time.Minute // later they have found out, or asked again
	owedEvery = 200 * time.Millisecond
)

// owed are the chats that were shed without a word, the oldest first. They lie in memory: a kind line is not worth more. It is safe for
// concurrent use.
type owed struct {
	mu    sync.Mutex
	order *list.List // of debt
	known map[int64]*list.Element
}

type debt struct {
	chat int64
	at   time.Time
}

func newOwed() *owed { return &owed{order: list.New(), known: map[int64]*list.Element{}} }

// add notes a chat, unless it is there.
func (o *owed) add(chat int64, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known[chat] != nil || o.order.Len() >= mostOwed {
		return
	}
	o.known[chat] = o.order.PushBack(debt{chat, now})
}

// settle takes a chat off: it has heard from us.
func (o *owed) settle(chat int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e := o.known[chat]; e != nil {
		o.order.Remove(e)
		delete(o.known, chat)
	}
}

// first is who waits longest; who waited too long is dropped.
func (o *owed) first(now time.Time) (chat int64, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for e := o.order.Front(); e != nil; e = o.order.Front() {
		d := e.Value.(debt) //nolint:forcetypeassert // nothing else is in it
		if now.Sub(d.at) < owedFor {
			return d.chat, true
		}
		o.order.Remove(e)
		delete(o.known, d.chat)
	}
	return 0, false
}

// TellOwed tells those who were shed without a word, oldest first, whenever the quota has something left that no answer needs, until ctx ends.
func (b *Bot) TellOwed(ctx context.Context) {
	for sleep(ctx, owedEvery) == nil {
		for ctx.Err() == nil {
			chat, ok := b.owed.first(b.Now())
			if !ok || !b.quota.allow(chat, b.Now()) {
				break
			}
			b.owed.settle(chat)
			b.line(ctx, chat, OwedLine)
		}
	}
}

// line sends a line that is not worth another try.
func (b *Bot) line(ctx context.Context, chat int64, words string) {
	_, err := b.sendOnce(ctx, &outgoing{chat: chat, parts: []string{words}})
	if errors.Is(err, bot.ErrorForbidden) {
		err = b.Readers.MarkGone(ctx, Channel.Name, chatName(chat), b.Now())
	}
	if err != nil {
		b.Log.Debug("telegram: a line was not sent", "error", failure("sendMessage", err))
	}
}
