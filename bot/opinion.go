package bot

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

var (
	usefulWords  = phrase(`有用|很有用|有帮助|帮到我|帮上`)
	uselessWords = phrase(`没用|没有用|真没用|没什么用|没帮助|没帮上|不满意`)
)

// reasons are what may be wrong with an answer, as they are counted.
var reasons = []string{"看不懂", "说得不对", "没答到", "别的"}

// maxReason is how much of a reason is kept, in characters.
const maxReason = 200

// opinion takes what a reader thinks of the last answer, or of the one whose button was pressed.
func (s *session) opinion(context.Context) (Reply, bool, error) {
	useful := usefulWords.MatchString(s.said)
	if !useful && !uselessWords.MatchString(s.said) || len(s.memory().Answered) == 0 && len(s.memory().Offered) == 0 {
		return Reply{}, false, nil
	}
	s.judge(s.m.About, useful, "")
	switch {
	case useful:
		return human("谢谢您告诉我。还有拿不准的事，随时发给我。"), true, nil
	case s.m.Group != "":
		return human("没帮上您，对不住。我记下了，请专家看。"), true, nil
	}
	s.memory().Asking, s.memory().Judged = askingReason, s.m.About
	return askReason(), true, nil
}

func (s *session) judge(answer int64, useful bool, reason string) {
	s.turn.Feedback = &Feedback{Answer: answer, Useful: useful, Reason: reason}
}

func askReason() Reply {
	lines := []string{"没帮上您，对不住。哪里不好？回复数字就行。"}
	var choices []Choice
	for i, reason := range reasons {
		lines = append(lines, option(i, reason))
		choices = append(choices, Choice{reason, fmt.Sprint(i + 1)})
	}
	r := human(strings.Join(lines, "\n"))
	r.Choices = choices
	return r
}

// reason takes why an answer was no use: a number, or the reader's own words.
func (s *session) reason() (Reply, bool) {
	n, numbered := chosen(s.said, true)
	for i, known := range reasons {
		if s.said == known {
			n, numbered = i+1, true
		}
	}
	answer := s.memory().Judged
	switch {
	case numbered && n == len(reasons) && s.memory().Asking == askingReason:
		s.memory().Asking = askingWords
		return human("请说说哪里不好，写几个字就行。"), true
	case numbered && n <= len(reasons) && s.memory().Asking == askingReason:
		s.judge(answer, false, reasons[n-1])
		switch s.memory().Asking = ""; reasons[n-1] {
		case "看不懂":
			r := human("记下了，谢谢您。要我一步一步说，就回“慢一点”。")
			r.Choices = []Choice{{"慢一点", "慢一点"}}
			return r, true
		case "没答到":
			s.turn.Filed = s.memory().Question
		}
	case numbered || declines.MatchString(s.said):
		s.memory().Asking = ""
		return human(ackLine), true
	case !s.ownWords():
		return Reply{}, false
	default:
		s.judge(answer, false, first(masked(s.m.Text), maxReason))
	}
	s.memory().Asking = ""
	return human("记下了，请专家看，谢谢您。"), true
}

// ownWords reports whether a message may be an answer in the reader's own words: short, and not a question or something passed on.
func (s *session) ownWords() bool {
	const longest = 60
	return s.said != "" && utf8.RuneCountInString(s.m.Text) <= longest && !looksAsked.MatchString(s.said) && !strings.ContainsAny(s.m.Text, "？?") &&
		!strings.Contains(s.m.Text, "://") && courtesy(s.said) == ""
}

// looksAsked is what a new question has.
var looksAsked = regexp.MustCompile(`[吗呢]$|能不能|可不可以|会不会|要不要|是不是|有没有|怎么办|怎么治|怎么做|该不该|紧急通知|转发|听说|真的假的|为什么`)

// forwardWords ask for a text to send on.
var forwardWords = phrase(`(?:我要|我想|帮我)?(?:转发|转|发)(?:给|到)?(?:家人|家里人|家里|亲戚|朋友|群里|孩子|家人群|他们)?(?:看看|看)?`)

// cityAffairs is no topic of entries: what the city's own line knows.
const cityAffairs knowledge.Topic = "city"

var topicWords = []struct {
	topic knowledge.Topic
	words *regexp.Regexp
}{
	{knowledge.Fraud, regexp.MustCompile(`转账|验证码|链接|投资|返利|贷款|中奖|银行卡|诈骗|被骗|骗子|刷单|客服|退款|汇款|屏幕共享|收益|扫码|公安局|陌生电话`)},
	{knowledge.Health, regexp.MustCompile(`药|病|疼|痛|痒|发烧|咳|血压|血糖|血脂|癌|疫苗|医院|医生|治|中毒|过敏|失眠|减肥|养生|偏方|保健|近视|肠|胃|肝|肾|心脏|怀孕|吃|喝`)},
	{cityAffairs, regexp.MustCompile(`社保|医保|养老金|补贴|政策|户口|身份证|停水|停电|办证|公交|低保|拆迁|噪音|路灯|物业`)},
}

// topicOf guesses what a question is about by its words; empty when they point nowhere, or to several numbers.
func topicOf(question string) knowledge.Topic {
	var found []knowledge.Topic
	for _, t := range topicWords {
		if t.words.MatchString(text.Normalize(question)) {
			found = append(found, t.topic)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}
