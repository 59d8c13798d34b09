package bot

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// question is what the reader was asked last, and answers with the next message.
type question string

// The questions of a dialogue. Whatever is clearly something else ends it.
const (
	askingTell    question = "tell"    // may we tell you when it is answered?
	askingReason  question = "reason"  // what was wrong?
	askingWords   question = "words"   // in your own words?
	askingDelete  question = "delete"  // really?
	askingCounty  question = "county"  // subscription: where do you live?
	askingTopics  question = "topics"  // about what?
	askingAge     question = "age"     // who are you?
	askingConsent question = "consent" // do you agree to all that?
)

var (
	agrees   = phrase(`好|好好|好嘞|好滴|行|要|可以|同意|愿意|想|嗯+|是|是是|对|中|告诉我|ok|好谢谢|好的谢谢`)
	declines = phrase(`不用|不|不要|不必|不想|不同意|不好|算|算了|免|没事|不用谢谢|不需要|取消`)
	deletes  = phrase(`删|删除|删掉|都删|全删|确定|确认|是|是的|好|对|要删?|删除我的数据|可以`)
	skips    = phrase(`跳过|不说|不想说|不填|没有|随便|下一个|下一步|略过|不选`)
)

// dialogue takes a message as the answer to what was asked last, if it can be one.
func (s *session) dialogue(ctx context.Context) (Reply, bool, error) {
	if other, err := s.somethingElse(ctx); other || err != nil {
		return Reply{}, false, err
	}
	switch s.memory().Asking {
	case askingTell:
		reply, ok := s.consentToTell()
		return reply, ok, nil
	case askingReason, askingWords:
		reply, ok := s.reason()
		return reply, ok, nil
	case askingDelete:
		s.memory().Asking = ""
		if deletes.MatchString(s.said) {
			reply, err := s.forget(ctx)
			return reply, err == nil, err
		}
		if answers(s.said, declines) || s.said == "不删" {
			return human("好的，什么都没有删。"), true, nil
		}
	case askingCounty, askingTopics, askingAge, askingConsent:
		reply, ok := s.subscribing()
		return reply, ok, nil
	}
	return Reply{}, false, nil
}

// somethingElse reports whether a message that free words would be taken from is a danger, or clearly a question of its own. Anything but
// the words that were asked for is concluded on first: what only the model sees is seen here too.
func (s *session) somethingElse(ctx context.Context) (bool, error) {
	m := s.memory()
	switch m.Asking {
	case askingReason, askingWords, askingCounty, askingTopics, askingAge, askingConsent:
	default:
		return false, nil // only words that are known are taken
	}
	if s.said == "" || s.expected() {
		return false, nil
	}
	if follows := m.Asking == askingReason || m.Asking == askingWords; follows && who.MatchString(s.said) {
		return true, nil
	}
	result, err := s.Engine.Answerer.Answer(ctx, retrieval.Message{Text: s.m.Text, At: s.m.At})
	if err != nil {
		return false, err
	}
	s.result = &result
	if result.Urgent != nil || result.Live != nil {
		return true, nil
	}
	return result.Decision == retrieval.Sure && !s.about(result.Answers[0].ID), nil
}

// about reports whether the reader may be saying something of an entry that they were just told.
func (s *session) about(id knowledge.ID) bool {
	return slices.ContainsFunc(s.memory().Answered, func(r retrieval.Ref) bool { return r.ID == id })
}

// expected reports whether a message is nothing but the words that a dialogue asks for.
func (s *session) expected() bool {
	if _, numbered := chosen(s.said, true); numbered || knowledge.CountyNamed(s.said) != "" && utf8.RuneCountInString(s.said) <= longestCounty {
		return true
	}
	if slices.Contains(reasons, s.said) || slices.Contains(ages, s.said) {
		return true
	}
	return answers(s.said, agrees) || answers(s.said, declines) || answers(s.said, consents) || skips.MatchString(s.said) || allTopics.MatchString(s.said)
}

// longestCounty in characters: 通州湾区 is no more; 如东家里煤气味好大 says more than a county.
const longestCounty = 4

// concluded is an answerer that has concluded on one message already.
type concluded struct {
	Answerer
	message string
	result  retrieval.Result
}

// Answer implements Answerer.
func (c concluded) Answer(ctx context.Context, m retrieval.Message) (retrieval.Result, error) {
	if m.Text == c.message && m.Regions == nil {
		return c.result, nil
	}
	return c.Answerer.Answer(ctx, m)
}

// aside takes a no to nothing that was asked: it is no question for the experts.
func (s *session) aside(context.Context) (Reply, bool, error) {
	if s.said == "" || !answers(s.said, declines) && s.said != "跳过" && s.said != "同意" {
		return Reply{}, false, nil
	}
	return human(ackLine), true, nil
}

// answers reports whether a message is such an answer, with a thank-you perhaps: 不用了，谢谢.
func answers(said string, answer matcher) bool {
	word, rest, _ := strings.Cut(said, ",")
	return answer.MatchString(word) && (rest == "" || courtesy(rest) != "")
}

// consentToTell takes whether the reader wants to be told.
func (s *session) consentToTell() (Reply, bool) {
	switch {
	case answers(s.said, agrees):
		s.turn.Agreed, s.turn.About = true, s.m.About
		s.memory().Asking = ""
		if s.m.Via.Push {
			return human("好的，专家有了结果，我就告诉您。"), true
		}
		return human("好的，专家有了结果，您下次来我就告诉您。"), true
	case answers(s.said, declines):
		s.memory().Asking = ""
		return human("好的，不打扰您。还有拿不准的事，随时发给我。"), true
	}
	return Reply{}, false
}
