package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

const day = 24 * time.Hour

// dueOn is when what publish published at now stops being served: rumours a year later.
var dueOn = now.AddDate(1, 0, 0)

// told are all notices: who, what, about which version.
func told(t testing.TB, dsn string) []string {
	t.Helper()
	return lines(t, dsn, `
		SELECT concat_ws(' ', p.login, n.kind, n.entry, n.version) FROM notices n JOIN people p ON p.id = n.person ORDER BY 1`)
}

// TestReminders: who signed is told 30 and 7 days before, each once, and not what is too far, over, in an emergency, or replaced.
func TestReminders(t *testing.T) {
	const at30, at7 = "editor review_due_30 one 1; expert review_due_30 one 1", "editor review_due_7 one 1; expert review_due_7 one 1"
	for _, c := range []struct {
		name string
		days []int // before the last day, one run each
		want string
	}{
		{"31 days before", []int{31}, ""},
		{"30 days before", []int{30}, at30},
		{"twice the same day", []int{30, 30}, at30},
		{"8 days before, told at 30", []int{30, 8}, at30},
		{"8 days before, the first run", []int{8}, at30},
		{"7 days before", []int{30, 8, 7}, at30 + "; " + at7},
		{"7 days before, the first run: the nearer one is enough", []int{7, 7}, at7},
		{"1 day before", []int{1}, at7},
		{"every day from 31", []int{31, 30, 29, 8, 7, 6, 1, 0, -1}, at30 + "; " + at7},
		{"on the last day it is not served any more", []int{0}, ""},
		{"after it", []int{-1}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dsn := postgrestest.DSN(t)
			store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
			publish(t, store, entry("one", 1), onePassage())
			for _, days := range c.days {
				if _, err := store.FileReminders(context.Background(), dueOn.Add(-time.Duration(days)*day)); err != nil {
					t.Fatal(err)
				}
			}
			got := told(t, dsn)
			want := strings.FieldsFunc(c.want, func(r rune) bool { return r == ';' })
			for i := range want {
				want[i] = strings.TrimSpace(want[i])
			}
			if slices.Sort(want); !slices.Equal(got, want) {
				t.Errorf("told %q, want %q", got, want)
			}
			// one row of the log for each kind
			if rows := lines(t, dsn, `SELECT detail ->> 'to' FROM audit_log WHERE action = 'reviewers.reminded'`); len(rows) != len(want)/2 {
				t.Errorf("the log says %q of %q", rows, want)
			}
		})
	}
}

// TestRemindersOnlyOfWhatIsServed: not of an emergency, a draft, what was withdrawn, or to who has no account any more; a new version begins anew.
func TestRemindersOnlyOfWhatIsServed(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	for _, id := range []string{"kept", "withdrawn", "renewed"} {
		publish(t, store, entry(id, 1), onePassage())
	}
	known, _ := hired.Load(store)
	s := known.(staff)
	version := submit(t, store, s, entry("urgent", 1), onePassage())
	for _, by := range []context.Context{s.publisher, s.publisher2} {
		if err := sign(by, store, entry("urgent", 1), version, knowledge.Publisher, "approve"); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Publish(s.publisher, "urgent", true, dueOn.Add(-20*day)); err != nil {
		t.Fatal(err)
	}
	if err := store.Withdraw(s.publisher, "withdrawn", "有误"); err != nil {
		t.Fatal(err)
	}
	if err := store.DisablePerson(ctx, "expert", now); err != nil {
		t.Fatal(err)
	}
	at := dueOn.Add(-20 * day)
	if _, err := store.FileReminders(ctx, at); err != nil {
		t.Fatal(err)
	}
	if got, want := told(t, dsn), []string{"editor review_due_30 kept 1", "editor review_due_30 renewed 1"}; !slices.Equal(got, want) {
		t.Fatalf("told %q, want %q", got, want)
	}
	editor, err := store.Person(ctx, "editor")
	if err != nil {
		t.Fatal(err)
	}
	open := func() (ids []string) {
		notices, err := store.Notices(ctx, editor.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range notices {
			ids = append(ids, string(n.Entry))
			if !n.Due.Equal(dueOn) || n.Title == "" || !n.At.Equal(at) || n.Line(at) == n.Line(dueOn) {
				t.Errorf("%+v", n)
			}
		}
		return ids
	}
	if got := open(); !slices.Equal(got, []string{"kept", "renewed"}) {
		t.Errorf("open: %q", got)
	}
	if due, err := store.Expiring(ctx, at.Add(knowledge.FirstReminder)); err != nil || len(due) != 3 || due[0].Entry.ID != "urgent" {
		t.Errorf("due: %+v, %v", due, err)
	}
	notices, _ := store.Notices(ctx, editor.ID, false)
	author, _ := store.Person(ctx, "author")
	for _, person := range []knowledge.PersonID{author.ID, editor.ID} { // somebody else's stays open
		if got := len(open()); got != 2 {
			t.Errorf("%d open before", got)
		}
		if err := store.ReadNotice(ctx, person, notices[0].ID, at); err != nil {
			t.Fatal(err)
		}
	}
	if got := open(); !slices.Equal(got, []string{"renewed"}) {
		t.Errorf("open after reading: %q", got)
	}
	if _, err := store.SaveDraft(s.author, entry("renewed", 2), onePassage(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Submit(s.author, "renewed"); err != nil {
		t.Fatal(err)
	}
	if err := sign(s.editor, store, entry("renewed", 2), 2, knowledge.Editor, "approve"); err != nil {
		t.Fatal(err)
	}
	if err := store.Publish(s.publisher, "renewed", false, at); err != nil {
		t.Fatal(err)
	}
	if got := open(); len(got) != 0 {
		t.Errorf("open after the new version: %q", got)
	}
	if all, err := store.Notices(ctx, editor.ID, true); err != nil || len(all) != 2 {
		t.Errorf("all: %+v, %v", all, err)
	}
}

// remindChild is the first argument of the test's own binary as a program that files reminders (TestMain).
const remindChild = "file-reminders"

func fileReminders(dsn, head string) error {
	ctx := context.Background()
	store, err := postgres.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.StartAudit(ctx, postgres.AuditConfig{Key: auditKey, HeadFile: head}); err != nil {
		return err
	}
	fmt.Println("filing")
	_, err = store.FileReminders(ctx, dueOn.Add(-30*day))
	return err
}

// TestRemindersSurviveKills: programs killed in the middle, several at once; in the end each is told once.
func TestRemindersSurviveKills(t *testing.T) {
	dsn := postgrestest.DSN(t)
	head := filepath.Join(t.TempDir(), "audit.head")
	store := audited(t, dsn, head, auditKey, nil)
	const entries = 60
	var want []string
	for i := range entries {
		e := entry(fmt.Sprintf("e%02d", i), i)
		publish(t, store, e, onePassage())
		want = append(want, "editor review_due_30 "+string(e.ID)+" 1", "expert review_due_30 "+string(e.ID)+" 1")
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	middle := 0
	for round := range 12 {
		before := len(told(t, dsn))
		cmd := exec.Command(own, remindChild, dsn, head)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = out.Read(make([]byte, 1))
		for end := time.Now().Add(time.Duration(round) * 100 * time.Millisecond); len(told(t, dsn)) == before && time.Now().Before(end); {
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if n := len(told(t, dsn)); n > before && n < len(want) {
			middle++
		}
	}
	if middle == 0 {
		t.Error("no kill came in the middle")
	}
	errs := make(chan error, 4)
	for range 4 {
		go func() { errs <- fileReminders(dsn, head) }()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	slices.Sort(want)
	if got := told(t, dsn); !slices.Equal(got, want) {
		t.Errorf("%d told, want %d: %q", len(got), len(want), got)
	}
	if rows := lines(t, dsn, `SELECT entry_id FROM audit_log WHERE action = 'reviewers.reminded' ORDER BY 1`); len(rows) != entries || len(slices.Compact(rows)) != entries {
		t.Errorf("the log tells of %d", len(rows))
	}
	if report := verify(t, store); len(report.Broken) > 0 {
		t.Errorf("%+v", report)
	}
}

// TestJobs: several programs with the same database remind once, stop cleanly, and go on after their connections were cut.
func TestJobs(t *testing.T) {
	dsn := postgrestest.DSN(t)
	head := filepath.Join(t.TempDir(), "audit.head")
	store := audited(t, dsn, head, auditKey, nil)
	for i := range 5 {
		publish(t, store, entry(fmt.Sprintf("e%d", i), i), onePassage())
	}
	ignore := goleak.IgnoreCurrent()
	jobs := postgres.Jobs{Now: func() time.Time { return dueOn.Add(-6 * day) }, Log: slog.New(slog.DiscardHandler)}
	var stops []func()
	for range 3 {
		begin := time.Now()
		stop, err := store.StartJobs(context.Background(), jobs)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("starting took %s", took)
		}
		stops = append(stops, stop)
	}
	waitFor(t, "the reminders", func() bool { return len(told(t, dsn)) == 10 })
	publish(t, store, entry("later", 9), onePassage())
	cut := `SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
	if n := len(lines(t, dsn, cut)); n < 3 {
		t.Errorf("%d connections cut", n)
	}
	lines(t, dsn, `INSERT INTO river_job (args, kind, max_attempts, state, queue) VALUES ('{}', 'remind_reviewers', 25, 'available', 'default') RETURNING kind::text`)
	waitFor(t, "the reminders after the cut", func() bool { return len(told(t, dsn)) == 12 })
	begin := time.Now()
	for _, stop := range stops {
		stop()
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("stopping took %s", took)
	}
	if got := told(t, dsn); len(got) != 12 || len(slices.Compact(got)) != 12 {
		t.Errorf("told %q", got)
	}
	if err := goleak.Find(ignore); err != nil {
		t.Error(err)
	}
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
