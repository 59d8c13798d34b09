package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"qiuzhen/knowledge"
	"qiuzhen/page"
)

// The staff's JSON API under /api/v1: the same sessions, roles and rules as the pages. A program signs its person in for a token of 12 hours, and of an
// hour without use, as her browser does.

// apiHandler serves JSON to somebody who is signed in: a status and what to write.
type apiHandler func(r *http.Request, v visit) (status int, body any, err error)

// apiGuard is guard for programs: no redirects and no pages.
func (c *Console) apiGuard(access page.Access, do apiHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := c.apiVisitor(r)
		var known *knowledge.Error
		if errors.As(err, &known) && known.Code == knowledge.NotFound {
			w.Header().Set("WWW-Authenticate", `Bearer realm="qiuzhen"`)
			writeAPI(w, http.StatusUnauthorized, apiError{"请先登录：POST /api/v1/sessions"})
			return
		}
		if err == nil && !access.Allows(v.Person) {
			err = &knowledge.Error{Code: knowledge.Forbidden, Message: "这件事要" + roleWords(access.Roles, "或") + "来做，您现在是" + roleWords(v.Person.Roles, "、")}
		}
		status, body := 0, any(nil)
		if err == nil {
			r.Body = http.MaxBytesReader(w, r.Body, bodyMost)
			actor := knowledge.Actor{Person: v.Person.ID, ID: v.Person.Login, Name: v.Person.Name, From: "api " + v.From}
			status, body, err = do(r.WithContext(knowledge.WithActor(r.Context(), actor)), v)
		}
		if err != nil {
			c.apiFail(w, r, err)
			return
		}
		writeAPI(w, status, body)
	}
}

// apiVisitor is who holds the token: in the Authorization header, or else the browser's cookie.
func (c *Console) apiVisitor(r *http.Request) (visit, error) {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		return c.visitor(r)
	}
	v := visit{From: c.address(r), token: token}
	if token == "" || len(token) > 128 {
		return v, &knowledge.Error{Code: knowledge.NotFound, Message: "请先登录"}
	}
	var err error
	v.Session, err = c.Store.Session(r.Context(), token, c.Now())
	return v, err
}

type apiError struct {
	Error string `json:"error"`
}

func (c *Console) apiFail(w http.ResponseWriter, r *http.Request, err error) {
	var known *knowledge.Error
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		known = &knowledge.Error{Code: knowledge.Invalid, Message: "内容太长了"}
	case !errors.As(err, &known):
		if r.Context().Err() == nil {
			c.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		known = &knowledge.Error{Code: knowledge.Unavailable, Message: "出了差错，刚才的操作没有做"}
	}
	status := failures[known.Code].status
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	writeAPI(w, status, apiError{known.Message})
}

func writeAPI(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody to tell
}

// readAPI reads the request's JSON; a field that is not known is an error.
func readAPI(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	var large *http.MaxBytesError
	if err != nil && !errors.As(err, &large) {
		err = &knowledge.Error{Code: knowledge.Invalid, Message: fmt.Sprintf("看不懂请求：%v", err), Err: err}
	}
	return err
}

// apiSignIn gives a program the token of its person's session, under the same limits as the page.
func (c *Console) apiSignIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, signInMost)
	var who struct{ Login, Password string }
	if err := readAPI(r, &who); err != nil {
		c.apiFail(w, r, err)
		return
	}
	from := c.address(r)
	if len(who.Login) > 64 || len(who.Password) > 256 || !storable(who.Login) {
		writeAPI(w, http.StatusForbidden, apiError{refusedLine})
		return
	}
	if !c.tries.allow(from, c.Now()) {
		w.Header().Set("Retry-After", "300")
		writeAPI(w, http.StatusTooManyRequests, apiError{"这个地址试得太多了，请过5分钟再试。"})
		return
	}
	token, err := c.newSession(r, "api "+from, who.Login, who.Password)
	var known *knowledge.Error
	refused := errors.As(err, &known) && known.Code == knowledge.Forbidden
	if !refused && r.Context().Err() == nil { // who hangs up has tried
		c.tries.giveBack(from)
	}
	switch {
	case refused:
		writeAPI(w, http.StatusForbidden, apiError{refusedLine})
	case err != nil:
		c.apiFail(w, r, err)
	default:
		writeAPI(w, http.StatusCreated, map[string]string{"token": token})
	}
}

// apiSignOut ends the session of the token.
func (c *Console) apiSignOut(r *http.Request, v visit) (int, any, error) {
	if err := c.Store.CloseSession(r.Context(), v.token); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]bool{"closed": true}, nil
}
