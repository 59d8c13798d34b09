package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"qiuzhen/knowledge"
	"qiuzhen/site/sitetest"
)

const apiPrefix = "/api/v1/"

func readContract(t *testing.T, handler http.Handler) (*sitetest.Contract, []byte) {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, apiPrefix+"openapi.json", nil))
	return sitetest.Read(t, w.Body.Bytes()), w.Body.Bytes()
}

// TestEveryRouteOfTheAPIIsDescribed, and nothing is described that is not there.
func TestEveryRouteOfTheAPIIsDescribed(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	var there []string
	for _, r := range routes(demo(t), log) {
		if _, path, _ := strings.Cut(r.Pattern, " "); strings.HasPrefix(path, apiPrefix) {
			there = append(there, r.Pattern)
		}
	}
	slices.Sort(there)
	contract, description := readContract(t, newHandler(demo(t), log))
	if described := contract.Operations(); !slices.Equal(described, there) {
		t.Errorf("described\n%q\nthere\n%q", described, there)
	}
	// the answer to a question is described twice, for who reads JSON Schema and for who reads OpenAPI
	var doc struct {
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(description, &doc); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../../docs/schemas/ask.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	delete(schema, "$schema")
	delete(schema, "$id")
	if !reflect.DeepEqual(doc.Components.Schemas["Answer"], any(schema)) {
		t.Error("components.schemas.Answer in site/openapi.json differs from docs/schemas/ask.schema.json")
	}
}

// TestTheAPIIsAsDescribed: each documented response is asked for, and every response fits its schema.
func TestTheAPIIsAsDescribed(t *testing.T) {
	app, log := demo(t), slog.New(slog.DiscardHandler)
	withdrawOne(t, app)
	handler := newHandler(app, log)
	contract, _ := readContract(t, handler)
	over, end := context.WithCancel(context.Background())
	end()
	ask := func(handler http.Handler, r *http.Request, want int) *httptest.ResponseRecorder {
		t.Helper()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s %s: %d, want %d: %.300s", r.Method, r.URL, w.Code, want, w.Body)
		}
		contract.Check(t, r.Method, r.URL.Path, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes())
		return w
	}
	get := func(target string) *http.Request { return httptest.NewRequest(http.MethodGet, apiPrefix+target, nil) }
	for _, c := range []struct {
		target string
		status int
	}{
		{"entries", 200}, {"entries?topic=disaster&limit=3", 200}, {"entries?updated_since=2026-01-01T00:00:00Z&limit=200", 200}, {"entries?limit=0", 400},
		{"entries/baijiu-kills-virus", 200}, {"entries/earthquake-indoors", 200}, {"entries/none", 404}, {"entries/openapi-withdrawn", 410}, {"openapi.json", 200},
	} {
		tag := ask(handler, get(c.target), c.status).Header().Get("ETag")
		if c.status == http.StatusOK {
			again := get(c.target)
			again.Header.Set("If-None-Match", tag)
			ask(handler, again, http.StatusNotModified)
		}
	}
	for _, target := range []string{"entries", "entries/baijiu-kills-virus"} {
		ask(handler, get(target).WithContext(over), http.StatusServiceUnavailable)
	}
	post := func(body string) *http.Request {
		return httptest.NewRequest(http.MethodPost, apiPrefix+"ask", strings.NewReader(body))
	}
	for body, want := range map[string]int{
		`{"text": "喝白酒能杀死流感病毒"}`: 200, `{"text": "地震来了往哪跑"}`: 200, `{"text": "老伴突然嘴歪了说不清话"}`: 200, `{"text": "今晚台风到南通吗"}`: 200, `{"text": ""}`: 200,
		`{}`: 400, `味精`: 400, fmt.Sprintf(`{"text": %q}`, strings.Repeat("字", 1<<20)): 413,
	} {
		ask(handler, post(body), want)
	}
	busy := http.HandlerFunc((&api{bot: app.Bot, log: log}).ask) // without a place to answer in
	ask(busy, post(`{"text": "味精致癌吗"}`), http.StatusServiceUnavailable)
	showBroadcasts(t, app, func(r *http.Request, want int) *httptest.ResponseRecorder { return ask(handler, r, want) })
	if unseen := contract.Unseen(); len(unseen) > 0 {
		t.Errorf("described and never given: %q", unseen)
	}
}

func withdrawOne(t *testing.T, app *App) {
	t.Helper()
	e := knowledge.Entry{ID: "openapi-withdrawn", Kind: knowledge.Guide, Topic: knowledge.Health, Short: "试验", Actions: []string{"试验"}}
	if _, err := app.Store.SaveDraft(context.Background(), e, nil, ""); err != nil {
		t.Fatal(err)
	}
	if err := app.Store.Withdraw(context.Background(), e.ID, "试验完了"); err != nil {
		t.Fatal(err)
	}
}

// TestEveryStarterEntryHasAPage: read through the list, each has a page that says its first line.
func TestEveryStarterEntryHasAPage(t *testing.T) {
	handler := newHandler(demo(t), slog.New(slog.DiscardHandler))
	fetch := func(target string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		return w
	}
	pages := 0
	for next := ""; ; {
		var list struct {
			Entries []struct {
				ID        string `json:"id"`
				FirstLine string `json:"first_line"`
			} `json:"entries"`
			Next *string `json:"next"`
		}
		if err := json.Unmarshal(fetch(apiPrefix+"entries?limit=200"+next).Body.Bytes(), &list); err != nil {
			t.Fatal(err)
		}
		for _, e := range list.Entries {
			pages++
			if w := fetch("/e/" + e.ID); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), e.FirstLine) {
				t.Errorf("%s: %d without %q", e.ID, w.Code, e.FirstLine)
			}
		}
		if list.Next == nil {
			break
		}
		next = "&cursor=" + *list.Next
	}
	entries, err := embeddedEntries()
	if err != nil || pages != len(entries) {
		t.Errorf("%d pages of %d entries (%v)", pages, len(entries), err)
	}
}
