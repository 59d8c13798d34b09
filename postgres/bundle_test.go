package postgres_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bundle"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
)

// TestShare walks entries from one city to another: drafts with their reviews, publishing on the other city's word, a change, a
// withdrawal, an older bundle, and everything twice.
func TestShare(t *testing.T) {
	from, to := newCity(t, 1), newCity(t, 2)
	hour := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	from.publish(t, health("one", 1), hour(0))
	from.publish(t, health("two", 1), hour(0))
	if _, err := from.SaveDraft(from.author, health("secret", 1), onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	first := from.share(t, hour(1))
	if _, err := to.tryTake(first, false); code(err) != knowledge.Forbidden {
		t.Errorf("a key that nobody trusts was taken: %v", err)
	}
	want := map[knowledge.ID]bundle.Action{"one": bundle.New, "two": bundle.New}
	if did := to.take(t, first); !maps.Equal(did, want) {
		t.Fatalf("%v, want %v", did, want)
	}
	for _, id := range []knowledge.ID{"one", "two"} {
		v, err := to.Version(context.Background(), id, 0)
		if err != nil || v.Entry.Hash() != health(string(id), 1).Hash() || v.Status != knowledge.Draft || v.Author != "" {
			t.Errorf("%s came as %+v, %v", id, v, err)
		}
		p, reviews, err := to.Provenance(context.Background(), id, 1)
		if err != nil || p.City != "南通市科协" || p.Fingerprint != first.Key.Fingerprint() || len(reviews) != 2 || reviews[0].Reviewer != "姓名expert" {
			t.Errorf("%s is from %+v, signed %+v, %v", id, p, reviews, err)
		}
	}
	before := to.rows(t)
	if did := to.take(t, first); did["one"] != bundle.Same || did["two"] != bundle.Same || !reflect.DeepEqual(to.rows(t), before) {
		t.Errorf("the second time: %v\n%v\n%v", did, before, to.rows(t))
	}

	if to.served(t, "one", 1, hour(2)) != nil {
		t.Error("served before anybody here decided so")
	}
	if err := to.PublishShared(to.editor, "one", hour(1)); code(err) != knowledge.Forbidden {
		t.Errorf("an editor published: %v", err)
	}
	if err := to.PublishShared(to.publisher, "one", hour(1)); err != nil {
		t.Fatal(err)
	}
	got := to.served(t, "one", 1, hour(2))
	if got == nil || !got.Signed || got.Provenance.City != "南通市科协" || len(got.Reviews) != 2 || got.Reviews[0].Reviewer != "姓名expert" {
		t.Fatalf("served %+v", got)
	}
	if to.served(t, "one", 1, hour(0).AddDate(0, 6, 0).Add(time.Second)) != nil {
		t.Error("served longer than where it was signed")
	}

	from.publish(t, health("one", 2), hour(3))
	if err := from.Withdraw(from.publisher, "two", "有新的结论"); err != nil {
		t.Fatal(err)
	}
	later := from.share(t, time.Now().Truncate(time.Microsecond)) // the audit log's clock is the real one
	want = map[knowledge.ID]bundle.Action{"one": bundle.Changed, "two": bundle.Withdraw}
	if did := to.take(t, later); !maps.Equal(did, want) {
		t.Fatalf("%v, want %v", did, want)
	}
	if to.served(t, "one", 1, hour(4)) == nil {
		t.Error("the draft of a change took the version before out of service")
	}
	if got := to.status(t, "two"); got != "已撤下：转自南通市科协，对方已撤下：有新的结论" {
		t.Errorf("two is %s", got)
	}
	if err := to.PublishShared(to.publisher, "one", hour(4)); err != nil || to.served(t, "one", 1, hour(5)) != nil || to.served(t, "one", 2, hour(5)) == nil {
		t.Errorf("the change was not published: %v", err)
	}
	before = to.rows(t)
	for _, b := range []*bundle.Bundle{later, first} {
		if to.take(t, b); !reflect.DeepEqual(to.rows(t), before) {
			t.Error("a bundle that was read before wrote something")
		}
	}
	fresh := newCity(t, 3)
	fresh.take(t, later)
	if did := fresh.take(t, first); did["one"] != bundle.Older || did["two"] != bundle.Older {
		t.Errorf("an older bundle after a newer: %v", did)
	}
	for _, c := range []city{from, to, fresh} {
		if report := verify(t, c.Store); len(report.Broken) > 0 {
			t.Errorf("the audit log: %+v", report.Broken)
		}
	}
}

// TestShareAgainstOwn: what people here wrote is neither overwritten nor withdrawn nor published by a bundle.
func TestShareAgainstOwn(t *testing.T) {
	from, to := newCity(t, 1), newCity(t, 2)
	ids := []string{"other-text", "same-text", "starter", "changed-here", "withdrawn-here"}
	for _, id := range ids {
		from.publish(t, health(id, 1), now)
	}
	save := func(by context.Context, e knowledge.Entry) {
		t.Helper()
		if _, err := to.SaveDraft(by, e, onePassage(), ""); err != nil {
			t.Fatal(err)
		}
	}
	save(to.author, health("other-text", 2))
	save(to.author, health("same-text", 1))
	save(context.Background(), health("starter", 1)) // brought in by the program, as the starter pack is
	first := from.share(t, now.Add(time.Hour))
	want := map[knowledge.ID]bundle.Action{
		"other-text": bundle.Conflict, "same-text": bundle.Same, "starter": bundle.Signed, "changed-here": bundle.New, "withdrawn-here": bundle.New,
	}
	if did := to.take(t, first); !maps.Equal(did, want) {
		t.Fatalf("%v, want %v", did, want)
	}
	for id, want := range map[knowledge.ID]knowledge.Code{"other-text": knowledge.NotFound, "same-text": knowledge.NotFound, "starter": ""} {
		if err := to.PublishShared(to.publisher, id, now.Add(time.Hour)); code(err) != want || want == "" && err != nil {
			t.Errorf("publishing %s: %v", id, err)
		}
	}
	if got := to.served(t, "starter", 1, now.Add(2*time.Hour)); got == nil || got.Provenance.City == "" {
		t.Errorf("the starter pack's entry with another city's signatures: %+v", got)
	}
	save(to.author, health("changed-here", 7))
	if err := to.Withdraw(to.publisher, "withdrawn-here", "不适合本地"); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if err := from.Withdraw(from.publisher, knowledge.ID(id), "有误"); err != nil {
			t.Fatal(err)
		}
	}
	last := from.share(t, time.Now().Truncate(time.Microsecond))
	want = map[knowledge.ID]bundle.Action{
		"other-text": bundle.Kept, "same-text": bundle.Kept, "starter": bundle.Withdraw, "changed-here": bundle.Kept, "withdrawn-here": bundle.Remember,
	}
	if did := to.take(t, last); !maps.Equal(did, want) {
		t.Fatalf("%v, want %v", did, want)
	}
	for id, want := range map[knowledge.ID]string{
		"other-text": "草稿", "same-text": "草稿", "changed-here": "草稿", "starter": "已撤下：转自南通市科协，对方已撤下：有误", "withdrawn-here": "已撤下：不适合本地",
	} {
		if got := to.status(t, id); got != want {
			t.Errorf("%s is %s, want %s", id, got, want)
		}
	}
}

// TestSharedNeedsReviews: the database refuses to publish on another city's word what that city's reviews do not carry, and what
// people here wrote, whoever asks and in whatever way.
func TestSharedNeedsReviews(t *testing.T) {
	from, to := newCity(t, 1), newCity(t, 2)
	ctx := context.Background()
	from.publish(t, health("full", 1), now)
	from.publish(t, health("half", 1), now)
	b := from.share(t, now.Add(time.Hour))
	b.Entries[1].Reviews = b.Entries[1].Reviews[:1] // as a city with a lighter policy would
	to.take(t, b)
	if err := to.PublishShared(to.publisher, "half", now); code(err) != knowledge.Conflict {
		t.Errorf("published with half of the signatures: %v", err)
	}
	if _, err := to.SaveDraft(to.author, health("own", 1), onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, ctx, to.dsn)
	publish := `UPDATE entry_versions SET shared = true, status = 'published', published_at = now(), expires_at = now() + '1 day' WHERE entry_id = `
	origin := `INSERT INTO version_bundles SELECT v.entry_id, v.version, v.content_hash, b.id, b.public_key, true, now() + '1 day'
		FROM entry_versions v, bundles b WHERE v.entry_id = `
	review := `INSERT INTO foreign_reviews (entry_id, version, content_hash, public_key, reviewer, title, institution, role, reviewed_at)
		SELECT v.entry_id, v.version, v.content_hash, b.public_key, 'x', '', 'y', 'editor', now() FROM entry_versions v, bundles b WHERE v.entry_id = `
	for name, c := range map[string]struct{ sql, want string }{
		"published with half":         {publish + `'half'`, "version_published_has_reviews"},
		"own published as shared":     {publish + `'own'`, "version_shared_of_trusted"},
		"own given an origin":         {origin + `'own'`, "bundle_brings_drafts"},
		"own given a foreign review":  {review + `'own'`, "bundle_brings_drafts"},
		"a review by another role":    {`INSERT INTO foreign_reviews (entry_id, version, content_hash, public_key, reviewer, title, institution, role, reviewed_at) SELECT entry_id, version, content_hash, public_key, 'z', '', 'y', 'publisher', now() FROM version_bundles WHERE entry_id = 'half'`, "foreign_review_role_signs"},
		"the same person twice":       {`INSERT INTO foreign_reviews (entry_id, version, content_hash, public_key, reviewer, title, institution, role, reviewed_at) SELECT entry_id, version, content_hash, public_key, reviewer, title, institution, 'editor', now() FROM foreign_reviews WHERE entry_id = 'half'`, "one_foreign_review_each"},
		"a review of other content":   {`INSERT INTO foreign_reviews (entry_id, version, content_hash, public_key, reviewer, title, institution, role, reviewed_at) SELECT entry_id, version, sha256('x'), public_key, 'z', '', 'y', 'editor', now() FROM version_bundles WHERE entry_id = 'half'`, "foreign_review_binds_hash_and_key"},
		"a review changed":            {`UPDATE foreign_reviews SET role = 'editor'`, "review_is_append_only"},
		"an origin changed":           {`UPDATE version_bundles SET adopted = true`, "version_bundle_is_immutable"},
		"a review after it was taken": {`UPDATE entry_versions SET status = 'in_review' WHERE entry_id = 'full'; ` + review + `'full'`, "bundle_brings_drafts"},
	} {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { _, err := tx.Exec(ctx, c.sql); return err })
		if got := postgres.Constraint(err); got != c.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
		}
	}

	if err := to.PublishShared(to.publisher, "full", now); err != nil {
		t.Fatal(err)
	}
	if n, err := to.DistrustKey(to.publisher, b.Key, "钥匙丢了", now); code(err) != knowledge.Forbidden {
		t.Errorf("a publisher ended the trust in a key: %d, %v", n, err)
	}
	if n, err := to.DistrustKey(ctx, b.Key, "钥匙丢了", now); code(err) != knowledge.Forbidden {
		t.Errorf("nobody ended the trust in a key: %d, %v", n, err)
	}
	if n, err := to.DistrustKey(to.admin, b.Key, "张三丢了钥匙", now); err != nil || n != 1 || to.served(t, "full", 1, now.Add(time.Hour)) != nil {
		t.Errorf("%d withdrawn with the key, %v", n, err)
	}
	p, err := to.PublicEntry(ctx, "full", false, now)
	log := conn.QueryRow(ctx, `SELECT detail ->> 'reason' FROM audit_log WHERE entry_id = 'full' ORDER BY seq DESC LIMIT 1`)
	var noted string
	if err != nil || p.Reason != "不再采用外地的这一条" || log.Scan(&noted) != nil || !strings.Contains(noted, "张三丢了钥匙") {
		t.Errorf("the public reads %q (%v), the log %q", p.Reason, err, noted)
	}
	if _, err := to.tryTake(b, false); code(err) != knowledge.Forbidden {
		t.Errorf("a key no longer trusted was taken: %v", err)
	}
	if err := to.PublishShared(to.publisher, "half", now); code(err) == "" {
		t.Error("published on the word of a key no longer trusted")
	}
	if _, err := to.DistrustKey(to.admin, b.Key, "再一次", now); code(err) != knowledge.NotFound {
		t.Errorf("distrusted twice: %v", err)
	}
}

// TestReshare: what came from another city is shared on only once people here have signed it, with where it came from; what is published
// on the other's word alone, or in an emergency, is not.
func TestReshare(t *testing.T) {
	from, to := newCity(t, 1), newCity(t, 2)
	for _, id := range []string{"signed-here", "on-their-word"} {
		from.publish(t, health(id, 1), now)
	}
	to.take(t, from.share(t, now.Add(time.Hour)))
	if err := to.PublishShared(to.publisher, "on-their-word", now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	to.signAndPublish(t, "signed-here", 1)
	e := health("urgent", 1)
	submit(t, to.Store, to.staff, e, onePassage())
	err := errors.Join(sign(to.publisher, to.Store, e, 1, knowledge.Publisher, "approve"), sign(to.publisher2, to.Store, e, 1, knowledge.Publisher, "approve"),
		to.Publish(to.publisher, "urgent", true, now))
	if err != nil {
		t.Fatal(err)
	}
	b := to.share(t, now.Add(2*time.Hour))
	if len(b.Entries) != 1 || b.Entries[0].ID != "signed-here" || b.Entries[0].Origin == nil || b.Entries[0].Origin.City != "南通市科协" {
		t.Errorf("shared on: %+v", b.Entries)
	}
}
