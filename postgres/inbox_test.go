package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
)

// TestInbox: updates delivered three times by eight at once are dealt with once each, though every third claim is
// abandoned.
func TestInbox(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	start := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	const updates, chats, lease = 120, 7, time.Minute
	var fresh atomic.Int64
	var senders sync.WaitGroup
	for range 3 {
		senders.Go(func() {
			for i := range updates {
				ok, err := store.Receive(ctx, bot.Update{Channel: "telegram", ID: fmt.Sprint(i), Chat: fmt.Sprint(i % chats), Payload: []byte("{}"), Received: start})
				if err != nil {
					t.Error(err)
				} else if ok {
					fresh.Add(1)
				}
			}
		})
	}
	senders.Wait()
	if fresh.Load() != updates {
		t.Fatalf("%d fresh updates, want %d", fresh.Load(), updates)
	}
	var mu sync.Mutex
	clock, claims, finished := start, 0, 0
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for {
				mu.Lock()
				clock = clock.Add(time.Second)
				now := clock
				mu.Unlock()
				claimed, err := store.Claim(ctx, "telegram", 3, 3, now, lease)
				if err != nil {
					t.Error(err)
					return
				}
				if n, err := store.Waiting(ctx, "telegram"); err != nil || n == 0 {
					return
				}
				for _, u := range claimed {
					mu.Lock()
					if claims++; claims%3 == 0 {
						mu.Unlock()
						continue
					}
					mu.Unlock()
					mine, err := store.Finish(ctx, u, now)
					if err != nil || !mine {
						continue
					}
					mu.Lock()
					finished++
					mu.Unlock()
				}
			}
		})
	}
	workers.Wait()
	if finished != updates {
		t.Errorf("%d dealt with, want %d", finished, updates)
	}
	if n := store.Count(t, `SELECT count(*) FROM inbox WHERE payload IS NOT NULL OR done_at IS NULL`); n != 0 {
		t.Errorf("%d updates keep their words", n)
	}
	if err := store.DropDone(ctx, clock.Add(time.Hour)); err != nil || store.Count(t, `SELECT count(*) FROM inbox`) != 0 {
		t.Errorf("the names are still there (%v)", err)
	}
}

// TestInboxOrder: a chat's next update waits for the one before it.
func TestInboxOrder(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for _, u := range []bot.Update{{ID: "1", Chat: "a"}, {ID: "2", Chat: "a"}, {ID: "3", Chat: "b"}} {
		u.Channel, u.Payload, u.Received = "wechat", []byte("x"), now
		if _, err := store.Receive(ctx, u); err != nil {
			t.Fatal(err)
		}
	}
	claim := func() (ids string) {
		claimed, err := store.Claim(ctx, "wechat", 10, 10, now, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range claimed {
			ids += u.ID
			if _, err := store.Finish(ctx, u, now); err != nil {
				t.Fatal(err)
			}
		}
		return ids
	}
	if first, then := claim(), claim(); len(first) != 2 || then != "2" {
		t.Errorf("claimed %q, then %q; want 1 and 3, then 2", first, then)
	}
}

// TestPostpone moves a lease only for who holds it.
func TestPostpone(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	if _, err := store.Receive(ctx, bot.Update{Channel: "telegram", ID: "1", Chat: "a", Payload: []byte("x"), Received: now}); err != nil {
		t.Fatal(err)
	}
	claim := func(at time.Time) []bot.Update {
		claimed, err := store.Claim(ctx, "telegram", 8, 8, at, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return claimed
	}
	first := claim(now)
	if mine, err := store.Postpone(ctx, first[0], now.Add(time.Hour)); err != nil || !mine {
		t.Fatal(mine, err)
	}
	if got := claim(now.Add(59 * time.Minute)); len(got) != 0 {
		t.Error("claimed before its time", got)
	}
	second := claim(now.Add(time.Hour))
	if len(second) != 1 || second[0].Token != first[0].Token+1 {
		t.Fatal(second)
	}
	if mine, err := store.Postpone(ctx, first[0], now); err != nil || mine {
		t.Error("who lost the lease moved it", err)
	}
	if mine, err := store.Finish(ctx, second[0], now); err != nil || !mine {
		t.Error(mine, err)
	}
	if mine, err := store.Postpone(ctx, second[0], now); err != nil || mine {
		t.Error("what is done was postponed", err)
	}
}

// TestDropStale: the words of what nobody will answer any more go; their names stay, so that they are not taken in again.
func TestDropStale(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for id, u := range map[string]bot.Update{
		"old": {Channel: "telegram", Received: now.Add(-25 * time.Hour), Lane: bot.Slow}, "new": {Channel: "telegram", Received: now.Add(-23 * time.Hour)},
		"gone": {Channel: "wechat", Received: now},
	} {
		u.ID, u.Chat, u.Payload = id, id, []byte("喝白酒")
		if _, err := store.Receive(ctx, u); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.DropStale(ctx, []string{"telegram"}, now.Add(-24*time.Hour), now); err != nil {
		t.Fatal(err)
	}
	if n := store.Count(t, `SELECT count(*) FROM inbox WHERE payload IS NOT NULL AND id = 'new'`) + store.Count(t, `SELECT count(*) FROM inbox`); n != 4 {
		t.Errorf("%d, want 1 with words and 3 names", n)
	}
	if store.Count(t, `SELECT count(*) FROM inbox WHERE payload IS NOT NULL`) != 1 {
		t.Error("words are left")
	}
	if err := store.DropStale(ctx, nil, now.Add(-24*time.Hour), now); err != nil || store.Count(t, `SELECT count(*) FROM inbox WHERE payload IS NOT NULL`) != 0 {
		t.Errorf("words of channels that are not served are left (%v)", err)
	}
}

// TestKeptReply: a reply is kept with its turn, once; it is gone when the update is finished.
func TestKeptReply(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	if _, err := store.Receive(ctx, bot.Update{Channel: "wechat", ID: "1", Chat: "a", Payload: []byte("x"), Received: now}); err != nil {
		t.Fatal(err)
	}
	claimed, err := store.Claim(ctx, "wechat", 1, 1, now, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatal(claimed, err)
	}
	turn := bot.Turn{
		Reader: bot.Reader{Channel: "wechat", Name: "a", Memory: bot.Memory{At: now, Question: "甲"}}, Update: "1", Reply: &bot.Kept{Text: "答"},
		Answered: &bot.Answered{At: now, Message: "甲", Decision: retrieval.Abstain},
	}
	answer, err := store.Keep(ctx, turn)
	if err != nil {
		t.Fatal(err)
	}
	if k, ok, err := store.Kept(ctx, "wechat", "1"); err != nil || !ok || k.Text != "答" || k.Answer != answer {
		t.Errorf("kept %+v %v %v", k, ok, err)
	}
	turn.Reader.Memory.Question, turn.Reply = "乙", &bot.Kept{Text: "又答"}
	if _, err := store.Keep(ctx, turn); !errors.Is(err, bot.ErrAnswered) {
		t.Errorf("kept twice (%v)", err)
	}
	if r, err := store.Reader(ctx, "wechat", "a"); err != nil || r.Memory.Question != "甲" {
		t.Errorf("the second turn left %q (%v)", r.Memory.Question, err)
	}
	if mine, err := store.Finish(ctx, claimed[0], now); err != nil || !mine {
		t.Fatal(mine, err)
	}
	if _, ok, err := store.Kept(ctx, "wechat", "1"); err != nil || ok {
		t.Errorf("still kept (%v)", err)
	}
}
