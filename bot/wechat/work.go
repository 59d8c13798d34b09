package wechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"qiuzhen/bot"
)

const (
	// answerTime bounds one answer; a claim outlives it.
	answerTime = 45 * time.Second
	claimTime  = time.Minute
	claimEvery = 500 * time.Millisecond // for what other nodes have left
	sweepEvery = 15 * time.Second
)

// Run answers what is stored and sends what is late, until ctx ends; messages under way are finished.
func (c *Channel) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { c.every(ctx, lookEvery, nil, "look for replies", c.look) })
	running.Go(func() { c.every(ctx, sweepEvery, nil, "sweep", c.sweep) })
	if c.Service {
		running.Go(func() { c.every(ctx, time.Second, c.late, "send late replies", c.sendLate) })
	}
	c.answerAll(ctx, &running)
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

// answerAll claims messages, as many as there are hands free.
func (c *Channel) answerAll(ctx context.Context, running *sync.WaitGroup) {
	hands := make(chan struct{}, c.Workers)
	c.every(ctx, claimEvery, c.wake, "claim messages", func(ctx context.Context) error {
		for {
			free := c.Workers - len(hands)
			if free == 0 {
				return nil // whoever gets free asks again
			}
			claimed, err := c.Store.Claim(ctx, ChannelName, free, c.Now(), claimTime)
			if err != nil {
				return err
			}
			for _, u := range claimed {
				hands <- struct{}{}
				running.Go(func() {
					c.answer(context.WithoutCancel(ctx), u)
					<-hands
					nudge(c.wake)
				})
			}
			if len(claimed) < free {
				return nil
			}
		}
	})
}

// answer has one message answered and stores the reply. The message is done only then: one that a killed worker held is claimed again.
func (c *Channel) answer(ctx context.Context, u bot.Update) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	reply, err := c.replyTo(ctx, u)
	if err != nil {
		c.Log.Error("wechat: a message was not answered", "error", err)
		reply = bot.ErrorLine
	}
	storing, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	err = c.Store.Answer(storing, u.ID, reply)
	if err == nil {
		_, err = c.Store.Finish(storing, u, c.Now())
	}
	if err != nil {
		c.Log.Error("wechat: a reply was not stored", "error", err)
		return
	}
	c.hub.tell(u.ID)
	nudge(c.late)
}

func (c *Channel) replyTo(ctx context.Context, u bot.Update) (reply string, err error) {
	defer func() { // one message that fells the answerer must not fell the others
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var in Incoming
	if err := json.Unmarshal(u.Payload, &in); err != nil {
		return "", errors.New("what was stored is no message") // not the error: it may repeat the words
	}
	return c.reply(ctx, in)
}
