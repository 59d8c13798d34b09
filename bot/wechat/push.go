package wechat

import (
	"context"
	"errors"
	"strconv"
)

// MaxText is what the platform takes of a text, in bytes of UTF-8.
const MaxText = maxReply

// keyUsed is the platform's code for a mass send that it has already.
const keyUsed = 45065

// Template is a message by one of the account's templates, which a reader may be sent who has not written for 48 hours.
type Template struct {
	To, ID string
	// Subscription says that it is a subscription message (订阅通知), of which the reader has allowed one; else it is a template message (模板消息).
	Subscription bool
	Fields       map[string]string // name in the template, such as thing1 -> words, 20 characters at most
	URL          string            // that it opens; empty: none
	Key          string            // the platform drops a second template message of the same key for ten minutes
}

// SendTemplate sends one, and returns what the platform calls it; it names no subscription message.
func (a *API) SendTemplate(ctx context.Context, t Template) (id string, err error) {
	data := map[string]map[string]string{}
	for name, words := range t.Fields {
		data[name] = map[string]string{"value": words}
	}
	body, path := map[string]any{"touser": t.To, "template_id": t.ID, "data": data}, "/cgi-bin/message/template/send"
	switch {
	case t.Subscription:
		path = "/cgi-bin/message/subscribe/bizsend"
		if t.URL != "" {
			body["page"] = t.URL
		}
	default:
		body["client_msg_id"] = t.Key
		if t.URL != "" {
			body["url"] = t.URL
		}
	}
	answer, err := a.call(ctx, path, body)
	if err != nil || answer.ID == 0 {
		return "", err
	}
	return strconv.FormatInt(answer.ID, 10), nil
}

// SendToMany sends a text to everybody who follows the account, or to those with a tag. The platform counts it against the account's few
// mass sends, and for 24 hours drops another one of the same key: that one counts as sent.
func (a *API) SendToMany(ctx context.Context, tag int, everybody bool, text, key string) (id string, err error) {
	filter := map[string]any{"is_to_all": everybody}
	if !everybody {
		filter["tag_id"] = tag
	}
	body := map[string]any{"filter": filter, "msgtype": "text", "text": map[string]string{"content": text}, "clientmsgid": key}
	answer, err := a.call(ctx, "/cgi-bin/message/mass/sendall", body)
	var told *Error
	if errors.As(err, &told) && told.Code == keyUsed {
		return strconv.FormatInt(told.Same, 10), nil
	}
	return strconv.FormatInt(answer.MassID, 10), err
}
