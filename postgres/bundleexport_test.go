package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
)

// TestTombstones: what became of an entry that was shared once, what other cities are told of it, and whether their readers go on
// getting what it said.
func TestTombstones(t *testing.T) {
	from, third, to := newCity(t, 1), newCity(t, 3), newCity(t, 2)
	ctx, day := context.Background(), 24*time.Hour
	start := time.Now().Truncate(time.Microsecond).Add(-time.Hour)
	old := start.AddDate(0, -8, 0)
	must := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	emergency := func(id string, at time.Time) knowledge.Entry {
		e := health(id, 2)
		version := submit(t, from.Store, from.staff, e, onePassage())
		must(sign(from.publisher, from.Store, e, version, knowledge.Publisher, "approve"),
			sign(from.publisher2, from.Store, e, version, knowledge.Publisher, "approve"), from.Publish(from.publisher, e.ID, true, at))
		return e
	}
	review := func(e knowledge.Entry, by context.Context, role knowledge.Role, decision string) error {
		return from.Sign(by, postgres.Signature{
			Entry: e.ID, Version: 2, Hash: e.Hash(), Role: role, Decision: decision, Comment: "张三写错了", At: start.Add(time.Minute),
		})
	}
	onTheirWord := func(id string) {
		third.publish(t, health(id, 2), start)
		_, err := from.SaveDraft(ctx, health(id, 2), onePassage(), "") // as the starter pack
		must(err)
		from.take(t, third.share(t, time.Now().Truncate(time.Microsecond)))
		must(from.PublishShared(from.publisher, knowledge.ID(id), start))
	}
	cases := []struct {
		id     string
		then   func(id string)
		told   string // the tombstone's reason; empty: none
		shared bool   // a version is exported
		serves bool   // an importer goes on serving what it had
	}{
		{"published", func(string) {}, "", true, true},
		{"withdrawn", func(id string) { must(from.Withdraw(from.publisher, knowledge.ID(id), "有误")) }, "有误", false, false},
		{"changed", func(id string) { from.publish(t, health(id, 2), start) }, "", true, true},
		{"changed-withdrawn", func(id string) {
			from.publish(t, health(id, 2), start)
			must(from.Withdraw(from.publisher, knowledge.ID(id), "有误"))
		}, "有误", false, false},
		{"emergency", func(id string) { emergency(id, start) }, "已由另一版代替", false, false},
		{"emergency-over", func(id string) { emergency(id, start.Add(-2*day)) }, "已由另一版代替", false, false},
		{"emergency-withdrawn", func(id string) {
			emergency(id, start)
			must(from.Withdraw(from.publisher, knowledge.ID(id), "查清了"))
		}, "查清了", false, false},
		{"emergency-returned", func(id string) { must(review(emergency(id, start), from.editor, knowledge.Editor, "return")) }, "复核没有通过", false, false},
		{"emergency-signed", func(id string) {
			e := emergency(id, start)
			must(review(e, from.expert, knowledge.Expert, "approve"), review(e, from.editor, knowledge.Editor, "approve"))
		}, "", true, true},
		{"withdrawn-emergency", func(id string) {
			must(from.Withdraw(from.publisher, knowledge.ID(id), "有误"))
			emergency(id, start)
		}, "有误", false, false},
		{"on-their-word", onTheirWord, "已由另一版代替", false, false},
		{"on-their-word-over", func(id string) {
			onTheirWord(id)
			must(third.Withdraw(third.publisher, knowledge.ID(id), "不对"))
			from.take(t, third.share(t, time.Now().Truncate(time.Microsecond)))
		}, "转自南通市科协，对方已撤下：不对", false, false},
		{"expired", func(string) {}, "", false, false},
		{"shorter-expired", func(id string) { from.publish(t, health(id, 2), old.AddDate(0, 1, 0)) }, "审核到期", false, false},
	}
	for _, c := range cases { // all are published and shared
		e := health(c.id, 1)
		if e.Topic = knowledge.Disaster; c.id == "expired" { // lasts 12 months, health 6
			e.Topic = knowledge.Health
		}
		from.publish(t, e, old)
	}
	to.take(t, from.share(t, old.Add(time.Hour)))
	for _, c := range cases {
		must(to.PublishShared(to.publisher, knowledge.ID(c.id), old.Add(time.Hour)))
		c.then(c.id)
	}
	emergency("never-shared", start)
	now := time.Now().Truncate(time.Microsecond)
	b := from.share(t, now)
	shared, told := map[knowledge.ID]time.Time{}, map[knowledge.ID]string{}
	for _, i := range b.Entries {
		shared[i.ID] = i.Published
	}
	for _, w := range b.Withdrawn {
		told[w.ID] = w.Reason
	}
	to.take(t, b)
	for _, c := range cases {
		id := knowledge.ID(c.id)
		if _, is := shared[id]; is != c.shared || told[id] != c.told {
			t.Errorf("%s: shared %t, told %q", c.id, is, told[id])
		}
		if serves := to.served(t, id, 1, now) != nil; serves != c.serves {
			t.Errorf("%s: the other city serves it: %t", c.id, serves)
		}
	}
	if _, is := shared["never-shared"]; is || told["never-shared"] != "" {
		t.Errorf("an emergency alone was told: %q", told["never-shared"])
	}
	if !shared["emergency-signed"].After(start) { // a tombstone may have said that the version before was replaced at that moment
		t.Errorf("signed afterwards, but told as of %v", shared["emergency-signed"])
	}
	if joined := strings.Join([]string{told["emergency-returned"], told["emergency"]}, ""); strings.Contains(joined, "张三") {
		t.Error("a reviewer's words to a colleague left the city")
	}
}

// TestTopicMoved: who takes one topic only gets what became of an entry that was of it, whatever topic it has now.
func TestTopicMoved(t *testing.T) {
	from, to := newCity(t, 1), newCity(t, 2)
	start := time.Now().Truncate(time.Microsecond).Add(-time.Hour)
	onlyHealth := postgres.Selection{Topics: []knowledge.Topic{knowledge.Health}}
	of := func(id string, n int, topic knowledge.Topic) knowledge.Entry {
		e := entry(id, n)
		e.Topic = topic
		return e
	}
	for _, id := range []string{"stays", "moves", "moves-and-ends", "ends-in-draft"} {
		from.publish(t, of(id, 1, knowledge.Health), start)
	}
	from.publish(t, of("other", 1, knowledge.Fraud), start)
	to.take(t, from.shareOf(t, start.Add(time.Minute), onlyHealth))
	for _, id := range []knowledge.ID{"stays", "moves", "moves-and-ends", "ends-in-draft"} {
		if err := to.PublishShared(to.publisher, id, start.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if to.served(t, "other", 1, start.Add(time.Minute)) != nil {
		t.Error("another topic was shared")
	}
	from.publish(t, of("moves", 2, knowledge.Fraud), start.Add(2*time.Minute))
	from.publish(t, of("moves-and-ends", 2, knowledge.Fraud), start.Add(2*time.Minute))
	if _, err := from.SaveDraft(from.author, of("ends-in-draft", 2, knowledge.Fraud), onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(from.Withdraw(from.publisher, "moves-and-ends", "有误"), from.Withdraw(from.publisher, "ends-in-draft", "有误")); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Microsecond)
	b := from.shareOf(t, now, onlyHealth)
	var shared, told []string
	for _, i := range b.Entries {
		shared = append(shared, string(i.ID))
	}
	for _, w := range b.Withdrawn {
		told = append(told, string(w.ID))
	}
	if strings.Join(shared, " ") != "moves stays" || strings.Join(told, " ") != "ends-in-draft moves-and-ends" {
		t.Errorf("shared %v, told of %v", shared, told)
	}
	to.take(t, b)
	for id, serves := range map[knowledge.ID]bool{"stays": true, "moves-and-ends": false, "ends-in-draft": false} {
		if got := to.served(t, id, 1, now) != nil; got != serves {
			t.Errorf("%s: the other city serves it: %t", id, got)
		}
	}
	if v, err := to.Version(context.Background(), "moves", 0); err != nil || v.Entry.Topic != knowledge.Fraud {
		t.Errorf("what moved is %+v there (%v)", v.Entry, err)
	}
	if b := from.shareOf(t, now, postgres.Selection{Topics: []knowledge.Topic{knowledge.Disaster}}); len(b.Entries)+len(b.Withdrawn) > 0 {
		t.Errorf("a topic that nothing ever had: %v, %v", b.Entries, b.Withdrawn)
	}
}
