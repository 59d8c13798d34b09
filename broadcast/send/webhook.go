package send

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
	"unicode/utf8"

	"qiuzhen/broadcast"
)

const (
	webhookChannel = "webhook"
	webhookMost    = 2000 // characters
)

// Webhook hands messages to other platforms, which send text messages or speak from loudspeakers (docs/webhook.md). It signs as Standard Webhooks does:
// https://www.standardwebhooks.com.
type Webhook struct{ all Endpoints }

// NewWebhook returns the sender.
func NewWebhook(all Endpoints) *Webhook { return &Webhook{all} }

// Capabilities are what docs/webhook.md asks of the other side.
func (*Webhook) Capabilities() broadcast.Capabilities {
	return broadcast.Capabilities{Channel: webhookChannel, Rate: broadcast.LimitOf(webhookChannel).PerSecond, MaxChars: webhookMost, Idempotent: true, OwnAddress: true}
}

// posting is the body; docs/webhook.md and its schema promise it.
type posting struct {
	ID        string `json:"id"`
	Broadcast int64  `json:"broadcast"`
	To        string `json:"to"`
	Exercise  bool   `json:"exercise"`
	Urgent    bool   `json:"urgent"`
	Text      string `json:"text"`
	Short     string `json:"short"`
	Expires   string `json:"expires"`
}

// Send sends a message.
func (w *Webhook) Send(ctx context.Context, m broadcast.Message) (broadcast.Receipt, error) {
	var none broadcast.Receipt
	if err := fits(m.Text, utf8.RuneCountInString, webhookMost, "字"); err != nil {
		return none, err
	}
	e, err := find(w.all, webhookChannel, m)
	if err != nil {
		return none, err
	}
	key, err := signingKey(e.Secret)
	if err != nil {
		return none, toMend("endpoints.toml 里的 secret 不是 whsec_ 开头的密钥")
	}
	p := posting{ID: m.Key, Broadcast: m.Delivery.Broadcast, To: m.Delivery.To, Exercise: m.Exercise, Urgent: m.Urgent, Text: m.Text, Short: short(m, fieldRunes)}
	if !m.Expires.IsZero() {
		p.Expires = m.Expires.UTC().Format(time.RFC3339)
	}
	body, err := json.Marshal(p)
	if err != nil {
		return none, err
	}
	got, err := e.post(ctx, e.URL, headers(m.Key, key, body, clock(m)), body)
	if err != nil {
		return none, err
	}
	return accepted(got.Status, got.Header, got.Body, clock(m))
}

// headers name the message, and prove that it is ours and new: HMAC-SHA256 of "id.timestamp.body".
func headers(id string, key, body []byte, now time.Time) http.Header {
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	return http.Header{
		"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
}

// codeForm is what of the other side's reason is shown to the staff: a code, no text.
var codeForm = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,40}$`)

// accepted is what an answer says. Only {"accepted": true} is yes: a page of a proxy that says 200 is not. Nor is it no: the platform may have taken the
// message and the proxy lost its answer. Such a message is sent again under the same id, which a platform that has it drops, and a correction goes
// there as well: who heard a false alarm and not that it was one is worse off than who hears of one that he missed.
func accepted(status int, header http.Header, body []byte, now time.Time) (receipt broadcast.Receipt, err error) {
	var told struct {
		Accepted *bool  `json:"accepted"`
		ID       string `json:"id"`
		Code     string `json:"code"`
	}
	unreadable := json.Unmarshal(body, &told) != nil || told.Accepted == nil
	if !codeForm.MatchString(told.Code) {
		told.Code = "没有说明"
	}
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable && header.Get("Retry-After") != "":
		return receipt, &broadcast.RetryError{After: retryAfter(header, now, time.Minute), Recipient: true}
	case status == http.StatusGone:
		return receipt, broadcast.ErrGone
	case status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooEarly, status >= 500:
		return receipt, fmt.Errorf("the webhook answers with status %d", status)
	case status == http.StatusUnauthorized, status == http.StatusForbidden: // a secret or a right that somebody mends, or a clock
		return receipt, toMend("对方平台不认我们（%d）：查两边的 secret 和时钟", status)
	case status >= 300:
		return receipt, permanent("对方平台答 %d（%s）", status, told.Code)
	case unreadable:
		return receipt, fmt.Errorf("the webhook answers with status %d, without accepted", status)
	case !*told.Accepted:
		return receipt, permanent("对方平台不收这条消息（%s）", told.Code)
	}
	if codeForm.MatchString(told.ID) {
		receipt.ID = told.ID
	}
	return receipt, nil
}
