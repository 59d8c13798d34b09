package postgres_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/postgres/postgrestest"
)

// TestCloseQuestion: what needs no answer leaves the list for a reason and comes back, each once in the audit log; its count goes on, and who waits
// is told nothing until an entry answers it.
func TestCloseQuestion(t *testing.T) {
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	s := hire(t, store)
	asks := func(name, words string) {
		mustKeep(t, store, bot.Turn{Reader: bot.Reader{Channel: "telegram", Name: name, Memory: bot.Memory{At: now}}, Filed: words, Agreed: true})
	}
	asks("甲", "加微信买药")
	asks("乙", "月球上有水吗")
	lists := func(when, open, closed string) {
		t.Helper()
		words := func(b knowledge.QuestionBacklog, err error) string {
			if err != nil {
				t.Fatal(err)
			}
			said := []string{fmt.Sprint(b.Of, b.Closed)}
			for _, q := range b.Questions {
				said = append(said, fmt.Sprint(q.Words, q.Asked, q.Why.Zh(), q.ClosedBy))
			}
			return strings.Join(said, "|")
		}
		if got := words(store.Unanswered(t.Context(), 9)); got != open {
			t.Errorf("%s: open %q, want %q", when, got, open)
		}
		if got := words(store.ClosedQuestions(t.Context(), 9)); got != closed {
			t.Errorf("%s: closed %q, want %q", when, got, closed)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		do   error
		want knowledge.Code
	}{
		"without a reason":  {store.CloseQuestion(s.editor, 1, "", now), knowledge.Invalid},
		"another reason":    {store.CloseQuestion(s.editor, 1, "boring", now), knowledge.Invalid},
		"by an expert":      {store.CloseQuestion(s.expert, 1, knowledge.Advert, now), knowledge.Forbidden},
		"one that is not":   {store.CloseQuestion(s.editor, 99, knowledge.Advert, now), knowledge.NotFound},
		"reopened by one":   {store.ReopenQuestion(s.expert, 1), knowledge.Forbidden},
		"reopened, is none": {store.ReopenQuestion(s.editor, 99), knowledge.NotFound},
	} {
		if code(c.do) != c.want {
			t.Errorf("%s: %v", name, c.do)
		}
	}
	lists("before", "2 0|加微信买药1|月球上有水吗1", "0 0")
	must(store.CloseQuestion(s.editor, 1, knowledge.Advert, now))
	must(store.CloseQuestion(s.author, 1, knowledge.Flood, now)) // somebody was faster: her reason stays
	asks("丙", "加微信买药")
	lists("closed, and asked again", "1 1|月球上有水吗1", "1 1|加微信买药2广告姓名editor")
	must(store.ReopenQuestion(s.author, 1))
	must(store.ReopenQuestion(s.author, 1))
	lists("reopened", "2 0|加微信买药2|月球上有水吗1", "0 0")

	must(store.CloseQuestion(s.publisher, 2, knowledge.Elsewhere, now))
	hired.Store(store, s)
	publish(t, store, entry("moon", 1), onePassage())
	due := func() int {
		found, err := store.DueToTell(t.Context(), "telegram", 9, now.Add(time.Hour), time.Minute)
		must(err)
		return len(found)
	}
	if n := due(); n != 0 {
		t.Errorf("%d are told of what needs no answer", n)
	}
	must(store.AnswerQuestion(s.author, 2, "moon"))
	if n := due(); n != 1 {
		t.Errorf("%d are told once it is answered after all", n)
	}
	got := lines(t, dsn, `SELECT concat_ws(' ', action, actor, detail ->> 'question', detail ->> 'why') FROM audit_log WHERE action LIKE 'question.%' ORDER BY seq`)
	want := []string{"question.closed editor 1 advert", "question.reopened author 1", "question.closed publisher 2 elsewhere", "question.answered author 2"}
	if !slices.Equal(got, want) {
		t.Errorf("the log has %q, want %q", got, want)
	}
}

// TestForgetClosed: who waits for the answer to a question that needs none is forgotten like others, and waits for nothing; who waits for another is kept.
func TestForgetClosed(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	words := map[string]string{"甲": "加微信买药", "乙": "月球上有水吗"}
	for _, name := range []string{"甲", "乙"} {
		mustKeep(t, store, bot.Turn{Reader: bot.Reader{Channel: "telegram", Name: name, Memory: bot.Memory{At: now}}, Filed: words[name], Agreed: true})
	}
	waits := func() string {
		t.Helper()
		var who string
		for _, name := range []string{"甲", "乙"} {
			r, err := store.Reader(t.Context(), "telegram", name)
			if err != nil {
				t.Fatal(err)
			}
			if r.Waits {
				who += name
			}
		}
		return who
	}
	if who := waits(); who != "甲乙" {
		t.Fatalf("%s wait before", who)
	}
	if err := store.CloseQuestion(s.editor, 1, knowledge.Advert, now); err != nil {
		t.Fatal(err)
	}
	if who := waits(); who != "乙" {
		t.Errorf("%s wait once it is closed", who)
	}
	if _, err := store.ForgetOld(t.Context(), now.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	readers, asked := store.Count(t, `SELECT count(*) FROM readers`), store.Count(t, `SELECT count(*) FROM question_readers`)
	if readers != 1 || asked != 1 || waits() != "乙" {
		t.Errorf("%d readers and %d questions of theirs are left, %s waits", readers, asked, waits())
	}
}
