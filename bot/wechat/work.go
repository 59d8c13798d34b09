package wechat

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"qiuzhen/bot"
)

// What the inbox.Worker of this channel ships with.
const (
	// AtOnce is how many messages it handles at once: more than of a channel whose replies are sent, for a reply goes out with the platform's own post and
	// is seldom seen twice; with as few WeChat would get less of a busy machine than its readers' share of the messages.
	AtOnce = 16
	// Bound is how many messages may wait before they are shed: a post is open for five seconds.
	Bound = 150
)

const (
	answerTime = 45 * time.Second // of one message: a picture may wait for others
	sweepEvery = 15 * time.Second
)

// Run wakes the posts whose replies other nodes have stored and sends what is late, until ctx ends. The messages themselves are dealt with
// by an inbox.Worker, with this channel as its handler.
func (c *Channel) Run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { c.every(ctx, lookEvery, nil, "look for replies", c.look) })
	running.Go(func() { c.every(ctx, sweepEvery, nil, "sweep", c.sweep) })
	if c.Service {
		running.Go(func() { c.every(ctx, time.Second, c.late, "send late replies", c.sendLate) })
	}
	running.Wait()
}

func (c *Channel) sweep(ctx context.Context) error {
	c.hub.forget(c.Now())
	return c.Store.Sweep(ctx, c.Now())
}

// every does something again and again, at once when it is nudged.
func (c *Channel) every(ctx context.Context, interval time.Duration, nudged <-chan struct{}, what string, do func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			c.Log.Error("wechat: "+what, "error", err)
		}
		select {
		case <-ticker.C:
		case <-nudged:
		case <-ctx.Done():
			return
		}
	}
}

// Handle has one message answered and stores the reply, for whichever post is open to take it.
func (c *Channel) Handle(ctx context.Context, u bot.Update) error {
	var in Incoming
	if err := json.Unmarshal(u.Payload, &in); err != nil {
		return errors.New("what was stored is no message") // not the error: it may repeat the words
	}
	limited, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	reply, err := c.reply(limited, u.ID, in)
	if err != nil {
		if ctx.Err() != nil { // shutting down: another node answers
			return err
		}
		c.Log.Error("wechat: a message was not answered", "error", err)
		reply.Text = cmp.Or(reply.Text, bot.Refused(in.said(), bot.ErrorLine))
	}
	return c.answer(ctx, u.ID, reply)
}

// Shed tells a reader that too many ask.
func (c *Channel) Shed(ctx context.Context, u bot.Update) error {
	var in Incoming
	if err := json.Unmarshal(u.Payload, &in); err != nil || in.Event == "unsubscribe" {
		return c.Handle(ctx, u)
	}
	return c.answer(ctx, u.ID, bot.Kept{Text: bot.Refused(in.said(), busyLine)})
}

func (c *Channel) answer(ctx context.Context, id string, reply bot.Kept) error {
	if err := c.Store.Answer(ctx, id, reply); err != nil {
		return err
	}
	c.hub.tell(id)
	nudge(c.late)
	return nil
}
