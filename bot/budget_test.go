package bot_test

import (
	"context"
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

// TestGroupsMinute: however a group's questions fall, no minute holds more of them that are taken than Telegram lets us say in it.
func TestGroupsMinute(t *testing.T) {
	const telegrams = 20
	for name, gaps := range map[string][]time.Duration{
		"a flood":            {100 * time.Millisecond},
		"after silence":      {2 * time.Minute, 0, 0, 0, 0, 0, 0, 0, time.Second, time.Second, time.Second, time.Second},
		"as they come due":   {4 * time.Second},
		"now and then":       {37 * time.Second, 0, 3 * time.Second, 0, 0, 11 * time.Second, 0},
		"just after the due": {4*time.Second + time.Millisecond, 0},
	} {
		clock := start
		desk, _, _ := deskAt(&clock)
		var taken []time.Time
		for i := range 2000 {
			clock = clock.Add(gaps[i%len(gaps)])
			m := bot.Message{Via: bot.Channel{Name: "telegram"}, Group: "家人群", Addressed: true, Text: "白酒", Update: fmt.Sprint(i)}
			ok, err := desk.Concerns(context.Background(), m)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				taken = append(taken, clock)
			}
		}
		most := 0
		for first, last := 0, 0; last < len(taken); last++ {
			for taken[last].Sub(taken[first]) > time.Minute {
				first++
			}
			most = max(most, last-first+1)
		}
		if most > telegrams || len(taken) == 0 {
			t.Errorf("%s: of %d taken one minute holds %d, want at most %d", name, len(taken), most, telegrams)
		}
	}
}
