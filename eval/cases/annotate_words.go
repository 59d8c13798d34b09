package cases

import (
	"cmp"
	"slices"
	"strings"

	"qiuzhen/knowledge"
)

// choice is a value of a label's field with the word that people choose it by.
type choice struct{ value, word string }

// question is a field of a label as the sheet asks for it, with all that can be answered.
type question struct {
	name, column string
	choices      []choice
	of           func(Label) string
	set          func(*Label, string)
}

// questions are the fields that are chosen from a list. The entries that answer, which several may, are a column of their own.
var questions = []question{
	{"decision", "应当怎么回", []choice{{"answer", "直接回答"}, {"suggest", "给几条让读者选"}, {"abstain", "说还没有查证过"}},
		func(l Label) string { return l.Decision }, func(l *Label, s string) { l.Decision = s }},
	{"verdict", "结论", []choice{
		{"false", knowledge.False.Zh()}, {"misleading", knowledge.Misleading.Zh()}, {"partly_true", knowledge.PartlyTrue.Zh()},
		{"true", knowledge.True.Zh()}, {"unproven", knowledge.Unproven.Zh()}, {"", "不涉及"},
	}, func(l Label) string { return l.Verdict }, func(l *Label, s string) { l.Verdict = s }},
	{"urgent", "有没有危险", []choice{
		{"", "没有危险"}, {"suicide", "不想活了"}, {"choking", "噎住"}, {"poisoning", "中毒或吃错药"}, {"stroke", "中风"}, {"heart", "心脏病或昏倒"},
		{"electricity", "触电"}, {"drowning", "溺水"}, {"injury", "受伤"}, {"gas", "煤气"}, {"fire", "着火"}, {"disaster", "正在受灾"},
		{"missing", "走失"}, {"abuse", "挨打受虐待"}, {"scam", "正在被骗"},
	}, func(l Label) string { return l.Urgent }, func(l *Label, s string) { l.Urgent = s }},
	{"live", "要不要实时消息", []choice{
		{"", "不要"}, {"weather", "天气"}, {"earthquake", "地震"}, {"outbreak", "疫情"}, {"number", "核对号码网址"}, {"policy", "现在的规定"}, {"service", "办事信息"},
	}, func(l Label) string { return l.Live }, func(l *Label, s string) { l.Live = s }},
}

// wordsOf are the words of a question's values, and others beside.
func wordsOf(name string, more ...string) map[string]string {
	words := map[string]string{}
	for _, c := range questionOf(name).choices {
		if c.value != "" {
			words[c.value] = c.word
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		words[more[i]] = more[i+1]
	}
	return words
}

func questionOf(name string) question {
	return questions[slices.IndexFunc(questions, func(q question) bool { return q.name == name })]
}

// word is what a value is called; a value without a word is its own.
func (q question) word(value string) string {
	for _, c := range q.choices {
		if c.value == value {
			return c.word
		}
	}
	return value
}

func (q question) words() []string {
	words := make([]string, len(q.choices))
	for i, c := range q.choices {
		words[i] = c.word
	}
	return words
}

// values are what stands in files and on the command line.
func (q question) values() []string {
	values := make([]string, len(q.choices))
	for i, c := range q.choices {
		values[i] = cmp.Or(c.value, "none")
	}
	return values
}

// value is the value of a word, or of itself (answer, false); false for anything else.
func (q question) value(word string) (string, bool) {
	for _, c := range q.choices {
		if word == c.word || word == c.value && word != "" {
			return c.value, true
		}
	}
	return "", false
}

// Words is a label in words, for people who compare two: only what the case is about.
func (c Case) Words(l Label) string {
	var said []string
	if c.Expect.Decision != "any" {
		said = append(said, questionOf("decision").word(l.Decision))
	}
	if entries := strings.Split(c.Judged(l), "|")[1]; entries != "" {
		said = append(said, "用 "+strings.ReplaceAll(entries, ",", "、"))
	}
	if c.judgesVerdict() {
		said = append(said, questionOf("verdict").word(l.Verdict))
	}
	if l.Urgent != "" || c.Expect.Urgent != "" || c.Slices.Kind == "lookalike" {
		said = append(said, questionOf("urgent").word(l.Urgent))
	}
	if l.Live != "" || c.Expect.Live != "" {
		said = append(said, "实时消息："+questionOf("live").word(l.Live))
	}
	if len(said) == 0 {
		return "没有危险，不用条目"
	}
	return strings.Join(said, "，")
}

// ExpectedWords is what the case expects, in the same words.
func (c Case) ExpectedWords() string {
	e := c.Expect
	words := c.Words(Label{e.Decision, e.Entries, e.Verdict, e.Urgent, e.Live})
	if len(e.Wrong) > 0 {
		words += "，不能用 " + strings.Join(e.Wrong, "、")
	}
	return words
}
