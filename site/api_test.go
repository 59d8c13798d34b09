package site_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"qiuzhen/knowledge"
)

type listing struct {
	Entries []struct {
		ID        string  `json:"id"`
		Status    string  `json:"status"`
		UpdatedAt string  `json:"updated_at"`
		Reason    *string `json:"reason"`
	} `json:"entries"`
	Next *string `json:"next"`
}

func list(t *testing.T, handler http.Handler, query url.Values) (l listing) {
	t.Helper()
	got := get(t, handler, "/api/v1/entries?"+query.Encode())
	if got.status != 200 {
		t.Fatalf("%v: %d %s", query, got.status, got.body)
	}
	if err := json.Unmarshal([]byte(got.body), &l); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l listing) ids() string {
	ids := []string{}
	for _, e := range l.Entries {
		ids = append(ids, e.ID)
	}
	return strings.Join(ids, " ")
}

type standing struct{ status, updatedAt string }

// listed is how baijiu stands in the list for who keeps a copy; empty: it is not there.
func listed(t *testing.T, handler http.Handler) standing {
	t.Helper()
	for _, e := range list(t, handler, url.Values{"updated_since": {"1970-01-01T00:00:00Z"}}).Entries {
		if e.ID == "baijiu" {
			return standing{e.Status, e.UpdatedAt}
		}
	}
	return standing{}
}

// TestListPages: all entries once, in the order of their last change; what changes while somebody reads comes again at the end.
func TestListPages(t *testing.T) {
	o := newOffice(t)
	handler := o.serve(false)
	want := []string{}
	for i := range 7 {
		if i%3 != 1 { // two changes may fall together
			o.now = o.now.Add(time.Second)
		}
		id := fmt.Sprintf("entry-%d", i)
		o.publish(rebuttal(id))
		want = append(want, id)
	}
	var got []string
	query := url.Values{"limit": {"2"}}
	for {
		l := list(t, handler, query)
		for _, e := range l.Entries {
			got = append(got, e.ID)
		}
		if l.Next == nil {
			break
		}
		query.Set("cursor", *l.Next)
		if len(got) == 4 { // one that was read changes
			o.now = o.now.Add(time.Second)
			e := rebuttal("entry-1")
			e.Summary = "改了。"
			o.publish(e)
		}
	}
	if want = append(want, "entry-1"); !slices.Equal(got, want) {
		t.Errorf("read %v, want %v", got, want)
	}
	if l := list(t, handler, url.Values{"limit": {"7"}}); l.Next != nil {
		t.Error("a next page after the last entry")
	}
}

// TestListFilters: each filter, and tombstones only for who keeps a copy.
func TestListFilters(t *testing.T) {
	o := newOffice(t)
	handler := o.serve(false)
	start := o.now
	partly, city, county, gone, quake := rebuttal("partly"), rebuttal("city"), rebuttal("county"), rebuttal("gone"), guide("quake")
	partly.Verdict, partly.Tail, partly.Topic = knowledge.PartlyTrue, "不对，但不要多放", knowledge.Rumour
	city.Regions, county.Regions = []string{"320600"}, []string{"320623"}
	for _, e := range []knowledge.Entry{partly, city, county, gone, quake} {
		o.now = o.now.Add(time.Second)
		o.publish(e)
	}
	o.now = o.now.Add(time.Hour)
	o.must(o.store.Withdraw(o.publisher, "gone", "有误"))
	since := func(t time.Time) string { return t.Format(time.RFC3339) }
	for query, want := range map[string]string{
		"":                              "partly city county quake",
		"topic=disaster":                "quake",
		"topic=fraud":                   "",
		"verdict=partly_true":           "partly",
		"verdict=false&topic=health":    "city county",
		"region=320623":                 "partly city county quake",
		"region=320600":                 "partly city quake",
		"region=320602":                 "partly city quake",
		"region=110000":                 "partly quake",
		"updated_since=" + since(start): "partly city county quake gone",
		"updated_since=" + since(o.now): "gone",
		"updated_since=2026-11-27T09%3A00%3A03%2B08%3A00": "county quake gone",
		"updated_since=2100-01-01T00:00:00Z":              "",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := list(t, handler, values).ids(); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	for _, e := range list(t, handler, url.Values{"updated_since": {since(o.now)}}).Entries {
		if e.Status != "withdrawn" || e.Reason == nil || *e.Reason != "有误" {
			t.Errorf("tombstone %+v", e)
		}
	}
}

// TestListRefuses: a wrong parameter is named, never ignored: a filter misspelt would give all.
func TestListRefuses(t *testing.T) {
	handler := serveOne(t, &knowledge.Public{Entry: rebuttal("baijiu"), Version: 1, Standing: knowledge.Served}, address)
	for query, says := range map[string]string{
		"topic=sport": "topic", "topic=": "topic", "verdict=no": "verdict", "region=3206": "region", "region=32060x": "region", "limit=0": "limit", "limit=201": "limit",
		"limit=x": "limit", "updated_since=yesterday": "updated_since", "updated_since=0001-01-01T00:00:00Z": "updated_since", "cursor=!": "cursor", "cursor=eA": "cursor",
		"cursor=" + strings.Repeat("A", 400): "cursor", "update_since=2026-01-01T00:00:00Z": "not known", "limit=1&limit=2": "2 times", "topic=%00": "topic",
	} {
		if got := get(t, handler, "/api/v1/entries?"+query); got.status != 400 || !strings.Contains(got.body, says) {
			t.Errorf("%s: %d %s, want %q", query, got.status, got.body, says)
		}
	}
}

// TestAnyOrigin: scripts of other sites may read entries and their description, and nothing else.
func TestAnyOrigin(t *testing.T) {
	handler := serveOne(t, &knowledge.Public{Entry: rebuttal("baijiu"), Version: 1, Standing: knowledge.Served}, address)
	for target, want := range map[string]string{
		"/api/v1/entries": "*", "/api/v1/entries?limit=x": "*", "/api/v1/entries/baijiu": "*", "/api/v1/entries/none": "*", "/api/v1/openapi.json": "*",
		"/e/baijiu": "", "/feed.atom": "",
	} {
		got := get(t, handler, target, "Origin", "https://elsewhere.example")
		if open := got.header.Get("Access-Control-Allow-Origin"); open != want || got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: open to %q, want %q", target, open, want)
		}
	}
}

// FuzzCursor: what a client makes up is refused or is a place, never a failure.
func FuzzCursor(f *testing.F) {
	f.Add("MjAyNi0xMS0yN1QwMTowMDowMFogYmFpaml1")
	f.Add("AA")
	handler := serveOne(f, &knowledge.Public{Entry: rebuttal("baijiu"), Version: 1, Standing: knowledge.Served}, address)
	f.Fuzz(func(t *testing.T, cursor string) {
		if got := get(t, handler, "/api/v1/entries?cursor="+url.QueryEscape(cursor)); got.status != 200 && got.status != 400 {
			t.Errorf("%q: %d", cursor, got.status)
		}
	})
}
