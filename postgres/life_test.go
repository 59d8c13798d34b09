package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
)

// staff are one person for each role, and a second publisher.
type staff struct{ author, editor, expert, publisher, publisher2 context.Context }

const goodPassword = "长长的一个好密码呀呀"

func hire(t testing.TB, store *postgres.Store) staff {
	t.Helper()
	in := func(login string, roles ...knowledge.Role) context.Context {
		id, err := store.AddPerson(context.Background(), knowledge.Person{
			Login: login, Name: "姓名" + login, Title: "主任医师", Institution: "某医院", Roles: roles,
		}, goodPassword)
		if err != nil {
			t.Fatal(err)
		}
		return knowledge.WithActor(context.Background(), knowledge.Actor{Person: id, ID: login, Name: "姓名" + login, From: "test"})
	}
	return staff{
		in("author", knowledge.Author), in("editor", knowledge.Editor), in("expert", knowledge.Expert),
		in("publisher", knowledge.Publisher), in("publisher2", knowledge.Publisher),
	}
}

// hired keeps one staff a store, for tests that publish many entries.
var hired sync.Map

// publish stores, submits, signs and publishes an entry.
func publish(t testing.TB, store *postgres.Store, e knowledge.Entry, passages []ingest.IndexedPassage) {
	t.Helper()
	known, ok := hired.Load(store)
	if !ok {
		known = hire(t, store)
		hired.Store(store, known)
	}
	s := known.(staff)
	version := submit(t, store, s, e, passages)
	for _, by := range []struct {
		ctx  context.Context
		role knowledge.Role
	}{{s.expert, knowledge.Expert}, {s.editor, knowledge.Editor}} {
		if err := sign(by.ctx, store, e, version, by.role, "approve"); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Publish(s.publisher, e.ID, false, now); err != nil {
		t.Fatal(err)
	}
}

func submit(t testing.TB, store *postgres.Store, s staff, e knowledge.Entry, passages []ingest.IndexedPassage) int {
	t.Helper()
	if _, err := store.SaveDraft(s.author, e, passages, ""); err != nil {
		t.Fatal(err)
	}
	version, err := store.Submit(s.author, e.ID)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

func sign(ctx context.Context, store *postgres.Store, e knowledge.Entry, version int, role knowledge.Role, decision string) error {
	return store.Sign(ctx, postgres.Signature{Entry: e.ID, Version: version, Hash: e.Hash(), Role: role, Decision: decision, Comment: "说明", At: now})
}

func code(err error) knowledge.Code {
	var known *knowledge.Error
	if errors.As(err, &known) {
		return known.Code
	}
	return ""
}

// TestLife walks a health entry through its life and shows at each step what is refused and what is served.
func TestLife(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	e, other := entry("one", 1), entry("one", 2)
	e.Topic, other.Topic = knowledge.Health, knowledge.Health
	served := func(at time.Time) bool {
		loaded, err := store.Load(context.Background(), []retrieval.Ref{{ID: "one", Version: 1}}, false, at)
		if err != nil {
			t.Fatal(err)
		}
		return len(loaded) == 1
	}
	if _, err := store.SaveDraft(s.expert, e, onePassage(), ""); code(err) != knowledge.Forbidden {
		t.Errorf("an expert wrote: %v", err)
	}
	if _, err := store.SaveDraft(s.author, e, onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	publishNow := func(by context.Context, emergency bool) error { return store.Publish(by, "one", emergency, now) }
	for _, step := range []struct {
		what   string
		do     func() error
		want   knowledge.Code
		served bool
	}{
		{"signed before it is submitted", func() error { return sign(s.expert, store, e, 1, knowledge.Expert, "approve") }, knowledge.Conflict, false},
		{"submitted by a publisher", func() error { _, err := store.Submit(s.publisher, "one"); return err }, knowledge.Forbidden, false},
		{"submitted", func() error { _, err := store.Submit(s.author, "one"); return err }, "", false},
		{"published unsigned", func() error { return publishNow(s.publisher, false) }, knowledge.Conflict, false},
		{"other content signed", func() error { return sign(s.expert, store, other, 1, knowledge.Expert, "approve") }, knowledge.Conflict, false},
		{"signed in a role not held", func() error { return sign(s.editor, store, e, 1, knowledge.Expert, "approve") }, knowledge.Forbidden, false},
		{"signed by the author", func() error { return sign(s.author, store, e, 1, knowledge.Editor, "approve") }, knowledge.Forbidden, false},
		{"signed by nobody", func() error { return sign(context.Background(), store, e, 1, knowledge.Editor, "approve") }, knowledge.Forbidden, false},
		{"signed by the expert", func() error { return sign(s.expert, store, e, 1, knowledge.Expert, "approve") }, "", false},
		{"signed by her again", func() error { return sign(s.expert, store, e, 1, knowledge.Expert, "approve") }, knowledge.Conflict, false},
		{"published with one signature", func() error { return publishNow(s.publisher, false) }, knowledge.Conflict, false},
		{"sent back", func() error { return sign(s.editor, store, e, 1, knowledge.Editor, "return") }, "", false},
		{"published after that", func() error { return publishNow(s.publisher, false) }, knowledge.Conflict, false},
		{"submitted again", func() error { _, err := store.Submit(s.author, "one"); return err }, "", false},
		{"signed by the editor", func() error { return sign(s.editor, store, e, 1, knowledge.Editor, "approve") }, "", false},
		{"published with the first round's expert", func() error { return publishNow(s.publisher, false) }, knowledge.Conflict, false},
		{"signed by the expert of this round", func() error { return sign(s.expert, store, e, 1, knowledge.Expert, "approve") }, "", false},
		{"published by the editor", func() error { return publishNow(s.editor, false) }, knowledge.Forbidden, false},
		{"published", func() error { return publishNow(s.publisher, false) }, "", true},
		{"published again", func() error { return publishNow(s.publisher, false) }, knowledge.NotFound, true},
		{"withdrawn without a reason", func() error { return store.Withdraw(s.publisher, "one", "") }, knowledge.Invalid, true},
		{"withdrawn by the author", func() error { return store.Withdraw(s.author, "one", "有误") }, knowledge.Forbidden, true},
		{"withdrawn", func() error { return store.Withdraw(s.publisher, "one", "有误") }, "", false},
	} {
		if err := step.do(); code(err) != step.want || step.want == "" && err != nil {
			t.Fatalf("%s: %v, want %q", step.what, err, step.want)
		}
		if got := served(now.Add(time.Minute)); got != step.served {
			t.Fatalf("%s: served is %t", step.what, got)
		}
	}
}

// TestExpiry: health is served for six months from the last signature, and not a second longer.
func TestExpiry(t *testing.T) {
	store := postgrestest.New(t)
	e := entry("one", 1)
	e.Topic = knowledge.Health
	publish(t, store, e, onePassage())
	for _, c := range []struct {
		at   time.Time
		want int
	}{{now.AddDate(0, 6, 0).Add(-time.Second), 1}, {now.AddDate(0, 6, 0).Add(time.Second), 0}} {
		if loaded, err := store.Load(context.Background(), []retrieval.Ref{{ID: "one", Version: 1}}, false, c.at); err != nil || len(loaded) != c.want {
			t.Errorf("at %s: %d served (%v), want %d", c.at, len(loaded), err, c.want)
		}
	}
}

// TestEmergency: two publishers are enough for 24 hours; the missing signatures make it last, a return takes it back.
func TestEmergency(t *testing.T) {
	for _, c := range []struct {
		name  string
		then  func(s staff, store *postgres.Store, e knowledge.Entry) error
		after time.Duration
		want  int
	}{
		{"nothing more", func(staff, *postgres.Store, knowledge.Entry) error { return nil }, 25 * time.Hour, 0},
		{"reviewed in time", func(s staff, store *postgres.Store, e knowledge.Entry) error {
			return errors.Join(sign(s.expert, store, e, 1, knowledge.Expert, "approve"), sign(s.editor, store, e, 1, knowledge.Editor, "approve"))
		}, 48 * time.Hour, 1},
		{"sent back", func(s staff, store *postgres.Store, e knowledge.Entry) error {
			return sign(s.expert, store, e, 1, knowledge.Expert, "return")
		}, time.Minute, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := postgrestest.New(t)
			s := hire(t, store)
			e := entry("one", 1)
			e.Topic = knowledge.Disaster
			submit(t, store, s, e, onePassage())
			if err := sign(s.publisher, store, e, 1, knowledge.Publisher, "approve"); err != nil {
				t.Fatal(err)
			}
			if err := store.Publish(s.publisher, "one", true, now); code(err) != knowledge.Conflict {
				t.Fatalf("one person published in an emergency: %v", err)
			}
			if err := sign(s.publisher2, store, e, 1, knowledge.Publisher, "approve"); err != nil {
				t.Fatal(err)
			}
			if err := store.Publish(s.publisher, "one", true, now); err != nil {
				t.Fatal(err)
			}
			if err := c.then(s, store, e); err != nil {
				t.Fatal(err)
			}
			loaded, err := store.Load(context.Background(), []retrieval.Ref{{ID: "one", Version: 1}}, false, now.Add(c.after))
			if err != nil || len(loaded) != c.want {
				t.Errorf("%d served (%v), want %d", len(loaded), err, c.want)
			}
		})
	}
}

// TestEmergencyThenReview: who signed as a publisher for an emergency reviews nothing in that round, whatever other roles they hold, and is told why.
func TestEmergencyThenReview(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	for _, login := range []string{"publisher", "expert"} { // each holds both
		if err := store.SetRoles(context.Background(), login, []knowledge.Role{knowledge.Publisher, knowledge.Expert, knowledge.Editor}); err != nil {
			t.Fatal(err)
		}
	}
	e := entry("one", 1)
	e.Topic = knowledge.Health
	submit(t, store, s, e, onePassage())
	if err := errors.Join(sign(s.publisher, store, e, 1, knowledge.Publisher, "approve"), sign(s.publisher2, store, e, 1, knowledge.Publisher, "approve"),
		store.Publish(s.publisher, "one", true, now)); err != nil {
		t.Fatal(err)
	}
	refused := func(decision string, role knowledge.Role, want string) {
		t.Helper()
		err := sign(s.publisher, store, e, 1, role, decision)
		if code(err) != knowledge.Conflict || !strings.Contains(err.Error(), want) {
			t.Errorf("%s as %s: %v, want %q", decision, role, err, want)
		}
	}
	refused("approve", knowledge.Expert, "您已经以发布员身份签过紧急核发，不能再以专家身份签：核发和复核要不同的人，请另一位专家来签")
	refused("approve", knowledge.Editor, "不能再以编辑身份签")
	refused("approve", knowledge.Publisher, "这一轮您已经签过了，要另一个人签")
	refused("return", knowledge.Expert, "不能再退回；内容有误请直接撤下")
	st, err := store.Involvement(context.Background(), "one", 1, person(t, store, s.publisher).ID)
	if err != nil || st.SignedAs != knowledge.Publisher || !st.Signed {
		t.Errorf("%+v, %v", st, err)
	}
	// two distinct people review it: the emergency ends
	if err := errors.Join(sign(s.expert, store, e, 1, knowledge.Expert, "approve"), sign(s.editor, store, e, 1, knowledge.Editor, "approve")); err != nil {
		t.Fatal(err)
	}
	if v, err := store.Version(context.Background(), "one", 1); err != nil || v.Emergency {
		t.Errorf("reviewed by two others: emergency is %t (%v)", v.Emergency, err)
	}
}

// TestNewIsNew: what somebody begins takes the place of nothing.
func TestNewIsNew(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	begin := knowledge.WithSeen(s.author, knowledge.Seen{})
	if created, err := store.SaveEdited(begin, entry("one", 1), true, onePassage(), ""); err != nil || !created {
		t.Fatalf("%t, %v", created, err)
	}
	for n := 1; n <= 2; n++ {
		if _, err := store.SaveEdited(begin, entry("one", n), true, onePassage(), ""); code(err) != knowledge.Conflict || !strings.Contains(err.Error(), "已经有编号是 one 的条目了") {
			t.Errorf("begun again with text %d: %v", n, err)
		}
	}
	if _, err := store.SaveImported(s.expert, imported("two", "甲"), original("内容"), false, nil, ""); code(err) != knowledge.Forbidden {
		t.Errorf("an expert imported: %v", err)
	}
}

// TestSignIn: the same refusal for a wrong password and an unknown login, rest after five failures, nothing after the account was disabled.
func TestSignIn(t *testing.T) {
	store := postgrestest.New(t)
	hire(t, store)
	ctx := context.Background()
	try := func(login, password string, at time.Time) error {
		_, err := store.SignIn(ctx, login, password, at)
		return err
	}
	if err := try("author", goodPassword, now); err != nil {
		t.Fatal(err)
	}
	wrong, unknown := try("author", "不是这一个密码哦哦哦", now), try("nobody", goodPassword, now)
	if code(wrong) != knowledge.Forbidden || unknown == nil || wrong.Error() != unknown.Error() {
		t.Errorf("wrong password: %v; unknown login: %v", wrong, unknown)
	}
	for range 4 {
		_ = try("author", "不是这一个密码哦哦哦", now)
	}
	if err := try("author", goodPassword, now.Add(time.Minute)); code(err) != knowledge.Forbidden {
		t.Errorf("no rest after five failures: %v", err)
	}
	if err := try("author", goodPassword, now.Add(16*time.Minute)); err != nil {
		t.Errorf("after the rest: %v", err)
	}
	if err := store.DisablePerson(ctx, "author", now); err != nil {
		t.Fatal(err)
	}
	if err := try("author", goodPassword, now.Add(time.Hour)); code(err) != knowledge.Forbidden {
		t.Errorf("a disabled account signed in: %v", err)
	}
}

// TestSubmitDespite: the author's reason stands in the audit log, and nothing there without one.
func TestSubmitDespite(t *testing.T) {
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	for id, reason := range map[string]string{"one": "", "two": "有新的指南"} {
		if _, err := store.SaveDraft(context.Background(), entry(id, 1), onePassage(), ""); err != nil {
			t.Fatal(err)
		}
		if _, err := store.SubmitDespite(context.Background(), knowledge.ID(id), reason); err != nil {
			t.Fatal(err)
		}
	}
	got := lines(t, dsn, `SELECT concat_ws(' ', entry_id, detail) FROM audit_log WHERE action = 'draft.submitted' ORDER BY entry_id`)
	if want := []string{"one {}", `two {"despite": "有新的指南"}`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNeighbours: other entries that are published, under review or drafts, each with its pairs, nearest first; not the entry's own versions, what
// was withdrawn, or other kinds of passage.
func TestNeighbours(t *testing.T) {
	ctx := context.Background()
	store := postgrestest.New(t)
	save := func(id string, kind knowledge.PassageKind, vectors ...[]float32) {
		t.Helper()
		var passages []ingest.IndexedPassage
		for i, v := range vectors {
			passages = append(passages, ingest.IndexedPassage{
				Passage: knowledge.Passage{Kind: kind, Ordinal: i, Text: fmt.Sprintf("%s %d", id, i)}, Terms: onePassage()[0].Terms, Vector: v,
			})
		}
		if _, err := store.SaveDraft(ctx, entry(id, 1), passages, "model"); err != nil {
			t.Fatal(err)
		}
	}
	save("mine", knowledge.ClaimPassage, []float32{1, 0, 0}, []float32{0, 1, 0})
	save("near", knowledge.QuestionPassage, []float32{0.8, 0.6, 0}, []float32{1, 0, 0})
	save("half", knowledge.ClaimPassage, []float32{0, 0.6, 0.8}, []float32{0, 0.9, 0.43589})
	save("far", knowledge.ClaimPassage, []float32{0, 0, 1})
	save("negative", knowledge.NegativePassage, []float32{1, 0, 0})
	save("gone", knowledge.ClaimPassage, []float32{1, 0, 0})
	if err := store.Withdraw(ctx, "gone", "试验"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Submit(ctx, "half"); err != nil {
		t.Fatal(err)
	}
	neighbours, err := store.Neighbours(ctx, "mine", 1, "model", 0.75)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range neighbours {
		got = append(got, fmt.Sprintf("%s %s %.2f", n.Entry.ID, n.Status, n.Mean))
		for _, w := range n.Near {
			got = append(got, fmt.Sprintf("%s ~ %s %s %.2f", w.Mine, w.Theirs, w.TheirKind, w.Cosine))
		}
	}
	want := []string{"near draft 0.80", "mine 0 ~ near 1 question 1.00", "mine 0 ~ near 0 question 0.80", "half in_review 0.45", "mine 1 ~ half 1 claim 0.90"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if other, err := store.Neighbours(ctx, "mine", 1, "another model", 0.75); err != nil || len(other) > 0 {
		t.Errorf("%v, %v", other, err)
	}
	for _, c := range []struct {
		id    knowledge.ID
		model string
		want  bool
	}{{"mine", "model", true}, {"mine", "another model", false}, {"negative", "model", false}, {"none", "model", false}} {
		if got, err := store.Comparable(ctx, c.id, 1, c.model); err != nil || got != c.want {
			t.Errorf("%s by %s can be compared: %t, %v", c.id, c.model, got, err)
		}
	}
}
