package postgres_test

import (
	"context"
	"slices"
	"strings"
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

// TestDeletedStaysBlocked: a block outlasts the deletion, and no name does.
func TestDeletedStaysBlocked(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	keep := func() {
		mustKeep(t, store, bot.Turn{Reader: bot.Reader{Channel: "web", Name: "吵闹的人", Memory: bot.Memory{At: now, Question: "骂人的话"},
			Wishes: bot.Wishes{Sent: &bot.Subscription{Wording: "要收", At: now}}}})
	}
	blocked := func(want bool) {
		t.Helper()
		if r, err := store.Reader(ctx, "web", "吵闹的人"); err != nil || r.Blocked != want {
			t.Errorf("%+v (%v), want blocked: %v", r, err, want)
		}
	}
	keep()
	if err := store.Block(ctx, "web", "吵闹的人", "骂人", now); err != nil {
		t.Fatal(err)
	}
	if dump := store.Dump(t, "readers"); strings.Contains(dump, "骂人的话") || strings.Contains(dump, "要收") {
		t.Errorf("kept of who is blocked: %s", dump)
	}
	for range 2 { // once more, of what was kept since
		if _, err := store.Forget(ctx, "web", "吵闹的人", "", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := store.ForgetOld(ctx, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if dump := store.Dump(t, "readers"); strings.Contains(dump, "吵闹") || store.Count(t, `SELECT count(*) FROM readers`) != 1 {
			t.Errorf("left: %s", dump)
		}
		blocked(true)
		keep()
		blocked(true)
	}
	if err := store.Unblock(ctx, "web", "吵闹的人"); err != nil {
		t.Fatal(err)
	}
	blocked(false)
}

// TestForgetGone: who has been gone for long is deleted, whatever they were to be sent.
func TestForgetGone(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for _, name := range []string{"走了", "刚走", "还在"} {
		mustKeep(t, store, bot.Turn{Filed: "月球", Agreed: true, Reader: bot.Reader{Channel: "telegram", Name: name, Memory: bot.Memory{At: now},
			Wishes: bot.Wishes{Sent: &bot.Subscription{At: now}}}})
	}
	for name, at := range map[string]time.Time{"走了": now, "刚走": now.Add(40 * 24 * time.Hour)} {
		if err := store.MarkGone(ctx, "telegram", name, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.ForgetOld(ctx, now.Add(31*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := store.Count(t, `SELECT count(*) FROM readers WHERE name <> '走了'`) - store.Count(t, `SELECT count(*) FROM readers WHERE name = '走了'`); got != 2 {
		t.Errorf("readers left: %s", store.Dump(t, "readers"))
	}
}

// TestForgetQuestions: what only the deleted person asked goes with them, also when it was answered, or asked in a group and alone.
func TestForgetQuestions(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	publish(t, store, entry("moon", 1), onePassage())
	file := func(name, words string) {
		mustKeep(t, store, bot.Turn{Filed: words, Reader: bot.Reader{Channel: "telegram", Name: name, Memory: bot.Memory{At: now}}})
	}
	file("7", "答过的")
	if err := store.AnswerQuestion(ctx, 1, "moon"); err != nil {
		t.Fatal(err)
	}
	file("7", "两处问的")
	file(bot.MemberOf("-1", "7"), "两处问的")
	file("7", "别人也问的")
	file("8", "别人也问的")
	if _, err := store.Forget(ctx, "telegram", "7", "", nil); err != nil {
		t.Fatal(err)
	}
	if dump := store.Dump(t, "questions"); store.Count(t, `SELECT count(*) FROM questions`) != 1 || !strings.Contains(dump, "别人也问的") {
		t.Errorf("questions left: %s", dump)
	}
}

// TestToldAgain: who asks again and agrees again is told again; who only asks again is not.
func TestToldAgain(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	publish(t, store, entry("moon", 1), onePassage())
	r := bot.Reader{Channel: "web", Name: "甲", Memory: bot.Memory{At: now}}
	due := func(want int) {
		t.Helper()
		found, err := store.Reader(ctx, "web", "甲")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := store.Due(ctx, found, now); err != nil || len(got) != want || found.Due != (want > 0) {
			t.Errorf("due %+v (%v), want %d", got, err, want)
		}
	}
	mustKeep(t, store, bot.Turn{Reader: r, Filed: "月球", Agreed: true})
	if err := store.AnswerQuestion(ctx, 1, "moon"); err != nil {
		t.Fatal(err)
	}
	due(1)
	mustKeep(t, store, bot.Turn{Reader: r, Told: []int64{1}})
	due(0)
	mustKeep(t, store, bot.Turn{Reader: r, Filed: "月球"})
	due(0)
	mustKeep(t, store, bot.Turn{Reader: r, Agreed: true})
	due(1)
}

// TestGroupJudges: a member of the group judges what another asked, or nobody; no member of another group, and nobody from outside.
func TestGroupJudges(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	answered := func(name string) int64 {
		return mustKeep(t, store, bot.Turn{Reader: bot.Reader{Channel: "telegram", Name: name, Memory: bot.Memory{At: now}},
			Answered: &bot.Answered{At: now, Decision: retrieval.Abstain}})
	}
	asked, unasked, alone := answered(bot.MemberOf("-1", "7")), answered("-1"), answered("7")
	for _, c := range []struct {
		channel, by string
		answer      int64
		counts      bool
	}{
		{"telegram", bot.MemberOf("-1", "8"), asked, true}, {"telegram", bot.MemberOf("-1", "8"), unasked, true}, {"telegram", bot.MemberOf("-2", "7"), asked, false},
		{"telegram", "8", asked, false}, {"wechat", bot.MemberOf("-1", "8"), asked, false}, {"telegram", bot.MemberOf("-1", "7"), alone, false}, {"telegram", "7", alone, true},
	} {
		store.Exec(t, `UPDATE answers SET useful = NULL`)
		if _, err := store.Keep(ctx, bot.Turn{Reader: bot.Reader{Channel: c.channel, Name: c.by, Memory: bot.Memory{At: now}},
			Feedback: &bot.Feedback{Answer: c.answer, Useful: true}}); err != nil {
			t.Fatal(err)
		}
		if got := store.Count(t, `SELECT count(*) FROM answers WHERE useful`) == 1; got != c.counts {
			t.Errorf("%q on %s about %d: counts %v", c.by, c.channel, c.answer, got)
		}
	}
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
