package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestTasks walks a health entry through its life: what waits for whom at each step.
func TestTasks(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	e := entry("one", 1)
	e.Topic = knowledge.Health
	people := map[string]context.Context{"author": s.author, "editor": s.editor, "expert": s.expert, "publisher": s.publisher}
	queue := func(at time.Time) (all []string) {
		t.Helper()
		for login, ctx := range people {
			p := person(t, store, ctx)
			tasks, err := store.Tasks(context.Background(), p, at)
			if err != nil {
				t.Fatal(err)
			}
			for _, task := range tasks {
				all = append(all, fmt.Sprintf("%s %s", login, task.Kind))
			}
		}
		slices.Sort(all)
		return all
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		what string
		do   func() error
		at   time.Time
		want []string
	}{
		{"imported", func() error {
			_, err := store.SaveDraft(context.Background(), entry("one", 3), onePassage(), "")
			return err
		}, now,
			[]string{"author imported", "editor imported"}},
		{"written", func() error { _, err := store.SaveDraft(s.author, e, onePassage(), ""); return err }, now, []string{"author draft"}},
		{"submitted", func() error { _, err := store.Submit(s.author, "one"); return err }, now,
			[]string{"author waiting", "editor sign", "expert sign", "publisher waiting"}},
		{"signed by the expert", func() error { return sign(s.expert, store, e, 2, knowledge.Expert, "approve") }, now,
			[]string{"author waiting", "editor sign", "publisher waiting"}},
		{"returned", func() error { return sign(s.editor, store, e, 2, knowledge.Editor, "return") }, now, []string{"author returned"}},
		{"submitted again", func() error { _, err := store.Submit(s.author, "one"); return err }, now,
			[]string{"author waiting", "editor sign", "expert sign", "publisher waiting"}},
		{"signed by both", func() error {
			must(sign(s.expert, store, e, 2, knowledge.Expert, "approve"))
			return sign(s.editor, store, e, 2, knowledge.Editor, "approve")
		}, now, []string{"author waiting", "publisher publish"}},
		{"published", func() error { return store.Publish(s.publisher, "one", false, now) }, now, nil},
		{"a month before its end", func() error { return nil }, now.AddDate(0, 5, 5),
			[]string{"author expiring", "editor expiring", "expert expiring", "publisher expiring"}},
		{"after its end", func() error { return nil }, now.AddDate(0, 6, 1),
			[]string{"author expiring", "editor expiring", "expert expiring", "publisher expiring"}},
	} {
		must(step.do())
		if got := queue(step.at); !slices.Equal(got, step.want) {
			t.Errorf("%s: %v, want %v", step.what, got, step.want)
		}
	}
}

func person(t *testing.T, store *postgres.Store, ctx context.Context) knowledge.Person {
	t.Helper()
	people, err := store.People(ctx)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(people, func(p knowledge.Person) bool { return p.ID == knowledge.ActorOf(ctx).Person })
	return people[i]
}

// TestEmergencyTasks: what was published in an emergency waits for those who can complete its review.
func TestEmergencyTasks(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	e := entry("one", 1)
	e.Topic = knowledge.Health
	version := submit(t, store, s, e, onePassage())
	for _, by := range []context.Context{s.publisher, s.publisher2} {
		if err := sign(by, store, e, version, knowledge.Publisher, "approve"); err != nil {
			t.Fatal(err)
		}
	}
	st, err := store.Involvement(context.Background(), "one", version, knowledge.ActorOf(s.publisher).Person)
	if err != nil || st.Publishers != 2 || !st.Signed || st.Wrote || st.Months != 6 {
		t.Fatalf("%+v, %v", st, err)
	}
	if err := store.Publish(s.publisher, "one", true, now); err != nil {
		t.Fatal(err)
	}
	for who, want := range map[string]context.Context{"expert": s.expert, "editor": s.editor, "author": s.author} {
		tasks, err := store.Tasks(context.Background(), person(t, store, want), now)
		if err != nil || len(tasks) != 1 || tasks[0].Kind != knowledge.TaskRecheck || tasks[0].Until == nil || !tasks[0].Until.Equal(now.Add(24*time.Hour)) {
			t.Errorf("%s: %+v, %v", who, tasks, err)
		}
	}
}

// TestUnchanged: who decided on what has been replaced since is refused, whatever she decided.
func TestUnchanged(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	old, e := entry("one", 1), entry("one", 2)
	submit(t, store, s, old, onePassage())
	version := submit(t, store, s, e, onePassage())
	for name, do := range map[string]func(ctx func(context.Context) context.Context) error{
		"submit": func(ctx func(context.Context) context.Context) error {
			_, err := store.Submit(ctx(s.author), "one")
			return err
		},
		"publish": func(ctx func(context.Context) context.Context) error {
			return store.Publish(ctx(s.publisher), "one", false, now)
		},
		"withdraw": func(ctx func(context.Context) context.Context) error {
			return store.Withdraw(ctx(s.publisher), "one", "有误")
		},
		"edit": func(ctx func(context.Context) context.Context) error {
			_, err := store.SaveEdited(ctx(s.author), entry("one", 3), true, onePassage(), "")
			return err
		},
	} {
		for what, seen := range map[string]knowledge.Seen{
			"an older version": {Version: 1, Hash: old.Hash()}, "another content": {Version: version, Hash: old.Hash()},
		} {
			err := do(func(ctx context.Context) context.Context { return knowledge.WithSeen(ctx, seen) })
			if code(err) != knowledge.Conflict {
				t.Errorf("%s having seen %s: %v", name, what, err)
			}
		}
	}
	if err := store.Withdraw(knowledge.WithSeen(s.publisher, knowledge.Seen{Version: version, Hash: e.Hash()}), "one", "有误"); err != nil {
		t.Errorf("having seen the newest: %v", err)
	}
}
