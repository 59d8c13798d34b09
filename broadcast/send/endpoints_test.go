package send_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/broadcast/send"
	"qiuzhen/broadcast/sendertest"
	"qiuzhen/knowledge"
)

// TestEndpointsCheck: what doctor says of endpoints.toml; nothing of what is in it but names.
func TestEndpointsCheck(t *testing.T) {
	const key = "whsec_dGhpcnR5LXR3byBieXRlcyBvZiBhIHNlY3JldCBrZXk="
	for name, c := range map[string]struct {
		text  string
		count int
		mode  os.FileMode
		want  string // "" for nothing wrong
	}{
		"all":           {"[wecom.\"崇川\"]\nurl=\"https://e.cn/?key=s3cret\"\n[dingtalk.a]\nurl=\"https://e.cn\"\nsecret=\"s3cret\"\n[webhook.b]\nurl=\"https://e.cn\"\nsecret=\"" + key + "\"", 3, 0o600, ""},
		"empty":         {"", 0, 0o600, ""},
		"open":          {"[wecom.a]\nurl=\"https://e.cn/?key=s3cret\"", 1, 0o644, "chmod 600"},
		"no TOML":       {"[wecom.a]\nurl=\"https://e.cn/?key=s3cret", 0, 0o600, "line 2"},
		"typing slip":   {"[wecom.a]\nur1=\"https://e.cn/?key=s3cret\"", 0, 0o600, "wecom.a.ur1 is not known"},
		"no table":      {"url=\"https://e.cn/?key=s3cret\"", 0, 0o600, "expected tables"},
		"plain HTTP":    {"[wecom.a]\nurl=\"http://e.cn/?key=s3cret\"", 1, 0o600, "not an address of HTTPS"},
		"inside":        {"[webhook.a]\nurl=\"http://10.1.2.3:8080/\"\nprivate=true\nsecret=\"" + key + "\"", 1, 0o600, ""},
		"no secret":     {"[webhook.a]\nurl=\"https://e.cn\"", 1, 0o600, "whsec_"},
		"short secret":  {"[webhook.a]\nurl=\"https://e.cn\"\nsecret=\"whsec_c2hvcnQ=\"", 1, 0o600, "24 bytes"},
		"other channel": {"[sms.a]\nurl=\"https://e.cn\"", 1, 0o600, "none of wecom, dingtalk and webhook"},
	} {
		path := filepath.Join(t.TempDir(), "endpoints.toml")
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		n, err := send.EndpointFile(path).Check()
		switch {
		case n != c.count:
			t.Errorf("%s: %d endpoints, want %d", name, n, c.count)
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		case err != nil && strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%s: the error holds a secret: %v", name, err)
		}
	}
	if n, err := send.EndpointFile(filepath.Join(t.TempDir(), "none.toml")).Check(); n != 0 || err != nil {
		t.Error(n, err)
	}
}

// waits is why a message waits until somebody mends a setting; empty: it does not.
func waits(err error) string {
	var notTaken *broadcast.NotTakenError
	if errors.As(err, &notTaken) {
		return notTaken.Reason
	}
	return ""
}

// TestEndpointUnknown: what is wrong in the file waits with its reason, whatever it is; once it is mended the message goes out.
func TestEndpointUnknown(t *testing.T) {
	f := sendertest.NewWeCom()
	defer f.Close()
	file := endpoints(t, "wecom", "别的群", f.URL, "")
	robot := send.NewWeCom(file)
	_, err := robot.Send(context.Background(), to(f.To(), "台风明天到。"))
	if got := waits(err); got != "收件人不在 endpoints.toml 里" {
		t.Error(err)
	}
	text := "[wecom.\"崇川网格员\"]\nurl=\"" + f.URL + "\"\n"
	if err := os.WriteFile(string(file), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = robot.Send(context.Background(), to(f.To(), "台风明天到。"))
	if got := waits(err); got != "endpoints.toml 里的 url 不能用：要 HTTPS 和公网地址，内网的写 private = true" {
		t.Error(err)
	}
	if err := os.WriteFile(string(file), []byte(text+"private=true"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = robot.Send(context.Background(), to(f.To(), "台风明天到。")); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		sender broadcast.Sender
		want   string
	}{
		"address":      {send.NewWeCom(endpoints(t, "wecom", "群", "none of these", "")), "endpoints.toml 里的 url 不能用"},
		"port":         {send.NewDingTalk(endpoints(t, "dingtalk", "群", "http://127.0.0.1:x/", "SEC")), "endpoints.toml 里的 url 不对"},
		"no secret":    {send.NewWebhook(endpoints(t, "webhook", "群", f.URL, "")), "endpoints.toml 里的 secret 不是 whsec_ 开头的密钥"},
		"short secret": {send.NewWebhook(endpoints(t, "webhook", "群", f.URL, "whsec_c2hvcnQ=")), "endpoints.toml 里的 secret 不是 whsec_ 开头的密钥"},
	} {
		if _, err := c.sender.Send(context.Background(), to("群", "台风明天到。")); !strings.HasPrefix(waits(err), c.want) {
			t.Errorf("%s: %v (%T), want %s", name, err, err, c.want)
		}
	}
}

// TestNodeClock: a node whose own clock is an hour wrong, either way, is believed: what it signs has the time of the database.
func TestNodeClock(t *testing.T) {
	for _, wrong := range []time.Duration{-90 * time.Minute, 90 * time.Minute} {
		right := func() time.Time { return time.Now().Add(wrong) }
		hook, robot := sendertest.NewHook(), sendertest.NewDingTalk()
		defer hook.Close()
		defer robot.Close()
		hook.Now, robot.Now = right, right
		for name, c := range map[string]struct {
			sender broadcast.Sender
			to     string
		}{
			"webhook":  {send.NewWebhook(endpoints(t, "webhook", hook.To(), hook.URL, hook.Secret)), hook.To()},
			"dingtalk": {send.NewDingTalk(endpoints(t, "dingtalk", robot.To(), robot.URL, robot.Secret)), robot.To()},
		} {
			m := to(c.to, "台风明天到。")
			m.Now = right()
			if _, err := c.sender.Send(context.Background(), m); err != nil {
				t.Errorf("%s, wrong by %v: %v", name, wrong, err)
			}
			m.Now = time.Time{} // signed by its own
			if _, err := c.sender.Send(context.Background(), m); waits(err) == "" {
				t.Errorf("%s, wrong by %v, without the database's time: %v", name, wrong, err)
			}
		}
	}
}

// TestRobotLimits: the 21st message of a minute is refused, and only that robot is left alone.
func TestRobotLimits(t *testing.T) {
	weCom, dingTalk := sendertest.NewWeCom(), sendertest.NewDingTalk()
	defer weCom.Close()
	defer dingTalk.Close()
	a := send.NewWeCom(endpoints(t, "wecom", weCom.To(), weCom.URL, ""))
	b := send.NewDingTalk(endpoints(t, "dingtalk", dingTalk.To(), dingTalk.URL, dingTalk.Secret))
	for i := range 21 {
		_, err := a.Send(context.Background(), to(weCom.To(), "台风明天到。"))
		_, other := b.Send(context.Background(), to(dingTalk.To(), "台风明天到。"))
		want, wantOther := "sent", "sent"
		if i == 20 {
			want, wantOther = "recipient waits 1m0s", "recipient waits 10m0s"
		}
		if outcome(err) != want || outcome(other) != wantOther {
			t.Errorf("message %d: %s, %s", i+1, outcome(err), outcome(other))
		}
	}
}

// TestRobotSecret: a robot whose secret is another one tells the report where to look, and waits for who does.
func TestRobotSecret(t *testing.T) {
	f := sendertest.NewDingTalk()
	defer f.Close()
	_, err := send.NewDingTalk(endpoints(t, "dingtalk", f.To(), f.URL, "SECwrong")).Send(context.Background(), to(f.To(), "台风明天到。"))
	if got := waits(err); !strings.Contains(got, "加签密钥") || !strings.Contains(got, "310000") {
		t.Error(err)
	}
}

// TestWebhookAnswers: what each answer means; docs/webhook.md promises it.
func TestWebhookAnswers(t *testing.T) {
	for _, c := range []struct {
		status int
		header map[string]string
		body   string
		want   string
	}{
		{200, nil, `{"accepted":true}`, "sent"},
		{202, nil, `{"accepted":true,"id":"x"}`, "sent"},
		{200, nil, ``, "the webhook answers with status 200, without accepted"},
		{204, nil, ``, "the webhook answers with status 204, without accepted"},
		{200, nil, `{"ok":true}`, "the webhook answers with status 200, without accepted"},
		{200, nil, `<html>登录</html>`, "the webhook answers with status 200, without accepted"},
		{200, nil, `{"accepted":false,"code":"no_credit"}`, "refused for good: 对方平台不收这条消息（no_credit）"},
		{200, nil, `{"accepted":false,"code":"一段话"}`, "refused for good: 对方平台不收这条消息（没有说明）"},
		{302, map[string]string{"Location": "http://127.0.0.1/"}, ``, "refused for good: 对方平台答 302（没有说明）"},
		{401, nil, ``, "对方平台不认我们（401）：查两边的 secret 和时钟"},
		{403, nil, ``, "对方平台不认我们（403）：查两边的 secret 和时钟"},
		{404, nil, ``, "refused for good: 对方平台答 404（没有说明）"},
		{410, nil, ``, "recipient is gone"},
		{409, nil, ``, "the webhook answers with status 409"},
		{429, nil, ``, "recipient waits 1m0s"},
		{429, map[string]string{"Retry-After": "30"}, ``, "recipient waits 30s"},
		{429, map[string]string{"Retry-After": "-5"}, ``, "recipient waits 1s"},
		{429, map[string]string{"Retry-After": "99999999"}, ``, "recipient waits 1h0m0s"},
		{503, map[string]string{"Retry-After": "30"}, ``, "recipient waits 30s"},
		{503, nil, ``, "the webhook answers with status 503"},
		{500, nil, `{"accepted":true}`, "the webhook answers with status 500"},
	} {
		h := sendertest.NewHook()
		h.Answer(c.status, c.header, c.body)
		_, err := send.NewWebhook(endpoints(t, "webhook", h.To(), h.URL, h.Secret)).Send(context.Background(), to(h.To(), "台风明天到。"))
		if got := outcome(err); got != c.want {
			t.Errorf("%d %s: %s, want %s", c.status, c.body, got, c.want)
		}
		// all else that is tried again may have been taken, and is corrected there as well
		if got, want := waits(err) != "", c.status == 401 || c.status == 403; got != want {
			t.Errorf("%d %s: known not to be taken: %t", c.status, c.body, got)
		}
		h.Close()
	}
}

// TestWebhookBody: every field that docs/webhook.md promises.
func TestWebhookBody(t *testing.T) {
	h := sendertest.NewHook()
	defer h.Close()
	m := to(h.To(), "【演练】台风明天到。\n关好门窗。")
	m.Exercise, m.Urgent, m.Expires = true, true, time.Date(2026, 7, 3, 22, 0, 0, 0, time.FixedZone("CST", 8*3600))
	receipt, err := send.NewWebhook(endpoints(t, "webhook", h.To(), h.URL, h.Secret)).Send(context.Background(), m)
	if err != nil || receipt.ID != "sms-1" {
		t.Fatal(receipt, err)
	}
	var got map[string]any
	if err := json.Unmarshal(h.Bodies[0], &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"id": "qiuzhen-7-1", "broadcast": 7.0, "to": h.To(), "exercise": true, "urgent": true, "text": m.Text, "short": "【演练】台风明天到。", "expires": "2026-07-03T14:00:00Z"}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s = %v, want %v", k, got[k], v)
		}
	}
	_, err = send.NewWebhook(endpoints(t, "webhook", h.To(), h.URL, "whsec_YW5vdGhlciBrZXkgb2YgdGhpcnR5LXR3byBieXRlcw==")).Send(context.Background(), m)
	if got := waits(err); !strings.Contains(got, "对方平台不认我们（401）") {
		t.Error(err)
	}
}

// TestWebhookPage: the request that docs/webhook.md shows is signed as it says, and is what we send.
func TestWebhookPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/webhook.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?s)Webhook-Id: (\S+)\nWebhook-Timestamp: (\d+)\nWebhook-Signature: v1,(\S+)\n\n(\{[^\n]*\})\n.*whsec_(\S+)` + "`").FindSubmatch(page)
	if found == nil {
		t.Fatal("the page has no request")
	}
	id, stamp, signature, body := found[1], found[2], string(found[3]), found[4]
	key, err := base64.StdEncoding.DecodeString(string(found[5]))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(bytes.Join([][]byte{id, stamp, body}, []byte(".")))
	if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); signature != want {
		t.Errorf("the page's signature is %s, want %s", signature, want)
	}
	h := sendertest.NewHook()
	defer h.Close()
	m := broadcast.Message{
		Delivery: knowledge.Delivery{Broadcast: 42, N: 7, To: h.To()}, Key: "qiuzhen-42-7", Urgent: true,
		Text: "台风明天到南通。\n关好门窗。\n来源：南通市气象台。", Expires: time.Date(2026, 7, 3, 14, 0, 0, 0, time.UTC),
	}
	if _, err := send.NewWebhook(endpoints(t, "webhook", h.To(), h.URL, h.Secret)).Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	if got := h.Bodies[0]; !bytes.Equal(got, body) {
		t.Errorf("the body is\n%s\nthe page's\n%s", got, body)
	}
}
