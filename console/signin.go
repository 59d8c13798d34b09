package console

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"qiuzhen/knowledge"
)

const (
	// signInsMost failed tries to sign in from one address are let through in signInsWindow: an office shares one.
	signInsMost   = 20
	signInsWindow = 5 * time.Minute
	// hashWait is how long a try waits for its turn.
	hashWait = 5 * time.Second
	// signInMost bounds the form.
	signInMost = 4 << 10
)

// refusedLine is one for a wrong login, a wrong password and an account that rests or has ended: it tells nobody which.
const refusedLine = "登录名或密码不对，或者账号停用了。连续错5次，账号要停15分钟；忘了密码请管理员重设。"

type signInPage struct {
	frame
	Next, Login, Error string
}

func (c *Console) signInPage(w http.ResponseWriter, r *http.Request) {
	c.show(w, r, visit{}, http.StatusOK, "signin", &signInPage{frame: frame{Title: "登录"}, Next: inside(r.FormValue("next"))})
}

func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, signInMost)
	from := c.address(r)
	form := &signInPage{frame: frame{Title: "登录"}, Next: inside(r.PostFormValue("next")), Login: r.PostFormValue("login")}
	refuse := func(status int, line string) {
		form.Error = line
		c.show(w, r, visit{}, status, "signin", form)
	}
	if len(form.Login) > 64 || len(r.PostFormValue("password")) > 256 || !storable(form.Login) {
		form.Login = ""
		refuse(http.StatusForbidden, refusedLine)
		return
	}
	if !c.tries.allow(from, c.Now()) {
		w.Header().Set("Retry-After", "300")
		refuse(http.StatusTooManyRequests, "这个地址试得太多了，请过5分钟再试。")
		return
	}
	token, err := c.openSession(r, from, form.Login)
	var known *knowledge.Error
	refused := errors.As(err, &known) && known.Code == knowledge.Forbidden
	if !refused && r.Context().Err() == nil { // who hangs up has tried
		c.tries.giveBack(from)
	}
	switch {
	case refused:
		refuse(http.StatusForbidden, refusedLine)
	case errors.As(err, &known) && known.Code == knowledge.Unavailable:
		refuse(http.StatusServiceUnavailable, known.Message)
	case err != nil:
		c.fail(w, r, visit{}, err)
	default:
		c.setCookie(w, r, token)
		http.Redirect(w, r, form.Next, http.StatusSeeOther)
	}
}

// openSession signs in, and ends the session that the browser had before.
func (c *Console) openSession(r *http.Request, from, login string) (string, error) {
	token, err := c.newSession(r, "console "+from, login, r.PostFormValue("password"))
	if err != nil {
		return "", err
	}
	if old, _ := c.visitor(r); old.token != "" {
		err = c.Store.CloseSession(c.actor(r.Context(), old), old.token)
	}
	return token, err
}

// newSession waits for its turn to hash the password.
func (c *Console) newSession(r *http.Request, from, login, password string) (string, error) {
	turn := time.NewTimer(hashWait)
	defer turn.Stop()
	select {
	case c.hashing <- struct{}{}:
		defer func() { <-c.hashing }()
	case <-turn.C:
		return "", &knowledge.Error{Code: knowledge.Unavailable, Message: "现在登录的人太多，请过一会儿再试。"}
	case <-r.Context().Done():
		return "", r.Context().Err()
	}
	actor := knowledge.System
	actor.From = from
	return c.Store.OpenSession(knowledge.WithActor(r.Context(), actor), login, password, c.Now())
}

func (c *Console) signOut(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := c.Store.CloseSession(r.Context(), v.token); err != nil {
		return err
	}
	c.setCookie(w, r, "")
	http.Redirect(w, r, "/console/sign-in", http.StatusSeeOther)
	return nil
}

// inside is where to go after signing in: a page of the console, whatever the address asked for.
func inside(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || len(next) > 512 || strings.Contains(next, `\`) ||
		u.Path != "/console" && !strings.HasPrefix(u.Path, "/console/") || strings.HasPrefix(u.Path, "/console/sign-in") {
		return "/console"
	}
	return next
}

// limiter counts failed tries by address in windows of time.
type limiter struct {
	most   int
	window time.Duration
	mu     sync.Mutex
	tries  map[string]*tries
}

type tries struct {
	count int
	until time.Time
}

// addressesMost bounds the limiter's memory. When so many try at once, those whose window is over are forgotten, or else all.
const addressesMost = 10000

func newLimiter(most int, window time.Duration) *limiter {
	return &limiter{most: most, window: window, tries: map[string]*tries{}}
}

// allow counts a try as failed before it is made, so that many at once are not let through together; giveBack takes the count back.
func (l *limiter) allow(from string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := network(from)
	t := l.tries[key]
	if t == nil || !now.Before(t.until) {
		if len(l.tries) >= addressesMost {
			l.forget(now)
		}
		t = &tries{until: now.Add(l.window)}
		l.tries[key] = t
	}
	if t.count >= l.most {
		return false
	}
	t.count++
	return true
}

// giveBack is for a try that did not fail.
func (l *limiter) giveBack(from string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.tries[network(from)]; t != nil && t.count > 0 {
		t.count--
	}
}

func (l *limiter) forget(now time.Time) {
	for key, t := range l.tries {
		if !now.Before(t.until) {
			delete(l.tries, key)
		}
	}
	if len(l.tries) >= addressesMost {
		clear(l.tries)
	}
}

// network is what one household or attacker holds: an IPv4 address, an IPv6 /64.
func network(from string) string {
	a, err := netip.ParseAddr(from)
	if err != nil || a.Unmap().Is4() {
		return from
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return from
	}
	return p.String()
}
