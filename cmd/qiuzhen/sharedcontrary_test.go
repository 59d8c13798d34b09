package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"qiuzhen/bundle"
	"qiuzhen/knowledge"
)

// TestSharedContradiction: what another city signed is not published beside the contrary of ours: it stays a draft with a line, until ours is gone.
func TestSharedContradiction(t *testing.T) {
	const id, theirs = "cloud-seeding-rain-toxic", "cloud-seeding-rain-toxic-b"
	o := openBureau(t, id)
	o.publishedAtOnce(t, id, "maosun", "maozhou", "maoxu")
	o.hire(t, "maofang", "毛主任", knowledge.Administrator, knowledge.Publisher)
	p, err := o.app.Store.Person(t.Context(), "maofang")
	if err != nil {
		t.Fatal(err)
	}
	ctx := knowledge.WithActor(t.Context(), knowledge.Actor{Person: p.ID, ID: p.Login, Name: p.Name, From: "test"})
	ours, err := o.app.Store.Version(ctx, id, 0)
	if err != nil {
		t.Fatal(err)
	}
	contrary := ours.Entry
	contrary.ID, contrary.Verdict = theirs, knowledge.True
	from, key := bundleOf(t, contrary)
	imports := func() (said string, err error) {
		var out, notes strings.Builder
		in := &bundleImport{app: o.app, bundle: from, streams: stdio{out: &out, err: &notes}, now: time.Now()}
		if err := errors.Join(in.introduce(ctx, key.Fingerprint()), in.plan(ctx)); err != nil {
			t.Fatal(err)
		}
		err = in.run(ctx, true)
		return out.String() + notes.String(), err
	}
	for range 2 { // the first takes it in, the second finds it there
		said, err := imports()
		var code exit
		if !errors.As(err, &code) || code != exitFailed || !strings.Contains(said, theirs+"：与已发布的 "+id+" 结论矛盾，没有发布，还是草稿") || !strings.Contains(said, "发布 0 条") {
			t.Errorf("%v: %s", err, said)
		}
	}
	if v, err := o.app.Store.Version(ctx, theirs, 0); err != nil || v.Status != knowledge.Draft {
		t.Errorf("%s is %s, %v", theirs, v.Status, err)
	}
	if err := o.app.Store.Withdraw(ctx, id, "对方说得对"); err != nil {
		t.Fatal(err)
	}
	if said, err := imports(); err != nil || !strings.Contains(said, "发布 1 条") {
		t.Errorf("nothing contradicts it any more: %v, %s", err, said)
	}
}

// bundleOf is another city's bundle of one entry with enough signatures.
func bundleOf(t *testing.T, e knowledge.Entry) (*bundle.Bundle, bundle.PublicKey) {
	t.Helper()
	s := &settings{values: map[string]value{"bundle_key": {strings.Repeat("ef", 32), "test"}}}
	key, err := s.bundleKey()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, now := bundle.NewWriter(&out), time.Now().UTC().Truncate(time.Microsecond)
	item := bundle.Item{Version: 1, Published: now, Expires: now.AddDate(1, 0, 0), Reviews: []bundle.Review{
		{Reviewer: "甲", Institution: "某院", Role: "expert", At: now}, {Reviewer: "乙", Institution: "某院", Role: "editor", At: now}}}
	if err := errors.Join(w.Add(item, e), w.Close(bundle.Manifest{City: "某市", Created: now, Program: "test"}, key)); err != nil {
		t.Fatal(err)
	}
	opened, err := bundle.Open(bytes.NewReader(out.Bytes()), int64(out.Len()), now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	return opened, bundle.KeyOf(key)
}
