package console

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// TestAreaChoices: every region once, by city and county; what is ticked is open, and stays ticked though nobody knows it.
func TestAreaChoices(t *testing.T) {
	seen, ticked := map[string]int{}, []string{}
	look := func(b tick) {
		if b.Name != "areas" || b.Word == "" {
			t.Errorf("%+v", b)
		}
		if seen[b.Value]++; b.On {
			ticked = append(ticked, b.Value)
		}
	}
	for _, city := range areaChoices([]string{"320612001", "320506", "999999"}) {
		look(city.tick)
		for _, county := range city.Counties {
			look(county.tick)
			if county.Value == "320612" && (!county.Open || !city.Open) || county.Value == "320506" && !city.Open {
				t.Errorf("what is ticked in %s is hidden", county.Value)
			}
			for _, town := range county.Towns {
				look(town)
			}
		}
	}
	if len(ticked) != 3 || len(seen) != len(knowledge.Regions())+1 {
		t.Errorf("%v ticked, %d of %d regions", ticked, len(seen), len(knowledge.Regions()))
	}
	for code, n := range seen {
		if n != 1 {
			t.Errorf("%s is offered %d times", code, n)
		}
	}
}

// TestProgress: each delivery is counted once a channel and once a county, and the time that is left is honest.
func TestProgress(t *testing.T) {
	counts := []knowledge.DeliveryCount{
		{Channel: "telegram", County: "320623", State: "sent", N: 10}, {Channel: "telegram", County: "320623", State: "waiting", N: 100000},
		{Channel: "wechat", County: "", State: "failed", Reason: "屏蔽", N: 2}, {Channel: "wechat", County: "", State: "postponed", Reason: "连不上渠道", N: 1},
		{Channel: "wechat", County: "320623", State: "claimed", N: 8},
	}
	day, night := time.Date(2026, 11, 27, 12, 0, 0, 0, knowledge.China), time.Date(2026, 11, 27, 23, 0, 0, 0, knowledge.China)
	b := knowledge.Broadcast{Type: knowledge.Alert, State: knowledge.BroadcastSending}
	p := newProgress(b, false, false, counts, day)
	if p.Total != (progressRow{"", 10, 2, 100009}) || len(p.Channels) != 2 || p.Channels[0].Name != "Telegram" || len(p.Counties) != 2 || p.Counties[1].All() != 3 {
		t.Errorf("%+v", p)
	}
	rest := fmt.Sprintf("还要约%.0f分钟", math.Ceil(100000/broadcast.LimitOf("telegram").Really()/60))
	if p.Rest != rest || p.Failures[0] != (failureRow{"微信", "屏蔽", 2}) || len(p.Waits) != 1 || p.Waits[0] != (failureRow{"微信", "连不上渠道", 1}) {
		t.Errorf("%q, %+v, %+v", p.Rest, p.Failures, p.Waits)
	}
	for _, as := range []knowledge.MsgType{knowledge.Alert, knowledge.Update} { // a correction waits too, unless what it corrects is urgent
		b.Type = as
		if p := newProgress(b, false, false, counts, night); !strings.Contains(p.Rest, "早上7点接着发") {
			t.Errorf("%s: %s", as, p.Rest)
		}
		if p := newProgress(b, true, false, counts, night); p.Rest != rest {
			t.Errorf("%s: %s", as, p.Rest)
		}
	}
	if p := newProgress(b, true, true, counts, night); p.Rest != "别的推送也在发，轮到这一条以后"+rest { // the time of what goes first is not counted
		t.Errorf("beside another: %s", p.Rest)
	}
	b.State = knowledge.BroadcastPaused
	if p := newProgress(b, false, false, counts, day); p.Rest != "" {
		t.Errorf("paused: %s", p.Rest)
	}
}

// TestReach: each county on each channel once, with the sums of both.
func TestReach(t *testing.T) {
	v := newReach([]knowledge.DeliveryCount{
		{Channel: "telegram", County: "320623", State: "sent", N: 10}, {Channel: "telegram", County: "320623", State: "failed", N: 2},
		{Channel: "telegram", County: "320613", State: "waiting", N: 5}, {Channel: "wechat", County: "320623", State: "sent", N: 1}, {Channel: "email", County: "", State: "sent", N: 1},
	})
	if got, want := fmt.Sprint(v.Channels), "[Telegram 电子邮件 微信]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	var got []string
	for _, row := range v.Rows {
		line := row.Name
		for _, c := range row.Cells {
			line += " " + c.Words()
		}
		got = append(got, line)
	}
	want := []string{"如东县 10/12 — 1/1 11/13", "南通市崇川区 0/5 — — 0/5", "没有说地方 — 1/1 — 1/1", "合计 10/17 1/1 1/1 12/19"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestMayBroadcast: who is offered what.
func TestMayBroadcast(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, knowledge.China)
	author := knowledge.Person{ID: 1, Roles: []knowledge.Role{knowledge.Author, knowledge.Publisher}}
	other := knowledge.Person{ID: 2, Roles: []knowledge.Role{knowledge.Publisher}}
	expert := knowledge.Person{ID: 3, Roles: []knowledge.Role{knowledge.Expert}}
	for _, c := range []struct {
		state           knowledge.BroadcastState
		approved, begun time.Duration // ago; 0: not
		who             knowledge.Person
		want            broadcastAllowed
	}{
		{knowledge.BroadcastSubmitted, 0, 0, author, broadcastAllowed{Edit: true, Return: true, Drop: true}},
		{knowledge.BroadcastSubmitted, 0, 0, other, broadcastAllowed{Approve: true, Edit: true, Return: true, Drop: true}},
		{knowledge.BroadcastSubmitted, 0, 0, expert, broadcastAllowed{}},
		{knowledge.BroadcastApproved, time.Minute, 0, other, broadcastAllowed{Edit: true, Return: true, Drop: true}},
		{knowledge.BroadcastApproved, 3 * time.Hour, 0, other, broadcastAllowed{Approve: true, Edit: true, Return: true, Drop: true}}, // lapsed
		{knowledge.BroadcastApproved, 3 * time.Hour, 0, author, broadcastAllowed{Edit: true, Return: true, Drop: true}},
		{knowledge.BroadcastSending, time.Minute, time.Minute, other, broadcastAllowed{Pause: true, Stop: true, Correct: true}},
		{knowledge.BroadcastPaused, time.Minute, time.Minute, other, broadcastAllowed{Resume: true, Stop: true, Correct: true}},
		{knowledge.BroadcastDone, time.Minute, time.Minute, other, broadcastAllowed{Correct: true}},
		{knowledge.BroadcastDone, time.Minute, time.Minute, expert, broadcastAllowed{}},
		{knowledge.BroadcastCancelled, 0, 0, other, broadcastAllowed{}},
	} {
		b := knowledge.Broadcast{State: c.state, Type: knowledge.Alert, Editors: []knowledge.PersonID{1}, Expires: now.Add(time.Hour)}
		if c.approved > 0 {
			b.ApprovedAt = now.Add(-c.approved)
		}
		if c.begun > 0 {
			b.BegunAt = now.Add(-c.begun)
		}
		got := mayBroadcast(c.who, b, now)
		got.Why = ""
		if got != c.want {
			t.Errorf("%s, person %d: %+v", c.state, c.who.ID, got)
		}
	}
}
