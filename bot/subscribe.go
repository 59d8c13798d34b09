package bot

import (
	"fmt"
	"slices"
	"strings"

	"qiuzhen/knowledge"
)

// What is asked of a subscriber is asked one thing at a time, and each may be left out.

var (
	topicNames = []struct {
		topic knowledge.Topic
		name  string
	}{{knowledge.Health, "健康"}, {knowledge.Fraud, "防骗"}, {knowledge.Disaster, "防灾"}, {knowledge.Rumour, "辟谣"}}
	ages = []string{"老人", "成人", "学生"}

	allTopics = phrase(`都要|全都?要|全部|都想要|所有`)
	consents  = phrase(`同意|我同意|好|行|可以|要|愿意|是|ok`)
)

func (s *session) subscribe() Reply {
	if s.m.Group != "" {
		return human(onlyAlone)
	}
	if !s.m.Via.Alerts {
		return human(s.elsewhere())
	}
	s.memory().Asking, s.memory().Draft = askingCounty, &Subscription{}
	return s.ask()
}

// elsewhere says that nothing is sent here, and where it is.
func (s *session) elsewhere() string {
	if len(s.SubscribeOn) == 0 {
		return "这里不能主动给您发消息，所以不能订阅。\n有拿不准的事，随时来问我。"
	}
	return "这里不能主动给您发消息，所以不能订阅。\n想收提醒，请到" + strings.Join(s.SubscribeOn, "或者") + "里，对我说“订阅”。"
}

func (s *session) unsubscribe() Reply {
	if s.m.Group != "" {
		return human(onlyAlone)
	}
	lines := []string{"您没有订阅，我不会主动发消息。"}
	if s.wishes().Sent != nil {
		lines = []string{"退订了，以后不再主动发给您。"}
	}
	if s.turn.Reader.Waits { // to be told nothing any more means this too
		lines = append(lines, "说好有了结果告诉您的事，也不再告诉您了。")
	}
	s.wishes().Sent, s.turn.Enough = nil, true
	return human(strings.Join(append(lines, "想问的事，照样可以问我。"), "\n"))
}

// ask words the question of the dialogue.
func (s *session) ask() Reply {
	skip := Choice{"跳过", "跳过"}
	var r Reply
	switch s.memory().Asking {
	case askingCounty:
		r = human("您住在哪个县、哪个区？写名字就行，比如“如东”。\n不想说就回“跳过”。")
		for _, region := range knowledge.Counties() {
			r.Choices = append(r.Choices, Choice{knowledge.RegionName(region), knowledge.RegionName(region)})
		}
		r.Choices = append(r.Choices, skip)
	case askingTopics:
		lines := []string{"想收哪方面的？回复数字就行，可以几个一起写。"}
		for i, t := range topicNames {
			lines = append(lines, option(i, t.name))
			r.Choices = append(r.Choices, Choice{t.name, fmt.Sprint(i + 1)})
		}
		choices := append(r.Choices, Choice{"都要", "都要"})
		r = human(strings.Join(append(lines, "都想要就回“都要”。"), "\n"))
		r.Choices = choices
	case askingAge:
		lines := []string{"提醒是给谁看的？回复数字就行。"}
		for i, a := range ages {
			lines = append(lines, option(i, a))
			r.Choices = append(r.Choices, Choice{a, fmt.Sprint(i + 1)})
		}
		choices := append(r.Choices, skip)
		r = human(strings.Join(append(lines, "不想说就回“跳过”。"), "\n"))
		r.Choices = choices
	case askingConsent:
		r = human(s.memory().Draft.wording() + "\n同意就回“同意”，不同意就回“不同意”。")
		r.Choices = []Choice{{"同意", "同意"}, {"不同意", "不同意"}}
	}
	return r
}

// wording is what the reader agrees to; it is kept as it was shown.
func (s *Subscription) wording() string {
	of := []string{"地方：不限", "内容：都要"}
	if s.County != "" {
		of[0] = "地方：" + knowledge.RegionName(s.County)
	}
	if len(s.Topics) > 0 {
		of[1] = "内容：" + strings.Join(s.names(), "、")
	}
	if s.Age != "" {
		of = append(of, "给谁看："+s.Age)
	}
	return "求真有新的提醒和辟谣，就发给您。\n为这件事要记住：" + strings.Join(of, "；") + "。\n随时可以退订，退订了就不再发。"
}

func (s *Subscription) names() []string {
	var out []string
	for _, t := range topicNames {
		if slices.Contains(s.Topics, string(t.topic)) {
			out = append(out, t.name)
		}
	}
	return out
}

// subscribing takes the answer to one question of the subscription and asks the next.
func (s *session) subscribing() (Reply, bool) {
	m := s.memory()
	if m.Draft == nil || s.said == "取消" || s.said == "算了" {
		m.Asking, m.Draft = "", nil
		return human("好的，没有订阅。"), true
	}
	next := map[question]question{askingCounty: askingTopics, askingTopics: askingAge, askingAge: askingConsent}
	taken := m.Asking != askingConsent && skips.MatchString(s.said)
	switch {
	case taken:
	case m.Asking == askingConsent:
		return s.consent()
	default:
		taken = s.take(m.Asking)
	}
	switch {
	case taken:
		m.Asking = next[m.Asking]
		return s.ask(), true
	case s.ownWords():
		r := s.ask()
		r.Text = "这个我没看懂。\n" + r.Text
		return r, true
	}
	return Reply{}, false
}

// take understands one answer; false when it cannot.
func (s *session) take(asked question) bool {
	draft := *s.memory().Draft // the one in the store's hands is not written to
	ok := false
	switch asked {
	case askingCounty:
		draft.County = knowledge.CountyNamed(s.said)
		ok = draft.County != ""
	case askingTopics:
		draft.Topics, ok = s.topics()
	case askingAge:
		n, numbered := chosen(s.said, true)
		for i, a := range ages {
			if numbered && n == i+1 || strings.Contains(s.said, a) && !numbered {
				draft.Age, ok = a, true
			}
		}
	}
	if ok {
		s.memory().Draft = &draft
	}
	return ok
}

func (s *session) topics() (topics []string, ok bool) {
	if allTopics.MatchString(s.said) {
		return nil, true
	}
	if n, numbered := chosen(s.said, true); numbered && n > len(topicNames) && n < 10 {
		return nil, false
	}
	for i, t := range topicNames {
		if strings.Contains(s.said, t.name) || strings.Contains(s.said, fmt.Sprint(i+1)) && len(s.said) < 20 {
			topics = append(topics, string(t.topic))
		}
	}
	return topics, len(topics) > 0
}

// consent ends the dialogue: nothing is sent to who has not agreed to these very words.
func (s *session) consent() (Reply, bool) {
	m := s.memory()
	draft := *m.Draft
	switch {
	case answers(s.said, consents):
		draft.Wording, draft.At = draft.wording(), s.now
		s.wishes().Sent, m.Asking, m.Draft = &draft, "", nil
		return human("订好了，有新的就发给您。\n不想要了，就回“退订”。"), true
	case answers(s.said, declines):
		m.Asking, m.Draft = "", nil
		return human("好的，没有订阅。"), true
	}
	return Reply{}, false
}
