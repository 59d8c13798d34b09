package postgres_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
	"qiuzhen/postgres/postgrestest"
)

const foreignAlert = `<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>ID</identifier><sender>warn@weather.example</sender><sent>2026-08-01T09:30:00+08:00</sent>
<status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info><language>zh-CN</language><category>Met</category><event>台风</event><urgency>Expected</urgency>
<severity>Severe</severity><certainty>Likely</certainty><senderName>省气象台</senderName><headline>台风今晚到</headline><description>有大风大雨。</description>
<area><areaDesc>沿海各县</areaDesc></area></info></alert>`

// TestForeignAlert: what another system sends is a draft once; it is not submitted before somebody names its areas, by whatever way; and its cancel
// is of the broadcast that was made from it.
func TestForeignAlert(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	s := hire(t, store)
	conn := connect(t, ctx, dsn)
	mustExec(t, ctx, conn, `INSERT INTO readers (channel, name, seen_at, wishes) VALUES ('telegram', 'rudong', now(), '{"sent": {"county": "320623"}}')`)
	read := func(xml string) (knowledge.Broadcast, error) {
		return broadcast.FromCAP(ctx, []byte(strings.Replace(xml, "ID", "W-1", 1)), store, time.Now())
	}
	in, err := read(foreignAlert)
	must(t, err)
	b := drafted(t, store, s.author, in)
	if b.State != knowledge.BroadcastDraft || b.Content.Origin != "warn@weather.example,W-1,2026-08-01T09:30:00+08:00" || len(b.Content.Notes) != 3 || b.Content.Source != "省气象台" {
		t.Fatalf("%+v", b)
	}
	if history, err := store.BroadcastHistory(ctx, b.Identifier); err != nil || len(history) != 1 || !strings.Contains(history[0].Detail, b.Content.Origin) {
		t.Errorf("%+v, %v", history, err)
	}
	if _, err := read(foreignAlert); code(err) != knowledge.Conflict {
		t.Errorf("read again: %v", err)
	}
	if _, err := store.DraftBroadcast(s.author, in); code(err) != knowledge.Conflict || !strings.Contains(err.Error(), "已经收过") {
		t.Errorf("stored again, by two at a time: %v", err)
	}

	if reach, err := store.PreviewBroadcast(ctx, b); err != nil || len(reach) > 0 {
		t.Errorf("without areas it reaches %v, %v", reach, err)
	}
	if err := store.SubmitBroadcast(s.author, b.ID, b.Hash); code(err) != knowledge.Invalid || !strings.Contains(err.Error(), "沿海各县") {
		t.Errorf("submitted without areas: %v", err)
	}
	if _, err := conn.Exec(ctx, `UPDATE broadcasts SET state = 'submitted', submitted_by = 1 WHERE id = $1`, b.ID); err == nil {
		t.Error("submitted without areas, by bare SQL")
	}
	b.Content.Headline, b.Content.Origin, b.Content.Notes, b.Audience.Unplaced = "台风今晚到，关好门窗", "", nil, ""
	must(t, store.EditBroadcast(s.author, b))
	if b = stored(t, store, b.ID); b.Audience.Unplaced == "" || b.Content.Origin == "" || len(b.Content.Notes) == 0 {
		t.Errorf("an edit forgets %+v", b)
	}
	b.Audience.Areas = []string{"320623"}
	must(t, store.EditBroadcast(s.author, b))
	b = stored(t, store, b.ID)
	if reach, err := store.PreviewBroadcast(ctx, b); err != nil || len(reach) != 1 {
		t.Errorf("%v, %v", reach, err)
	}
	must(t, store.SubmitBroadcast(s.author, b.ID, b.Hash))
	must(t, store.ApproveBroadcast(s.publisher, b.ID, b.Hash, knowledge.ActualPhrase))
	if public, err := store.PublicBroadcasts(ctx, 9); err != nil || len(public) > 0 {
		t.Errorf("public before it was begun: %v, %v", public, err)
	}
	if _, err := store.PublicBroadcast(ctx, b.Identifier); code(err) != knowledge.NotFound {
		t.Errorf("public before it was begun: %v", err)
	}
	must(t, store.Begin(ctx, b.ID))
	if public, err := store.PublicBroadcasts(ctx, 9); err != nil || len(public) != 1 || public[0].ID != b.ID {
		t.Errorf("%v, %v", public, err)
	}

	cancel := strings.Replace(strings.Replace(foreignAlert, "<msgType>Alert", "<msgType>Cancel", 1), "<info>", "<references>"+b.Content.Origin+"</references><info>", 1)
	in, err = broadcast.FromCAP(ctx, []byte(strings.Replace(cancel, "ID", "W-2", 1)), store, time.Now())
	must(t, err)
	if stop := drafted(t, store, s.author, in); stop.Type != knowledge.Cancel || stop.References != b.ID || stop.State != knowledge.BroadcastDraft {
		t.Errorf("%+v", stop)
	}
}

// TestForeignAlertGivenUp can be read again.
func TestForeignAlertGivenUp(t *testing.T) {
	store := postgrestest.New(t)
	s := hire(t, store)
	for range 2 {
		in, err := broadcast.FromCAP(t.Context(), []byte(strings.Replace(foreignAlert, "ID", "W-1", 1)), store, time.Now())
		must(t, err)
		must(t, store.CancelBroadcast(s.author, drafted(t, store, s.author, in).ID, "不发"))
	}
}

// TestForeignExercise: what was made from another system's exercise does not become real, by whatever way, and an edit forgets nothing of where it is from.
func TestForeignExercise(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
	s := hire(t, store)
	conn := connect(t, ctx, dsn)
	in, err := broadcast.FromCAP(ctx, []byte(strings.NewReplacer("ID", "W-1", "<status>Actual", "<status>Exercise").Replace(foreignAlert)), store, time.Now())
	must(t, err)
	real := in
	real.Exercise = false
	if _, err := store.DraftBroadcast(s.author, real); code(err) != knowledge.Invalid || !strings.Contains(err.Error(), "不能改成实发") {
		t.Errorf("drafted as real: %v", err)
	}
	b := drafted(t, store, s.author, in)
	if len(b.Content.Notes) == 0 || !strings.Contains(b.Content.Notes[0], "原文是演练") {
		t.Errorf("the approver is not told: %q", b.Content.Notes)
	}
	for name, change := range map[string]func(*knowledge.Broadcast){
		"made real": func(b *knowledge.Broadcast) { b.Exercise = false },
		"made real, without a trace": func(b *knowledge.Broadcast) {
			b.Exercise, b.Content.Origin, b.Content.OriginExercise = false, "", false
		},
	} {
		edit := b
		change(&edit)
		if err := store.EditBroadcast(s.author, edit); code(err) != knowledge.Invalid || !strings.Contains(err.Error(), "不能改成实发") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct{ was, will, rule string }{
		"made real":        {`"exercise":true`, `"exercise":false`, "broadcast_foreign_exercise_stays"},
		"not an exercise":  {`"origin_exercise":true,`, ``, "broadcast_origin_stays"},
		"from nowhere":     {`"origin":"warn@weather.example`, `"origin":"x@weather.example`, "broadcast_origin_stays"},
		"nothing to check": {`原文是演练`, `原文是真的`, "broadcast_origin_stays"},
	} {
		_, err := conn.Exec(ctx, `UPDATE broadcasts SET document = replace(replace(document, $2, $3), '【演练】', CASE WHEN $2 ~ '"exercise"' THEN '' ELSE '【演练】' END), edited_by = $4 WHERE id = $1`,
			b.ID, c.was, c.will, knowledge.ActorOf(s.author).Person)
		if err == nil || !strings.Contains(err.Error(), "came from somewhere else") && !strings.Contains(err.Error(), c.rule) {
			t.Errorf("%s, by bare SQL: %v", name, err)
		}
	}
	if is := stored(t, store, b.ID); is.Hash != b.Hash || is.Revision != b.Revision {
		t.Errorf("it was changed: %+v", is)
	}
	b.Content.Description = "改过的"
	must(t, store.EditBroadcast(s.author, b))
}
