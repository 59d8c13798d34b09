package send

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"qiuzhen/bot/wechat"
	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

const (
	heardWindow = 48 * time.Hour // in which a reader may be sent customer messages
	fieldRunes  = 20             // characters of a template's field
	massChannel = knowledge.WeChatMass
)

// WeChatConfig is how an official account reaches its readers.
type WeChatConfig struct {
	API      *wechat.API
	Service  bool     // may send customer messages
	Template Template // for who has not written in 48 hours; zero: they get nothing
	Now      func() time.Time
	Log      *slog.Logger
}

// Template is the account's template for broadcasts.
type Template struct {
	ID           string
	Subscription bool   // of subscription messages (订阅通知), not of template messages (模板消息)
	Field        string // that shows what is said, such as thing1
	URL          string // that it opens; empty: none
}

// WeChat writes to one reader of an official account: a customer message where the platform takes one, else a template message, which shows
// broadcast.Message.Short.
type WeChat struct {
	WeChatConfig
	customer, template quota
}

// quota is what the platform lets through of one kind of message in a day: of each kind it counts for itself.
type quota struct {
	mu     sync.Mutex
	usedUp time.Time // until then
}

// left is how long there is none of it.
func (q *quota) left(now time.Time) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(0, q.usedUp.Sub(now))
}

// note tells whether an error says that it is used up, and remembers that, so that the platform is not asked again for each reader.
func (q *quota) note(err error, now time.Time) bool {
	var e *wechat.Error
	if !errors.As(err, &e) || e.Code != 45009 {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.usedUp = now.Add(untilMidnight(now))
	return true
}

// NewWeChat returns the sender of an account.
func NewWeChat(c WeChatConfig) *WeChat { return &WeChat{WeChatConfig: c} }

// Capabilities are the account's. WeChat answers 45011 to more than it likes in a minute.
func (w *WeChat) Capabilities() broadcast.Capabilities {
	c := broadcast.Capabilities{Channel: wechat.ChannelName, Rate: broadcast.LimitOf(wechat.ChannelName).PerSecond, PerRecipient: time.Second, MaxChars: wechat.MaxText}
	if w.Template.ID == "" {
		c.Window = heardWindow
	}
	return c
}

// Send sends a message. Whose kind of message has no quota left waits alone: the others go on.
func (w *WeChat) Send(ctx context.Context, m broadcast.Message) (receipt broadcast.Receipt, err error) {
	if err := fits(m.Text, byteLength, wechat.MaxText, "字节"); err != nil {
		return receipt, err
	}
	now := m.Now
	if now.IsZero() {
		now = w.Now()
	}
	why, usedUp := "公众号不能发客服消息", false
	if w.Service {
		why = "读者48小时内没有说过话"
		if m.Heard.IsZero() || now.Sub(m.Heard) < heardWindow {
			var sent bool
			if sent, why, err = w.sendCustomer(ctx, m, now); sent || err != nil {
				return receipt, err
			}
			usedUp = why == customerUsedUp
		}
	}
	if w.Template.ID == "" {
		return receipt, permanent("%s，又没有设 wechat_template_id", why)
	}
	if wait := w.template.left(now); wait > 0 {
		return receipt, &broadcast.RetryError{After: wait, Recipient: true}
	}
	t := w.Template
	receipt.ID, err = w.API.SendTemplate(ctx, wechat.Template{
		To: m.Delivery.To, ID: t.ID, Subscription: t.Subscription, URL: t.URL, Key: m.Key, Fields: map[string]string{t.Field: short(m, fieldRunes)},
	})
	if w.template.note(err, now) {
		w.Log.Warn("the day's template messages are used up; customer messages go on", "channel", wechat.ChannelName)
		return receipt, &broadcast.RetryError{After: untilMidnight(now), Recipient: true}
	}
	err = weChatFault(err, wechat.ChannelName, now, w.Log)
	var never *broadcast.PermanentError
	if usedUp && errors.As(err, &never) { // a template message never, such as to who did not subscribe to it; a customer message when there are some again
		return receipt, &broadcast.RetryError{After: max(w.customer.left(now), time.Second), Recipient: true}
	}
	return receipt, err
}

const customerUsedUp = "今天的客服消息用完了"

// sendCustomer tells, when the message is not sent for a reason that a template message does not have, which that is.
func (w *WeChat) sendCustomer(ctx context.Context, m broadcast.Message, now time.Time) (sent bool, why string, err error) {
	if w.customer.left(now) == 0 {
		err = w.API.SendText(ctx, m.Delivery.To, m.Text)
		if code, closed := needsTemplate(err); closed {
			return false, fmt.Sprintf("微信不收发给这位读者的客服消息（errcode %d）", code), nil
		}
		if !w.customer.note(err, now) {
			err = weChatFault(err, wechat.ChannelName, now, w.Log)
			return err == nil, "", err
		}
	}
	if w.Template.ID == "" { // there is nothing else to send
		return false, "", &broadcast.RetryError{After: untilMidnight(now)}
	}
	return false, customerUsedUp, nil
}

// needsTemplate reports whether a customer message was refused for a reason that a template message does not have.
func needsTemplate(err error) (code int, yes bool) {
	var e *wechat.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	switch e.Code {
	case 45015, 45047, 48001: // 48 hours are over; five messages since then; the account may not
		return e.Code, true
	}
	return e.Code, false
}

// weChatFault is what an error of WeChat means:
// https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html
func weChatFault(err error, channel string, now time.Time, log *slog.Logger) error {
	var e *wechat.Error
	if !errors.As(err, &e) {
		return err // nil, or the network's, which bot/wechat has stripped of the access token
	}
	switch e.Code {
	case 43004: // no subscriber
		return broadcast.ErrGone
	case 45011, 45066: // too many in this minute; the same mass send again within a minute
		return &broadcast.RetryError{After: time.Minute}
	case 45009: // the day's quota
		return &broadcast.RetryError{After: untilMidnight(now)}
	case 45028:
		return permanent("公众号的群发次数用完了（errcode %d）", e.Code)
	case 43101:
		return permanent("读者没有订阅这个模板（errcode %d）", e.Code)
	case 40003, 40008, 45002, 47001, 87014: // no such reader, no such type, too long, no such form, refused for its content
		return permanent("微信不收这条消息（errcode %d）", e.Code)
	case 40001, 40013, 40014, 40125, 40164, 42001, 48001, 48004, 50002: // token, AppID, secret, address of this machine, rights of the account
		return misconfigured(log, channel, fmt.Sprintf("WeChat does not let the account in (errcode %d): run qiuzhen doctor", e.Code))
	case 40037, 43116, 47003: // no such template, taken down, fields that it does not have
		return misconfigured(log, channel, fmt.Sprintf("WeChat does not take wechat_template_id or wechat_template_field (errcode %d)", e.Code))
	}
	if e.Code == -1 { // "the system is busy", and no word on what it had done by then
		return errors.New("wechat errcode -1")
	}
	return notTaken("wechat errcode %d", e.Code)
}

// WeChatMass sends to everybody who follows an official account (recipient "all") or to those with a tag ("tag:2"). The platform allows a subscription
// account one a day, and lets each reader of a service account have four a month.
type WeChatMass struct{ WeChatConfig }

// NewWeChatMass returns the sender of an account to many.
func NewWeChatMass(c WeChatConfig) *WeChatMass { return &WeChatMass{c} }

// Capabilities are the platform's: 60 calls a minute.
func (*WeChatMass) Capabilities() broadcast.Capabilities {
	return broadcast.Capabilities{Channel: massChannel, Rate: broadcast.LimitOf(massChannel).PerSecond, MaxChars: wechat.MaxText, Idempotent: true, Mass: true}
}

// Send sends a message to many. WeChat has then taken it, and tells by an event how many got it. An exercise is refused: who is behind a tag is
// not known here to be of the exercise group.
func (w *WeChatMass) Send(ctx context.Context, m broadcast.Message) (receipt broadcast.Receipt, err error) {
	if err := fits(m.Text, byteLength, wechat.MaxText, "字节"); err != nil {
		return receipt, err
	}
	if m.Exercise {
		return receipt, permanent("演练不群发")
	}
	number, tagged := strings.CutPrefix(m.Delivery.To, "tag:")
	tag, err := strconv.Atoi(number)
	everybody := m.Delivery.To == "all"
	if !everybody && (!tagged || err != nil || tag < 0) {
		return receipt, permanent(`收件人要写成 all 或 tag:2`)
	}
	receipt.ID, err = w.API.SendToMany(ctx, tag, everybody, m.Text, m.Key)
	if err != nil {
		receipt.ID = ""
	}
	return receipt, weChatFault(err, massChannel, w.Now(), w.Log)
}
