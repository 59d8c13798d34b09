package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"qiuzhen/bundle"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
)

// TestWithdrawnHereStays: what people here withdrew comes back by no bundle, whatever the other city did before or after.
func TestWithdrawnHereStays(t *testing.T) {
	from, to := newCity(t, 1), newCity(t, 2)
	say := func(id knowledge.ID, n int) {
		from.publish(t, health(string(id), n), time.Now().Truncate(time.Microsecond))
	}
	take := func() map[knowledge.ID]bundle.Action {
		return to.take(t, from.share(t, time.Now().Truncate(time.Microsecond)))
	}
	withdraw := func(c city, ids ...knowledge.ID) {
		t.Helper()
		for _, id := range ids {
			if err := c.Withdraw(c.publisher, id, "不适合"); err != nil {
				t.Fatal(err)
			}
		}
	}
	own := health("own", 5)
	if _, err := to.SaveDraft(to.author, own, onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	withdraw(to, "own")
	for _, id := range []knowledge.ID{"here", "there", "own", "again"} {
		say(id, 1)
	}
	take()
	withdraw(to, "here", "again")
	if _, err := to.SaveDraft(context.Background(), health("again", 1), onePassage(), ""); err != nil { // the starter pack comes again
		t.Fatal(err)
	}
	withdraw(from, "here", "there", "own")
	take()
	for _, id := range []knowledge.ID{"here", "there", "own"} {
		say(id, 2)
	}
	withdraw(from, "again")
	say("again", 1)
	did := take()
	for id, want := range map[knowledge.ID]bundle.Action{"here": bundle.Declined, "there": bundle.Changed, "own": bundle.Conflict, "again": bundle.Same} {
		if did[id] != want {
			t.Errorf("%s: %s, want %s", id, did[id], want)
		}
		err := to.PublishShared(to.publisher, id, time.Now())
		if (err == nil) != (id == "there") {
			t.Errorf("%s: published, %v", id, err)
		}
	}
	conn := connect(t, context.Background(), to.dsn)
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), `UPDATE entry_versions SET withdrawn_by = (SELECT public_key FROM bundle_keys) WHERE entry_id = 'here'`); err == nil {
		t.Error("who withdrew was changed")
	}
}

// TestOlderWordCounts: what a plan made before another import is not written after it.
func TestOlderWordCounts(t *testing.T) {
	from, to := newCity(t, 1), newCity(t, 2)
	at := func() time.Time { return time.Now().Truncate(time.Microsecond) }
	from.publish(t, health("one", 1), at())
	first := from.share(t, at())
	if err := from.Withdraw(from.publisher, "one", "有误"); err != nil {
		t.Fatal(err)
	}
	last := from.share(t, at())
	// planned on an empty table: only to be remembered; then the first bundle is taken in
	to.take(t, first)
	stale := postgres.BundleReceipt{Bundle: last, Trust: true, At: now}
	stale.Withdrawn = last.Withdrawn
	if _, err := to.BeginBundle(to.admin, stale); code(err) != knowledge.Conflict {
		t.Errorf("the plan was overtaken: %v", err)
	}
	if did := to.take(t, last); did["one"] != bundle.Withdraw {
		t.Errorf("afterwards: %v", did)
	}
	stale = postgres.BundleReceipt{Bundle: first, Trust: true, At: now}
	stale.Entries = first.Entries
	if _, err := to.BeginBundle(to.admin, stale); err != nil {
		t.Fatal(err)
	}
	if did := to.take(t, first); did["one"] != bundle.Older {
		t.Errorf("what it said first counts again: %v", did)
	}
}

// TestImportsAtOnce: an entry and its withdrawal taken in at the same moment end withdrawn, whoever is first.
func TestImportsAtOnce(t *testing.T) {
	from, to := newCity(t, 1), newCity(t, 2)
	at := func() time.Time { return time.Now().Truncate(time.Microsecond) }
	ids := []knowledge.ID{"one", "two", "three", "four", "five", "six"}
	var said, gone []*bundle.Bundle
	for _, id := range ids {
		from.publish(t, health(string(id), 1), at())
		said = append(said, from.share(t, at()))
		if err := from.Withdraw(from.publisher, id, "有误"); err != nil {
			t.Fatal(err)
		}
		gone = append(gone, from.share(t, at()))
	}
	to.take(t, said[0]) // the key is trusted
	for n := range ids {
		done := make(chan error)
		for _, b := range []*bundle.Bundle{said[n], gone[n]} {
			go func() {
				_, err := to.tryTake(b, true)
				if code(err) == knowledge.Conflict { // told to run it again
					_, err = to.tryTake(b, true)
				}
				done <- err
			}()
		}
		if err := errors.Join(<-done, <-done); err != nil {
			t.Fatal(err)
		}
	}
	held, err := to.HeldOf(context.Background(), said[0].Key, ids)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if h := held[id]; h.Serving > 0 || h.KnownHash != (bundle.Hash{}) || h.KnownAt.IsZero() {
			t.Errorf("%s: %+v", id, h)
		}
	}
}
