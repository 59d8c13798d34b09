package send

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"qiuzhen/broadcast"
)

// Robot writes to groups by their robots: one address each, which is in endpoints.toml under the recipient's name.
type Robot struct {
	kind robotKind
	all  Endpoints
}

// robotKind is how a platform's robots are spoken to, and what its codes mean; other codes than these are tried again.
type robotKind struct {
	channel  string
	word     string                // for the staff
	most     int                   // bytes of a text
	tooMany  map[int]time.Duration // codes of a robot that sent too much -> how long it is refused
	gone     []int                 // the robot is there no more
	refused  []int                 // the text is not taken
	unproven []int                 // the address's key or the signature is wrong
	sign     func(e Endpoint, now time.Time) (string, error)
}

// https://developer.work.weixin.qq.com/document/path/91770
var weCom = robotKind{
	channel: "wecom", word: "企业微信", most: 2048,
	tooMany: map[int]time.Duration{45009: time.Minute, 45033: time.Minute},
	gone:    []int{93000, 93004, 93008}, // out of the group or no such robot, stopped, not in the group
	refused: []int{40008, 40058, 44004, 45002},
	sign:    func(e Endpoint, _ time.Time) (string, error) { return e.URL, nil },
}

// https://open.dingtalk.com/document/orgapp/custom-robot-access: who sends more than 20 in a minute is refused for ten.
var dingTalk = robotKind{
	channel: "dingtalk", word: "钉钉", most: 20000,
	tooMany:  map[int]time.Duration{130101: 10 * time.Minute, 410100: 10 * time.Minute, 90018: time.Minute, 90030: time.Minute},
	gone:     []int{300001, 400013, 400101, 400102, 400106}, // no such token, no such group, no such token, stopped, no such robot
	refused:  []int{40035, 400105, 430101, 430102, 430103, 430104, 460101},
	unproven: []int{310000}, // signature, keyword or address of this machine
	sign:     signDingTalk,
}

// NewWeCom returns the sender to groups of WeCom (企业微信群机器人).
func NewWeCom(all Endpoints) *Robot { return &Robot{weCom, all} }

// NewDingTalk returns the sender to groups of DingTalk (钉钉自定义机器人), whose robots are set to check a signature (加签).
func NewDingTalk(all Endpoints) *Robot { return &Robot{dingTalk, all} }

// Capabilities are the platform's: 20 messages a minute and robot.
func (r *Robot) Capabilities() broadcast.Capabilities {
	return broadcast.Capabilities{Channel: r.kind.channel, Rate: broadcast.LimitOf(r.kind.channel).PerSecond, PerRecipient: 3 * time.Second, MaxChars: r.kind.most, OwnAddress: true}
}

// Send sends a message.
func (r *Robot) Send(ctx context.Context, m broadcast.Message) (broadcast.Receipt, error) {
	var none broadcast.Receipt
	if err := fits(m.Text, byteLength, r.kind.most, "字节"); err != nil {
		return none, err
	}
	e, err := find(r.all, r.kind.channel, m)
	if err != nil {
		return none, err
	}
	address, err := r.kind.sign(e, clock(m))
	if err != nil {
		return none, toMend("endpoints.toml 里的 url 不对")
	}
	body, err := json.Marshal(map[string]any{"msgtype": "text", "text": map[string]string{"content": m.Text}})
	if err != nil {
		return none, err
	}
	got, err := e.post(ctx, address, http.Header{}, body)
	if err != nil {
		return none, err
	}
	return none, r.kind.meaning(got.Status, got.Header, got.Body, clock(m))
}

// meaning is what an answer says. Only errcode 0 is yes.
func (k robotKind) meaning(status int, header http.Header, body []byte, now time.Time) error {
	var told struct {
		Code *int `json:"errcode"`
	}
	if err := json.Unmarshal(body, &told); err != nil || told.Code == nil {
		switch {
		case status == http.StatusTooManyRequests:
			return &broadcast.RetryError{After: retryAfter(header, now, time.Minute), Recipient: true}
		case status != http.StatusOK:
			return fmt.Errorf("%s answers with status %d", k.channel, status)
		}
		return fmt.Errorf("%s answers without an errcode", k.channel)
	}
	code := *told.Code
	wait, tooMany := k.tooMany[code]
	switch {
	case code == 0 && status == http.StatusOK:
		return nil
	case tooMany:
		return &broadcast.RetryError{After: wait, Recipient: true}
	case slices.Contains(k.gone, code):
		return broadcast.ErrGone
	case slices.Contains(k.refused, code):
		return permanent("%s不收这条消息（errcode %d）", k.word, code)
	case slices.Contains(k.unproven, code):
		return toMend("%s不认这个机器人：查加签密钥、关键词和IP白名单（errcode %d）", k.word, code)
	}
	if code == 0 {
		return fmt.Errorf("%s errcode 0, status %d", k.channel, status)
	}
	return notTaken("%s errcode %d, status %d", k.channel, code, status)
}

// signDingTalk adds the time in milliseconds and base64(HMAC-SHA256(secret, time + "\n" + secret)) to the address.
func signDingTalk(e Endpoint, now time.Time) (string, error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return "", errors.New("no address")
	}
	if e.Secret == "" { // a robot that checks keywords or the address of this machine instead
		return e.URL, nil
	}
	stamp := strconv.FormatInt(now.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(e.Secret))
	mac.Write([]byte(stamp + "\n" + e.Secret))
	q := u.Query()
	q.Set("timestamp", stamp)
	q.Set("sign", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	u.RawQuery = q.Encode()
	return u.String(), nil
}
