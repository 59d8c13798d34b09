package telegram

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// Limit is how many messages may be sent: so many a second, of them so many at once.
type Limit struct {
	PerSecond float64
	Burst     int
}

// Limits are those that the sender keeps to.
type Limits struct{ All, Chat, Group Limit }

// Official are within Telegram's limits whatever the moment that it counts from: 30 messages in a second, one a second in a chat, 20 in
// a minute in a group.
var Official = Limits{All: Limit{25, 5}, Chat: Limit{1, 1}, Group: Limit{15.0 / 60, 5}}

// manyChats is how many chats' quotas are remembered; one forgotten begins anew.
const manyChats = 1 << 14

// quota paces what is sent. It is safe for concurrent use.
type quota struct {
	limits  Limits
	all     *rate.Limiter
	told    *rate.Limiter // of all: what nobody has just asked for, while replies wait
	waiting atomic.Int32  // replies that wait for their place in all
	mu      sync.Mutex
	chats   *lru.Cache[int64, *chatQuota]
}

type chatQuota struct {
	limiter *rate.Limiter
	until   time.Time // Telegram asked for silence in this chat
}

func newQuota(l Limits) *quota {
	chats, _ := lru.New[int64, *chatQuota](manyChats) // fails on a size below one only
	told := Limit{l.All.PerSecond * toldShare, max(1, int(float64(l.All.Burst)*toldShare))}
	return &quota{limits: l, all: l.All.limiter(), told: told.limiter(), chats: chats}
}

func (l Limit) limiter() *rate.Limiter { return rate.NewLimiter(rate.Limit(l.PerSecond), l.Burst) }

// of is the quota of a chat; the caller holds mu.
func (q *quota) of(chat int64) *chatQuota {
	c, ok := q.chats.Get(chat)
	if !ok {
		limit := q.limits.Chat
		if isGroup(chat) {
			limit = q.limits.Group
		}
		c = &chatQuota{limiter: limit.limiter()}
		q.chats.Add(chat, c)
	}
	return c
}

// isGroup: Telegram numbers people from one upwards, groups from minus one downwards.
func isGroup(chat int64) bool { return chat < 0 }

// delay is how long a chat has to wait for its next message.
func (q *quota) delay(chat int64, now time.Time) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := q.of(chat)
	wait := c.until.Sub(now)
	if missing := 1 - c.limiter.TokensAt(now); missing > 0 {
		wait = max(wait, time.Duration(missing/float64(c.limiter.Limit())*float64(time.Second)))
	}
	return max(wait, 0)
}

// wait returns when a message may be sent to a chat. The chat's place is taken for the time that the bot's comes up, so that neither wait
// brings two messages of the other closer together.
func (q *quota) wait(ctx context.Context, chat int64, now func() time.Time) error {
	q.mu.Lock()
	c := q.of(chat)
	silence := c.until.Sub(now())
	q.mu.Unlock()
	if err := sleep(ctx, silence); err != nil {
		return err
	}
	at := time.Now()
	held := q.all.ReserveN(at, 1).DelayFrom(at)
	if held > 0 {
		q.waiting.Add(1)
		time.AfterFunc(held, func() { q.waiting.Add(-1) })
	}
	at = at.Add(held)
	at = at.Add(c.limiter.ReserveN(at, 1).DelayFrom(at))
	return sleep(ctx, time.Until(at))
}

// allow takes a message's worth when there is one right now.
func (q *quota) allow(chat int64, now time.Time) bool {
	return q.delay(chat, now) == 0 && q.all.AllowN(now, 1) && q.limiterOf(chat).AllowN(now, 1)
}

func (q *quota) limiterOf(chat int64) *rate.Limiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.of(chat).limiter
}

// silence keeps a chat silent for as long as Telegram asked.
func (q *quota) silence(chat int64, until time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.of(chat).until = until
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
