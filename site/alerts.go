package site

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"qiuzhen/cap"
	"qiuzhen/knowledge"
	"qiuzhen/page"
)

// AlertStore is where the broadcasts are that were begun.
type AlertStore interface {
	PublicBroadcasts(ctx context.Context, limit int) ([]knowledge.Broadcast, error)
	PublicBroadcast(ctx context.Context, identifier string) (knowledge.Broadcast, error)
	cap.Sent
}

// alerts tells other systems what was broadcast, as CAP 1.2. An alert says what was said and to which regions and groups, never who got it.
type alerts struct {
	*Site
	store        AlertStore
	sender, name string
}

// alertsTold is how many the feed tells of.
const alertsTold = 50

// AlertRoutes are those of the CAP feed and its alerts. The sender is a name that nobody else has; the name is the institution's.
func (s *Site) AlertRoutes(store AlertStore, sender, name string) []page.Route {
	a := alerts{s, store, sender, name}
	return []page.Route{
		{Pattern: "GET /cap/feed.atom", Access: page.Public, Handler: anyOrigin(s.inTurn(a.feed, s.failedPlainly))},
		{Pattern: "GET /cap/{file}", Access: page.Public, Handler: anyOrigin(s.inTurn(a.alert, s.failedPlainly))},
	}
}

const alertsPath = "/cap/"

// feed tells of the newest that were begun, exercises among them: those say so in their title and in their status.
func (a alerts) feed(w http.ResponseWriter, r *http.Request) {
	all, err := a.store.PublicBroadcasts(r.Context(), alertsTold)
	if err != nil {
		a.failedPlainly(w, r, err)
		return
	}
	base := a.base(r)
	f := cap.Feed{Title: siteName + "：应急推送", Self: base + alertsPath + "feed.atom", Name: a.author()}
	for _, b := range all {
		f.Items = append(f.Items, cap.Item{Broadcast: b, Sender: a.sender, Sent: b.BegunAt, URL: base + alertsPath + b.Identifier + ".xml"})
	}
	body, err := f.Marshal()
	if err != nil {
		a.failedPlainly(w, r, err)
		return
	}
	respond(w, r, "application/atom+xml; charset=utf-8", body)
}

func (a alerts) author() string {
	if a.name != "" {
		return a.name
	}
	return siteName
}

// alertFile is an identifier as the database takes them, and .xml.
var alertFile = regexp.MustCompile(`^[A-Za-z0-9.-]{1,80}\.xml$`)

// alert is one broadcast. What was not begun is not told from what never was.
func (a alerts) alert(w http.ResponseWriter, r *http.Request) {
	file := r.PathValue("file")
	if !alertFile.MatchString(file) {
		http.NotFound(w, r)
		return
	}
	b, err := a.store.PublicBroadcast(r.Context(), strings.TrimSuffix(file, ".xml"))
	if notFound(err) {
		http.NotFound(w, r)
		return
	}
	var body []byte
	if err == nil {
		body, err = a.marshal(r.Context(), b)
	}
	var refused *knowledge.Error
	switch {
	case errors.As(err, &refused) && refused.Code == knowledge.Invalid: // for good: asking again does not help
		a.Log.Error("a broadcast is no CAP alert", "identifier", b.Identifier, "error", err)
		http.Error(w, "this broadcast cannot be written as CAP 1.2", http.StatusInternalServerError)
	case err != nil:
		a.failedPlainly(w, r, err)
	default:
		respond(w, r, cap.MediaType, body)
	}
}

func (a alerts) marshal(ctx context.Context, b knowledge.Broadcast) ([]byte, error) {
	refs, err := cap.References(ctx, a.store, b, a.sender)
	if err != nil {
		return nil, err
	}
	return cap.Marshal(b, cap.Envelope{Sender: a.sender, Name: a.author(), Sent: b.BegunAt, References: refs})
}
