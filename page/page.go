// Package page is what every web page of the program shares: the table of routes, the headers that keep a page safe, and one stylesheet for
// old eyes and phones.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"strings"

	"qiuzhen/knowledge"
)

// Route is one way in. Every handler of the program is named in such a table, so that tests can walk all of them.
type Route struct {
	Pattern string // as http.ServeMux has it: "GET /e/{slug}"
	Access  Access
	Handler http.HandlerFunc
}

// Access says who may use a route.
type Access struct {
	Staff bool             // signed in; false: anybody
	Roles []knowledge.Role // one of these; none: any person of the staff
}

// Public is open to anybody; SignedIn to all of the staff.
var (
	Public   = Access{}
	SignedIn = Access{Staff: true}
)

// Only is open to who holds one of the roles.
func Only(roles ...knowledge.Role) Access { return Access{Staff: true, Roles: roles} }

// Allows reports whether a person of the staff may use the route.
func (a Access) Allows(p knowledge.Person) bool {
	return !a.Staff || !p.Disabled && (len(a.Roles) == 0 || p.Holds(a.Roles...))
}

//go:embed style.css
var style []byte

// StylePath is the address of the stylesheet. It changes with its content, so that browsers may keep it for good.
var StylePath = "/static/style-" + digest(style) + ".css"

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// Routes are those of the stylesheet.
func Routes() []Route {
	return []Route{{"GET " + StylePath, Public, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write(style) // the client is gone: nobody to tell
	}}}
}

// policy lets a page load from this server only, and nothing of it run that is not a file of this server.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; media-src 'self'; " +
	"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Secure sets the headers that every response has.
func Secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if strings.HasPrefix(r.URL.Path, "/console") {
			h.Set("Cache-Control", "no-store") // a shared computer's back button shows nothing
		}
		next.ServeHTTP(w, r)
	})
}
