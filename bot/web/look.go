package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// look is how a reader wants pages to look; the stylesheet has the sizes: 18, 22, 26 and 30 px.
type look struct {
	Size     int // from 1
	Contrast bool
}

const (
	sizes     = 4
	lookName  = "look"
	lookKept  = 365 * 24 * time.Hour
	lookField = "look"
)

// lookOf is what the browser keeps: a digit, and c for high contrast.
func lookOf(r *http.Request) look {
	cookie, err := r.Cookie(lookName)
	if err != nil {
		return look{Size: 1}
	}
	digits, contrast := strings.CutSuffix(cookie.Value, "c")
	size, err := strconv.Atoi(digits)
	if err != nil || size < 1 || size > sizes {
		size = 1
	}
	return look{size, contrast}
}

func (l look) String() string {
	s := strconv.Itoa(l.Size)
	if l.Contrast {
		s += "c"
	}
	return s
}

// Class is the page's.
func (l look) Class() string {
	s := "size-" + strconv.Itoa(l.Size)
	if l.Contrast {
		s += " contrast"
	}
	return s
}

// changed is the look after a button was pressed.
func (l look) changed(button string) look {
	switch button {
	case "larger":
		l.Size = min(l.Size+1, sizes)
	case "smaller":
		l.Size = max(l.Size-1, 1)
	case "contrast":
		l.Contrast = !l.Contrast
	}
	return l
}

// Smallest and Largest say which buttons can do no more.
func (l look) Smallest() bool { return l.Size == 1 }

// Largest reports whether the letters cannot be larger.
func (l look) Largest() bool { return l.Size == sizes }

// change changes the look and shows the page again, with what was typed so far.
func (c *Chat) change(w http.ResponseWriter, r *http.Request) {
	q, problem := c.read(w, r)
	if problem != nil {
		c.fail(w, r, q, problem)
		return
	}
	l := lookOf(r).changed(r.PostForm.Get(lookField))
	c.keepLook(w, r, l)
	back := ownPath(r.PostForm.Get("back"))
	if q.text == "" || back != homePath && back != chatPath {
		http.Redirect(w, r, back, http.StatusSeeOther)
		return
	}
	p := c.talkPage(r, back)
	p.Look, p.Draft, p.About = l, q.text, q.about
	c.show(w, http.StatusOK, "talk", p)
}

// keepLook has the browser keep a look. chat.js writes the same cookie.
func (c *Chat) keepLook(w http.ResponseWriter, r *http.Request, l look) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // a taste, and no secret
		Name: lookName, Value: l.String(), Path: "/", MaxAge: int(lookKept.Seconds()), Secure: c.Proxies.Secure(r), SameSite: http.SameSiteLaxMode,
	})
}

// ownPath is where a form wants to go back to, when it is a page of ours.
func ownPath(s string) string {
	if s == chatPath || s == privacyPath {
		return s
	}
	if answer, ok := strings.CutPrefix(s, printPath); ok && answer != "" && strings.Trim(answer, "0123456789") == "" {
		return s
	}
	return homePath
}
