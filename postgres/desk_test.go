package postgres_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
)

// backend is the store for the suite of channels.
type backend struct{ *postgres.Store }

func (b backend) AnswerAll(t testing.TB, entry retrieval.Ref) {
	b.Exec(t, `UPDATE questions SET entry_id = $1`, string(entry.ID))
}

func (b backend) BlockAll(t testing.TB) { b.Exec(t, `UPDATE readers SET blocked_at = now()`) }

// readerTables are those that hold anything of readers.
var readerTables = []string{"readers", "answers", "answer_entries", "questions", "question_readers", "inbox"}

func (b backend) Dump(t testing.TB) string { return b.Store.Dump(t, readerTables...) }

// direct is a channel that can do everything, without a platform.
type direct struct {
	desk bottest.Desk
	said map[string][]bot.Reply
}

func (direct) Can() bot.Channel {
	return bot.Channel{Name: "direct", Alerts: true, Buttons: true, Groups: true}
}

func (d direct) Send(_ testing.TB, s bottest.Sent) []bottest.Seen {
	m := bot.Message{Via: d.Can(), Reader: s.Reader, Group: s.Group, Addressed: s.Addressed, Text: s.Text}
	place := s.Group
	if place == "" {
		place = "\n" + s.Reader
	}
	if s.Press != nil {
		on := d.said[place][s.Press.Reply]
		m.About = on.Answer
		for _, c := range on.Choices {
			if c.Label == s.Press.Label {
				m.Text = c.Say
			}
		}
	}
	reply, err := d.desk.Handle(context.Background(), m)
	switch {
	case err != nil:
		return []bottest.Seen{{Text: bot.ErrorLine}}
	case reply.Silent:
		return nil
	}
	d.said[place] = append(d.said[place], reply)
	seen := bottest.Seen{Text: reply.Text}
	for _, c := range reply.Choices {
		seen.Choices = append(seen.Choices, c.Label)
	}
	return []bottest.Seen{seen}
}

// shelf is a store with the entries of the fake engine, published.
func shelf(t *testing.T) *postgres.Store {
	store := postgrestest.New(t)
	for _, e := range bottest.Entries() {
		publish(t, store, e, onePassage())
	}
	return store
}

// TestConversationsInPostgres: the tables keep what the suite's store in memory keeps.
func TestConversationsInPostgres(t *testing.T) {
	store := shelf(t)
	bottest.ConformanceOn(t, func(t *testing.T) bottest.Backend {
		store.Exec(t, `DELETE FROM readers`)
		store.Exec(t, `DELETE FROM budgets`)
		store.Exec(t, `DELETE FROM questions`)
		store.Exec(t, `DELETE FROM budgets`) // of a group that all conversations have; this server's clock is not the desk's
		return backend{store}
	}, func(_ *testing.T, desk bottest.Desk) bottest.Channel { return direct{desk, map[string][]bot.Reply{}} })
}

// TestDueToTell: who agreed is told once an entry is published, under leases; who did not, or is gone, is not.
func TestDueToTell(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	ask := func(name string, agreed bool) {
		r, err := store.Reader(ctx, "telegram", name)
		if err != nil {
			t.Fatal(err)
		}
		r.Memory.At = now
		mustKeep(t, store, bot.Turn{Reader: r, Filed: "月球上有没有人", Agreed: agreed})
	}
	ask("甲", true)
	ask("乙", false)
	ask("丙", true)
	claim := func(at time.Time) []bot.Due {
		t.Helper()
		due, err := store.DueToTell(ctx, "telegram", 8, at, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return due
	}
	s := hire(t, store)
	e := entry("moon", 1)
	submit(t, store, s, e, onePassage())
	if err := store.AnswerQuestion(s.publisher, 1, "moon"); err != nil {
		t.Fatal(err)
	}
	if err := store.AnswerQuestion(s.publisher, 99, "moon"); code(err) != knowledge.NotFound {
		t.Errorf("question 99: %v", err)
	}
	if err := store.AnswerQuestion(s.expert, 1, "moon"); code(err) != knowledge.Forbidden {
		t.Errorf("an expert: %v", err)
	}
	if due := claim(now); len(due) != 0 {
		t.Fatalf("%v is told of a draft", due)
	}
	if err := sign(s.editor, store, e, 1, knowledge.Editor, "approve"); err != nil {
		t.Fatal(err)
	}
	if err := store.Publish(s.publisher, "moon", false, now); err != nil {
		t.Fatal(err)
	}
	due := claim(now)
	if len(due) != 2 || due[0].Words != "月球上有没有人" || due[0].Entry.ID != "moon" {
		t.Fatalf("due: %+v, want 甲 and 丙", due)
	}
	if again := claim(now); len(again) != 0 {
		t.Errorf("claimed twice: %+v", again)
	}
	for i, d := range due {
		if err := store.Told(ctx, d, now, i == 1); err != nil { // the second is gone
			t.Fatal(err)
		}
	}
	if later := claim(now.Add(time.Hour)); len(later) != 0 {
		t.Errorf("told again: %+v", later)
	}
	for sql, want := range map[string]int{
		`SELECT count(*) FROM question_readers WHERE told_at IS NOT NULL`:                            1,
		`SELECT count(*) FROM readers WHERE gone_at IS NOT NULL`:                                     1,
		`SELECT count(*) FROM answers JOIN answer_entries ON id = answer_id WHERE entry_id = 'moon'`: 1,
	} {
		if got := store.Count(t, sql); got != want {
			t.Errorf("%s: %d, want %d", sql, got, want)
		}
	}
	if r, err := store.Reader(ctx, "telegram", due[1].Reader.Name); err != nil || !r.Due {
		t.Errorf("who came back is not told: %+v (%v)", r, err)
	}
}

// TestDueIsTriedAgain: a claim whose sender died is claimed again when its lease has ended, and given up in the end.
func TestDueIsTriedAgain(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	publish(t, store, entry("moon", 1), onePassage())
	mustKeep(t, store, bot.Turn{Reader: bot.Reader{Channel: "telegram", Name: "甲", Memory: bot.Memory{At: now}}, Filed: "月球", Agreed: true})
	if err := store.AnswerQuestion(ctx, 1, "moon"); err != nil {
		t.Fatal(err)
	}
	claims := 0
	for i := range 20 {
		due, err := store.DueToTell(ctx, "telegram", 8, now.Add(time.Duration(i)*time.Minute), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		claims += len(due)
	}
	if claims != 5 {
		t.Errorf("claimed %d times, want 5", claims)
	}
	r, err := store.Reader(ctx, "telegram", "甲")
	if err != nil {
		t.Fatal(err)
	}
	if due, err := store.Due(ctx, r, now); err != nil || len(due) != 1 || !due[0].Missed {
		t.Errorf("due with the next message: %+v (%v)", due, err)
	}
}

// TestBlock: who is blocked stays so, whatever is forgotten, and the audit log says why without a name.
func TestBlock(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	if err := store.StartAudit(ctx, postgres.AuditConfig{Key: auditKey, HeadFile: filepath.Join(t.TempDir(), "audit.head")}); err != nil {
		t.Fatal(err)
	}
	if err := store.Block(ctx, "web", "吵闹的人", "", now); code(err) != knowledge.Invalid {
		t.Errorf("without a reason: %v", err)
	}
	if err := store.Block(ctx, "web", "吵闹的人", "骂人", now); err != nil {
		t.Fatal(err)
	}
	if _, err := store.ForgetOld(ctx, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if r, err := store.Reader(ctx, "web", "吵闹的人"); err != nil || !r.Blocked {
		t.Errorf("not blocked: %+v (%v)", r, err)
	}
	senders, err := store.Senders(ctx, now.Add(-time.Hour), 5)
	if err != nil || len(senders) != 1 || senders[0].Blocked == nil {
		t.Errorf("listed: %+v (%v)", senders, err)
	}
	if err := store.Unblock(ctx, "web", "吵闹的人"); err != nil {
		t.Fatal(err)
	}
	if err := store.Unblock(ctx, "web", "吵闹的人"); code(err) != knowledge.NotFound {
		t.Errorf("unblocked twice: %v", err)
	}
	log := store.Dump(t)
	for _, want := range []string{"reader.blocked", "reader.unblocked", "骂人"} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit log does not say %s", want)
		}
	}
	if n := store.Count(t, `SELECT count(*) FROM audit_log WHERE detail::text LIKE '%吵闹%'`); n != 0 {
		t.Error("the audit log names the reader")
	}
}

// TestForgetLeavesNothing: not in groups, not in the inbox, not of what is being dealt with.
func TestForgetLeavesNothing(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	for _, name := range []string{"4711", bot.MemberOf("-1", "4711"), bot.MemberOf("-1", "8"), "47110"} {
		mustKeep(t, store, bot.Turn{
			Reader: bot.Reader{Channel: "telegram", Name: name, Memory: bot.Memory{At: now}, Wishes: bot.Wishes{Sent: &bot.Subscription{At: now}}},
			Filed:  "月球", Agreed: true, Answered: &bot.Answered{At: now, Message: "月球", Decision: retrieval.Abstain},
		})
	}
	for i := range 3 {
		if _, err := store.Receive(ctx, bot.Update{Channel: "telegram", ID: fmt.Sprint(i), Chat: "4711", Payload: []byte("{}"), Received: now}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // one is done, one under way, one waits
		updates, err := store.Claim(ctx, "telegram", 1, 1, now, time.Minute)
		if err != nil || len(updates) != 1 {
			t.Fatalf("%v (%v)", updates, err)
		}
		if updates[0].ID == "0" {
			if _, err := store.Finish(ctx, updates[0], now); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := store.Forget(ctx, "telegram", "4711", "", nil)
	if want := (bot.Forgotten{Messages: 2, Questions: 2, Subscriptions: 2, Updates: 1}); err != nil || got != want {
		t.Errorf("forgot %+v (%v), want %+v", got, err, want)
	}
	for sql, want := range map[string]int{
		`SELECT count(*) FROM readers`:                                   2,
		`SELECT count(*) FROM answers`:                                   2,
		`SELECT count(*) FROM question_readers`:                          2,
		`SELECT count(*) FROM inbox WHERE chat = '4711' AND id = '2'`:    1, // said after it
		`SELECT count(*) FROM inbox WHERE chat = '4711' AND id <> '2'`:   0,
		`SELECT count(*) FROM inbox WHERE id = '1' AND chat = ''`:        1,
		`SELECT count(*) FROM readers WHERE name IN ('47110', E'-1\n8')`: 2,
	} {
		if got := store.Count(t, sql); got != want {
			t.Errorf("%s: %d, want %d", sql, got, want)
		}
	}
}

// TestForgetOld: a conversation is forgotten after its time; a subscription and a group's wish stay.
func TestForgetOld(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	for name, wishes := range map[string]bot.Wishes{"甲": {}, "乙": {Sent: &bot.Subscription{At: now}}, "群": {Auto: true}, "丙": {Slow: true}} {
		mustKeep(t, store, bot.Turn{Reader: bot.Reader{Channel: "web", Name: name, Wishes: wishes, Memory: bot.Memory{At: now, Question: "喝白酒"}},
			Answered: &bot.Answered{At: now, Message: "喝白酒", Decision: retrieval.Abstain}})
	}
	if more, err := store.ForgetOld(ctx, now.Add(time.Second)); more || err != nil {
		t.Errorf("more %v, %v", more, err)
	}
	if dump := store.Dump(t); strings.Contains(dump, "喝白酒") {
		t.Errorf("words are left: %s", dump)
	}
	if got := store.Count(t, `SELECT count(*) FROM readers WHERE name IN ('乙', '群')`) - store.Count(t, `SELECT count(*) FROM readers`); got != 0 {
		t.Errorf("%d too few readers left", got)
	}
}

// TestUnanswered: what was asked most comes first; personal data is masked even where it was kept; what an entry answers is gone until that was
// withdrawn.
func TestUnanswered(t *testing.T) {
	ctx, store := context.Background(), postgrestest.New(t)
	for i, c := range []struct {
		name, words string
		agreed      bool
	}{
		{"甲", "月球", true}, {"乙", "月球", false}, {"丙", "月球", true}, {"甲", "火星", false}, {"乙", "打13912345678问吗", false}, {"丁", "打13912345678问吗", true},
	} {
		mustKeep(t, store, bot.Turn{
			Reader: bot.Reader{Channel: "telegram", Name: c.name, Memory: bot.Memory{At: now.Add(time.Duration(i) * time.Minute)}}, Filed: c.words, Agreed: c.agreed,
		})
	}
	list := func(limit int) string {
		t.Helper()
		backlog, err := store.Unanswered(ctx, limit)
		if err != nil {
			t.Fatal(err)
		}
		said := []string{fmt.Sprint(backlog.Of)}
		for _, q := range backlog.Questions {
			said = append(said, fmt.Sprintf("%s %d %d %s", q.Words, q.Asked, q.Waiting, q.Entry))
		}
		return strings.Join(said, "|")
	}
	if got := list(2); !strings.HasPrefix(got, "3|月球 3 2 |打") || strings.Contains(got, "13912345678") || strings.Contains(got, "火星") {
		t.Errorf("the list: %s", got)
	}
	s := hire(t, store)
	submit(t, store, s, entry("moon", 1), onePassage())
	if err := store.AnswerQuestion(s.author, 1, "moon"); err != nil {
		t.Fatal(err)
	}
	if got := list(9); strings.Contains(got, "月球") {
		t.Errorf("answered by a version under review: %s", got)
	}
	if q, err := store.Question(ctx, 1); err != nil || q.Entry != "moon" || q.Waiting != 2 || !q.First.Equal(now) {
		t.Errorf("%+v, %v", q, err)
	}
	if err := store.Withdraw(s.publisher, "moon", "有误"); err != nil {
		t.Fatal(err)
	}
	if got := list(9); !strings.HasPrefix(got, "3|月球 3 2 moon") {
		t.Errorf("its entry was withdrawn: %s", got)
	}
	if _, err := store.Question(ctx, 99); code(err) != knowledge.NotFound {
		t.Errorf("question 99: %v", err)
	}
}
