package wechat

import (
	"context"
	"errors"
	"time"

	"qiuzhen/bot"
)

const (
	sendTime  = 30 * time.Second // a lease; a send takes ten at most
	mostSends = 6
)

// never is when a late reply is sent that the platform does not take: the reader's next message gets it.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// sendLate sends the late replies as customer messages.
func (c *Channel) sendLate(ctx context.Context) error {
	due, err := c.Store.Due(ctx, c.Now(), c.Times.Orphan, sendTime)
	if err != nil {
		return err
	}
	for _, l := range due {
		err = errors.Join(err, c.send(ctx, l))
	}
	return err
}

func (c *Channel) send(ctx context.Context, l Late) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTime/2)
	defer cancel()
	err := c.API.SendText(ctx, l.Reader, refit(l.Reply))
	switch fate := fateOf(err); {
	case fate == gone:
		return errors.Join(c.Store.Left(ctx, ChannelName, l.Reader, c.Now()), c.Store.Sent(ctx, l.ID))
	case err == nil || fate == hopeless:
		return errors.Join(c.Store.Sent(ctx, l.ID), err)
	case fate == later && l.Sends < mostSends:
		return errors.Join(c.Store.PutOff(ctx, l.ID, c.Now().Add(time.Second<<l.Sends)), err)
	}
	return errors.Join(c.Store.PutOff(ctx, l.ID, never), err)
}

// fate is what becomes of a late reply that was not taken.
type fate int

const (
	later    fate = iota // try again
	withNext             // not by a customer message
	hopeless             // not at all
	gone                 // the reader has left
)

// fateOf reads the platform's error codes: https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html
func fateOf(err error) fate {
	var e *Error
	if !errors.As(err, &e) {
		return later
	}
	switch e.Code {
	case 45015, // more than 48 hours since the reader's last message
		45047,                      // five messages since then
		45009,                      // the account's quota of the day
		unauthorized, 48004, 50002: // the account may not, or not any more
		return withNext
	case 43004: // no subscriber
		return gone
	case 40003, 40008, 45002, 87014: // no such reader; no such type, too long, or refused for its content
		return hopeless
	}
	return later
}

// Push sends a reply to a reader who has not just asked, as a customer message.
func (c *Channel) Push(ctx context.Context, to bot.Reader, r bot.Reply) error {
	err := c.API.SendText(ctx, to.Name, fit(r.Text, c.links(r)))
	if fateOf(err) == gone {
		return errors.Join(bot.ErrGone, err)
	}
	return err
}
