package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/web"
	"qiuzhen/bot/wechat"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestAudience: who gets what, in SQL.
func TestAudience(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(ctx, dsn)
	must(t, err)
	t.Cleanup(store.Close)
	s := hire(t, store)
	conn := connect(t, ctx, dsn)
	mustExec(t, ctx, conn, `
		INSERT INTO readers (channel, name, seen_at, wishes, gone_at, blocked_at, exercise_at) VALUES
		('telegram', 'rudong', now(), '{"sent": {"county": "320623", "age": "老人"}}', NULL, NULL, now()),
		('telegram', 'haian', now(), '{"sent": {"county": "320685", "topics": ["fraud"]}}', NULL, NULL, NULL),
		('wechat', 'nantong', now(), '{"sent": {"county": "320600", "age": "学生"}}', NULL, NULL, NULL),
		('wechat', 'jiangsu', now(), '{"sent": {"county": "320000", "topics": []}}', NULL, NULL, NULL),
		('telegram', 'nowhere', now(), '{"sent": {}}', NULL, NULL, NULL),
		('telegram', 'nanjing', now(), '{"sent": {"county": "320102"}}', NULL, NULL, NULL),
		('telegram', 'silent', now(), '{}', NULL, NULL, now()),
		('telegram', 'gone', now(), '{"sent": {"county": "320623"}}', now(), NULL, now()),
		('telegram', 'blocked', now(), '{"sent": {"county": "320623"}}', NULL, now(), now()),
		('web', 'page', now(), '{"sent": {"county": "320623"}}', NULL, NULL, now());
		INSERT INTO endpoints (channel, recipient, county, topics, groups, exercise_at) VALUES
		('wecom', 'rudong-grid', '320623', '{}', '{}', now()), ('webhook', 'town-horn', '320623104', '{disaster}', '{}', NULL),
		('email', 'farmers@example.org', '320600', '{}', '{农民}', NULL)`)
	at := func(areas ...string) knowledge.Audience { return knowledge.Audience{Areas: areas} }
	for _, c := range []struct {
		name     string
		a        knowledge.Audience
		exercise bool
		want     string
	}{
		{"everywhere", knowledge.Audience{}, false, "farmers@example.org haian jiangsu nanjing nantong nowhere rudong rudong-grid town-horn"},
		{"one county", at("320623"), false, "rudong rudong-grid town-horn"},
		{"one city", at("320600"), false, "farmers@example.org haian jiangsu nantong nowhere rudong rudong-grid town-horn"},
		{"a province", at("320000"), false, "farmers@example.org haian jiangsu nanjing nantong nowhere rudong rudong-grid town-horn"},
		{"another city", at("320100"), false, "jiangsu nanjing nowhere"},
		{"a town", at("320623104"), false, "rudong rudong-grid town-horn"},
		{"another town", at("320623105"), false, "rudong rudong-grid"},
		{"two counties", at("320623", "320685"), false, "haian rudong rudong-grid town-horn"},
		{"another province", at("310000"), false, "nowhere"},
		{"fraud", knowledge.Audience{Topics: []knowledge.Topic{"fraud"}}, false, "farmers@example.org haian jiangsu nanjing nantong nowhere rudong rudong-grid"},
		{"health", knowledge.Audience{Topics: []knowledge.Topic{"health"}, Channels: []string{"telegram"}}, false, "nanjing nowhere rudong"},
		{"old people", knowledge.Audience{Groups: []string{"老人"}}, false, "rudong rudong-grid town-horn"},
		{"farmers", knowledge.Audience{Groups: []string{"农民", "学生"}}, false, "farmers@example.org nantong rudong-grid town-horn"},
		{"an exercise", knowledge.Audience{}, true, "rudong rudong-grid"},
		{"an exercise elsewhere", at("320685"), true, ""},
	} {
		b := flood(c.exercise)
		b.Audience = c.a
		b = drafted(t, store, s.author, b)
		if got := recipients(t, conn, b); strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s, want %s", c.name, strings.Join(got, " "), c.want)
		}
		if b.Exercise {
			b.Exercise = false // whatever a caller makes of it, the stored one decides
			if got := recipients(t, conn, b); strings.Join(got, " ") != c.want {
				t.Errorf("%s, not told so: %s", c.name, strings.Join(got, " "))
			}
		}
	}
	b := flood(false)
	b.Type = knowledge.Update
	if got := recipients(t, conn, b); len(got) > 0 {
		t.Errorf("an update goes to %s", got)
	}
	b = flood(false)
	b.Audience = at("320600")
	reach, err := store.PreviewBroadcast(ctx, b)
	must(t, err)
	if got := fmt.Sprint(reach); got != "[{email 320600 1 0 0} {telegram  1 0 0} {telegram 320623 1 0 0} {telegram 320685 1 0 0} {webhook 320623104 1 0 0} {wechat 320000 1 0 0} {wechat 320600 1 0 0} {wecom 320623 1 0 0}]" {
		t.Error(got)
	}
}

func recipients(t *testing.T, conn *pgx.Conn, b knowledge.Broadcast) []string {
	t.Helper()
	sql, args := postgres.AudienceSelect(b)
	rows, err := conn.Query(context.Background(), `SELECT recipient FROM (`+sql+`) a`, args...)
	must(t, err)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	slices.Sort(got)
	return got
}

// TestAudienceOfFormerCodes: who subscribed, or was registered, under a code that was given up since is found by its present one and the other
// way round, and counted with its county.
func TestAudienceOfFormerCodes(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(ctx, dsn)
	must(t, err)
	t.Cleanup(store.Close)
	conn := connect(t, ctx, dsn)
	mustExec(t, ctx, conn, `
		INSERT INTO readers (channel, name, seen_at, wishes) VALUES
		('telegram', 'chongchuan', now(), '{"sent": {"county": "320613"}}'), ('telegram', 'old-chongchuan', now(), '{"sent": {"county": "320602"}}'),
		('telegram', 'gangzha', now(), '{"sent": {"county": "320611"}}'), ('telegram', 'haimen', now(), '{"sent": {"county": "320684"}}');
		INSERT INTO endpoints (channel, recipient, county) VALUES ('wecom', 'old-town', '320602001')`)
	for areas, want := range map[string]string{
		"320613": "chongchuan gangzha old-chongchuan old-town", "320602": "chongchuan gangzha old-chongchuan old-town", "320614": "haimen",
		"320613001": "chongchuan gangzha old-chongchuan", "320600": "chongchuan gangzha haimen old-chongchuan old-town", "320623": "",
	} {
		b := flood(false)
		b.Audience.Areas = []string{areas}
		if got := strings.Join(recipients(t, conn, b), " "); got != want {
			t.Errorf("%s: %s, want %s", areas, got, want)
		}
	}
	b := flood(false)
	b.Audience.Areas = []string{"320613"}
	if reach, err := store.PreviewBroadcast(ctx, b); err != nil || fmt.Sprint(reach) != "[{telegram 320613 3 0 0} {wecom 320602001 1 0 0}]" {
		t.Error(reach, err)
	}
}

// TestMassEndpoint: WeChat's mass messages go out when the channel is named, never in an exercise, and the preview tells how many were spent.
func TestMassEndpoint(t *testing.T) {
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	store, err := postgres.Open(ctx, dsn)
	must(t, err)
	t.Cleanup(store.Close)
	s := hire(t, store)
	conn := connect(t, ctx, dsn)
	for to, says := range map[string]string{"all": "", "tag:2": "", "tag:": "tag:2", "everybody": "tag:2"} {
		err := store.AddEndpoint(s.publisher, knowledge.Endpoint{Channel: knowledge.WeChatMass, Recipient: to})
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", to, err)
		}
	}
	if err := store.JoinExercise(s.publisher, knowledge.WeChatMass, "all", true); code(err) != knowledge.Invalid || !strings.Contains(err.Error(), "演练") {
		t.Errorf("joins exercises: %v", err)
	}
	b := flood(false)
	b.Audience.Areas = nil
	if got := recipients(t, conn, b); len(got) > 0 {
		t.Errorf("without being named: %s", got)
	}
	b.Audience.Channels = []string{knowledge.WeChatMass}
	b = begun(t, store, s, b)
	if got := strings.Join(recipients(t, conn, b), " "); got != "all tag:2" {
		t.Error(got)
	}
	mustExec(t, ctx, conn, fmt.Sprintf(`
		INSERT INTO deliveries (broadcast_id, channel, recipient, state, settled_at) VALUES (%[1]d, 'wechat_mass', 'all', 'sent', now()), (%[1]d, 'wechat_mass', 'tag:2', 'failed', now());
		INSERT INTO delivery_totals VALUES (%[1]d, 'wechat_mass', '', 'sent', '', 2)`, b.ID))
	if reach, err := store.PreviewBroadcast(ctx, b); err != nil || fmt.Sprint(reach) != "[{wechat_mass  2 3 0}]" {
		t.Error(reach, err)
	}
	b.Exercise = true
	if got := recipients(t, conn, b); len(got) > 0 {
		t.Errorf("an exercise: %s", got)
	}
}

// TestPushesAreAlerts: a subscription is taken on the channels that broadcasts go to, and on no other.
func TestPushesAreAlerts(t *testing.T) {
	for _, c := range []bot.Channel{web.Channel, telegram.Channel, wechat.Can} {
		if slices.Contains(postgres.Pushes, c.Name) != c.Alerts {
			t.Errorf("%s: subscribers are taken: %v", c.Name, c.Alerts)
		}
	}
}
