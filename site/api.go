package site

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"qiuzhen/knowledge"
)

// description is OpenAPI's of everything under /api/v1; cmd/qiuzhen tests the server against it.
//
//go:embed openapi.json
var description []byte

func (s *Site) apiDescription(w http.ResponseWriter, r *http.Request) {
	respond(w, r, jsonType, description)
}

const jsonType = "application/json; charset=utf-8"

const (
	defaultPage = 100
	largestPage = 200
)

// apiEntries lists entries in the order of their last change.
func (s *Site) apiEntries(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r.URL.Query())
	if err != nil {
		s.apiError(w, r, http.StatusBadRequest, err.Error())
		return
	}
	q.Unsigned, q.Now = s.Unsigned, s.Now()
	q.Limit++ // one more tells whether there is a next page
	found, err := s.Store.PublicEntries(r.Context(), q)
	if err != nil {
		s.apiFailed(w, r, err)
		return
	}
	list := entriesJSON{Entries: []any{}}
	if len(found) == q.Limit {
		found = found[:q.Limit-1]
		last := found[len(found)-1]
		next := cursorText(knowledge.PublicCursor{UpdatedAt: last.UpdatedAt, ID: last.Entry.ID})
		list.Next = &next
	}
	for _, p := range found {
		list.Entries = append(list.Entries, newAPIEntry(p, s.base(r)))
	}
	s.apiRespond(w, r, list)
}

// apiEntry is one entry; what was withdrawn says so with status 410.
func (s *Site) apiEntry(w http.ResponseWriter, r *http.Request) {
	p, err := s.look(r, r.PathValue("id"))
	switch {
	case notFound(err), err == nil && p.Standing == knowledge.Lapsed:
		s.apiError(w, r, http.StatusNotFound, "no entry is served under this id")
	case err != nil:
		s.apiFailed(w, r, err)
	case p.Standing == knowledge.Recalled:
		s.apiWrite(w, r, http.StatusGone, newTombstone(p))
	default:
		s.apiRespond(w, r, newAPIEntry(p, s.base(r)))
	}
}

var (
	topics     = []knowledge.Topic{knowledge.Health, knowledge.Fraud, knowledge.Disaster, knowledge.Rumour}
	regionForm = regexp.MustCompile(`^[1-9][0-9]{5}$`)
)

// parseQuery reads the parameters of a list. One that is not known is an error: a filter misspelt would give all.
func parseQuery(values url.Values) (q knowledge.PublicQuery, err error) {
	q.Limit = defaultPage
	for name, given := range values {
		if len(given) != 1 {
			return q, fmt.Errorf("parameter %.40q is given %d times", name, len(given))
		}
		ok, want := false, ""
		switch v := given[0]; name {
		case "topic":
			q.Topic, want = knowledge.Topic(v), "health, fraud, disaster or rumour"
			ok = slices.Contains(topics, q.Topic)
		case "verdict":
			q.Verdict, want = knowledge.Verdict(v), "false, misleading, partly_true, true or unproven"
			ok = q.Verdict.Valid()
		case "region":
			q.Regions, ok, want = withParents(v), regionForm.MatchString(v), "a GB/T 2260 code of six digits"
		case "updated_since":
			q.Since, err = time.Parse(time.RFC3339, v)
			q.Ended, ok, want = true, err == nil && q.Since.Year() >= 1970, "a time such as 2026-01-31T08:00:00+08:00 (write + as %2B)"
		case "limit":
			q.Limit, err = strconv.Atoi(v)
			ok, want = err == nil && q.Limit >= 1 && q.Limit <= largestPage, fmt.Sprintf("a number from 1 to %d", largestPage)
		case "cursor":
			q.After, ok = parseCursor(v)
			want = "the next of an earlier page"
		default:
			return q, fmt.Errorf("parameter %.40q is not known", name)
		}
		if !ok {
			return q, fmt.Errorf("parameter %s: expected %s", name, want)
		}
	}
	return q, nil
}

// withParents are a region and what it lies in: the city's and the province's code.
func withParents(code string) []string {
	if len(code) != 6 {
		return nil
	}
	return slices.Compact([]string{code, code[:4] + "00", code[:2] + "0000"})
}

// cursorText is opaque to the client.
func cursorText(c knowledge.PublicCursor) string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.UpdatedAt.UTC().Format(time.RFC3339Nano) + " " + string(c.ID)))
}

func parseCursor(s string) (c knowledge.PublicCursor, ok bool) {
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(data) > 128 {
		return c, false
	}
	at, id, ok := strings.Cut(string(data), " ")
	if !ok || !slugForm.MatchString(id) || len(id) > maxSlug {
		return c, false
	}
	c.ID = knowledge.ID(id)
	c.UpdatedAt, err = time.Parse(time.RFC3339Nano, at)
	return c, err == nil
}

func (s *Site) apiRespond(w http.ResponseWriter, r *http.Request, v any) {
	body, err := encode(v)
	if err != nil {
		s.apiFailed(w, r, err)
		return
	}
	respond(w, r, jsonType, body)
}

func (s *Site) apiFailed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.Log.Error("request failed", "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Retry-After", "5")
	s.apiError(w, r, http.StatusServiceUnavailable, busyLine)
}

func (s *Site) apiError(w http.ResponseWriter, r *http.Request, status int, message string) {
	s.apiWrite(w, r, status, errorJSON{message})
}

func (s *Site) apiWrite(w http.ResponseWriter, r *http.Request, status int, v any) {
	body, err := encode(v)
	if err != nil {
		s.Log.Error("response failed", "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone: nobody to tell
}

// encode leaves < and > as they are: this is no HTML, and nosniff says so.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}
