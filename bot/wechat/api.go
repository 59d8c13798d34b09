package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// DefaultAPI is the platform's address.
const DefaultAPI = "https://api.weixin.qq.com"

// Error is a failure that the platform reports, under HTTP 200.
type Error struct {
	Code    int    `json:"errcode"`
	Message string `json:"errmsg"`
	Same    int64  `json:"msg_id"` // the mass send that the key was used for already (45065)
}

func (e *Error) Error() string { return fmt.Sprintf("wechat errcode %d: %s", e.Code, e.Message) }

// unauthorized is the code for what the account may not do: WeChat has not verified it, or it is of another kind.
const unauthorized = 48001

// expired reports whether another access token may help.
func (e *Error) expired() bool { return e.Code == 40001 || e.Code == 40014 || e.Code == 42001 }

// Tokens shares the access token between nodes: WeChat counts how often one is asked for, and a new one makes the old one invalid.
type Tokens interface {
	Token(ctx context.Context, appID string) (token string, until time.Time, err error)
	// LeaseToken lets one node at a time fetch another token than the one given.
	LeaseToken(ctx context.Context, appID, instead string, now time.Time, lease time.Duration) (mine bool, err error)
	KeepToken(ctx context.Context, appID, token string, until time.Time) error
}

// API calls the platform for an account.
type API struct {
	base, appID, secret string
	tokens              Tokens
	now                 func() time.Time
	client              *http.Client

	mu    sync.Mutex // of what this process knows of the token
	known string
	until time.Time
}

// NewAPI returns an API; base is the platform's address, or a stand-in's.
func NewAPI(base, appID, secret string, tokens Tokens, now func() time.Time) *API {
	return &API{
		base: strings.TrimRight(base, "/"), appID: appID, secret: secret, tokens: tokens, now: now,
		client: &http.Client{
			Timeout:       10 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the platform does not redirect") },
		},
	}
}

const (
	maxAnswer = 1 << 20
	maxMedia  = 10 << 20 // the platform's limit of a picture
)

// SendText sends a customer message.
func (a *API) SendText(ctx context.Context, reader, text string) error {
	return a.post(ctx, "/cgi-bin/message/custom/send", map[string]any{"touser": reader, "msgtype": "text", "text": map[string]string{"content": text}})
}

// CreateMenu replaces the account's menu.
func (a *API) CreateMenu(ctx context.Context, m Menu) error {
	return a.post(ctx, "/cgi-bin/menu/create", m)
}

// Media gives a file that a reader sent; it is the caller's to close.
func (a *API) Media(ctx context.Context, id string) (file io.ReadCloser, err error) {
	err = a.withToken(ctx, func(token string) error {
		query := url.Values{"access_token": {token}, "media_id": {id}}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.base+"/cgi-bin/media/get?"+query.Encode(), nil)
		if err != nil {
			return errors.New("the API's address is none")
		}
		response, err := a.client.Do(request)
		if err != nil {
			return bare(err)
		}
		kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
		if response.StatusCode == http.StatusOK && kind != "application/json" && kind != "text/plain" {
			file = struct {
				io.Reader
				io.Closer
			}{io.LimitReader(response.Body, maxMedia+1), response.Body}
			return nil
		}
		defer response.Body.Close()
		if err := answered(response, nil); err != nil {
			return err
		}
		return errors.New("wechat sent no file") // a video's address, which nothing asks for
	})
	return file, err
}

// post calls a method with JSON. WeChat shows \u003c as it stands, so nothing is escaped.
func (a *API) post(ctx context.Context, path string, body any) error {
	_, err := a.call(ctx, path, body)
	return err
}

// done is how the platform says that it has done something.
type done struct {
	Code   *int  `json:"errcode"`
	ID     int64 `json:"msgid"`
	MassID int64 `json:"msg_id"`
}

// call calls a method with JSON. An answer that does not say 0 is none of the platform's.
func (a *API) call(ctx context.Context, path string, body any) (d done, err error) {
	data, err := plainJSON(body)
	if err != nil {
		return d, err
	}
	err = a.withToken(ctx, func(token string) error {
		return a.do(ctx, path+"?"+url.Values{"access_token": {token}}.Encode(), data, &d)
	})
	if err == nil && d.Code == nil {
		err = errors.New("wechat answered without an errcode")
	}
	return d, err
}

func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return b.Bytes(), err
}

func (a *API) do(ctx context.Context, path string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+path, bytes.NewReader(body))
	if err != nil {
		return errors.New("the API's address is none")
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	response, err := a.client.Do(request)
	if err != nil {
		return bare(err)
	}
	defer response.Body.Close()
	return answered(response, into)
}

// answered reads an answer; errcode other than 0 is a failure, whatever the status.
func answered(response *http.Response, into any) error {
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return bare(err)
	}
	var told Error
	switch err := json.Unmarshal(data, &told); {
	case err == nil && told.Code != 0:
		return &told
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("wechat answered %s", response.Status)
	case err != nil:
		return errors.New("wechat answered with no JSON")
	case into == nil:
		return nil
	}
	return json.Unmarshal(data, into)
}

// bare takes the address out of an error: it has the access token in it.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("wechat does not answer: %w", err)
}
