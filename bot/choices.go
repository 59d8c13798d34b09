package bot

import (
	"context"
	"fmt"
	"strings"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// What a reader may do next: labels of buttons, and the words that do the same.
var (
	whyChoice     = Choice{"为什么", "为什么"}
	sourceChoice  = Choice{"来源", "来源"}
	usefulChoice  = Choice{"有用", "有用"}
	uselessChoice = Choice{"没用", "没用"}
	forwardChoice = Choice{"转发给家人", "转发给家人"}
	nextChoice    = Choice{"下一步", "下一步"}
	noneChoice    = Choice{"都不是", "都不是"}
	yesChoice     = Choice{"好", "好"}
	noChoice      = Choice{"不用", "不用"}
)

// finish makes a reply of the conversation fit for the reader: one step at a time, an offer to be told later, what may be done next, and
// what they waited for.
func (s *session) finish(ctx context.Context, r Reply) (Reply, error) {
	r = s.slowed(r)
	if s.turn.Filed != "" && r.Decision == retrieval.Abstain && r.Urgent == nil {
		r = s.offerToTell(r)
	}
	r = s.withChoices(r, s.m)
	return s.withDue(ctx, r)
}

// offerToTell asks whether the reader wants to hear of it when the experts have looked. In a group nobody is asked such a thing.
func (s *session) offerToTell(r Reply) Reply {
	if r.Text == abstainText("") {
		r.Text = abstainAbout(s.turn.Filed)
	}
	if s.m.Group != "" {
		r.Text += "\n我已经记下来，请专家看。"
		return r
	}
	line := "我已经记下来请专家看；有了结果告诉您，好吗？"
	if !s.m.Via.Push {
		line = "我已经记下来请专家看；有了结果，您下次来就告诉您，好吗？"
	}
	if !s.m.Via.Buttons {
		line += "\n回“好”或者“不用”。"
	}
	r.Text += "\n" + line
	r.Choices = []Choice{yesChoice, noChoice}
	s.memory().Asking, s.memory().Judged = askingTell, 0
	return r
}

// abstainAbout is what is said when nothing vetted was found, with the one number that fits what the question is about.
func abstainAbout(question string) string {
	line := ""
	switch topicOf(question) {
	case knowledge.Health:
		line = "身体的事着急，就问医生或者打12320。"
	case knowledge.Fraud:
		line = "怕是诈骗，就打96110问一问，先不要转账。"
	case cityAffairs:
		line = "着急就打12345问一问。"
	default:
		return abstainText("")
	}
	lines := strings.Split(abstainText(""), "\n")
	return strings.Join(append(lines[:len(lines)-1], line), "\n")
}

// withChoices adds what may be done next: as buttons where there are some, else as the few words that are worth knowing; in a group
// it is left at the answer.
func (d *Desk) withChoices(r Reply, m Message) Reply {
	words := ""
	switch {
	case r.Urgent != nil || len(r.Choices) > 0: // in danger nothing else matters
	case len(r.Answers) == 1 && r.Text == Render(r.Result):
		r.Choices, words = []Choice{whyChoice, sourceChoice, usefulChoice, uselessChoice, forwardChoice}, "还可以回：为什么、转发、没用。"
	case len(r.Answers) == 1 && r.stepwise:
		r.Choices, words = []Choice{nextChoice, whyChoice, forwardChoice}, "听明白了，就回“下一步”。"
	case len(r.Answers) == 1:
		r.Choices = without(r.Text, r.Answers[0].Stored)
	case len(r.Answers) > 1:
		for i, a := range r.Answers {
			r.Choices = append(r.Choices, Choice{a.Short, ordinalWord(i)})
		}
		r.Choices, words = append(r.Choices, usefulChoice, uselessChoice), "想接着问哪一条，就回“第一个”或者“第二个”。"
	case len(r.Candidates) > 0:
		for i, c := range r.Candidates {
			r.Choices = append(r.Choices, Choice{c.Short, fmt.Sprint(i + 1)})
		}
		r.Choices = append(r.Choices, noneChoice)
	}
	if words != "" && !m.Via.Buttons && m.Group == "" {
		r.Text += "\n" + words
	}
	return r
}

// without are the choices after a follow-up: none that asks again what it has just told.
func without(words string, s retrieval.Stored) []Choice {
	all := []Choice{whyChoice, sourceChoice, usefulChoice, uselessChoice, forwardChoice}
	switch words {
	case reasonText(s):
		return all[1:]
	case sourceText(s):
		return append([]Choice{whyChoice}, all[2:]...)
	}
	return all
}

func ordinalWord(i int) string {
	const numerals = "一二三四五六七八九"
	return "第" + string([]rune(numerals)[min(i, 8)]) + "个"
}
