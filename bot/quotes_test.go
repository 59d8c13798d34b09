package bot_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// TestCurrent: of a reply that waited goes what answers with an entry that was withdrawn meanwhile. What to do in a danger stays, with its
// number, where a current fact is to be had, and what the reader waited for, which is told once; of that they are told when it is gone itself.
func TestCurrent(t *testing.T) {
	const (
		asked    = "喝白酒能杀病毒吗"
		liveLine = "这需要看最新的消息，请以中国地震台网发布的为准。"
		danger   = "我妈刚喝了农药，白酒能解吗"
		due      = "您上次问的“月亮上有没有人”，专家查过了。"
		live     = "刚才是地震吗"
		dueNot   = "另外，您上次问的“月亮上有没有人”，答案刚刚撤下或者改过了。\n请再问一次，我重新查。"
	)
	for name, c := range map[string]struct {
		waited    bool // for an answer
		words     string
		withdrawn []knowledge.ID
		has       []string
		lacks     []string
		number    string
		choices   bool
	}{
		"nothing":             {true, asked, nil, []string{"“喝白酒杀病毒”是谣言", due, "味精"}, []string{bot.GoneLine}, "", true},
		"the answer":          {true, asked, []knowledge.ID{"baijiu-kills-virus"}, []string{bot.GoneLine + "\n\n" + due, "味精"}, []string{"“喝白酒杀病毒”是谣言"}, "", false},
		"what was waited for": {true, asked, []knowledge.ID{"msg-cancer"}, []string{"“喝白酒杀病毒”是谣言", "\n\n" + dueNot}, []string{bot.GoneLine, due}, "", true},
		"both":                {true, asked, []knowledge.ID{"baijiu-kills-virus", "msg-cancer"}, []string{bot.GoneLine + "\n\n" + dueNot}, []string{"“喝白酒杀病毒”是谣言", due}, "", false},
		"after no answer":     {true, "谢谢", []knowledge.ID{"msg-cancer"}, []string{dueNot}, []string{bot.GoneLine, due}, "", false},
		"in a danger":         {false, danger, []knowledge.ID{"baijiu-kills-virus"}, []string{"120", "\n\n" + bot.GoneBelow}, []string{"“喝白酒杀病毒”是谣言"}, "120", false},
		"another, in danger":  {false, danger, []knowledge.ID{"msg-cancer"}, []string{"120", "“喝白酒杀病毒”是谣言"}, []string{bot.GoneLine}, "120", false},
		"a current fact":      {false, live, []knowledge.ID{"earthquake-indoors"}, []string{liveLine + "\n\n" + bot.GoneBelow}, []string{"1 "}, "", false},
		"such, and waited":    {true, live, []knowledge.ID{"earthquake-indoors"}, []string{liveLine + "\n\n" + bot.GoneBelow + "\n\n" + due, "味精"}, []string{"1 "}, "", false},
		"such, in a danger":   {false, danger + "？刚才是地震吗", []knowledge.ID{"baijiu-kills-virus"}, []string{"120", "\n\n" + liveLine + "\n\n" + bot.GoneBelow}, []string{"1 "}, "120", false},
	} {
		t.Run(name, func(t *testing.T) {
			clock := start
			desk, store, library := deskAt(&clock)
			say := func(words, update string) bot.Reply {
				t.Helper()
				clock = clock.Add(10 * time.Second)
				r, err := desk.Handle(context.Background(), bot.Message{Via: bot.Channel{Name: "web", Buttons: true}, Reader: "甲", Text: words, Update: update})
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			if c.waited {
				say("月亮上有没有人", "1")
				say("好", "2")
				store.AnswerAll(t, bottest.Ref("msg-cancer"))
			}
			first := say(c.words, "3")
			for _, id := range c.withdrawn {
				library.Withdraw(id)
			}
			for range 2 { // what was replaced may wait again
				r := say(c.words, "3")
				kept, err := desk.Current(t.Context(), r.Kept())
				if err != nil || kept[0].Text != r.Text {
					t.Errorf("looked up again: %q (%v)", kept[0].Text, err)
				}
				if len(c.withdrawn) == 0 && r.Text != first.Text {
					t.Errorf("it has changed: %q", r.Text)
				}
				for _, words := range c.has {
					if !strings.Contains(r.Text, words) {
						t.Errorf("%q lacks %q", r.Text, words)
					}
				}
				for _, words := range c.lacks {
					if strings.Contains(r.Text, words) {
						t.Errorf("%q has %q", r.Text, words)
					}
				}
				if number := r.Kept().Number; number != c.number || len(r.Choices) > 0 != c.choices {
					t.Errorf("number %q, want %q; %d choices", number, c.number, len(r.Choices))
				}
				if head, _, _ := strings.Cut(first.Text, "\n\n"); c.number != "" && !strings.HasPrefix(r.Text, head+"\n\n") {
					t.Errorf("%q does not begin with %q", r.Text, head)
				}
			}
		})
	}
}

// TestWithout: where the words of a version cannot be told apart, nothing is said of the reply but what stands for it.
func TestWithout(t *testing.T) {
	ref := func(id knowledge.ID) retrieval.Ref { return retrieval.Ref{ID: id, Version: 1} }
	for name, c := range map[string]struct {
		text   string
		quotes []bot.Quote
		want   string
		left   int
	}{
		"of before, without words": {"答", []bot.Quote{{Ref: ref("gone")}, {Ref: ref("here")}}, bot.GoneLine, 0},
		"two of one answer":        {"甲乙|丙", []bot.Quote{{ref("gone"), "甲乙", "无"}, {ref("here"), "甲乙", "无"}, {ref("here"), "丙", "没"}}, "无|丙", 1},
		"said twice":               {"甲|甲", []bot.Quote{{ref("gone"), "甲", "无"}, {ref("gone"), "甲", "无"}}, "无|无", 0},
		"cut short":                {"甲……", []bot.Quote{{ref("gone"), "甲乙", "先打120。\n\n无"}, {ref("here"), "丙", "没"}}, "先打120。\n\n无\n\n没", 0},
		"nothing is gone":          {"甲", []bot.Quote{{ref("here"), "乙", "无"}}, "甲", 1},
	} {
		got, left := bot.Without(c.text, c.quotes, func(r retrieval.Ref) bool { return r.ID == "gone" })
		if got != c.want || len(left) != c.left {
			t.Errorf("%s: %q with %d quotes, want %q with %d", name, got, len(left), c.want, c.left)
		}
	}
}
