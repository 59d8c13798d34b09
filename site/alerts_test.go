package site_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/cap"
	"qiuzhen/knowledge"
	"qiuzhen/site"
)

const capSender = "qiuzhen@nantong.example"

// alerts serves what the store has as CAP.
func alerts(store site.AlertStore) http.Handler {
	s := site.New(one{}, address, false, time.Now, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	for _, r := range s.AlertRoutes(store, capSender, "南通市科协") {
		mux.HandleFunc(r.Pattern, r.Handler)
	}
	return mux
}

func flood(exercise bool) knowledge.Broadcast {
	return knowledge.Broadcast{
		Type: knowledge.Alert, Exercise: exercise, Expires: time.Now().Add(6 * time.Hour),
		Content: knowledge.BroadcastContent{
			Event: "洪水", Category: "Met", Response: "Evacuate", Urgency: "Immediate", Severity: "Severe", Certainty: "Observed",
			Headline: "洪水要来，现在就往高处走", Description: "上游开闸，水会涨。", Instruction: "带上药和手机", Source: "如东县防汛指挥部", Web: "https://example.org/a?b=1&c=2",
		},
		Audience: knowledge.Audience{Areas: []string{"320623"}, Groups: []string{"老人"}},
	}
}

// broadcast is one that was approved, and begun when it says so.
func (o *office) broadcast(b knowledge.Broadcast, begin bool) knowledge.Broadcast {
	o.t.Helper()
	ctx := context.Background()
	id, err := o.store.DraftBroadcast(o.author, b)
	o.must(err)
	b, err = o.store.Broadcast(ctx, id)
	o.must(err)
	o.must(o.store.SubmitBroadcast(o.author, id, b.Hash))
	o.must(o.store.ApproveBroadcast(o.publisher, id, b.Hash, knowledge.ActualPhrase))
	if begin {
		ledger, err := o.store.OpenLedger(ctx)
		o.must(err)
		defer ledger.Close()
		begun, err := ledger.Begin(ctx)
		if err != nil || begun.Broadcast != id {
			o.t.Fatal(begun, err)
		}
	}
	b, err = o.store.Broadcast(ctx, id)
	o.must(err)
	return b
}

// finish sends a broadcast to all who wait for it.
func (o *office) finish(b knowledge.Broadcast) {
	o.t.Helper()
	ctx := context.Background()
	ledger, err := o.store.OpenLedger(ctx)
	o.must(err)
	defer ledger.Close()
	claimed, err := ledger.Turn(ctx, broadcast.Turn{Channel: "wecom", Want: 9, Broadcast: b.ID, Lease: time.Minute})
	o.must(err)
	var settled []broadcast.Outcome
	for _, c := range claimed {
		settled = append(settled, broadcast.Outcome{Delivery: c.Delivery, End: broadcast.Sent})
	}
	_, err = ledger.Turn(ctx, broadcast.Turn{Channel: "wecom", Settled: settled})
	o.must(err)
	_, err = ledger.End(ctx)
	o.must(err)
}

// TestAlertsHeld: what the staff stopped or hold back is told to nobody as if it held; what names it still finds it. What is for the readers of one entry
// only is told to nobody else, nor is what corrects it.
func TestAlertsHeld(t *testing.T) {
	o := newOffice(t)
	handler := alerts(o.store)
	o.must(o.store.AddEndpoint(o.publisher, knowledge.Endpoint{Channel: "wecom", Recipient: "grid", County: "320623"}))
	told := func() string {
		var titles []string
		for _, e := range readFeed(t, get(t, handler, "/cap/feed.atom").body).Entries {
			titles = append(titles, e.Title)
		}
		return strings.Join(titles, " ")
	}
	alert := func(headline string, change func(*knowledge.Broadcast)) knowledge.Broadcast {
		b := flood(false)
		b.Content.Headline = headline
		change(&b)
		return o.broadcast(b, true)
	}
	same := func(*knowledge.Broadcast) {}
	held, stopped := alert("暂停的", same), alert("停下的", same)
	of := func(b *knowledge.Broadcast) { b.Audience = knowledge.Audience{ReadersOf: "garlic"} }
	readers := alert("读过的", of)
	correction := alert("再更正", func(b *knowledge.Broadcast) {
		b.Type, b.References, b.Content.Reason, b.Audience = knowledge.Update, readers.ID, "又错了", knowledge.Audience{}
	})
	if got := told(); got != "停下的 暂停的" {
		t.Errorf("told: %s", got)
	}
	o.must(o.store.PauseBroadcast(o.publisher, held.ID))
	o.must(o.store.CancelBroadcast(o.publisher, stopped.ID, "错了"))
	if got := told(); got != "" {
		t.Errorf("still told: %s", got)
	}
	for b, want := range map[*knowledge.Broadcast]int{&held: 200, &stopped: 200, &readers: 404, &correction: 404} {
		if got := get(t, handler, "/cap/"+b.Identifier+".xml"); got.status != want {
			t.Errorf("%s: %d, want %d", b.Content.Headline, got.status, want)
		}
	}
	o.must(o.store.ResumeBroadcast(o.publisher, held.ID))
	if got := told(); got != "暂停的" {
		t.Errorf("told: %s", got)
	}
}

// TestAlerts: what was begun is public, valid, and told again only when it changed; what waits, or never was, is not told apart. Whom it went to and who wrote
// it are nobody's business.
func TestAlerts(t *testing.T) {
	o := newOffice(t)
	handler := alerts(o.store)
	if empty := get(t, handler, "/cap/feed.atom"); empty.status != 200 || len(readFeed(t, empty.body).Entries) > 0 {
		t.Errorf("%+v", empty)
	}
	o.must(o.store.AddEndpoint(o.publisher, knowledge.Endpoint{Channel: "wecom", Recipient: "secret-grid", County: "320623"}))
	original := o.broadcast(flood(false), true)
	o.finish(original)
	correction := flood(false)
	correction.Type, correction.References, correction.Content.Reason, correction.Audience = knowledge.Update, original.ID, "看错了水位", knowledge.Audience{}
	correction = o.broadcast(correction, true)
	drill := o.broadcast(flood(true), true)
	waits := o.broadcast(flood(false), false)

	got := get(t, handler, "/cap/feed.atom", "Host", "evil.example")
	feed := readFeed(t, got.body)
	if len(feed.Entries) != 2 || got.header.Get("Content-Type") != "application/atom+xml; charset=utf-8" || feed.Links[0].Href != address+"/cap/feed.atom" {
		t.Fatalf("%+v", got)
	}
	for i, title := range []string{"更新：洪水要来，现在就往高处走", "洪水要来，现在就往高处走"} {
		if feed.Entries[i].Title != title {
			t.Errorf("%d: %+v", i, feed.Entries[i])
		}
	}
	if again := get(t, handler, "/cap/feed.atom", "If-None-Match", got.header.Get("ETag")); again.status != http.StatusNotModified || again.body != "" {
		t.Errorf("asked again: %+v", again)
	}
	for i, b := range []knowledge.Broadcast{correction, original} {
		target := strings.TrimPrefix(feed.Entries[i].Link.Href, address)
		got := get(t, handler, target)
		in, err := cap.Parse([]byte(got.body))
		if err != nil || got.status != 200 || got.header.Get("Content-Type") != "application/cap+xml" || in.Origin.Identifier != b.Identifier || in.Origin.Sender != capSender {
			t.Fatalf("%s: %v %+v", target, err, got)
		}
		if in.Broadcast.Exercise != b.Exercise || strings.Contains(got.body, "【演练】") != b.Exercise || in.Broadcast.Type != b.Type {
			t.Errorf("%s", got.body)
		}
		if again := get(t, handler, target, "If-None-Match", got.header.Get("ETag")); again.status != http.StatusNotModified {
			t.Errorf("asked again: %+v", again)
		}
		for _, none := range []string{"secret-grid", "wecom", "王author", "王publisher", fmt.Sprintf("%x", b.Hash[:8])} {
			if strings.Contains(got.body+feed.Entries[i].Summary, none) {
				t.Errorf("%s is told in %s", none, got.body)
			}
		}
	}
	update, err := cap.Parse([]byte(get(t, handler, "/cap/"+correction.Identifier+".xml").body))
	if err != nil || len(update.References) != 1 || update.References[0].Identifier != original.Identifier || !update.References[0].Sent.Equal(original.BegunAt.Truncate(time.Second)) {
		t.Errorf("%v %+v", err, update)
	}
	never := get(t, handler, "/cap/qz-20260101-000000000000.xml")
	for _, target := range []string{waits.Identifier + ".xml", drill.Identifier + ".xml", original.Identifier, "..xml", "%2e%2e%2ffeed.atom", "a%00.xml", "%ff.xml", strings.Repeat("a", 99) + ".xml"} {
		if got := get(t, handler, "/cap/"+target); got.status != http.StatusNotFound || got.body != never.body {
			t.Errorf("%s: %+v", target, got)
		}
	}
}

// oneAlert is a store of a single broadcast; a nil one is broken.
type oneAlert struct{ b *knowledge.Broadcast }

func (o oneAlert) PublicBroadcast(context.Context, string) (knowledge.Broadcast, error) {
	if o.b == nil {
		return knowledge.Broadcast{}, fmt.Errorf("broken on purpose")
	}
	return *o.b, nil
}

func (o oneAlert) PublicBroadcasts(ctx context.Context, _ int) ([]knowledge.Broadcast, error) {
	b, err := o.PublicBroadcast(ctx, "")
	return []knowledge.Broadcast{b}, err
}

func (o oneAlert) Broadcast(ctx context.Context, _ int64) (knowledge.Broadcast, error) {
	return o.PublicBroadcast(ctx, "")
}

// TestAlertsOfAnything: a store that is broken is asked again later; what XML cannot say does not go out half.
func TestAlertsOfAnything(t *testing.T) {
	b := flood(false)
	b.Identifier, b.BegunAt, b.Content.Description = "qz-1", time.Now(), "水\x0b涨"
	for target, want := range map[string]int{"/cap/feed.atom": 200, "/cap/qz-1.xml": 500} {
		got := get(t, alerts(oneAlert{&b}), target)
		if got.status != want || strings.Contains(got.body, "\x0b") {
			t.Errorf("%s: %+v", target, got)
		}
		if got := get(t, alerts(oneAlert{}), target); got.status != 503 || got.header.Get("Retry-After") == "" {
			t.Errorf("%s, broken: %+v", target, got)
		}
	}
}

// TestWhatMayBeSubmittedIsAnAlert: nothing is approved that other systems could not be told.
func TestWhatMayBeSubmittedIsAnAlert(t *testing.T) {
	for _, c := range []struct {
		change func(*knowledge.BroadcastContent)
		may    bool
	}{
		{func(*knowledge.BroadcastContent) {}, true},
		{func(c *knowledge.BroadcastContent) { c.Web, c.Contact, c.Description = "", "", "a\r\nb<&>]]>" }, true},
		{func(c *knowledge.BroadcastContent) { c.Web = "http://a b" }, false},
		{func(c *knowledge.BroadcastContent) { c.Web = "http://a/%zz" }, false},
		{func(c *knowledge.BroadcastContent) { c.Instruction = "走\x1f" }, false},
		{func(c *knowledge.BroadcastContent) { c.Source = "\uffff" }, false},
		{func(c *knowledge.BroadcastContent) { c.Reason = "\xff" }, false},
		{func(c *knowledge.BroadcastContent) { c.Event = " " }, false},
	} {
		b := flood(false)
		b.Identifier = "qz-1"
		c.change(&b.Content)
		complaints := b.Complaints(time.Now())
		_, err := cap.Marshal(b, cap.Envelope{Sender: capSender, Name: "我们", Sent: time.Now()})
		if len(complaints) == 0 != c.may || err == nil != c.may {
			t.Errorf("%+v: %v, %v", b.Content, complaints, err)
		}
	}
}
