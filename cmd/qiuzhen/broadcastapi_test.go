package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// caller asks the API in somebody's name.
type caller struct {
	t   *testing.T
	ask func(r *http.Request, want int) *httptest.ResponseRecorder
}

type broadcastSaid struct {
	ID    int64  `json:"id"`
	State string `json:"state"`
	Hash  string `json:"hash"`
	Texts []struct {
		Channel, Text string
	} `json:"texts"`
	Complaints []string `json:"complaints"`
}

// foreignCAP is another system's alert for places that nobody here knows.
func foreignCAP(identifier, status string) string {
	return `<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>` + identifier + `</identifier><sender>w@x.example</sender><sent>2026-08-01T09:30:00+08:00</sent><status>` + status + `</status>
<msgType>Alert</msgType><scope>Public</scope><info><language>zh-CN</language><category>Met</category><event>台风</event><urgency>Expected</urgency><severity>Severe</severity>
<certainty>Likely</certainty><senderName>省气象台</senderName><headline>台风今晚到</headline><description>有大风大雨。</description><area><areaDesc>沿海各县</areaDesc></area></info></alert>`
}

// as is a request with a token; empty: of nobody.
func (c caller) as(token, method, path, body string, want int) (said broadcastSaid) {
	c.t.Helper()
	w := c.ask(apiRequest(context.Background(), token, method, path, body), want)
	_ = json.Unmarshal(w.Body.Bytes(), &said) // an error has other fields
	return said
}

func apiRequest(ctx context.Context, token, method, path, body string) *http.Request {
	r := httptest.NewRequest(method, apiPrefix+path, strings.NewReader(body)).WithContext(ctx)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func (c caller) signIn(login string) string {
	c.t.Helper()
	w := c.ask(apiRequest(context.Background(), "", http.MethodPost, "sessions", fmt.Sprintf(`{"login": %q, "password": %q}`, login, staffPassword)), http.StatusCreated)
	var said struct{ Token string }
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Token == "" {
		c.t.Fatal(err, w.Body)
	}
	return said.Token
}

const draftOfFlood = `{"type": "Alert", "exercise": %t, "revision": %d, "content": {"event": "洪水", "category": "Met", "response": "Evacuate", "urgency": "Immediate",
	"severity": "Severe", "certainty": "Observed", "headline": "洪水要来，现在就往高处走", "description": %q, "instruction": "带上药", "source": "如东县防汛指挥部"},
	"audience": {"areas": ["320623"]}}`

// showBroadcasts walks a broadcast through its life by the API, and gives every documented response; what others may not do is refused.
func showBroadcasts(t *testing.T, app *App, ask func(r *http.Request, want int) *httptest.ResponseRecorder) {
	t.Helper()
	for login, roles := range map[string][]knowledge.Role{
		"api-both": {knowledge.Author, knowledge.Publisher}, "api-publisher": {knowledge.Publisher}, "api-expert": {knowledge.Expert}, "api-author": {knowledge.Author},
	} {
		_, err := app.Store.AddPerson(context.Background(), knowledge.Person{Login: login, Name: "某人", Title: "医师", Institution: "市医院", Roles: roles}, staffPassword)
		if err != nil {
			t.Fatal(err)
		}
	}
	c := caller{t, ask}
	for body, want := range map[string]int{
		`{}`: 403, `x`: 400, fmt.Sprintf(`{"login": "api-both", "password": %q}`, strings.Repeat("x", 200)): 403,
	} {
		c.as("", "POST", "sessions", body, want)
	}
	both, publisher, expert, author := c.signIn("api-both"), c.signIn("api-publisher"), c.signIn("api-expert"), c.signIn("api-author")

	flood := fmt.Sprintf(draftOfFlood, false, 0, "上游开闸")
	b := c.as(both, "POST", "broadcasts", flood, 201)
	at := fmt.Sprintf("broadcasts/%d", b.ID)
	hash := fmt.Sprintf(`{"hash": %q, "typed": "实际发布"}`, b.Hash)
	bare := fmt.Sprintf(`{"hash": %q}`, b.Hash)
	c.as(both, "GET", "broadcasts?state=draft", "", 200)
	c.as(both, "GET", "broadcasts?state=none", "", 400)
	c.as(both, "GET", at, "", 200)
	c.as(both, "GET", at+"/preview", "", 200)
	c.as(both, "POST", at+"/pause", "{}", 409)
	c.as(publisher, "POST", at+"/approve", hash, 409)
	c.as(both, "POST", at+"/submit", fmt.Sprintf(`{"hash": "%064d"}`, 1), 409)
	c.as(both, "POST", at+"/submit", bare, 200)
	c.as(both, "POST", at+"/approve", hash, 403) // wrote it
	c.as(publisher, "POST", at+"/approve", bare, 400)
	if b = c.as(publisher, "POST", at+"/approve", hash, 200); b.State != "approved" {
		t.Errorf("approved: %+v", b)
	}
	c.as(author, "PUT", at, fmt.Sprintf(draftOfFlood, true, 7, "上游开闸"), 409)
	b = c.as(author, "PUT", at, fmt.Sprintf(draftOfFlood, true, 1, "上游开闸"), 200)
	if b.State != "draft" || !strings.HasPrefix(b.Texts[0].Text, "【演练】") {
		t.Errorf("after an edit: %+v", b)
	}
	c.as(both, "POST", at+"/submit", fmt.Sprintf(`{"hash": %q}`, b.Hash), 200)
	c.as(publisher, "POST", at+"/return", `{"reason": "写清楚"}`, 200)
	c.as(publisher, "POST", at+"/return", `{"reason": "写清楚"}`, 409)
	c.as(author, "POST", at+"/submit", fmt.Sprintf(`{"hash": %q}`, b.Hash), 200)
	c.as(publisher, "POST", at+"/approve", fmt.Sprintf(`{"hash": %q}`, b.Hash), 200)
	c.as(author, "POST", at+"/cancel", `{"reason": "不要了"}`, 403) // approved: for publishers
	beginNow(t, app, b.ID)
	c.as(author, "POST", at+"/pause", "{}", 200)
	c.as(publisher, "POST", at+"/resume", "{}", 200)
	c.as(publisher, "POST", at+"/resume", "{}", 409)
	c.as(publisher, "POST", at+"/cancel", `{"reason": "水退了"}`, 200)
	c.as(publisher, "POST", at+"/cancel", `{"reason": "水退了"}`, 409)
	c.as(both, "POST", "broadcasts", strings.Replace(flood, `"Alert"`, `"Cancel", "references": 999999`, 1), 400)
	correction := strings.Replace(strings.Replace(flood, `"Alert"`, fmt.Sprintf(`"Cancel", "references": %d`, c.as(both, "POST", "broadcasts", flood, 201).ID), 1), `{"areas": ["320623"]}`, `{}`, 1)
	c.as(both, "POST", "broadcasts", correction, 409) // was not sent

	b = c.as(author, "POST", "broadcasts/cap", foreignCAP("W-api", "Actual"), 201)
	if b.State != "draft" || len(b.Complaints) == 0 || !strings.Contains(b.Complaints[0], "选地区") {
		t.Errorf("another system's alert: %+v", b)
	}
	c.as(author, "POST", "broadcasts/cap", foreignCAP("W-api", "Actual"), 409)
	if w := ask(apiRequest(context.Background(), author, "POST", "broadcasts/cap", strings.Replace(foreignCAP("W-2", "Test"), "Severe", "Bad", 1)), 400); !strings.Contains(w.Body.String(), "第1行：status 是 Test") ||
		!strings.Contains(w.Body.String(), "第2行：severity") {
		t.Errorf("what is wrong with it: %s", w.Body)
	}

	over, end := context.WithCancel(context.Background())
	end()
	for _, o := range []struct{ method, path, body, action string }{
		{"GET", "broadcasts", "", ""}, {"POST", "broadcasts", flood, ""}, {"POST", "broadcasts/cap", foreignCAP("W-3", "Actual"), ""}, {"GET", at, "", ""}, {"PUT", at, flood, ""}, {"GET", at + "/preview", "", ""},
		{"POST", at, hash, "/submit"}, {"POST", at, hash, "/approve"}, {"POST", at, `{"reason": "x"}`, "/return"}, {"POST", at, "{}", "/pause"},
		{"POST", at, "{}", "/resume"}, {"POST", at, `{"reason": "x"}`, "/cancel"}, {"DELETE", "sessions", "", ""},
	} {
		body := o.body
		if o.action == "/submit" {
			body = bare
		}
		c.as("", o.method, o.path+o.action, body, 401)
		c.as("nonsense", o.method, o.path+o.action, body, 401)
		ask(apiRequest(over, both, o.method, o.path+o.action, body), 503)
		if o.method == "POST" || o.method == "PUT" {
			c.as(expert, o.method, o.path+o.action, body, 403)
			c.as(both, o.method, o.path+o.action, `{"nonsense": 1}`, 400)
		}
		if strings.HasPrefix(o.path, at) {
			c.as(both, o.method, strings.Replace(o.path, at, "broadcasts/999999", 1)+o.action, body, 404)
		}
	}
	ask(apiRequest(over, "", http.MethodPost, "sessions", fmt.Sprintf(`{"login": "api-both", "password": %q}`, staffPassword)), 503)
	c.as(expert, "DELETE", "sessions", "", 200)
	c.as(expert, "GET", "broadcasts", "", 401)
	hungUp := func() *http.Request {
		return apiRequest(over, "", http.MethodPost, "sessions", fmt.Sprintf(`{"login": "api-both", "password": %q}`, staffPassword))
	}
	for range 17 { // two wrong ones and one who hung up were before: who hangs up has tried
		ask(hungUp(), 503)
	}
	ask(hungUp(), http.StatusTooManyRequests)
}

// beginNow puts a broadcast into the state that its delivery does.
func beginNow(t *testing.T, app *App, id int64) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), app.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), `UPDATE broadcasts SET state = 'sending' WHERE id = $1`, id); err != nil {
		t.Fatal(err)
	}
}
