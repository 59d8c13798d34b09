package bot_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
)

// TestBudgetsInMemory: the store of the tests does as the database.
func TestBudgetsInMemory(t *testing.T) {
	bottest.BudgetsOn(t, func(*testing.T) (bottest.BudgetStore, func(time.Duration)) {
		clock := start
		return &bottest.Store{Now: func() time.Time { return clock }}, func(d time.Duration) { clock = clock.Add(d) }
	})
}

func TestGroupOfNodes(t *testing.T) {
	clock := start
	desk, store, _ := deskAt(&clock)
	bottest.GroupOfNodes(t, store, desk.Now)
}

// inGroup says something in a group the way that Telegram's messages go: what is not stored is met with silence.
type inGroup struct {
	*testing.T
	desk *bot.Desk
	n    int
}

func (g *inGroup) say(group, words string) bot.Reply {
	g.Helper()
	g.n++
	m := bot.Message{Via: bot.Channel{Name: "telegram", Groups: true}, Reader: fmt.Sprint("m", g.n), Group: group, Text: words, Update: fmt.Sprint(g.n)}
	stored, err := g.desk.Concerns(context.Background(), m)
	if err != nil {
		g.Fatal(err)
	}
	if !stored {
		return bot.Reply{Silent: true}
	}
	reply, err := g.desk.Handle(context.Background(), m)
	if err != nil {
		g.Fatal(err)
	}
	return reply
}

// TestGroupLimit: however many members call us, a group is answered five times at once and then met with silence; three dangers still hear the number,
// other groups and who writes alone are not touched.
func TestGroupLimit(t *testing.T) {
	clock := start
	desk, _, library := deskAt(&clock)
	group := &inGroup{T: t, desk: desk}
	answered := 0
	for i := range 40 {
		words := []string{"求真，白酒能杀病毒吗", "求真，自动辟谣", "求真，关闭自动辟谣", "求真，你好"}[i%4]
		if !group.say("家人群", words).Silent {
			answered++
		}
	}
	if answered != 5 || library.Searches() != 2 {
		t.Errorf("%d answered, %d searches, want 5 and 2", answered, library.Searches())
	}
	dangers := 0
	for range 10 {
		if r := group.say("家人群", "求真，我妈刚喝了农药"); r.Urgent != nil {
			dangers++
		}
	}
	if dangers != 3 {
		t.Errorf("%d dangers are answered beyond the limit, want 3", dangers)
	}
	if group.say("村里", "求真，白酒能杀病毒吗").Silent || handle(t, desk, "m1", "白酒").Silent {
		t.Error("others are silenced too")
	}
	clock = clock.Add(4 * time.Second)
	if !group.say("家人群", "求真，白酒能杀病毒吗").Silent || group.say("家人群", "求真，我妈刚喝了农药").Urgent == nil {
		t.Error("four seconds later somebody is answered before who is in danger")
	}
	clock = clock.Add(16 * time.Second)
	if group.say("家人群", "求真，白酒能杀病毒吗").Silent || !group.say("家人群", "求真，白酒能杀病毒吗").Silent {
		t.Error("when the dangers are paid for not one more is answered, or more")
	}
}

// TestGroupsMinute: however a group's questions fall, and the rumours that nobody asks about, no minute holds more of them that are answered than Telegram
// lets us say in it.
func TestGroupsMinute(t *testing.T) {
	const telegrams = 20
	for name, gaps := range map[string][]time.Duration{
		"a flood":            {100 * time.Millisecond},
		"after silence":      {2 * time.Minute, 0, 0, 0, 0, 0, 0, 0, time.Second, time.Second, time.Second, time.Second},
		"as they come due":   {4 * time.Second},
		"now and then":       {37 * time.Second, 0, 3 * time.Second, 0, 0, 11 * time.Second, 0},
		"just after the due": {4*time.Second + time.Millisecond, 0},
	} {
		for asked, of := range map[string][]bool{"asked": {true}, "unasked": {false}, "both": {true, false, false}} {
			clock := start
			desk, store, _ := deskAt(&clock)
			store.Readers = []*bot.Reader{{ID: 1, Channel: "telegram", Name: "家人群", Wishes: bot.Wishes{Auto: true}}}
			group := &inGroup{T: t, desk: desk}
			var taken []time.Time
			for i := range 1000 {
				clock = clock.Add(gaps[i%len(gaps)])
				if group.takes("家人群", of[i%len(of)]) {
					taken = append(taken, clock)
				}
			}
			if most := mostAMinute(taken); most > telegrams || len(taken) == 0 {
				t.Errorf("%s, %s: of %d taken one minute holds %d, want at most %d", name, asked, len(taken), most, telegrams)
			}
		}
	}
}

// takes reports whether a question is let in, or what nobody asked about is answered.
func (g *inGroup) takes(group string, asked bool) bool {
	g.Helper()
	if !asked {
		return !g.say(group, "喝白酒能杀病毒").Silent
	}
	g.n++
	ok, err := g.desk.Concerns(context.Background(), bot.Message{Via: bot.Channel{Name: "telegram"}, Group: group, Addressed: true, Text: "白酒", Update: fmt.Sprint(g.n)})
	if err != nil {
		g.Fatal(err)
	}
	return ok
}

// mostAMinute is how many of the times at most lie in one minute.
func mostAMinute(times []time.Time) (most int) {
	for first, last := 0, 0; last < len(times); last++ {
		for times[last].Sub(times[first]) > time.Minute {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}

// forgetful is a store that once does not keep a turn.
type forgetful struct {
	bot.Store
	fails bool
}

func (s *forgetful) Keep(ctx context.Context, t bot.Turn) (int64, error) {
	if s.fails {
		s.fails = false
		return 0, errors.New("the database is away")
	}
	return s.Store.Keep(ctx, t)
}

// TestUnaskedBudget: what nobody asked for takes of what the group may hear once it is answered, once for each update, also when that failed at first; what gets
// silence takes nothing.
func TestUnaskedBudget(t *testing.T) {
	clock := start
	engine, _ := bottest.NewEngine()
	now := func() time.Time { return clock }
	store := &forgetful{Store: &bottest.Store{Now: now, Readers: []*bot.Reader{{ID: 1, Channel: "telegram", Name: "家人群", Wishes: bot.Wishes{Auto: true}}}}}
	group := &inGroup{T: t, desk: bot.NewDesk(engine, store, now)}
	for range 10 {
		if !group.say("家人群", "今天晚上到奶奶家吃饭").Silent {
			t.Fatal("chatter is answered")
		}
	}
	for range 4 {
		if !group.takes("家人群", true) {
			t.Fatal("chatter took of what the group may hear")
		}
	}
	store.fails = true
	rumour := bot.Message{Via: bot.Channel{Name: "telegram", Groups: true}, Reader: "乙", Group: "家人群", Text: "喝白酒能杀病毒", Update: "again"}
	if _, err := group.desk.Handle(context.Background(), rumour); err == nil {
		t.Fatal("the turn was kept")
	}
	if group.takes("家人群", true) || !group.say("家人群", "喝白酒能杀病毒").Silent {
		t.Error("the rumour took nothing of what the group may hear")
	}
	for range 2 {
		if reply, err := group.desk.Handle(context.Background(), rumour); err != nil || reply.Silent {
			t.Errorf("tried again it is not answered: %+v (%v)", reply, err)
		}
	}
}
