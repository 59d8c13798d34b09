package knowledge

import (
	"fmt"
	"slices"
	"time"
)

// The words of CAP 1.2 that the staff choose from, as they say them. The order is that of the choices.
var capChoices = []CAPField{
	{"urgency", "多急", []Choice{{"Immediate", "马上要做"}, {"Expected", "一小时内要做"}, {"Future", "还有时间"}, {"Past", "已经过去"}, {"Unknown", "不清楚"}}},
	{"severity", "多重", []Choice{{"Extreme", "特别严重"}, {"Severe", "严重"}, {"Moderate", "较重"}, {"Minor", "轻"}, {"Unknown", "不清楚"}}},
	{"certainty", "多准", []Choice{{"Observed", "已经发生"}, {"Likely", "很可能"}, {"Possible", "可能"}, {"Unlikely", "不大可能"}, {"Unknown", "不清楚"}}},
	{"category", "哪一类", []Choice{
		{"Met", "天气"}, {"Geo", "地震地质"}, {"Safety", "公共安全"}, {"Security", "治安、诈骗"}, {"Rescue", "救援"}, {"Fire", "火灾"}, {"Health", "健康"},
		{"Env", "环境"}, {"Transport", "交通"}, {"Infra", "水电气"}, {"CBRNE", "化学品等"}, {"Other", "别的"},
	}},
	{"response", "要人做什么", []Choice{
		{"Shelter", "就近躲避"}, {"Evacuate", "转移"}, {"Prepare", "做准备"}, {"Execute", "照预案做"}, {"Avoid", "避开"}, {"Monitor", "留意消息"},
		{"Assess", "自己判断，不信谣"}, {"AllClear", "解除"}, {"None", "不用做什么"},
	}},
}

// Choice is a value with its word for the staff.
type Choice struct{ Value, Word string }

// CAPField is a field that takes one of CAP's words.
type CAPField struct {
	Name, Word string
	Choices    []Choice
}

// CAPFields are those of a broadcast's content.
func CAPFields() []CAPField { return slices.Clone(capChoices) }

// CAPWord is what the content has in a field of CAPFields.
func (c *BroadcastContent) CAPWord(field string) *string {
	return map[string]*string{
		"urgency": &c.Urgency, "severity": &c.Severity, "certainty": &c.Certainty, "category": &c.Category, "response": &c.Response,
	}[field]
}

var topicWord = map[Topic]string{Health: "健康", Fraud: "防骗", Disaster: "防灾", Rumour: "谣言"}

// Word names the topic to the staff.
func (t Topic) Word() string { return topicWord[t] }

// Urgent reports whether people are woken for it; what is not waits for the morning, but for what corrects something urgent. No exercise is urgent.
func (b Broadcast) Urgent() bool {
	return b.Level() > 0
}

// Level is how soon it has to be there: 2 is for now (CAP's Immediate or Extreme), 1 for the next hours (Expected or Severe); 0 wakes nobody, as no exercise does.
func (b Broadcast) Level() int {
	c := b.Content
	switch {
	case b.Exercise:
		return 0
	case c.Urgency == "Immediate" || c.Severity == "Extreme":
		return 2
	case c.Urgency == "Expected" || c.Severity == "Severe":
		return 1
	}
	return 0
}

// Fields are what a broadcast says and to whom, as the staff read it, in the order of its form.
func (b Broadcast) Fields() []Field {
	c := b.Content
	all := []Field{
		{"演练还是实发", []string{b.KindWord()}}, {"照哪个条目", c.basis()}, {"是什么事", Paragraphs(c.Event)}, {"第一句话", Paragraphs(c.Headline)}, {"原来的哪里不对", Paragraphs(c.Reason)},
		{"说明", Paragraphs(c.Description)}, {"怎么做", c.Steps()}, {"谁说的", Paragraphs(c.Source)}, {"要问就打", Paragraphs(c.Contact)}, {"网址", Paragraphs(c.Web)},
	}
	for _, f := range capChoices {
		all = append(all, Field{f.Word, []string{f.word(*c.CAPWord(f.Name))}})
	}
	if b.Type == Alert {
		all = append(all, b.Audience.fields()...)
	} else {
		all = append(all, Field{"发给谁", []string{fmt.Sprintf("收到第%d号的人，在原来的渠道上", b.References)}})
	}
	all = append(all, Field{"什么时候开始发", []string{whenWord(b.SendAt)}}, Field{"最晚几点还发", []string{whenWord(b.Expires)}})
	all = append(all, Field{"来自别的系统的预警", Paragraphs(c.Origin)}, Field{"收来时要核对的", c.Notes})
	for _, ch := range BroadcastChannels {
		all = append(all, Field{ch.Word + "的文字", Paragraphs(b.Text(ch.Name))})
	}
	return slices.DeleteFunc(all, func(f Field) bool { return len(f.Lines) == 0 })
}

// basis names the entry that it says it was made from, and the version.
func (c BroadcastContent) basis() []string {
	if c.Entry == "" {
		return nil
	}
	return []string{fmt.Sprintf("%s 第%d版", c.Entry, c.Version)}
}

func (f CAPField) word(value string) string {
	for _, c := range f.Choices {
		if c.Value == value {
			return c.Word
		}
	}
	return value
}

func whenWord(t time.Time) string {
	if t.IsZero() {
		return "核准以后" // when that is, GoesOut says
	}
	return t.In(China).Format("2006年1月2日 15:04")
}

// fields say whom it is for; nothing named is everybody, which is said.
func (a Audience) fields() []Field {
	if a.ReadersOf != "" {
		return []Field{{"发给谁", []string{"最近30天收到过“" + string(a.ReadersOf) + "”这一条的人"}}}
	}
	named := func(all string, words []string) []string {
		if len(words) == 0 {
			return []string{all}
		}
		return words
	}
	var areas, topics, channels []string
	if a.Unplaced != "" && len(a.Areas) == 0 {
		areas = []string{"还没有选，现在谁也不发：" + a.Unplaced}
	}
	for _, code := range a.Areas {
		areas = append(areas, RegionName(code))
	}
	for _, t := range a.Topics {
		topics = append(topics, t.Word())
	}
	for _, name := range a.Channels {
		channels = append(channels, ChannelWord(name))
	}
	return []Field{
		{"哪些地方", named("所有地方", areas)}, {"关心什么的人", named("不限", topics)}, {"哪些人", named("不限", a.Groups)}, {"哪些渠道", named("所有渠道，微信群发不算在内", channels)},
	}
}

// DiffBroadcasts lists the parts that differ, line by line.
func DiffBroadcasts(before, after Broadcast) []FieldChange {
	return diffFields(before.Fields(), after.Fields())
}
