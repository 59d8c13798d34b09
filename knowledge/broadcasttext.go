package knowledge

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// What a broadcast says on each channel, made from its fields. The first line is enough by itself, and reads well aloud.

// The marks that come before anything else.
const (
	ExerciseMark = "【演练】"
	updateMark   = "【更正】"
	cancelMark   = "【作废】"
)

// ExerciseLine ends what an exercise says.
const ExerciseLine = "这是演练，不用照着做，也不要转发。"

// WeChatTemplate names the short text for WeChat's template messages, whose fields take 20 characters.
const WeChatTemplate = "wechat_template"

// WeChatMass names the channel by which an official account writes to all of its followers, or to those with a tag.
const WeChatMass = "wechat_mass"

// MassQuota is how many mass messages WeChat lets each follower of a service account have in a month; a subscription account has one a day.
const MassQuota = 4

// BroadcastChannel is a way of sending, with the length of text that it takes.
type BroadcastChannel struct {
	Name string // as in Delivery
	Word string // for the staff
	Most int
	Unit string // of Most: 字, or 字节 in UTF-8
}

// BroadcastChannels are all texts that a broadcast has, one a channel and WeChat's short one. WeChat's and WeCom's limits are the platforms' in bytes;
// what the webhook sends is made for reading aloud and for text messages.
var BroadcastChannels = []BroadcastChannel{
	{"telegram", "Telegram", 4096, "字"},
	{"wechat", "微信", 2048, "字节"},
	{WeChatTemplate, "微信模板消息", 20, "字"},
	{WeChatMass, "微信群发", 2048, "字节"},
	{"wecom", "企业微信群", 2048, "字节"},
	{"dingtalk", "钉钉群", 5000, "字"},
	{"email", "电子邮件", 20000, "字"},
	{"webhook", "短信和大喇叭", 500, "字"},
}

// ChannelWord names a channel to the staff.
func ChannelWord(name string) string {
	for _, c := range BroadcastChannels {
		if c.Name == name {
			return c.Word
		}
	}
	return name
}

// Length is that of a text as the channel counts it: bytes, or UTF-16 units as Telegram does.
func (c BroadcastChannel) Length(text string) int {
	if c.Unit == "字节" {
		return len(text)
	}
	return len(utf16.Encode([]rune(text)))
}

// Render fills in what each channel is sent.
func (b Broadcast) Render() map[string]string {
	texts := map[string]string{}
	for _, c := range BroadcastChannels {
		texts[c.Name] = b.render(c.Name)
	}
	return texts
}

// Text is what the channel is sent: what was saved, and approved.
func (b Broadcast) Text(channel string) string {
	if text, ok := b.Rendered[channel]; ok {
		return text
	}
	return b.render(channel)
}

func (b Broadcast) render(channel string) string {
	if own := strings.TrimSpace(b.Content.Texts[channel]); own != "" {
		return b.marked(own)
	}
	switch channel {
	case WeChatTemplate:
		return b.short()
	case "webhook":
		return b.aloud()
	}
	return b.whole()
}

// Mark is what comes first: of an exercise, and of a correction.
func (b Broadcast) Mark() string {
	mark := map[MsgType]string{Update: updateMark, Cancel: cancelMark}[b.Type]
	if b.Exercise {
		return ExerciseMark + mark
	}
	return mark
}

// marked is a text written by hand, with the mark that it may not lack nor say twice.
func (b Broadcast) marked(own string) string {
	for marks := []string{ExerciseMark, updateMark, cancelMark}; ; {
		rest := own
		for _, mark := range marks {
			rest = strings.TrimSpace(strings.TrimPrefix(rest, mark))
		}
		if rest == own {
			return b.Mark() + own
		}
		own = rest
	}
}

// FirstLine is enough by itself.
func (b Broadcast) FirstLine() string {
	return b.Mark() + Closed(strings.TrimSpace(b.Content.Headline))
}

// short is the headline where it fits, else the event alone: a field of 20 characters is cut off by the platform.
func (b Broadcast) short() string {
	headline := b.Mark() + strings.TrimSpace(b.Content.Headline)
	if utf8.RuneCountInString(headline) <= 20 {
		return headline
	}
	return b.Mark() + strings.TrimSpace(b.Content.Event)
}

// Steps are what to do, one a line of the instruction.
func (c BroadcastContent) Steps() []string {
	var steps []string
	for line := range strings.Lines(c.Instruction) {
		if line = strings.TrimSpace(line); line != "" {
			steps = append(steps, line)
		}
	}
	return steps
}

// whole is everything, for who reads.
func (b Broadcast) whole() string {
	c := b.Content
	lines := []string{b.FirstLine(), b.correction()}
	for line := range strings.Lines(c.Description) {
		lines = append(lines, strings.TrimSpace(line))
	}
	steps := c.Steps()
	if len(steps) > 0 {
		lines = append(lines, "可以这样做：")
	}
	for i, step := range steps {
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, Closed(step)))
	}
	lines = append(lines, said("来源：", c.Source), said("要问就打：", c.Contact), said("详情：", c.Web), b.until(), b.ending())
	return joined(lines)
}

// aloud is for loudspeakers and text messages: no addresses, no numbering by signs, telephone numbers digit by digit.
func (b Broadcast) aloud() string {
	c := b.Content
	lines := []string{b.FirstLine(), b.correction(), c.Description}
	for _, step := range c.Steps() {
		lines = append(lines, Closed(step))
	}
	lines = append(lines, said("来源：", c.Source), said("要问就打：", c.Contact), b.until(), b.ending())
	return spoken(joined(lines))
}

func (b Broadcast) correction() string {
	switch b.Type {
	case Update:
		return "前面发的有变，以这一条为准。" + said("原因：", b.Content.Reason)
	case Cancel:
		return "前面发的作废，不要再照着做，也不要转发。" + said("原因：", b.Content.Reason)
	}
	return ""
}

func (b Broadcast) until() string {
	if b.Expires.IsZero() || b.Type == Cancel {
		return ""
	}
	at := b.Expires.In(China)
	return fmt.Sprintf("这一条管到%d月%d日%d点%s。", at.Month(), at.Day(), at.Hour(), minutes(at))
}

func minutes(at time.Time) string {
	if at.Minute() == 0 {
		return ""
	}
	return fmt.Sprintf("%d分", at.Minute())
}

func (b Broadcast) ending() string {
	if b.Exercise {
		return ExerciseLine
	}
	return ""
}

// said is a line that says something, or none.
func said(label, what string) string {
	if what = strings.TrimSpace(what); what == "" {
		return ""
	}
	return label + Closed(what)
}

func joined(lines []string) string {
	var kept []string
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// spoken spaces the digits of telephone numbers, which a loudspeaker would read as a quantity. What stands alone is a quantity: 120毫米.
func spoken(text string) string {
	return phoneNumbers.ReplaceAllStringFunc(text, func(found string) string {
		_, n := utf8.DecodeRuneInString(found) // 打, 、
		return found[:n] + strings.Join(strings.Split(found[n:], ""), " ")
	})
}
