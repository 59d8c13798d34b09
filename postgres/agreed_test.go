package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
)

// TestStaleWishes: a turn writes only the wishes that it has changed; what another node has kept meanwhile stays.
func TestStaleWishes(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	read := func() bot.Reader {
		t.Helper()
		r, err := store.Reader(ctx, "telegram", "甲")
		if err != nil {
			t.Fatal(err)
		}
		r.Memory.At = now
		return r
	}
	r := read()
	r.Wishes = bot.Wishes{Sent: &bot.Subscription{County: "320623", At: now}, Large: true}
	mustKeep(t, store, bot.Turn{Reader: r})
	stale, changes := read(), read()
	stale.Wishes.Slow = true
	changes.Wishes.Sent = nil
	for _, r := range []bot.Reader{changes, stale} {
		mustKeep(t, store, bot.Turn{Reader: r})
	}
	if got := read(); got.Wishes.Sent != nil || !got.Wishes.Slow || !got.Wishes.Large {
		t.Errorf("a stale turn undid the end of a subscription: %+v", got.Wishes)
	}
	stale, changes = read(), read()
	stale.Wishes.Slow, stale.Wishes.Large = false, false
	changes.Wishes.Sent = &bot.Subscription{County: "320681", At: now}
	for _, r := range []bot.Reader{changes, stale} {
		mustKeep(t, store, bot.Turn{Reader: r})
	}
	if got := read(); got.Wishes.Sent == nil || got.Wishes.Sent.County != "320681" || got.Wishes.Slow || got.Wishes.Large {
		t.Errorf("a stale turn undid a subscription: %+v", got.Wishes)
	}
}

// TestEnough: who wants to be told nothing any more is told nothing that they agreed to before, and what they agree to later.
func TestEnough(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	publish(t, store, entry("moon", 1), onePassage())
	r := bot.Reader{Channel: "telegram", Name: "甲", Memory: bot.Memory{At: now}}
	waits := func(want bool) {
		t.Helper()
		found, err := store.Reader(ctx, "telegram", "甲")
		if err != nil || found.Waits != want {
			t.Errorf("waits %v (%v), want %v", found.Waits, err, want)
		}
	}
	mustKeep(t, store, bot.Turn{Reader: r, Filed: "月球", Agreed: true})
	waits(true)
	mustKeep(t, store, bot.Turn{Reader: r, Enough: true})
	waits(false)
	if err := store.AnswerQuestion(ctx, 1, "moon"); err != nil {
		t.Fatal(err)
	}
	if due, err := store.DueToTell(ctx, "telegram", 8, now, time.Minute); err != nil || len(due) != 0 {
		t.Errorf("told all the same: %+v (%v)", due, err)
	}
	mustKeep(t, store, bot.Turn{Reader: r, Filed: "月球", Agreed: true})
	waits(true)
	if due, err := store.DueToTell(ctx, "telegram", 8, now, time.Minute); err != nil || len(due) != 1 {
		t.Errorf("not told: %+v (%v)", due, err)
	}
}

// TestExpiredTakeNoPlace: of what a reader waits for the first three that are served come with the next message, however many have expired.
func TestExpiredTakeNoPlace(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	r := bot.Reader{Channel: "web", Name: "甲", Memory: bot.Memory{At: now}}
	for i := range 4 {
		id := fmt.Sprint("entry-", i)
		publish(t, store, entry(id, 1), onePassage())
		r.Memory.At = now.Add(time.Duration(i) * time.Second)
		mustKeep(t, store, bot.Turn{Reader: r, Filed: id, Agreed: true})
		if err := store.AnswerQuestion(ctx, int64(i+1), knowledge.ID(id)); err != nil {
			t.Fatal(err)
		}
	}
	store.Exec(t, `UPDATE entry_versions SET expires_at = $1 WHERE entry_id <> 'entry-3'`, now.Add(-time.Hour))
	found, err := store.Reader(ctx, "web", "甲")
	if err != nil {
		t.Fatal(err)
	}
	if due, err := store.Due(ctx, found, now); err != nil || len(due) != 1 || due[0].Entry.ID != "entry-3" {
		t.Errorf("due %+v (%v), want the one that has not expired", due, err)
	}
}

// TestForgetWhoAsked: after thirty days a question is nobody's any more, but of who still waits to be told.
func TestForgetWhoAsked(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	since := now.Add(30 * 24 * time.Hour)
	for _, turn := range []bot.Turn{
		{Reader: bot.Reader{Name: "只问"}}, {Reader: bot.Reader{Name: "在等"}, Agreed: true}, {Reader: bot.Reader{Name: "告诉了"}, Agreed: true, Told: []int64{1}}, {Reader: bot.Reader{Name: "刚问"}},
	} {
		turn.Reader.Channel, turn.Reader.Memory.At, turn.Filed = "telegram", now, "月球"
		if turn.Reader.Name == "刚问" {
			turn.Reader.Memory.At = since.Add(time.Hour)
		}
		turn.Reader.Wishes.Sent = &bot.Subscription{At: now} // they stay themselves
		mustKeep(t, store, turn)
	}
	if _, err := store.ForgetOld(ctx, since); err != nil {
		t.Fatal(err)
	}
	if n := store.Count(t, `SELECT count(*) FROM question_readers q JOIN readers r ON r.id = q.reader_id WHERE r.name IN ('在等', '刚问')`); n != 2 {
		t.Errorf("%d of those who wait or asked a moment ago are joined, want 2", n)
	}
	if n := store.Count(t, `SELECT count(*) FROM question_readers`); n != 2 {
		t.Errorf("%d are joined to the question, want 2", n)
	}
	if n := store.Count(t, `SELECT count(*) FROM questions WHERE words = '月球' AND asked = 4`); n != 1 {
		t.Error("the question itself is gone, or counted anew")
	}
}

// TestForgetMarks: who was forgotten is known for a day by the server's clock, and no longer.
func TestForgetMarks(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	for name, ago := range map[string]string{"昨天": "25 hours", "今天": "23 hours"} {
		if _, err := store.Forget(ctx, "web", name, "", nil); err != nil {
			t.Fatal(err)
		}
		store.Exec(t, `UPDATE forgotten SET at = clock_timestamp() - $2::interval WHERE mark = reader_mark('web', $1)`, name, ago)
	}
	if _, err := store.ForgetOld(ctx, time.Now().Add(-30*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n, today := store.Count(t, `SELECT count(*) FROM forgotten`), store.Count(t, `SELECT count(*) FROM forgotten WHERE mark = reader_mark('web', '今天')`); n != 1 || today != 1 {
		t.Errorf("%d marks left, want today's alone: %s", n, store.Dump(t, "forgotten"))
	}
}

// TestKnown: a reader of pages is known by anything that is kept of them but the name of a form that was given up.
func TestKnown(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	if _, err := store.Ask(ctx, bot.Update{ID: "form", Chat: "只问过", Received: now}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Ask(ctx, bot.Update{ID: "given up", Chat: "放下了", Received: now}); err != nil {
		t.Fatal(err)
	}
	store.Exec(t, `UPDATE inbox SET done_at = received_at, payload = NULL WHERE id = 'given up'`)
	mustKeep(t, store, bot.Turn{Reader: bot.Reader{Channel: "web", Name: "老读者", Memory: bot.Memory{At: now}}, Answered: &bot.Answered{At: now, Decision: retrieval.Abstain}})
	mustKeep(t, store, bot.Turn{Reader: bot.Reader{Channel: "telegram", Name: "别处", Memory: bot.Memory{At: now}}})
	for name, want := range map[string]bool{"只问过": true, "老读者": true, "别处": false, "没来过": false, "放下了": false} {
		if known, err := store.Known(ctx, name); err != nil || known != want {
			t.Errorf("%s: %v (%v)", name, known, err)
		}
	}
}
