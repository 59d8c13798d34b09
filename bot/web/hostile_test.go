package web_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hostile is a request that must not be answered as a question.
type hostile struct {
	name, method, path string
	header             map[string]string
	body               string
	chunked            bool
}

// hostiles are forged, oversized and malformed requests; the replayed and the stale ones are in the test.
func hostiles() (all []hostile) {
	const form = "application/x-www-form-urlencoded"
	good := url.Values{"text": {"喝白酒杀病毒吗"}, "once": {"forged"}}.Encode()
	add := func(name, method, path, kind, body string, more map[string]string) {
		header := map[string]string{"Content-Type": kind}
		for k, v := range more {
			header[k] = v
		}
		all = append(all, hostile{fmt.Sprint(name, " ", len(all)), method, path, header, body, len(all)%2 == 1 && len(body) > 1<<16})
	}
	for i := range 80 { // forged: from pages of others, as browsers say it, whatever they say of the rest
		from := []map[string]string{
			{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1"},
			{"Origin": "http://127.0.0.1.evil.example:80"}, {"Sec-Fetch-Site": "cross-site", "X-Requested-With": "fetch"}, {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"},
		}[i%8]
		add("forged", "POST", []string{"/ask", "/forget", "/look", "/ask"}[i/8%4], form, good+fmt.Sprintf("&back=%%2F&about=%d", i), from)
	}
	for i := range 30 { // oversized: the words, the name, fields without end
		body := []string{
			"text=" + strings.Repeat("%E9%95%BF", 40_000+i*1000), "text=a&once=" + strings.Repeat("x", 65+i), strings.Repeat("a=b&", 80_000+i) + "text=a",
		}[i%3]
		add("oversized", "POST", "/ask", form, body, map[string]string{"X-Requested-With": []string{"", "fetch"}[i%2]})
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "post", "BREW", "CONNECT2", "MERGE"} {
		add("method", method, "/ask", form, good, nil)
	}
	for i := range 30 { // other kinds of body: no form, so no words
		kind := []string{"", "text/plain", "application/json", "multipart/form-data; boundary=x", "multipart/form-data", ";", "application/xml", "application/x-www-form-urlencoded2", "text/html", "*/*"}[i%10]
		add("other type", "POST", "/ask", kind, []string{good, `{"text":"喝白酒"}`, "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n喝白酒\r\n--x--\r\n"}[i/10], nil)
	}
	for _, body := range []string{
		"", "text=", "text=+++", "text=%0A%0D%09", "text=%E3%80%80", "Text=a", "once=1", "&&&&", "=", "=a", "text", "text=%", "text=%zz", "text=%E", "text=%ff%fe", "text=%c0%af", "text=%ed%a0%80", "text=a&once=%ff",
		"text=a;once=b", "a;b", "%=%", "text=a&%gh=1", "text=\xff", "text=%f8%88%80%80%80", "text%00=a", "text[]=a", "[text]=a", "{\"text\":\"a\"}", "<xml><text>a</text></xml>", strings.Repeat(";", 1000),
	} {
		add("malformed", "POST", "/ask", form, body, nil)
	}
	for i := 0; len(all) < 230; i++ { // cut off within a character
		add("cut off", "POST", "/ask", form, "text=%E5%96%9D%E7%99%BD%E9%85%92%"+"E5"[:i%3], nil)
	}
	return all
}

// TestHostileRequests: 300 forged, stale, replayed, oversized and malformed requests: the desk hears of none, nothing panics, no memory stays.
func TestHostileRequests(t *testing.T) {
	d := &desk{}
	s := serve(t, d, nil)
	b := s.browser(t)
	var faults bytes.Buffer // what the server says of panics
	s.Config.ErrorLog = log.New(&faults, "", 0)
	name := b.get("/").once(t)
	b.ask("味精致癌吗", "once", name).has(t, 200, "回答：味精致癌吗", `id="t1"`)
	all := hostiles()
	before := heap()
	for _, h := range all {
		if status := b.hostile(h); status < 400 || status > 499 {
			t.Errorf("%s: %s %s %.80q: status %d", h.name, h.method, h.path, h.body, status)
		}
	}
	for i := range 70 { // replayed, then stale: as long as the conversation is kept (two hours in the store) the same form is no question any more
		if i == 35 {
			s.now = s.now.Add(100 * time.Minute)
		}
		if again := b.ask("味精致癌吗", "once", name); strings.Count(again.body, `class="turn"`) != 1 {
			t.Fatalf("sent again it is another question: %s", again.body)
		}
	}
	if n := len(all) + 70; n != 300 || d.count() != 1 {
		t.Errorf("of %d requests the desk heard of %d", n, d.count()-1)
	}
	b.CloseIdleConnections()
	if grown := int64(heap()) - int64(before); grown > 4<<20 {
		t.Errorf("the heap grew by %d KB", grown>>10)
	}
	if faults.Len() > 0 {
		t.Error(faults.String())
	}
	fmt.Printf("web: %d refused or answered as before, 0 accepted, heap %+d KB\n", len(all)+70, (int64(heap())-int64(before))>>10)
}

// hostile sends a request and gives the status; 413 when the server hung up on what is too large.
func (b *browser) hostile(h hostile) int {
	b.t.Helper()
	r, err := http.NewRequest(h.method, b.base+h.path, strings.NewReader(h.body))
	if err != nil {
		b.t.Fatal(err)
	}
	if h.chunked {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(h.body)), -1
	}
	for k, v := range h.header {
		if v != "" {
			r.Header.Set(k, v)
		}
	}
	response, err := b.Do(r)
	if err != nil {
		if len(h.body) > 1<<16 {
			return http.StatusRequestEntityTooLarge
		}
		b.t.Fatalf("%s: %v", h.name, err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil || strings.Contains(string(said), "回答：喝") {
		b.t.Errorf("%s: %v, answered %s", h.name, err, said)
	}
	return response.StatusCode
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
