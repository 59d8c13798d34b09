package postgres_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"qiuzhen/knowledge"
	"qiuzhen/postgres/postgrestest"
)

// TestSubmittedRevisions: what was submitted is kept as it was, each revision once; what a form binds is refused once it says something else.
func TestSubmittedRevisions(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	b := drafted(t, store, s.author, flood(false))
	submit := func() {
		t.Helper()
		must(t, store.SubmitBroadcast(s.author, b.ID, b.Hash))
	}
	edit := func(text string) {
		t.Helper()
		b.Content.Instruction, b.Rendered = text, nil
		must(t, store.EditBroadcast(s.author, b))
		b = stored(t, store, b.ID)
	}
	submit()
	must(t, store.ReturnBroadcast(s.publisher, b.ID, "写清楚"))
	submit() // as it was
	first := b.Hash
	edit("去镇中学") // never submitted
	edit("去镇小学")
	submit()
	revisions, err := store.SubmittedRevisions(t.Context(), b.ID)
	must(t, err)
	if len(revisions) != 2 || revisions[0].Hash != first || revisions[0].Revision != 1 || revisions[1].Hash != b.Hash || revisions[1].Revision != 3 {
		t.Fatalf("%+v", revisions)
	}
	if !slices.ContainsFunc(knowledge.DiffBroadcasts(revisions[0], revisions[1]), func(c knowledge.FieldChange) bool { return c.Name == "怎么做" }) {
		t.Error("what is different is not told")
	}

	seen := knowledge.WithSeen(s.publisher, knowledge.Seen{Version: 1, Hash: first})
	for what, do := range map[string]func(context.Context) error{
		"return": func(ctx context.Context) error { return store.ReturnBroadcast(ctx, b.ID, "不对") },
		"cancel": func(ctx context.Context) error { return store.CancelBroadcast(ctx, b.ID, "不发了") },
	} {
		var known *knowledge.Error
		if err := do(seen); !errors.As(err, &known) || known.Code != knowledge.Conflict {
			t.Errorf("%s of what was seen before: %v", what, err)
		}
	}
	must(t, store.CancelBroadcast(knowledge.WithSeen(s.publisher, knowledge.Seen{Version: 3, Hash: b.Hash}), b.ID, "不发了"))
}
