// Package page is what every web page of the program shares: the table of routes, the headers that keep a page safe, and one stylesheet for
// old eyes and phones.
package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"path"
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

// Asset is a file that pages load. Its address changes with its content, so that browsers may keep it for good.
type Asset struct {
	Path string

	mediaType string
	content   []byte
}

// NewAsset names a file such as style.css by its content: /static/style-HASH.css.
func NewAsset(name, mediaType string, content []byte) Asset {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	return Asset{"/static/" + strings.TrimSuffix(name, ext) + "-" + hex.EncodeToString(sum[:6]) + ext, mediaType, content}
}

// Route serves the file to anybody.
func (a Asset) Route() Route {
	return Route{"GET " + a.Path, Public, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", a.mediaType+"; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		_, _ = w.Write(a.content) // the client is gone: nobody to tell
	}}
}

//go:embed style.css
var styleContent []byte

// Style is the stylesheet of every page.
var Style = NewAsset("style.css", "text/css", styleContent)

// Routes are those of the stylesheet.
func Routes() []Route { return []Route{Style.Route()} }

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
