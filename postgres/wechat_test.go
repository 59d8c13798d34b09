package postgres_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/wechat"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
)

// account is the platform's side of messages whose replies wait.
type account struct {
	postgres.WeChat
	t *testing.T
	n byte
}

// post is the last post of a message.
func (a *account) post(reader, id string) wechat.Place {
	a.t.Helper()
	a.n++
	place, err := a.Deliver(context.Background(), wechat.Delivery{
		ID: id, Reader: reader, At: now, Nonce: bytes.Repeat([]byte{a.n}, 32), Body: bytes.Repeat([]byte{a.n}, 32), Retry: time.Second, Posts: 4})
	if err != nil {
		a.t.Fatal(err)
	}
	return place
}

// late is a message whose reply no post has taken; it quotes an entry.
func (a *account) late(reader, id string, quotes ...string) {
	a.t.Helper()
	k := bot.Kept{Text: "答复" + id}
	for _, q := range quotes {
		k.Answered = append(k.Answered, retrieval.Ref{ID: entry(q, 1).ID, Version: 1})
	}
	place := a.post(reader, id)
	for _, err := range []error{a.Leave(context.Background(), id, place.Number), a.Answer(context.Background(), id, k)} {
		if err != nil {
			a.t.Fatal(err)
		}
	}
}

func join(own string, late []string) (string, int) {
	return strings.Join(append([]string{own}, late...), "|"), len(late)
}

func (a *account) take(id string, number int, at time.Time) string {
	a.t.Helper()
	reply, ok, err := a.Take(context.Background(), id, number, at, join)
	if err != nil || !ok {
		a.t.Fatalf("%s is not given: %v, %v", id, ok, err)
	}
	return reply
}

// TestWithdrawnWhileAReplyWaits: in the place of a reply that quotes what was withdrawn while it waited for a post, for the reader's next message or to be
// sent, the reader gets the line that says so; also in place of one that was joined and given back.
func TestWithdrawnWhileAReplyWaits(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	publish(t, store, entry("moon", 1), onePassage())
	publish(t, store, entry("sun", 1), onePassage())
	a := &account{store.WeChat(), t, 0}
	quoting := func(id string) bot.Kept {
		return bot.Kept{Text: "答复" + id, Answered: []retrieval.Ref{{ID: "sun", Version: 1}}, Told: []retrieval.Ref{{ID: "moon", Version: 1}}}
	}
	own := a.post("甲", "own")
	joined := a.post("乙", "joined")
	for _, id := range []string{"own", "joined"} {
		if err := a.Answer(ctx, id, quoting(id)); err != nil {
			t.Fatal(err)
		}
	}
	a.late("乙", "1", "sun")
	if reply := a.take("joined", joined.Number, now); reply != "答复joined|答复1" {
		t.Fatalf("before: %q", reply)
	}
	if err := a.GiveBack(ctx, "joined", "乙", joined.Number); err != nil {
		t.Fatal(err)
	}
	a.late("丙", "2", "moon")
	a.late("丙", "3", "sun")
	a.late("丁", "4", "moon")
	a.late("丁", "5", "sun")
	a.late("丁", "6")
	if err := store.Withdraw(ctx, "moon", "有误"); err != nil {
		t.Fatal(err)
	}
	if reply := a.take("own", own.Number, now); reply != bot.GoneLine {
		t.Errorf("to its own post: %q", reply)
	}
	if reply := a.take("joined", joined.Number, now); reply != bot.GoneLine {
		t.Errorf("given back: %q", reply)
	}
	next := a.post("丙", "7")
	if err := a.Answer(ctx, "7", bot.Kept{Text: "您好。"}); err != nil {
		t.Fatal(err)
	}
	if reply := a.take("7", next.Number, now); reply != "您好。|"+bot.GoneLine+"|答复3" {
		t.Errorf("with the next message: %q", reply)
	}
	due, err := a.Due(ctx, now, time.Minute, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, l := range due {
		got[l.ID] = l.Reply
	}
	for id, want := range map[string]string{"4": bot.GoneLine, "5": "答复5", "6": "答复6"} {
		if got[id] != want {
			t.Errorf("sent as %s: %q, want %q", id, got[id], want)
		}
	}
	a.late("戊", "8", "sun")
	if due, err := a.Due(ctx, now.AddDate(10, 0, 0), time.Minute, time.Minute); err != nil || len(due) == 0 || due[len(due)-1].Reply != bot.GoneLine {
		t.Errorf("expired: %+v (%v)", due, err)
	}
}

// TestPartOfAWaitingReplyGoes: what to do in a danger, and where a current fact is to be had, is said whatever becomes
// of the answer below it, and an answer that the reader waited for, which is told once, stays below one that is withdrawn; as a reply that was joined and cut short, too.
func TestPartOfAWaitingReplyGoes(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	publish(t, store, entry("moon", 1), onePassage())
	publish(t, store, entry("sun", 1), onePassage())
	a := &account{store.WeChat(), t, 0}
	moon, sun := []retrieval.Ref{{ID: "moon", Version: 1}}, []retrieval.Ref{{ID: "sun", Version: 1}}
	const head, live, due = "请马上打120。\n不要喂水。", "这需要看最新的消息，请以南通气象台发布的为准。", "您上次问的“太阳”，专家查过了。\n是真的。"
	replies := map[string]bot.Kept{
		"danger": {Text: head + "\n\n月亮的答复", Answered: moon, Number: "120"},
		"told":   {Text: "月亮的答复\n\n" + due, Answered: moon, Told: sun},
		"due":    {Text: "您好。\n\n您上次问的“月亮”，专家查过了。\n是真的。", Told: moon},
		"offers": {Text: "您问的是下面哪一个？", Offered: append(sun, moon...)},
		"live":   {Text: live + "\n\n也可以先看看下面的。", Offered: moon, Live: true},
	}
	want := map[string]string{
		"danger": head + "\n\n" + bot.GoneBelow,
		"told":   bot.GoneLine + "\n\n" + due,
		"due":    "您好。\n\n另外，您上次问的“月亮”，答案刚刚撤下或者改过了。\n请再问一次，我重新查。",
		"offers": bot.GoneLine,
		"live":   live + "\n\n" + bot.GoneBelow,
	}
	posts := map[string]wechat.Place{}
	for id, k := range replies {
		posts[id] = a.post(id, id)
		if err := a.Answer(ctx, id, k); err != nil {
			t.Fatal(err)
		}
	}
	long, cut := a.post("己", "long"), func(own string, late []string) (string, int) {
		return own + "\n\n" + late[0][:len("答复")] + "……", 1
	}
	if err := a.Answer(ctx, "long", bot.Kept{Text: "太阳的答复", Answered: sun}); err != nil {
		t.Fatal(err)
	}
	a.late("己", "cut", "moon")
	if reply, _, err := a.Take(ctx, "long", long.Number, now, cut); err != nil || reply != "太阳的答复\n\n答复……" {
		t.Fatalf("joined: %q (%v)", reply, err)
	}
	if err := a.GiveBack(ctx, "long", "己", long.Number); err != nil {
		t.Fatal(err)
	}
	if err := store.Withdraw(ctx, "moon", "有误"); err != nil {
		t.Fatal(err)
	}
	want["long"], posts["long"] = "太阳的答复\n\n"+bot.GoneLine, long
	for id, words := range want {
		if reply := a.take(id, posts[id].Number, now); reply != words {
			t.Errorf("%s: %q, want %q", id, reply, words)
		}
	}
}
