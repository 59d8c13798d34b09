package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/postgres"
)

// nameless are the tables that hold neither a name nor a word of a reader. One that is new is either named here or filled by TestForgottenEverywhere.
// Budgets, forgotten and telegram_replies have marks and hashes; deliveries the numbers of readers, which are nobody's once they are forgotten.
const nameless = `audit_head audit_log bm25_settings broadcast_approvals broadcast_revisions broadcasts budgets bundle_entries bundle_keys bundles
	case_adjudications case_annotations case_approvals case_versions corpus_deltas corpus_stats deliveries delivery_delays delivery_recipients
	delivery_silences delivery_slots delivery_totals embedding_models endpoints entries entry_versions eval_outcomes eval_runs foreign_reviews forgotten
	goose_db_version notices originals passage_vectors passages people person_roles reader_mark_key review_policies reviews river_client
	river_client_queue river_job river_leader river_migration river_notification river_queue sensing_hours sensing_surges sensing_topics sessions telegram_replies
	term_deltas term_stats version_bundles version_originals wechat_nonces wechat_tokens`

// speaker is a reader whose messages come as their channel stores them.
type speaker struct {
	t       *testing.T
	store   *postgres.Store
	desk    *bot.Desk
	account *account
	via     bot.Channel
	name    string
	n       int
}

// say is one message, from its being stored to its reply's being gone; what pages ask stays.
func (s *speaker) say(m bot.Message) {
	s.t.Helper()
	ctx, chat := context.Background(), s.name
	if m.Group != "" {
		chat = m.Group
	}
	s.n++
	m.Via, m.Reader, m.At, m.Update = s.via, s.name, now, fmt.Sprint(s.via.Name, "-", s.n)
	u := bot.Update{Channel: s.via.Name, ID: m.Update, Chat: chat, Payload: []byte(m.Text), Received: now}
	if s.via.Pages {
		_, err := s.store.Ask(ctx, u)
		s.answered(m, err)
		return
	}
	if concerns, err := s.desk.Concerns(ctx, m); err != nil || !concerns {
		s.t.Fatalf("%v (%v)", concerns, err)
	}
	if _, err := s.store.Receive(ctx, u); err != nil {
		s.t.Fatal(err)
	}
	claimed, err := s.store.Claim(ctx, s.via.Name, 1, 1, now, time.Minute)
	if err != nil || len(claimed) != 1 {
		s.t.Fatalf("%v (%v)", claimed, err)
	}
	if s.via.Name == "wechat" {
		place := s.account.post(s.name, m.Update)
		if err := s.account.Answer(ctx, m.Update, s.answered(m, nil).Kept()); err != nil {
			s.t.Fatal(err)
		}
		s.account.take(m.Update, place.Number, now)
	} else {
		s.answered(m, nil)
	}
	if mine, err := s.store.Finish(ctx, claimed[0], now); err != nil || !mine {
		s.t.Fatalf("%v (%v)", mine, err)
	}
}

func (s *speaker) answered(m bot.Message, err error) bot.Reply {
	s.t.Helper()
	reply := bot.Reply{}
	if err == nil {
		reply, err = s.desk.Handle(context.Background(), m)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return reply
}

// TestForgottenEverywhere: once the data of readers of each channel are deleted, nothing is left of them in any table, the arguments and the errors of jobs
// that are finished included: no job is told anything of a reader, so that none needs to be looked through.
func TestForgottenEverywhere(t *testing.T) {
	ctx, store := context.Background(), shelf(t)
	engine, _ := bottest.NewEngine()
	clock := now
	desk := bot.NewDesk(engine, store, func() time.Time { clock = clock.Add(time.Second); return clock })
	const words = "月背面的白兔会不会念经"
	waiting := &account{store.WeChat(), t, 0}
	var speakers []*speaker
	for name, via := range map[string]bot.Channel{
		"4711081500": {Name: "telegram", Buttons: true, Groups: true, Push: true, Alerts: true},
		"6e340b9cff": {Name: "web", Buttons: true, Pages: true},
		"oGZUI0egBJ": {Name: "wechat", Alerts: true},
	} {
		s := &speaker{t, store, desk, waiting, via, name, 0}
		speakers = append(speakers, s)
		for _, text := range []string{words + via.Name, "好", "白酒杀毒", "没用", words + "没说", "订阅", "如东", "跳过", "老人", "同意"} {
			s.say(bot.Message{Text: text})
		}
		switch {
		case via.Groups:
			s.say(bot.Message{Text: "求真，" + words, Group: "-100", Addressed: true})
		case via.Pages: // a form that was lost
			if _, err := store.Ask(ctx, bot.Update{Channel: via.Name, ID: "lost", Chat: name, Payload: []byte(words), Received: now}); err != nil {
				t.Fatal(err)
			}
		default: // what no post has taken
			waiting.late(name, words)
		}
	}
	if err := finishJobs(t, store); err != nil {
		t.Fatal(err)
	}
	if n := store.Count(t, `SELECT count(*) FROM readers WHERE wishes ? 'sent'`); n != 2 {
		t.Fatalf("%d readers are subscribed", n)
	}
	if n := store.Count(t, `SELECT count(*) FROM budgets`); n == 0 {
		t.Error("no budget: the test says too little")
	}
	before := ofReaders(t, store, speakers, words)
	for _, table := range store.Strings(t, `SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace`) {
		if known := slices.Contains(strings.Fields(nameless), table); known == (before[table] > 0) {
			t.Errorf("%s has %d rows of readers: fill it here, or say in nameless why it has none", table, before[table])
		}
	}
	for _, s := range speakers {
		s.say(bot.Message{Delete: true})
	}
	if err := finishJobs(t, store); err != nil {
		t.Fatal(err)
	}
	for table, n := range ofReaders(t, store, speakers, words) {
		if n > 0 {
			t.Errorf("%s: %d rows are left: %s", table, n, store.Dump(t, table))
		}
	}
	finished, told := store.Count(t, `SELECT count(*) FROM river_job WHERE finalized_at IS NOT NULL`), store.Count(t, `SELECT count(*) FROM river_job WHERE args <> '{}'`)
	if finished < 2 || told > 0 {
		t.Errorf("%d finished jobs, %d of them with arguments", finished, told)
	}
	fmt.Printf("%d finished jobs; of readers %v, and 0 rows once they are forgotten\n", finished, before)
}

var rowBegins = regexp.MustCompile(`^([a-z_]+): `)

// ofReaders counts by table the rows that have a reader's name or words, and in those that hang on readers all rows.
func ofReaders(t *testing.T, store *postgres.Store, speakers []*speaker, words string) map[string]int {
	t.Helper()
	rows, table := map[string]int{}, ""
	for line := range strings.Lines(store.Dump(t)) {
		if begins := rowBegins.FindStringSubmatch(line); begins != nil { // otherwise it is the rest of a row with line breaks
			table = begins[1]
		}
		if strings.Contains(line, words) || slices.ContainsFunc(speakers, func(s *speaker) bool { return strings.Contains(line, s.name) }) {
			rows[table]++
		}
	}
	for _, table := range store.Strings(t, `
		WITH RECURSIVE hang AS (
		    SELECT 'readers'::regclass AS on_readers
		     UNION SELECT conrelid::regclass FROM pg_constraint JOIN hang ON confrelid = on_readers WHERE contype = 'f')
		SELECT on_readers::text FROM hang`) {
		rows[table] = store.Count(t, `SELECT count(*) FROM `+table)
	}
	return rows
}

// finishJobs lets each kind of job run once, as the program does when it starts.
func finishJobs(t *testing.T, store *postgres.Store) error {
	t.Helper()
	before := store.Count(t, `SELECT count(*) FROM river_job WHERE finalized_at IS NOT NULL`)
	stop, err := store.StartJobs(context.Background(), postgres.Jobs{Now: func() time.Time { return now.Add(time.Hour) }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if store.Count(t, `SELECT count(*) FROM river_job WHERE finalized_at IS NOT NULL`) >= before+2 {
			return nil
		}
	}
	return fmt.Errorf("the jobs do not finish")
}
