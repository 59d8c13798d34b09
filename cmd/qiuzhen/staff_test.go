package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

const staffPassword = "长长的一个好密码呀呀"

// bureau is a program on a database of its own, served.
type bureau struct {
	app    *App
	server *httptest.Server
}

var bureauApp struct {
	sync.Mutex
	app *App
}

// closeBureau ends what openBureau began.
func closeBureau() {
	if bureauApp.app != nil {
		bureauApp.app.Close()
	}
}

// openBureau serves the program that the tests of the staff's pages share, and brings in the named entries of the starter pack as drafts. Each
// test hires its own people and takes entries of its own.
func openBureau(t *testing.T, ids ...string) *bureau {
	t.Helper()
	bureauApp.Lock()
	defer bureauApp.Unlock()
	if bureauApp.app == nil {
		app, err := openApp(context.Background(), &cli{Data: filepath.Join(testData, "bureau")}, stdio{err: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		bureauApp.app = app
	}
	var entries []knowledge.Entry
	for _, id := range ids {
		files, err := filepath.Glob("../../content/*/" + id + ".md")
		if err != nil || len(files) != 1 {
			t.Fatalf("%s: %v, %v", id, files, err)
		}
		read, err := ingest.ReadPaths(files)
		if err != nil {
			t.Fatal(err)
		}
		found, complaints := ingest.Lint(read)
		if len(complaints) > 0 {
			t.Fatal(complaints)
		}
		entries = append(entries, found...)
	}
	if _, err := bureauApp.app.Ingester.Run(context.Background(), entries, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newHandler(bureauApp.app, slog.New(slog.DiscardHandler)))
	t.Cleanup(server.Close)
	return &bureau{bureauApp.app, server}
}

// hire lists somebody of the staff.
func (o *bureau) hire(t *testing.T, login, name string, roles ...knowledge.Role) {
	t.Helper()
	_, err := o.app.Store.AddPerson(context.Background(), knowledge.Person{
		Login: login, Name: name, Title: "主任医师", Institution: "市医院", Roles: roles,
	}, staffPassword)
	if err != nil {
		t.Fatal(err)
	}
}

// ask is what a reader is answered.
func (o *bureau) ask(t *testing.T, question string) string {
	t.Helper()
	reply, err := o.app.Bot.Ask(context.Background(), retrieval.Message{Text: question})
	if err != nil {
		t.Fatal(err)
	}
	return reply.Text
}

// browser is one person's: it holds her cookie and the page before her.
type browser struct {
	t      *testing.T
	base   string
	client *http.Client
	status int
	page   string
	at     string // path
}

// visitor opens a browser in which nobody is signed in; it follows no redirect when it is told to stay.
func (o *bureau) visitor(t *testing.T, stay bool) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, base: o.server.URL, client: &http.Client{Jar: jar}}
	if stay {
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return b
}

// signedIn opens a browser and signs in with it.
func (o *bureau) signedIn(t *testing.T, login string, stay bool) *browser {
	t.Helper()
	b := o.visitor(t, stay)
	b.do(http.MethodPost, "/console/sign-in", url.Values{"login": {login}, "password": {staffPassword}})
	if b.status != http.StatusOK && b.status != http.StatusSeeOther {
		t.Fatalf("%s cannot sign in: %d %s", login, b.status, b.page)
	}
	return b
}

func (b *browser) do(method, path string, form url.Values) {
	b.t.Helper()
	request, err := http.NewRequest(method, b.base+path, strings.NewReader(form.Encode())) //nolint:noctx // a test
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", b.base)
	}
	b.take(request)
}

// take sends a request and has what comes of it before her.
func (b *browser) take(request *http.Request) {
	b.t.Helper()
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.status, b.page, b.at = response.StatusCode, string(data), response.Request.URL.Path
}

// open looks at a page, which has to say something.
func (b *browser) open(path string, says ...string) {
	b.t.Helper()
	b.do(http.MethodGet, path, nil)
	b.says(http.StatusOK, says...)
}

// reopen is open of a page that a link is taken from.
func (b *browser) reopen(path string) *browser {
	b.t.Helper()
	b.open(path)
	return b
}

// send fills in the page's form of that action and sends it.
func (b *browser) send(action string, fill map[string]string) {
	b.t.Helper()
	form := b.form(action)
	for name, value := range fill {
		if !form.Has(name) {
			b.t.Fatalf("%s has no %s: %v", action, name, form)
		}
		form.Set(name, value)
	}
	b.do(http.MethodPost, action, form)
}

func (b *browser) says(status int, says ...string) {
	b.t.Helper()
	if b.status != status {
		b.t.Fatalf("%s: status %d, want %d\n%s", b.at, b.status, status, b.page)
	}
	for _, what := range says {
		if !strings.Contains(b.page, what) {
			b.t.Fatalf("%s does not say %q:\n%s", b.at, what, b.page)
		}
	}
}

// form is what the page's form of an action would send as it stands.
func (b *browser) form(action string) url.Values {
	b.t.Helper()
	root, err := html.Parse(strings.NewReader(b.page))
	if err != nil {
		b.t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "form" && attribute(n, "action") == action && attribute(n, "method") == "post" {
			return fieldsOf(n)
		}
	}
	b.t.Fatalf("%s has no form for %s:\n%s", b.at, action, b.page)
	return nil
}

func fieldsOf(form *html.Node) url.Values {
	values := url.Values{}
	for n := range form.Descendants() {
		name := attribute(n, "name")
		switch {
		case n.Type != html.ElementNode || name == "" || attribute(n, "type") == "radio" && !has(n, "checked"):
		case n.Data == "input":
			values.Set(name, attribute(n, "value"))
		case n.Data == "textarea":
			values.Set(name, "")
			if n.FirstChild != nil {
				values.Set(name, n.FirstChild.Data)
			}
		}
	}
	return values
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

func entryAt(id, act string) string { return fmt.Sprintf("/console/entries/%s%s", id, act) }
