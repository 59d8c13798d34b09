package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
)

// TestCommonQuestions: what was answered most comes first; what is not served, or in one region only, or of another audience, does not come.
func TestCommonQuestions(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	draft := func(id string, change func(*knowledge.Entry)) {
		e := entry(id, 1)
		e.Topic, e.Questions, e.Regions, e.Groups = knowledge.Health, []string{id + "吗", id + "呢"}, nil, nil
		change(&e)
		if _, err := store.SaveDraft(ctx, e, onePassage(), ""); err != nil {
			t.Fatal(err)
		}
	}
	as := func(*knowledge.Entry) {}
	draft("plain", as)
	draft("asked", as)
	draft("many", func(e *knowledge.Entry) { e.Questions = append(e.Questions, "还有一句") })
	draft("none", func(e *knowledge.Entry) { e.Questions = nil })
	draft("nantong", func(e *knowledge.Entry) { e.Regions = []string{"320600"} })
	draft("farm", func(e *knowledge.Entry) { e.Topic, e.Groups = knowledge.Rumour, []knowledge.Group{knowledge.Farmers} })
	r, err := store.Reader(ctx, "web", "甲")
	if err != nil {
		t.Fatal(err)
	}
	r.Memory.At = now
	mustKeep(t, store, bot.Turn{Reader: r, Answered: &bot.Answered{
		At: now, Decision: retrieval.Sure, Shown: []bot.Shown{{Ref: retrieval.Ref{ID: "asked", Version: 1}, Quoted: true}, {Ref: retrieval.Ref{ID: "plain", Version: 1}}},
	}})
	for name, c := range map[string]struct {
		topic    knowledge.Topic
		group    knowledge.Group
		unsigned bool
		n        int
		want     []string
	}{
		"a topic":     {knowledge.Health, "", true, 5, []string{"asked吗", "many吗", "plain吗"}},
		"two of it":   {knowledge.Health, "", true, 2, []string{"asked吗", "many吗"}},
		"an audience": {"", knowledge.Farmers, true, 5, []string{"farm吗"}},
		"signed only": {knowledge.Health, "", false, 5, nil},
	} {
		got, err := store.CommonQuestions(ctx, c.topic, c.group, c.unsigned, now, c.n)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
		}
	}
}
