package wechat

import (
	"context"
	"errors"
	"time"
)

const (
	// early is how long before its end a token is replaced; WeChat lets the old one live as long beside the new one.
	early      = 5 * time.Minute
	tokenLease = 15 * time.Second // asking takes ten at most
	tokenWait  = 200 * time.Millisecond
)

// withToken calls do with the account's access token, and once more with a new one when the platform takes it for expired.
func (a *API) withToken(ctx context.Context, do func(token string) error) error {
	token, err := a.token(ctx, "")
	if err != nil {
		return err
	}
	err = do(token)
	var told *Error
	if !errors.As(err, &told) || !told.expired() {
		return err
	}
	if token, err = a.token(ctx, token); err != nil {
		return err
	}
	return do(token)
}

// token is one that is good, and another than the one given. One node fetches it; the others wait until it is there.
func (a *API) token(ctx context.Context, bad string) (string, error) {
	if token, ok := a.remembered(bad); ok {
		return token, nil
	}
	for {
		token, until, err := a.tokens.Token(ctx, a.appID)
		if err != nil {
			return "", err
		}
		if token != "" && token != bad && a.now().Add(early).Before(until) {
			a.remember(token, until)
			return token, nil
		}
		mine, err := a.tokens.LeaseToken(ctx, a.appID, token, a.now(), tokenLease)
		if err != nil {
			return "", err
		}
		if mine {
			return a.fetchToken(ctx, bad)
		}
		if token != "" && token != bad && a.now().Before(until) { // somebody is at it, and this one still holds
			return token, nil
		}
		select {
		case <-time.After(tokenWait):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func (a *API) remembered(bad string) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.known, a.known != "" && a.known != bad && a.now().Add(early).Before(a.until)
}

func (a *API) remember(token string, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known, a.until = token, until
}

// fetchToken asks for the token, and for another one only when that is the one which the platform has just refused: that is limited to 20
// times a day.
func (a *API) fetchToken(ctx context.Context, bad string) (string, error) {
	token, lasts, err := a.stableToken(ctx, false)
	if err == nil && token == bad {
		token, lasts, err = a.stableToken(ctx, true)
	}
	if err != nil {
		return "", err
	}
	until := a.now().Add(lasts)
	if err := a.tokens.KeepToken(ctx, a.appID, token, until); err != nil {
		return "", err
	}
	a.remember(token, until)
	return token, nil
}

// stableToken has the secret in its body, not in its address, and does not end the token that another program of the account uses.
func (a *API) stableToken(ctx context.Context, force bool) (token string, lasts time.Duration, err error) {
	body, err := plainJSON(map[string]any{"grant_type": "client_credential", "appid": a.appID, "secret": a.secret, "force_refresh": force})
	if err != nil {
		return "", 0, err
	}
	var answer struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}
	if err := a.do(ctx, "/cgi-bin/stable_token", body, &answer); err != nil {
		return "", 0, err
	}
	if answer.Token == "" || answer.Expires <= 0 {
		return "", 0, errors.New("wechat gave no access token")
	}
	return answer.Token, time.Duration(answer.Expires) * time.Second, nil
}

// Check reports whether the platform knows the account.
func (a *API) Check(ctx context.Context) error {
	_, err := a.token(ctx, "")
	return err
}
