package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
)

// TestReaders: a reader is found again as they were kept; feedback and consent stick to their own; who is forgotten leaves nothing.
func TestReaders(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	shown := bot.Shown{Ref: retrieval.Ref{ID: "one", Version: 1}, Score: .9, Quoted: true}
	if _, err := store.SaveDraft(ctx, entry("one", 1), onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	turn := func(name, filed string, at time.Time) bot.Turn {
		r, err := store.Reader(ctx, "web", name)
		if err != nil {
			t.Fatal(err)
		}
		r.Memory = bot.Memory{At: at, Question: "喝白酒", Answered: []retrieval.Ref{shown.Ref}}
		r.Wishes.Slow = true
		return bot.Turn{Reader: r, Filed: filed, Answered: &bot.Answered{
			At: at, Message: "喝白酒能杀病毒吗\x00", Decision: retrieval.Sure, Shown: []bot.Shown{shown}}}
	}
	first := mustKeep(t, store, turn("甲", "", now))
	mustKeep(t, store, turn("甲", "月球上有没有人", now))
	mustKeep(t, store, turn("甲", "月球上有没有人", now))
	agreed := turn("乙", "月球上有没有人", now)
	agreed.Agreed, agreed.Feedback = true, &bot.Feedback{Answer: first, Useful: true} // not theirs
	mustKeep(t, store, agreed)

	r, err := store.Reader(ctx, "web", "甲")
	if err != nil || !r.Wishes.Slow || r.Memory.Question != "喝白酒" || len(r.Memory.Answered) != 1 || !r.Memory.At.Equal(now) {
		t.Errorf("kept as %+v (%v)", r, err)
	}
	for what, want := range map[string]int{
		`SELECT count(*) FROM questions`:                        1,
		`SELECT asked FROM questions`:                           2,
		`SELECT count(*) FROM question_readers WHERE agreed`:    1,
		`SELECT count(*) FROM answers WHERE useful IS NOT NULL`: 0,
		`SELECT count(*) FROM answers`:                          4,
		`SELECT count(*) FROM answer_entries WHERE quoted`:      4,
		`SELECT count(*) FROM answers WHERE message LIKE '%吗�'`: 4,
		`SELECT count(*) FROM readers WHERE channel = 'web'`:    2,
	} {
		if got := store.Count(t, what); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	got, err := store.Recipients(ctx, "one", now.Add(-time.Hour))
	if err != nil || len(got) != 1 || got[0].Readers != 2 {
		t.Errorf("recipients %+v (%v), want both", got, err)
	}
	forgotten, err := store.Forget(ctx, "web", "甲", "", nil)
	if want := (bot.Forgotten{Messages: 3, Questions: 1}); err != nil || forgotten != want {
		t.Fatalf("forgot %+v (%v), want %+v", forgotten, err, want)
	}
	if got := store.Count(t, `SELECT count(*) FROM answers`) + store.Count(t, `SELECT count(*) FROM question_readers`); got != 2 {
		t.Errorf("%d rows left, want those of the other reader: 1 answer, 1 question", got)
	}
	if more, err := store.ForgetOld(ctx, now.Add(time.Second)); more || err != nil {
		t.Errorf("more %v, %v", more, err)
	}
	if got := store.Count(t, `SELECT count(*) FROM readers`); got != 1 {
		t.Errorf("%d readers left, want the one who waits to be told", got)
	}
}

func mustKeep(t *testing.T, store interface {
	Keep(context.Context, bot.Turn) (int64, error)
}, turn bot.Turn) int64 {
	t.Helper()
	id, err := store.Keep(context.Background(), turn)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestMarkGone: a person, or a group with its members and nobody else; who speaks again is back.
func TestMarkGone(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	names := []string{"7", "-100", bot.MemberOf("-100", "7"), bot.MemberOf("-1001", "7"), "-1001"}
	for _, name := range names {
		if _, err := store.Keep(ctx, bot.Turn{Reader: bot.Reader{Channel: "telegram", Name: name, Memory: bot.Memory{At: now}}}); err != nil {
			t.Fatal(err)
		}
	}
	gone := func() (out []bool) {
		for _, name := range names {
			r, err := store.Reader(ctx, "telegram", name)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, r.Gone)
		}
		return out
	}
	for _, step := range []struct {
		channel, name string
		want          []bool
	}{
		{"wechat", "7", []bool{false, false, false, false, false}}, {"telegram", "nobody", []bool{false, false, false, false, false}},
		{"telegram", "-100", []bool{false, true, true, false, false}}, {"telegram", "7", []bool{true, true, true, false, false}},
	} {
		if err := store.MarkGone(ctx, step.channel, step.name, now); err != nil {
			t.Fatal(err)
		}
		if got := gone(); !slices.Equal(got, step.want) {
			t.Errorf("after %s %s: %v, want %v", step.channel, step.name, got, step.want)
		}
	}
	r, err := store.Reader(ctx, "telegram", "7")
	if err != nil {
		t.Fatal(err)
	}
	r.Memory.At = now
	if _, err := store.Keep(ctx, bot.Turn{Reader: r}); err != nil || gone()[0] {
		t.Error("who speaks again is still gone", err)
	}
}
