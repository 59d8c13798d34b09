package postgres_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// flood is a broadcast that may be submitted.
func flood(exercise bool) knowledge.Broadcast {
	return knowledge.Broadcast{
		Type: knowledge.Alert, Exercise: exercise, Expires: time.Now().Add(6 * time.Hour),
		Content: knowledge.BroadcastContent{
			Event: "洪水", Category: "Met", Response: "Evacuate", Urgency: "Immediate", Severity: "Severe", Certainty: "Observed",
			Headline: "洪水要来，现在就往高处走", Description: "上游开闸，水会涨。", Instruction: "带上药和手机\n不要走桥", Source: "如东县防汛指挥部",
		},
		Audience: knowledge.Audience{Areas: []string{"320623"}},
	}
}

// drafted stores the broadcast and returns it as stored.
func drafted(t testing.TB, store *postgres.Store, by context.Context, b knowledge.Broadcast) knowledge.Broadcast {
	t.Helper()
	id, err := store.DraftBroadcast(by, b)
	if err != nil {
		t.Fatal(err)
	}
	return stored(t, store, id)
}

func stored(t testing.TB, store *postgres.Store, id int64) knowledge.Broadcast {
	t.Helper()
	b, err := store.Broadcast(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// approvedOne is a broadcast that may be begun.
func approvedOne(t testing.TB, store *postgres.Store, s staff, b knowledge.Broadcast) knowledge.Broadcast {
	t.Helper()
	b = drafted(t, store, s.author, b)
	if err := store.SubmitBroadcast(s.author, b.ID, b.Hash); err != nil {
		t.Fatal(err)
	}
	if err := store.ApproveBroadcast(s.publisher, b.ID, b.Hash, knowledge.ActualPhrase); err != nil {
		t.Fatal(err)
	}
	return stored(t, store, b.ID)
}

func begun(t testing.TB, store *postgres.Store, s staff, b knowledge.Broadcast) knowledge.Broadcast {
	t.Helper()
	b = approvedOne(t, store, s, b)
	if err := store.Begin(context.Background(), b.ID); err != nil {
		t.Fatal(err)
	}
	return stored(t, store, b.ID)
}

// TestBroadcastLife walks a broadcast through its life and shows at each step what is refused.
func TestBroadcastLife(t *testing.T) {
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	s := hire(t, store)
	both := hireOne(t, store, "both", knowledge.Author, knowledge.Publisher)
	b := drafted(t, store, both, flood(false))
	want := func(what string, err error, code_ knowledge.Code, says string) {
		t.Helper()
		if code(err) != code_ || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", what, err)
		}
	}
	want("submitted by nobody", store.SubmitBroadcast(context.Background(), b.ID, b.Hash), knowledge.Forbidden, "登录")
	want("submitted by an expert", store.SubmitBroadcast(s.expert, b.ID, b.Hash), knowledge.Forbidden, "角色")
	want("approved as a draft", store.ApproveBroadcast(s.publisher, b.ID, b.Hash, knowledge.ActualPhrase), knowledge.Conflict, "不是等人核准")
	want("submitted unseen", store.SubmitBroadcast(both, b.ID, [32]byte{1}), knowledge.Conflict, "又改了")
	must(t, store.SubmitBroadcast(s.author, b.ID, b.Hash))
	want("approved by its writer", store.ApproveBroadcast(both, b.ID, b.Hash, knowledge.ActualPhrase), knowledge.Forbidden, "另一个人")
	want("approved by no publisher", store.ApproveBroadcast(s.editor, b.ID, b.Hash, knowledge.ActualPhrase), knowledge.Forbidden, "角色")
	want("approved unseen", store.ApproveBroadcast(s.publisher, b.ID, [32]byte{1}, knowledge.ActualPhrase), knowledge.Conflict, "又改了")
	want("approved without typing", store.ApproveBroadcast(s.publisher, b.ID, b.Hash, "好"), knowledge.Invalid, "实际发布")
	must(t, store.ApproveBroadcast(s.publisher, b.ID, b.Hash, b.Content.Headline))
	b = stored(t, store, b.ID)

	drill := b
	drill.Exercise = true
	must(t, store.EditBroadcast(s.editor, drill)) // voids
	b = stored(t, store, b.ID)
	if b.State != knowledge.BroadcastDraft || b.ApprovedBy != 0 || b.Revision != 2 || len(b.Editors) != 3 {
		t.Fatalf("after an edit: %+v", b)
	}
	want("an edit of what somebody changed", store.EditBroadcast(s.editor, drill), knowledge.Conflict, "第2稿")
	if err := store.Begin(context.Background(), b.ID); err == nil {
		t.Fatal("a void approval begins")
	}
	must(t, store.SubmitBroadcast(s.author, b.ID, b.Hash))
	want("approved by the writer of an earlier revision", store.ApproveBroadcast(both, b.ID, b.Hash, ""), knowledge.Forbidden, "另一个人")
	must(t, store.ReturnBroadcast(s.publisher, b.ID, "写清楚哪里"))
	must(t, store.SubmitBroadcast(s.author, b.ID, b.Hash))
	must(t, store.ApproveBroadcast(s.publisher, b.ID, b.Hash, "")) // an exercise needs no typing
	must(t, store.Begin(context.Background(), b.ID))
	b = stored(t, store, b.ID)
	want("an edit of what is being sent", store.EditBroadcast(s.editor, flood2(b)), knowledge.Conflict, "更正")
	must(t, store.PauseBroadcast(s.author, b.ID))
	want("resumed by no publisher", store.ResumeBroadcast(s.author, b.ID), knowledge.Forbidden, "角色")
	must(t, store.ResumeBroadcast(s.publisher, b.ID))
	want("stopped by no publisher", store.CancelBroadcast(s.author, b.ID, "错了"), knowledge.Forbidden, "角色")
	want("stopped for no reason", store.CancelBroadcast(s.publisher, b.ID, " "), knowledge.Invalid, "原因")
	must(t, store.CancelBroadcast(s.publisher, b.ID, "水退了"))
	want("resumed when it ended", store.ResumeBroadcast(s.publisher, b.ID), knowledge.Conflict, "没有暂停")

	history, err := store.BroadcastHistory(context.Background(), b.Identifier)
	must(t, err)
	var did []string
	for _, h := range history {
		did = append(did, strings.TrimPrefix(h.What, "broadcast."))
	}
	if got := strings.Join(did, " "); got != "drafted submitted approved edited submitted returned submitted approved paused resumed cancelled" {
		t.Errorf("the log tells: %s", got)
	}
}

func flood2(b knowledge.Broadcast) knowledge.Broadcast {
	b.Content.Headline = "洪水退了"
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestDatabaseRefuses: whoever asks the database itself, in whatever order.
func TestDatabaseRefuses(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(ctx, dsn)
	must(t, err)
	t.Cleanup(store.Close)
	s := hire(t, store)
	person := func(login string) string {
		return `(SELECT id FROM people WHERE login = '` + login + `')`
	}
	sign := func(who string) string {
		return `INSERT INTO broadcast_approvals (broadcast_id, revision, hash, person_id, typed, at) SELECT id, revision, hash, ` + person(who) + `, '实际发布', now() FROM broadcasts WHERE id = $1`
	}
	draft := func() int64 { return drafted(t, store, s.author, flood(false)).ID }
	submitted := func() int64 {
		b := drafted(t, store, s.author, flood(false))
		must(t, store.SubmitBroadcast(s.author, b.ID, b.Hash))
		return b.ID
	}
	both := hireOne(t, store, "both", knowledge.Author, knowledge.Publisher)
	ofBoth := func() int64 {
		b := drafted(t, store, both, flood(false))
		must(t, store.SubmitBroadcast(s.author, b.ID, b.Hash))
		return b.ID
	}
	submittedByBoth := func() int64 {
		b := drafted(t, store, s.author, flood(true))
		must(t, store.SubmitBroadcast(both, b.ID, b.Hash))
		return b.ID
	}
	approved := func() int64 { return approvedOne(t, store, s, flood(false)).ID }
	sending := func() int64 { return begun(t, store, s, flood(false)).ID }
	conn := connect(t, ctx, dsn)
	for _, c := range []struct {
		of         func() int64
		sql, rule_ string
	}{
		{draft, `UPDATE broadcasts SET state = 'sending' WHERE id = $1`, "broadcast_step_known"},
		{draft, `UPDATE broadcasts SET state = 'approved' WHERE id = $1`, "broadcast_approval_is_signed"},
		{draft, `UPDATE broadcasts SET state = 'submitted' WHERE id = $1`, "broadcast_submitted_by_person"},
		{draft, `DELETE FROM broadcasts WHERE id = $1`, "broadcast_stays"},
		{draft, `UPDATE broadcasts SET document = replace(document, '洪水要来', '【演练】洪水要来') WHERE id = $1`, "broadcast_exercise_says_so"},
		{draft, `UPDATE broadcasts SET document = replace(document, '"exercise":false', '"exercise":true') WHERE id = $1`, "broadcast_exercise_says_so"},
		{draft, `UPDATE broadcasts SET identifier = 'x' WHERE id = $1`, "broadcast_stays"},
		{submitted, `UPDATE broadcasts SET approved_by = ` + person("publisher") + `, approved_hash = hash WHERE id = $1`, "broadcast_approval_is_signed"},
		{submitted, `UPDATE broadcasts SET state = 'sending' WHERE id = $1`, "broadcast_step_known"},
		{submitted, `UPDATE broadcasts SET submitted_by = ` + person("editor") + ` WHERE id = $1`, "broadcast_stays"},
		{approved, `UPDATE broadcasts SET submitted_by = ` + person("editor") + ` WHERE id = $1`, "broadcast_stays"},
		{ofBoth, sign("both"), "approval_not_by_editor"},
		{submittedByBoth, sign("both"), "approval_not_by_editor"},
		{submitted, sign("author"), "approval_by_publisher"},
		{submitted, `UPDATE broadcasts SET edited_by = NULL WHERE id = $1`, "broadcast_stays"},
		{approved, `UPDATE broadcasts SET approved_at = now() + interval '1 day' WHERE id = $1`, "broadcast_approval_is_signed"},
		{approved, `UPDATE broadcasts SET state = 'expired' WHERE id = $1`, "broadcast_step_known"},
		{approved, `UPDATE broadcasts SET state = 'sending', document = replace(document, '不要走桥', '走桥') WHERE id = $1 RETURNING 1/(state = 'sending')::int`, ""},
		{approved, sign("publisher2"), "approval_of_submitted"},
		{sending, `UPDATE broadcasts SET document = replace(document, '不要走桥', '走桥') WHERE id = $1`, "broadcast_begun_is_immutable"},
		{sending, `UPDATE broadcasts SET state = 'draft' WHERE id = $1`, "broadcast_step_known"},
		{sending, `UPDATE broadcast_approvals SET typed = '' WHERE broadcast_id = $1`, "approval_stays"},
		{sending, `DELETE FROM broadcast_approvals WHERE broadcast_id = $1`, "approval_stays"},
		{sending, `INSERT INTO broadcasts (identifier, document) SELECT 'copy', replace(replace(document, '"Alert"', '"Cancel"'), '"references":0', '"references":' || id) FROM broadcasts WHERE id = $1`,
			"broadcast_correction_has_no_audience"},
		{draft, `INSERT INTO broadcasts (identifier, document) SELECT 'copy', replace(replace(replace(document, '["320623"]', '[]'), '"Alert"', '"Cancel"'), '"references":0', '"references":' || id) FROM broadcasts WHERE id = $1`,
			"broadcast_corrects_what_was_sent"},
	} {
		_, err := conn.Exec(ctx, c.sql, c.of())
		if got := ruleOf(err); got != c.rule_ || err == nil {
			t.Errorf("%.80s: %v, want %s", c.sql, err, c.rule_)
		}
	}
	// hands on the editors and the time do nothing
	id := approved()
	mustExec(t, ctx, conn, fmt.Sprintf(`UPDATE broadcasts SET editors = '{}', begun_at = now(), revision = 7 WHERE id = %d`, id))
	if b := stored(t, store, id); len(b.Editors) != 1 || !b.BegunAt.IsZero() || b.Revision != 1 || b.State != knowledge.BroadcastApproved {
		t.Errorf("%+v", b)
	}
	// an edit with a bare statement voids the approval
	mustExec(t, ctx, conn, fmt.Sprintf(`UPDATE broadcasts SET document = replace(document, '不要走桥', '走桥') WHERE id = %d`, id))
	if b := stored(t, store, id); b.State != knowledge.BroadcastDraft || b.ApprovedBy != 0 {
		t.Errorf("%+v", b)
	}
}

// ruleOf is the rule that was broken.
func ruleOf(err error) string { return postgres.Constraint(err) }

// age makes everything of a broadcast older, as a clock does that is put forward by so much.
func age(t *testing.T, dsn string, id int64, by time.Duration) {
	t.Helper()
	ctx := context.Background()
	conn := connect(t, ctx, dsn)
	mustExec(t, ctx, conn, fmt.Sprintf(`
		SET session_replication_role = replica;
		CREATE TEMP TABLE aged AS
		  SELECT id, (document::jsonb || jsonb_build_object('send_at', send_at - i, 'expires', expires_at - i))::text AS document, approved_at - i AS approved_at,
		         send_at - i AS send_at, expires_at - i AS expires_at
		    FROM broadcasts, make_interval(secs => %f) i WHERE id = %d;
		UPDATE broadcasts b SET document = a.document, hash = sha256(convert_to(a.document, 'UTF8')), approved_hash = sha256(convert_to(a.document, 'UTF8')),
		       approved_at = a.approved_at, send_at = a.send_at, expires_at = a.expires_at FROM aged a WHERE a.id = b.id`, by.Seconds(), id))
}

// TestApprovalLapses: two hours after it was given, or after the hour that was approved, by the database's clock; a clock stepped by an hour does not end it, nor let it live.
func TestApprovalLapses(t *testing.T) {
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(context.Background(), dsn)
	must(t, err)
	t.Cleanup(store.Close)
	s := hire(t, store)
	later := flood(false)
	later.SendAt, later.Expires = time.Now().Add(3*time.Hour), time.Now().Add(9*time.Hour)
	for _, c := range []struct {
		name string
		b    knowledge.Broadcast
		step time.Duration
		rule string
	}{
		{"at once", flood(false), 0, ""},
		{"a clock an hour ahead", flood(false), time.Hour, ""},
		{"two hours ahead", flood(false), 2 * time.Hour, "失效"},
		{"an hour back", flood(false), -time.Hour, "失效"},
		{"after its last hour", flood(false), 6 * time.Hour, "已经过了"},
		{"before its hour", later, time.Hour, "还没到"},
		{"at its hour", later, 3*time.Hour + time.Minute, ""},
		{"two hours after its hour", later, 5*time.Hour + time.Minute, "失效"},
	} {
		b := approvedOne(t, store, s, c.b)
		age(t, dsn, b.ID, c.step)
		changed, err := store.SettleBroadcasts(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		err = store.Begin(context.Background(), b.ID)
		if (err == nil) != (c.rule == "") || changed == 1 != (c.rule == "失效" || c.rule == "已经过了") {
			t.Errorf("%s: %v, %d settled", c.name, err, changed)
		}
	}
	// what lapsed is approved anew, also before anybody has settled it
	b := approvedOne(t, store, s, flood(false))
	age(t, dsn, b.ID, 2*time.Hour)
	if err := store.Begin(context.Background(), b.ID); code(err) != knowledge.Conflict || !strings.Contains(err.Error(), "失效") {
		t.Fatal(err)
	}
	b = stored(t, store, b.ID)
	must(t, store.ApproveBroadcast(s.publisher2, b.ID, b.Hash, knowledge.ActualPhrase))
}

// TestCorrections: only what was sent is corrected, by its own kind, and to nobody else.
func TestCorrections(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	original := begun(t, store, s, flood(false))
	correct := func(of int64, typ knowledge.MsgType, exercise bool) knowledge.Broadcast {
		b := flood(exercise)
		b.Type, b.References, b.Audience, b.Content.Reason = typ, of, knowledge.Audience{}, "水位看错了"
		return b
	}
	update := begun(t, store, s, correct(original.ID, knowledge.Update, false))
	stop := begun(t, store, s, correct(update.ID, knowledge.Cancel, false))
	waiting := approvedOne(t, store, s, flood(false))
	drill := correct(original.ID, knowledge.Update, true)
	wide := correct(original.ID, knowledge.Update, false)
	wide.Audience.Areas = []string{"320623"}
	for what, b := range map[string]knowledge.Broadcast{
		"of what was not sent": correct(waiting.ID, knowledge.Cancel, false), "of a cancel": correct(stop.ID, knowledge.Update, false),
		"of another kind": drill, "of nothing": correct(0, knowledge.Cancel, false), "of what is not there": correct(9999, knowledge.Cancel, false),
		"to others": wide,
	} {
		if _, err := store.DraftBroadcast(s.author, b); code(err) == "" {
			t.Errorf("a correction %s: %v", what, err)
		}
	}
	if got, err := store.Corrections(context.Background(), original.ID); err != nil || len(got) != 1 || got[0].ID != update.ID {
		t.Errorf("corrections: %v, %v", got, err)
	}
}

// TestBroadcastOfEntry: it is sent while the version that it was made from is published, and no longer.
func TestBroadcastOfEntry(t *testing.T) {
	store := postgrestest.New(t)
	publish(t, store, entry("one", 1), onePassage())
	known, _ := hired.Load(store)
	s := known.(staff)
	b := flood(false)
	b.Content.Entry, b.Content.Version = "one", 1
	first, second := approvedOne(t, store, s, b), drafted(t, store, s.author, b)
	must(t, store.SubmitBroadcast(s.author, second.ID, second.Hash))
	must(t, store.Withdraw(s.publisher, "one", "有误"))
	if err := store.Begin(context.Background(), first.ID); code(err) != knowledge.Conflict || !strings.Contains(err.Error(), "撤下") {
		t.Errorf("begun on a withdrawn entry: %v", err)
	}
	if err := store.ApproveBroadcast(s.publisher, second.ID, second.Hash, knowledge.ActualPhrase); code(err) != knowledge.Conflict {
		t.Errorf("approved on a withdrawn entry: %v", err)
	}
}

// TestSubmitWantsAll complains of all at once.
func TestSubmitWantsAll(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	b := flood(false)
	b.Content.Headline, b.Content.Source, b.Content.Instruction = "", "", "去〔写：哪里〕"
	b.Content.Description = strings.Repeat("长", 5000)
	b = drafted(t, store, s.author, b)
	err := store.SubmitBroadcast(s.author, b.ID, b.Hash)
	for _, says := range []string{"第一句话", "谁说的", "〔写：哪里〕", "Telegram的文字太长", "短信和大喇叭"} {
		if code(err) != knowledge.Invalid || !strings.Contains(err.Error(), says) {
			t.Errorf("not told %s: %.300v", says, err)
		}
	}
}
