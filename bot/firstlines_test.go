package bot

import (
	"strings"
	"testing"
	"unicode/utf8"

	"qiuzhen/retrieval"
)

// TestFirstLines: what is no answer begins with a line of at most 30 characters too, since it is heard alone; those of entries are in TestContentReadsAloud,
// of dangers and current facts in package retrieval, and every reply of every conversation is looked at in package bottest.
func TestFirstLines(t *testing.T) {
	lines := []string{
		ErrorLine, UnreadableLine, TooLongLine, GoneLine, ackLine, unclearLine, chooseFirst, tooFastLine, busyLine, onlyAlone,
		Forgotten{}.String(), Forgotten{Messages: 1}.String(), chooseLine(1), chooseLine(9),
	}
	for _, r := range append(append([]retort{}, courtesies...), unclear...) {
		lines = append(lines, r.line)
	}
	for _, void := range []retrieval.Void{"", retrieval.Empty, retrieval.LinkOnly, retrieval.NoClaim} {
		lines = append(lines, Render(retrieval.Result{Decision: retrieval.Abstain, Void: void}))
	}
	offered := []retrieval.Match{{Stored: rebuttal()}, {Stored: guide()}, {Stored: rebuttal()}}
	for n := range offered {
		lines = append(lines, Render(retrieval.Result{Decision: retrieval.Suggest, Candidates: offered[:n+1]}))
	}
	for _, via := range []Channel{{Name: "wechat", Alerts: true}, {Name: "telegram", Alerts: true, Push: true}, {Name: "web", Pages: true}} {
		s := &session{Desk: &Desk{SubscribeOn: []string{"微信公众号", "Telegram"}}, m: Message{Via: via}}
		for _, c := range commands {
			lines = append(lines, c.do(s).Text)
		}
		for _, asking := range []question{askingCounty, askingTopics, askingAge, askingConsent} {
			s.memory().Asking, s.memory().Draft = asking, &Subscription{County: "320613", Topics: []string{"health", "fraud", "disaster", "rumour"}, Age: "老人"}
			lines = append(lines, s.ask().Text)
		}
	}
	for _, text := range lines {
		line, _, _ := strings.Cut(text, "\n")
		if n := utf8.RuneCountInString(line); n == 0 || n > 30 {
			t.Errorf("%d characters: %q", n, line)
		}
	}
	t.Logf("%d lines", len(lines))
}
