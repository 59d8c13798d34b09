package postgres_test

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
	"qiuzhen/eval/cases"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
)

func evalCase(id string, version int) cases.Case {
	return cases.Case{
		ID: id, Family: "one", Version: version, Split: "gate", Turns: []string{fmt.Sprintf("%s 第%d版", id, version)}, Channel: "web", AsOf: "2026-11-27",
		Expect: cases.Expect{Decision: "answer", Entries: []string{"one"}, Verdict: "false", KeyPoints: []cases.KeyPoint{}, Forbidden: []string{}},
		Slices: cases.Slices{Topic: "health", Risk: "high", Style: []string{"plain"}}, Provenance: "test", Reviewers: []string{}, Status: "draft",
	}
}

var (
	rightLabel = cases.Label{Decision: "answer", Entries: []string{"one"}, Verdict: "false"}
	wrongLabel = cases.Label{Decision: "abstain", Entries: []string{}}
)

// reviewing is a store with a staff, a second expert and a second editor among them.
type reviewing struct {
	*postgres.Store
	staff
	dsn                       string
	expert2, editor2, expert3 context.Context
}

func newReviewing(t *testing.T) reviewing {
	t.Helper()
	dsn := postgrestest.DSN(t)
	r := reviewing{dsn: dsn, Store: audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)}
	r.staff = hire(t, r.Store)
	more := func(login string, role knowledge.Role) context.Context {
		id, err := r.AddPerson(context.Background(), knowledge.Person{Login: login, Name: login, Title: "主任医师", Institution: "某医院", Roles: []knowledge.Role{role}}, goodPassword)
		if err != nil {
			t.Fatal(err)
		}
		return knowledge.WithActor(context.Background(), knowledge.Actor{Person: id, ID: login, Name: login, From: "test"})
	}
	r.expert2, r.editor2 = more("expert2", knowledge.Expert), more("editor2", knowledge.Editor)
	r.expert3 = more("expert3", knowledge.Expert)
	return r
}

func (r reviewing) label(by context.Context, c cases.Case, l cases.Label) error {
	_, _, err := r.Annotate(by, []cases.Annotation{{Case: c, Label: l}}, now)
	return err
}

func (r reviewing) status(t *testing.T, id string) string {
	t.Helper()
	all, err := r.ReviewedCases(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, held := range all {
		if held.Case.ID == id {
			return held.Status
		}
	}
	return ""
}

// TestCaseLife walks a case through its review and shows at each step what is refused.
func TestCaseLife(t *testing.T) {
	r := newReviewing(t)
	c, edited, next := evalCase("a", 1), evalCase("a", 1), evalCase("a", 2)
	edited.Turns = []string{"改了"}
	add := func(c cases.Case) error { _, err := r.AddCases(context.Background(), []cases.Case{c}, now); return err }
	settle := func(by context.Context, l cases.Label, reason string) error {
		return r.Adjudicate(by, c, l, reason, now)
	}
	for _, step := range []struct {
		what   string
		do     func() error
		want   knowledge.Code
		status string
	}{
		{"labelled before it is known", func() error { return r.label(r.expert, c, rightLabel) }, knowledge.Conflict, ""},
		{"added", func() error { return add(c) }, "", "draft"},
		{"added again", func() error { return add(c) }, "", "draft"},
		{"edited under the same version", func() error { return add(edited) }, knowledge.Conflict, "draft"},
		{"signed unlabelled", func() error { return r.ApproveCase(r.expert, c, now) }, knowledge.Conflict, "draft"},
		{"locked unlabelled", func() error { return r.LockCase(r.expert, c) }, knowledge.Conflict, "draft"},
		{"settled unlabelled", func() error { return settle(r.expert, rightLabel, "理由") }, knowledge.Conflict, "draft"},
		{"labelled by a publisher", func() error { return r.label(r.publisher, c, rightLabel) }, knowledge.Forbidden, "draft"},
		{"labelled by nobody", func() error { return r.label(context.Background(), c, rightLabel) }, knowledge.Forbidden, "draft"},
		{"labelled with another content", func() error { return r.label(r.expert, edited, rightLabel) }, knowledge.Conflict, "draft"},
		{"labelled", func() error { return r.label(r.expert, c, wrongLabel) }, "", "draft"},
		{"labelled by her again", func() error { return r.label(r.expert, c, rightLabel) }, "", "draft"},
		{"signed with one label", func() error { return r.ApproveCase(r.expert, c, now) }, knowledge.Conflict, "draft"},
		{"labelled by another", func() error { return r.label(r.editor, c, wrongLabel) }, "", "annotated"},
		{"changed after that", func() error { return r.label(r.expert, c, wrongLabel) }, knowledge.Conflict, "annotated"},
		{"brought again as it was", func() error { return r.label(r.expert, c, rightLabel) }, "", "annotated"},
		{"labelled by a third, who could have seen theirs", func() error { return r.label(r.editor2, c, wrongLabel) }, knowledge.Conflict, "annotated"},
		{"signed while they differ", func() error { return r.ApproveCase(r.expert2, c, now) }, knowledge.Conflict, "annotated"},
		{"settled by one of the two", func() error { return settle(r.editor, rightLabel, "理由") }, knowledge.Forbidden, "annotated"},
		{"settled by an author", func() error { return settle(r.author, rightLabel, "理由") }, knowledge.Forbidden, "annotated"},
		{"settled without a reason", func() error { return settle(r.expert2, rightLabel, "") }, knowledge.Invalid, "annotated"},
		{"settled", func() error { return settle(r.expert2, rightLabel, "理由") }, "", "adjudicated"},
		{"settled again", func() error { return settle(r.editor2, wrongLabel, "理由") }, knowledge.Conflict, "adjudicated"},
		{"labelled by a third", func() error { return r.label(r.editor2, c, wrongLabel) }, knowledge.Conflict, "adjudicated"},
		{"signed by an editor", func() error { return r.ApproveCase(r.editor, c, now) }, knowledge.Forbidden, "adjudicated"},
		{"signed by nobody", func() error { return r.ApproveCase(context.Background(), c, now) }, knowledge.Forbidden, "adjudicated"},
		{"another content signed", func() error { return r.ApproveCase(r.expert3, edited, now) }, knowledge.Conflict, "adjudicated"},
		{"locked unsigned", func() error { return r.LockCase(r.expert, c) }, knowledge.Conflict, "adjudicated"},
		{"signed by one who labelled it", func() error { return r.ApproveCase(r.expert, c, now) }, knowledge.Forbidden, "adjudicated"},
		{"signed by who settled it", func() error { return r.ApproveCase(r.expert2, c, now) }, knowledge.Forbidden, "adjudicated"},
		{"signed", func() error { return r.ApproveCase(r.expert3, c, now) }, "", "approved"},
		{"signed by her again", func() error { return r.ApproveCase(r.expert3, c, now) }, knowledge.Conflict, "approved"},
		{"locked", func() error { return r.LockCase(r.publisher, c) }, "", "locked"},
		{"signed when locked", func() error { return r.ApproveCase(r.expert2, c, now) }, knowledge.Conflict, "locked"},
		{"a new version", func() error { return add(next) }, "", "draft"},
		{"the old version signed", func() error { return r.ApproveCase(r.expert2, c, now) }, knowledge.Conflict, "draft"},
		{"the old version again", func() error { return add(c) }, knowledge.Conflict, "draft"},
	} {
		if err := step.do(); code(err) != step.want || step.want == "" && err != nil {
			t.Fatalf("%s: %v, want %q", step.what, err, step.want)
		}
		if got := r.status(t, "a"); got != step.status {
			t.Fatalf("%s: status %q, want %q", step.what, got, step.status)
		}
	}
	conn, err := pgx.Connect(context.Background(), r.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var told string
	if err := conn.QueryRow(context.Background(), `SELECT string_agg(action, ' ' ORDER BY seq) FROM audit_log WHERE action LIKE 'case%'`).Scan(&told); err != nil ||
		told != "cases.added cases.annotated cases.annotated cases.annotated case.adjudicated case.approved case.locked cases.added" {
		t.Errorf("the audit log tells of %s (%v)", told, err)
	}
}

// TestCaseAgreed: two who agree need no third; what they agree on has to be what the case expects.
func TestCaseAgreed(t *testing.T) {
	r := newReviewing(t)
	right, wrong := evalCase("right", 1), evalCase("wrong", 1)
	if _, err := r.AddCases(context.Background(), []cases.Case{right, wrong}, now); err != nil {
		t.Fatal(err)
	}
	for _, by := range []context.Context{r.expert, r.editor} {
		stored, same, err := r.Annotate(by, []cases.Annotation{{Case: wrong, Label: wrongLabel, Remark: "不对"}, {Case: right, Label: rightLabel}}, now)
		if err != nil || stored != 2 || same != 0 {
			t.Fatalf("%d stored, %d same: %v", stored, same, err)
		}
		if stored, same, err := r.Annotate(by, []cases.Annotation{{Case: right, Label: rightLabel}}, now); err != nil || stored != 0 || same != 1 {
			t.Errorf("the same again: %d stored, %d same: %v", stored, same, err)
		}
	}
	if err := r.Adjudicate(r.expert2, right, rightLabel, "理由", now); code(err) != knowledge.Conflict {
		t.Errorf("settled what nobody disputes: %v", err)
	}
	if err := r.ApproveCase(r.expert2, wrong, now); code(err) != knowledge.Conflict || !strings.Contains(err.Error(), "专家的结论和用例写的不同") {
		t.Errorf("signed a case that expects something else: %v", err)
	}
	if err := r.ApproveCase(r.expert2, right, now); err != nil {
		t.Error(err)
	}
	all, err := r.ReviewedCases(context.Background())
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	if signed, n := cases.SignedShare(cases.WithReviews([]cases.Case{right, wrong}, all)); signed != 1 || n != 2 {
		t.Errorf("%d of %d are signed", signed, n)
	}
	if !all[1].Wrong() || all[1].Given[0].Remark != "不对" || all[0].Signed[0].Institution != "某医院" {
		t.Errorf("%+v", all)
	}
	// one label that is refused keeps back all of its file
	fresh := evalCase("fresh", 1)
	if _, err := r.AddCases(context.Background(), []cases.Case{fresh}, now); err != nil {
		t.Fatal(err)
	}
	_, _, err = r.Annotate(r.expert, []cases.Annotation{{Case: fresh, Label: rightLabel}, {Case: wrong, Label: rightLabel}}, now)
	if code(err) != knowledge.Conflict || !strings.Contains(err.Error(), "wrong") {
		t.Errorf("a closed case was labelled again: %v", err)
	}
	all, _ = r.ReviewedCases(context.Background())
	if len(all[0].Given) != 0 {
		t.Error("half of a file was stored")
	}
}

// TestCaseMended: a case that the experts found wrong is mended without labelling it again, and has to be signed; one that asks something else
// begins anew.
func TestCaseMended(t *testing.T) {
	r := newReviewing(t)
	c := evalCase("a", 1)
	for _, step := range []struct {
		what   string
		edit   func()
		status string
		given  int
	}{
		{"as it was", func() {}, "annotated", 2},
		{"mended", func() {
			c.Version, c.Expect.Decision, c.Expect.Entries, c.Expect.Verdict = 2, "abstain", []string{}, ""
		}, "annotated", 2},
		{"with an entry that nobody saw", func() { c.Version, c.Expect.Wrong = 3, []string{"other"} }, "draft", 0},
	} {
		step.edit()
		if _, err := r.AddCases(context.Background(), []cases.Case{c}, now); err != nil {
			t.Fatal(err)
		}
		if c.Version == 1 {
			for _, by := range []context.Context{r.expert, r.editor} {
				if err := r.label(by, c, wrongLabel); err != nil {
					t.Fatal(err)
				}
			}
		}
		all, err := r.ReviewedCases(context.Background())
		if err != nil || len(all) != 1 || all[0].Status != step.status || len(all[0].Given) != step.given || len(all[0].Signed) != 0 {
			t.Fatalf("%s: %+v %v", step.what, all, err)
		}
		if c.Version == 2 {
			if err := r.ApproveCase(r.expert2, c, now); err != nil {
				t.Error(err)
			}
		}
	}
	c.Version, c.Expect.Wrong, c.Turns = 4, nil, []string{"问别的"}
	if _, err := r.AddCases(context.Background(), []cases.Case{c}, now); err != nil || r.status(t, "a") != "draft" {
		t.Errorf("other words: %s %v", r.status(t, "a"), err)
	}
}

// TestCaseStepsInSQL: whoever writes rows directly cannot leave out a step either.
func TestCaseStepsInSQL(t *testing.T) {
	r := newReviewing(t)
	c := evalCase("a", 1)
	if _, err := r.AddCases(context.Background(), []cases.Case{c}, now); err != nil {
		t.Fatal(err)
	}
	if err := r.label(r.expert, c, rightLabel); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(context.Background(), r.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, statement := range []string{
		`UPDATE case_versions SET status = 'annotated'`, `UPDATE case_versions SET status = 'adjudicated'`, `UPDATE case_versions SET status = 'approved'`,
		`UPDATE case_versions SET status = 'locked'`, `UPDATE case_versions SET status = 'void'`, `UPDATE case_versions SET expected = 'x'`,
		`UPDATE case_versions SET document = '{}'`, `DELETE FROM case_versions`, `DELETE FROM case_annotations`,
		`INSERT INTO case_versions (case_id, version, hash, document, expected, status, added_at) VALUES ('b', 1, sha256(''), '{}', '', 'approved', now())`,
		`INSERT INTO case_annotations SELECT case_id, version, sha256(''), (SELECT id FROM people WHERE login = 'editor'), label, judged, '', at FROM case_annotations`,
		`INSERT INTO case_annotations SELECT * FROM case_annotations`,
		`INSERT INTO case_approvals SELECT case_id, version, hash, person_id, 'x', 'x', 'x', at FROM case_annotations`,
	} {
		if _, err := conn.Exec(context.Background(), statement); err == nil {
			t.Errorf("done: %s", statement)
		}
	}
}

// TestLiveAnswers: what readers got, with what they said of it, and what waits for an answer.
func TestLiveAnswers(t *testing.T) {
	store := postgrestest.New(t)
	publish(t, store, entry("one", 1), onePassage())
	ctx := context.Background()
	reader, err := store.Reader(ctx, "web", "somebody")
	if err != nil {
		t.Fatal(err)
	}
	shown := []bot.Shown{{Ref: retrieval.Ref{ID: "one", Version: 1}, Score: .9, Quoted: true}}
	ask := func(message, filed string, at time.Time, a bot.Answered) int64 {
		a.Message, a.At, reader.Memory = message, at, bot.Memory{At: at}
		return mustKeep(t, store, bot.Turn{Reader: reader, Filed: filed, Answered: &a})
	}
	answered := ask("答了的", "", now, bot.Answered{Decision: retrieval.Sure, Shown: shown})
	ask("没答上的", "没答上的", now, bot.Answered{Decision: retrieval.Abstain})
	ask("早的", "", now.AddDate(0, 0, -40), bot.Answered{Decision: retrieval.Sure, Shown: shown})
	if reader, err = store.Reader(ctx, "web", "somebody"); err != nil {
		t.Fatal(err)
	}
	mustKeep(t, store, bot.Turn{Reader: reader, Feedback: &bot.Feedback{Answer: answered}})
	got, err := store.LiveAnswers(ctx, now.AddDate(0, 0, -30), 10)
	if err != nil || len(got) != 3 {
		t.Fatalf("%+v %v", got, err)
	}
	slices.SortFunc(got, func(a, b cases.Live) int {
		return cmp.Or(cmp.Compare(a.Decision, b.Decision), cmp.Compare(a.Asked, b.Asked))
	})
	if g := got[0]; g.Message != "没答上的" || g.Decision != "abstain" || len(g.Entries) != 0 || g.Topic != "" {
		t.Errorf("not answered: %+v", g)
	}
	if g := got[1]; g.Asked != 1 || g.Channel != "" {
		t.Errorf("a question that waits: %+v", g)
	}
	if g := got[2]; g.Message != "答了的" || !slices.Equal(g.Entries, []string{"one"}) || g.Verdict == "" || g.Topic == "" || g.Channel != "web" || g.Useful == nil || *g.Useful {
		t.Errorf("answered, and of no use: %+v", g)
	}
}
