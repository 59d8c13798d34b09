package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"qiuzhen/knowledge"
	"qiuzhen/page"
)

// visit is who asks for a page.
type visit struct {
	knowledge.Session
	token string
	From  string // address
}

// handler serves a page to somebody who is signed in; its error becomes a page of its own.
type handler func(http.ResponseWriter, *http.Request, visit) error

// bodyMost bounds what a form may send: an entry's source and little more.
const bodyMost = 320 << 10

// guard lets in who may. The person is read anew at each request, so that a role taken away holds at once.
func (c *Console) guard(access page.Access, do handler) http.HandlerFunc {
	return c.guardUpTo(access, bodyMost, do)
}

// guardUpTo is guard of a form that may send so many bytes.
func (c *Console) guardUpTo(access page.Access, most int64, do handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := c.visitor(r)
		var known *knowledge.Error
		if errors.As(err, &known) && known.Code == knowledge.NotFound {
			c.askToSignIn(w, r)
			return
		}
		if id := r.PathValue("id"); err == nil && !storable(id) {
			r.SetPathValue("id", "")
			err = &knowledge.Error{Code: knowledge.NotFound, Message: "没有这个条目"}
		}
		if err == nil && !access.Allows(v.Person) {
			err = &knowledge.Error{Code: knowledge.Forbidden, Message: "这件事要" + roleWords(access.Roles, "或") + "来做，您现在是" + roleWords(v.Person.Roles, "、")}
		}
		if err == nil {
			r.Body = http.MaxBytesReader(w, r.Body, most)
			err = do(w, r.WithContext(c.actor(r.Context(), v)), v)
		}
		if err != nil {
			c.fail(w, r, v, err)
		}
	}
}

// storable reports whether the database could hold a text: an address or a form may have other bytes, which are nobody's name.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func (c *Console) visitor(r *http.Request) (visit, error) {
	v := visit{From: c.address(r)}
	cookie, err := r.Cookie(c.cookieName(r))
	if err != nil || len(cookie.Value) > 128 {
		return v, &knowledge.Error{Code: knowledge.NotFound, Message: "请先登录"}
	}
	v.token = cookie.Value
	v.Session, err = c.Store.Session(r.Context(), v.token, c.Now())
	return v, err
}

// actor is in whose name all is done that the request asks for.
func (c *Console) actor(ctx context.Context, v visit) context.Context {
	return knowledge.WithActor(ctx, knowledge.Actor{Person: v.Person.ID, ID: v.Person.Login, Name: v.Person.Name, From: "console " + v.From})
}

// askToSignIn leads to the form; what was sent by a form is lost, and the page says so.
func (c *Console) askToSignIn(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		next := url.Values{"next": {r.URL.RequestURI()}}
		http.Redirect(w, r, "/console/sign-in?"+next.Encode(), http.StatusSeeOther)
		return
	}
	c.show(w, r, visit{}, http.StatusUnauthorized, "error", &errorPage{
		frame: frame{Title: "请先登录"}, Message: "您还没有登录，或者登录已经过期。刚才的操作没有做。",
		Mend: "登录以后再做一次；写的文字可以按浏览器的后退键取回。", Link: "/console/sign-in", LinkText: "去登录",
	})
}

// cookieName has __Host- where the browser then holds the cookie to this host and to TLS.
func (c *Console) cookieName(r *http.Request) string {
	if c.Proxies.Secure(r) {
		return "__Host-qiuzhen"
	}
	return "qiuzhen"
}

// setCookie gives the browser its token; an empty one takes it back.
func (c *Console) setCookie(w http.ResponseWriter, r *http.Request, token string) {
	cookie := &http.Cookie{
		Name: c.cookieName(r), Value: token, Path: "/", HttpOnly: true, Secure: c.Proxies.Secure(r), SameSite: http.SameSiteLaxMode,
	}
	if token == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}

// address is where the request comes from, as the audit log has it.
func (c *Console) address(r *http.Request) string {
	if a := c.Proxies.Address(r); a.IsValid() {
		return a.String()
	}
	return r.RemoteAddr
}

// said tells the next page what was done, and leads there.
func (c *Console) said(w http.ResponseWriter, r *http.Request, v visit, said, to string) error {
	if err := c.Store.Say(r.Context(), v.token, said); err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
