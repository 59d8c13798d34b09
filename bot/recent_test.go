package bot_test

import (
	"context"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/retrieval"
)

type edition struct{ n int64 }

func (e *edition) Edition(context.Context) (int64, error) { return e.n, nil }

// TestRecent: the same words are searched for once, until content changes, a minute has passed, or what was quoted is not served any more. Links are
// looked at each time.
func TestRecent(t *testing.T) {
	engine, library := bottest.NewEngine()
	at, now := &edition{}, start
	recent := bot.NewRecent(engine.Answerer, at, func() time.Time { return now })
	for i, c := range []struct {
		say, why string
		before   func()
		decision retrieval.Decision
		searches int
	}{
		{"白酒杀毒", "new", nil, retrieval.Sure, 1},
		{"白酒杀毒", "again", nil, retrieval.Sure, 1},
		{"白酒杀病毒", "other words", nil, retrieval.Sure, 2},
		{"喝酒", "offered", nil, retrieval.Suggest, 3},
		{"喝酒", "offered again", nil, retrieval.Suggest, 3},
		{"月亮", "nothing found", nil, retrieval.Abstain, 4},
		{"月亮", "nothing found again", nil, retrieval.Abstain, 4},
		{"看 https://a.example 白酒", "a link", nil, retrieval.Sure, 5},
		{"看 https://a.example 白酒", "a link again", nil, retrieval.Sure, 6},
		{"白酒杀毒", "content has changed", func() { at.n++ }, retrieval.Sure, 7},
		{"白酒杀毒", "a minute later", func() { now = now.Add(time.Minute) }, retrieval.Sure, 8},
		{"白酒杀毒", "not served any more", func() { library.Withdraw("baijiu-kills-virus") }, retrieval.Abstain, 9},
	} {
		if c.before != nil {
			c.before()
		}
		r, err := recent.Answer(t.Context(), retrieval.Message{Text: c.say})
		if err != nil || r.Decision != c.decision || library.Searches() != c.searches {
			t.Errorf("%d, %s: %q (%v) after %d searches", i, c.why, r.Decision, err, library.Searches())
		}
	}
}
