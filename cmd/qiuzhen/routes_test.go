package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/knowledge"
)

// routeRow is what a route has to do: for whom it is, and with which status it answers those. The form of a POST is empty, which the
// console's handlers refuse with 400: a 400 has passed the guard.
type routeRow struct {
	path   string // when it differs from the pattern's
	who    string // public, staff, or the roles that may
	status int
}

// routeTable has a row for every way into the program. A new route without one fails the test: say here for whom it is.
var routeTable = map[string]routeRow{
	"GET /static/style-HASH.css":                {who: "public", status: 200},
	"GET /static/console-HASH.css":              {who: "public", status: 200},
	"POST /api/v1/ask":                          {who: "public", status: 400},
	"GET /api/v1/entries":                       {who: "public", status: 200},
	"GET /api/v1/entries/{id}":                  {path: "/api/v1/entries/nothing-of-ours", who: "public", status: 404},
	"GET /api/v1/openapi.json":                  {who: "public", status: 200},
	"GET /e/{slug}":                             {path: "/e/nothing-of-ours", who: "public", status: 404},
	"GET /feed.atom":                            {who: "public", status: 200},
	"GET /cap/feed.atom":                        {who: "public", status: 200},
	"GET /cap/{file}":                           {path: "/cap/qz-20260101-none.xml", who: "public", status: 404},
	"GET /robots.txt":                           {who: "public", status: 200},
	"GET /sitemap.xml":                          {who: "public", status: 200},
	"GET /sitemaps/{part}":                      {path: "/sitemaps/9.xml", who: "public", status: 404},
	"GET /{$}":                                  {path: "/", who: "public", status: 200},
	"GET /chat":                                 {who: "public", status: 200},
	"POST /ask":                                 {who: "public", status: 400},
	"GET /ask":                                  {who: "public", status: 303},
	"POST /look":                                {who: "public", status: 303},
	"GET /look":                                 {who: "public", status: 303},
	"POST /forget":                              {who: "public", status: 200},
	"GET /forget":                               {who: "public", status: 303},
	"GET /print/{answer}":                       {path: "/print/1", who: "public", status: 404},
	"GET /speech/{answer}":                      {path: "/speech/1", who: "public", status: 404},
	"GET /privacy":                              {who: "public", status: 200},
	"GET /static/chat-HASH.js":                  {who: "public", status: 200},
	"GET /healthz":                              {who: "public", status: 200},
	"GET /readyz":                               {who: "public", status: 200},
	"GET /console/sign-in":                      {who: "public", status: 200},
	"POST /console/sign-in":                     {who: "public", status: 403},
	"POST /console/sign-out":                    {who: "staff", status: 303},
	"GET /console":                              {who: "staff", status: 200},
	"GET /console/{rest...}":                    {path: "/console/nowhere", who: "staff", status: 404},
	"GET /console/entries":                      {who: "staff", status: 200},
	"GET /console/entries/{id}":                 {who: "staff", status: 200},
	"GET /console/entries/{id}/original":        {who: "staff", status: 404},
	"GET /console/entries/{id}/edit":            {who: "author editor", status: 200},
	"POST /console/notices/{notice}":            {path: "/console/notices/1", who: "staff", status: 303},
	"GET /console/new":                          {who: "author editor", status: 200},
	"POST /console/new":                         {who: "author editor", status: 400},
	"POST /console/upload":                      {who: "author editor", status: 400},
	"GET /console/questions":                    {who: "staff", status: 200},
	"GET /console/questions/{question}":         {path: "/console/questions/99999", who: "staff", status: 404},
	"POST /console/questions/{question}":        {path: "/console/questions/99999", who: "author editor publisher", status: 400},
	"POST /console/questions/{question}/close":  {path: "/console/questions/99999/close", who: "author editor publisher", status: 400},
	"POST /console/questions/{question}/reopen": {path: "/console/questions/99999/reopen", who: "author editor publisher", status: 404},
	"POST /console/entries/{id}/edit":           {who: "author editor", status: 400},
	"POST /console/entries/{id}/submit":         {who: "author editor", status: 400},
	"POST /console/entries/{id}/sign":           {who: "expert editor publisher", status: 400},
	"POST /console/entries/{id}/return":         {who: "expert editor publisher", status: 400},
	"POST /console/entries/{id}/publish":        {who: "publisher", status: 400},
	"POST /console/entries/{id}/emergency":      {who: "publisher", status: 400},
	"POST /console/entries/{id}/withdraw":       {who: "publisher", status: 400},

	"GET /static/live-HASH.js":               {who: "public", status: 200},
	"GET /console/broadcasts":                {who: "staff", status: 200},
	"GET /console/broadcasts/new":            {who: "author editor publisher", status: 200},
	"POST /console/broadcasts/new":           {who: "author editor publisher", status: 400},
	"GET /console/broadcasts/{n}":            {path: "/console/broadcasts/99999", who: "staff", status: 404},
	"GET /console/broadcasts/{n}/edit":       {path: "/console/broadcasts/99999/edit", who: "author editor publisher", status: 404},
	"POST /console/broadcasts/{n}/edit":      {path: "/console/broadcasts/99999/edit", who: "author editor publisher", status: 404},
	"POST /console/broadcasts/{n}/submit":    {path: "/console/broadcasts/99999/submit", who: "author editor publisher", status: 400},
	"POST /console/broadcasts/{n}/approve":   {path: "/console/broadcasts/99999/approve", who: "publisher", status: 400},
	"POST /console/broadcasts/{n}/return":    {path: "/console/broadcasts/99999/return", who: "publisher", status: 400},
	"POST /console/broadcasts/{n}/pause":     {path: "/console/broadcasts/99999/pause", who: "author editor publisher", status: 400},
	"POST /console/broadcasts/{n}/resume":    {path: "/console/broadcasts/99999/resume", who: "publisher", status: 400},
	"POST /console/broadcasts/{n}/cancel":    {path: "/console/broadcasts/99999/cancel", who: "author editor publisher", status: 400},
	"POST /console/broadcasts/{n}/correct":   {path: "/console/broadcasts/99999/correct", who: "author editor publisher", status: 400},
	"GET /console/broadcasts/{n}/events":     {path: "/console/broadcasts/99999/events", who: "staff", status: 404},
	"GET /console/broadcasts/{n}/report":     {path: "/console/broadcasts/99999/report", who: "staff", status: 404},
	"GET /console/broadcasts/{n}/report.csv": {path: "/console/broadcasts/99999/report.csv", who: "staff", status: 404},
	"GET /console/surges":                    {who: "staff", status: 200},
	"POST /console/surges/{surge}/draft":     {path: "/console/surges/99999/draft", who: "author editor", status: 404},
	"POST /console/surges/{surge}/taken":     {path: "/console/surges/99999/taken", who: "author editor publisher", status: 409},

	"POST /api/v1/sessions":                {who: "public", status: 400},
	"DELETE /api/v1/sessions":              {who: "staff", status: 200},
	"GET /api/v1/broadcasts":               {who: "staff", status: 200},
	"POST /api/v1/broadcasts":              {who: "author editor publisher", status: 400},
	"POST /api/v1/broadcasts/cap":          {who: "author editor publisher", status: 400},
	"GET /api/v1/broadcasts/{id}":          {path: "/api/v1/broadcasts/99999", who: "staff", status: 404},
	"PUT /api/v1/broadcasts/{id}":          {path: "/api/v1/broadcasts/99999", who: "author editor publisher", status: 400},
	"GET /api/v1/broadcasts/{id}/preview":  {path: "/api/v1/broadcasts/99999/preview", who: "staff", status: 404},
	"POST /api/v1/broadcasts/{id}/submit":  {path: "/api/v1/broadcasts/99999/submit", who: "author editor publisher", status: 400},
	"POST /api/v1/broadcasts/{id}/approve": {path: "/api/v1/broadcasts/99999/approve", who: "publisher", status: 400},
	"POST /api/v1/broadcasts/{id}/return":  {path: "/api/v1/broadcasts/99999/return", who: "publisher", status: 400},
	"POST /api/v1/broadcasts/{id}/pause":   {path: "/api/v1/broadcasts/99999/pause", who: "author editor publisher", status: 400},
	"POST /api/v1/broadcasts/{id}/resume":  {path: "/api/v1/broadcasts/99999/resume", who: "publisher", status: 400},
	"POST /api/v1/broadcasts/{id}/cancel":  {path: "/api/v1/broadcasts/99999/cancel", who: "author editor publisher", status: 400},
}

var hashInPath = regexp.MustCompile(`-[0-9a-f]{12}\.`)

// TestRoutes asks every route as nobody, in each role, and as somebody whose account was ended while she was signed in.
func TestRoutes(t *testing.T) {
	const id = "aluminium-phosphide-bedroom"
	o := openBureau(t, id)
	browsers := map[string]*browser{"nobody": o.visitor(t, true)}
	for _, role := range append(slices.Clone(knowledge.Roles), "disabled") {
		held := role
		if role == "disabled" {
			held = knowledge.Editor
		}
		o.hire(t, string(role), "某人", held)
		browsers[string(role)] = o.signedIn(t, string(role), true)
	}
	if err := o.app.Store.DisablePerson(t.Context(), "disabled", time.Now()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, route := range routes(o.app, slog.New(slog.DiscardHandler)) {
		pattern := hashInPath.ReplaceAllString(route.Pattern, "-HASH.")
		row, ok := routeTable[pattern]
		if !ok {
			t.Errorf("%s has no row in routeTable: say for whom it is", pattern)
			continue
		}
		seen[pattern] = true
		method, path, _ := strings.Cut(route.Pattern, " ")
		if row.path != "" {
			path = row.path
		}
		path = strings.ReplaceAll(path, "{id}", id)
		for who, b := range browsers {
			if (path == "/console/sign-out" || method == http.MethodDelete) && who != "nobody" && who != "disabled" {
				b = o.signedIn(t, who, true) // and the others' session goes on
			}
			b.do(method, path, url.Values{})
			if want := row.want(who, method, path); b.status != want {
				t.Errorf("%s as %s: %d, want %d", pattern, who, b.status, want)
			}
		}
	}
	for pattern := range routeTable {
		if !seen[pattern] {
			t.Errorf("routeTable has a row for %s, which is no route", pattern)
		}
	}
}

func (r routeRow) want(who, method, path string) int {
	outside := who == "nobody" || who == "disabled"
	switch {
	case r.who == "public":
		return r.status
	case outside && method == http.MethodGet && !strings.HasPrefix(path, apiPrefix):
		return http.StatusSeeOther // to the sign-in
	case outside:
		return http.StatusUnauthorized
	case r.who == "staff" || slices.Contains(strings.Fields(r.who), who):
		return r.status
	}
	return http.StatusForbidden
}

// TestForeignForms: another site's page changes nothing here, signed in or not.
func TestForeignForms(t *testing.T) {
	const id = "aluminium-phosphide-bedroom"
	o := openBureau(t, id)
	o.hire(t, "sun", "孙编辑", knowledge.Editor)
	b := o.signedIn(t, "sun", true)
	for name, headers := range map[string]map[string]string{
		"of a new browser": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
		"of an old one":    {"Origin": "https://evil.example"},
		"of no origin":     {"Origin": "null"},
		"of a sister site": {"Sec-Fetch-Site": "same-site"},
	} {
		for _, path := range []string{"/console/sign-out", "/console/sign-in", entryAt(id, "/sign"), "/api/v1/ask"} {
			request, err := http.NewRequest(http.MethodPost, o.server.URL+path, strings.NewReader("")) //nolint:noctx // a test
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range headers {
				request.Header.Set(k, v)
			}
			response, err := b.client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusForbidden {
				t.Errorf("POST %s %s: %d", path, name, response.StatusCode)
			}
		}
	}
	b.open("/console", "我的待办")
}

// TestSignInTells nothing: not which of login and password was wrong, nor that an account rests; and one address may not go on for ever.
func TestSignInTells(t *testing.T) {
	o := openBureau(t)
	o.hire(t, "zhou", "周编辑", knowledge.Editor)
	b := o.visitor(t, true)
	try := func(login, secret string) string {
		b.do(http.MethodPost, "/console/sign-in", url.Values{"login": {login}, "password": {secret}, "next": {"https://evil.example/console"}})
		return strings.ReplaceAll(b.page, `value="`+login+`"`, "")
	}
	refused := try("nobody", "wrong")
	if b.status != http.StatusForbidden || !strings.Contains(refused, "登录名或密码不对") {
		t.Fatalf("%d %s", b.status, refused)
	}
	for range 6 {
		if got := try("zhou", "wrong"); got != refused {
			t.Fatalf("tells more of one that is there:\n%s\n%s", got, refused)
		}
	}
	if got := try("zhou", staffPassword); got != refused { // rests after five
		t.Fatalf("an account that rests: %d %s", b.status, got)
	}
	for range 12 {
		try("nobody", "wrong")
	}
	if try("nobody", "wrong"); b.status != http.StatusTooManyRequests {
		t.Errorf("try 21 from one address: %d", b.status)
	}
}

// TestCookies: what holds the session is out of reach of scripts, other sites and, behind a proxy that speaks TLS, of plain HTTP.
func TestCookies(t *testing.T) {
	o := openBureau(t)
	o.hire(t, "wu", "吴编辑", knowledge.Editor)
	defer o.app.Settings.override("trusted_proxies", "", "the test")
	for _, c := range []struct {
		what, proxies, proto, name, from string
		secure                           bool
	}{
		{"no proxy is trusted", "", "https", "qiuzhen", "127.0.0.1", false},
		{"another is trusted", "10.0.0.0/8", "https", "qiuzhen", "127.0.0.1", false},
		{"a proxy with TLS", "127.0.0.1", "https", "__Host-qiuzhen", "203.0.113.9", true},
		{"a proxy without TLS", "127.0.0.1", "http", "qiuzhen", "203.0.113.9", false},
	} {
		o.app.Settings.override("trusted_proxies", c.proxies, "the test")
		recorder := httptest.NewRecorder()
		form := url.Values{"login": {"wu"}, "password": {staffPassword}, "next": {"/console/entries"}}
		request := httptest.NewRequest(http.MethodPost, "/console/sign-in", strings.NewReader(form.Encode()))
		request.RemoteAddr = "127.0.0.1:40000"
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("X-Forwarded-For", "198.51.100.1, 203.0.113.9")
		request.Header.Set("X-Forwarded-Proto", c.proto)
		newHandler(o.app, slog.New(slog.DiscardHandler)).ServeHTTP(recorder, request)
		cookies := recorder.Result().Cookies()
		if recorder.Code != http.StatusSeeOther || recorder.Header().Get("Location") != "/console/entries" || len(cookies) != 1 {
			t.Fatalf("%s: %d, %v", c.what, recorder.Code, recorder.Header())
		}
		got := cookies[0]
		if got.Name != c.name || got.Secure != c.secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" {
			t.Errorf("%s: %v", c.what, got)
		}
		if recorder.Header().Get("Cache-Control") != "no-store" || recorder.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("headers %v", recorder.Header())
		}
		if events, err := o.app.Store.PersonHistory(t.Context(), "wu"); err != nil || len(events) == 0 || events[len(events)-1].From != "console "+c.from {
			t.Errorf("%s: the audit log has %+v (%v)", c.what, events, err)
		}
	}
}

// TestBytesThatAreNoText: what the database could not hold is nobody's name; it is no failure of ours, and the log says nothing.
func TestBytesThatAreNoText(t *testing.T) {
	o := openBureau(t)
	o.hire(t, "zheng", "郑编辑", knowledge.Editor, knowledge.Publisher, knowledge.Author)
	var log lockedLog
	server := httptest.NewServer(newHandler(o.app, slog.New(slog.NewTextHandler(&log, nil))))
	t.Cleanup(server.Close)
	o.server = server
	b := o.signedIn(t, "zheng", true)
	form := func(name, value string) url.Values {
		return url.Values{name: {value}, "version": {"1"}, "hash": {strings.Repeat("00", 32)}}
	}
	for _, c := range []struct {
		method, path string
		form         url.Values
		want         int
	}{
		{http.MethodGet, "/console/entries/a%00b", nil, http.StatusNotFound},
		{http.MethodGet, "/console/entries/%ff", nil, http.StatusNotFound},
		{http.MethodGet, "/console/entries/%ff/edit", nil, http.StatusNotFound},
		{http.MethodGet, "/console/entries/a%00b/original", nil, http.StatusNotFound},
		{http.MethodGet, "/console/entries?q=%ff", nil, http.StatusBadRequest},
		{http.MethodPost, "/console/entries/a%00b/withdraw", form("comment", "有误"), http.StatusNotFound},
		{http.MethodPost, "/console/entries/aa/sign", form("role", "a\x00"), http.StatusBadRequest},
		{http.MethodPost, "/console/sign-in", url.Values{"login": {"a\x00b"}, "password": {"x"}}, http.StatusForbidden},
		{http.MethodPost, "/console/sign-in", url.Values{"login": {"\xff"}, "password": {"x"}}, http.StatusForbidden},
		{http.MethodPost, "/console/sign-in", url.Values{"login": {"zheng"}, "password": {"\x00\xff"}}, http.StatusForbidden},
	} {
		if b.do(c.method, c.path, c.form); b.status != c.want {
			t.Errorf("%s %s %q: %d, want %d", c.method, c.path, c.form, b.status, c.want)
		}
	}
	if said := log.String(); strings.Contains(said, "level=ERROR") {
		t.Errorf("the log says:\n%s", said)
	}
}

// lockedLog is written to by many requests.
type lockedLog struct {
	sync.Mutex
	strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Builder.Write(p)
}

// TestSigningInIsNoFailedTry: an office behind one address signs in as often as it likes.
func TestSigningInIsNoFailedTry(t *testing.T) {
	o := openBureau(t)
	o.hire(t, "feng", "冯编辑", knowledge.Editor)
	for range 25 {
		o.signedIn(t, "feng", true)
	}
}
