package knowledge_test

import (
	"crypto/sha256"
	"reflect"
	"strings"
	"testing"
	"time"

	"qiuzhen/knowledge"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, knowledge.China)

func heat(exercise bool, as knowledge.MsgType) knowledge.Broadcast {
	return knowledge.Broadcast{
		Type: as, Exercise: exercise, Expires: noon.Add(90 * time.Minute),
		Content: knowledge.BroadcastContent{
			Event: "高温", Category: "Met", Response: "Avoid", Urgency: "Expected", Severity: "Moderate", Certainty: "Likely",
			Headline: "明天很热，中午少出门", Description: "最高40度，雨量120毫米。", Instruction: "人迷糊叫不醒，打120，边等边降温\n不渴也喝水",
			Source: "南通市气象台", Contact: "12345", Reason: "温度看错了", Web: "https://example.org/1",
		},
	}
}

// TestTexts: the first line is enough by itself, and says first what it is.
func TestTexts(t *testing.T) {
	for _, c := range []struct {
		exercise bool
		as       knowledge.MsgType
		channel  string
		want     string
	}{
		{false, knowledge.Alert, "telegram", "明天很热，中午少出门。\n最高40度，雨量120毫米。\n可以这样做：\n1. 人迷糊叫不醒，打120，边等边降温。\n2. 不渴也喝水。\n来源：南通市气象台。\n" +
			"要问就打：12345。\n详情：https://example.org/1。\n这一条管到11月27日13点30分。"},
		{true, knowledge.Update, "webhook", "【演练】【更正】明天很热，中午少出门。\n前面发的有变，以这一条为准。原因：温度看错了。\n最高40度，雨量120毫米。\n人迷糊叫不醒，打1 2 0，边等边降温。\n" +
			"不渴也喝水。\n来源：南通市气象台。\n要问就打：1 2 3 4 5。\n这一条管到11月27日13点30分。\n这是演练，不用照着做，也不要转发。"},
		{false, knowledge.Cancel, knowledge.WeChatTemplate, "【作废】明天很热，中午少出门"},
		{true, knowledge.Cancel, knowledge.WeChatTemplate, "【演练】【作废】明天很热，中午少出门"},
	} {
		if got := heat(c.exercise, c.as).Text(c.channel); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
	long := heat(true, knowledge.Update)
	long.Content.Headline = "明天很热，中午少出门，老人孩子更要当心"
	if got := long.Text(knowledge.WeChatTemplate); got != "【演练】【更正】高温" {
		t.Error(got)
	}
}

// TestExerciseFirst: on every channel, whatever was written by hand; and nothing real says that it is an exercise.
func TestExerciseFirst(t *testing.T) {
	for _, own := range []string{"", "自己写的", "【演练】自己写的", "【更正】【演练】自己写的", "  【演练】【演练】自己写的"} {
		for _, as := range []knowledge.MsgType{knowledge.Alert, knowledge.Update, knowledge.Cancel} {
			for _, exercise := range []bool{true, false} {
				b := heat(exercise, as)
				b.Content.Texts = map[string]string{}
				for _, c := range knowledge.BroadcastChannels {
					b.Content.Texts[c.Name] = own
				}
				for channel, text := range b.Render() {
					if strings.HasPrefix(text, "【演练】") != exercise || strings.Count(text, "【演练】") > 1 {
						t.Errorf("exercise %t, %s on %s: %s", exercise, as, channel, text)
					}
				}
			}
		}
	}
	headline := heat(false, knowledge.Alert)
	headline.Content.Headline = "【演练】明天很热"
	if strings.Join(headline.Wrong(), "") == "" {
		t.Error("what is real says that it is an exercise")
	}
}

// TestDocument: the same content has the same hash in whatever order and zone it was written, another has another, and it reads back as it was.
func TestDocument(t *testing.T) {
	b := heat(false, knowledge.Alert)
	b.Audience.Areas = []string{"320685", "320623"}
	same := b
	same.Audience.Areas, same.Audience.Topics = []string{"320623", "320685", "320623"}, []knowledge.Topic{}
	same.Expires = b.Expires.UTC().Add(time.Millisecond)
	if string(b.Document()) != string(same.Document()) {
		t.Errorf("%s\n%s", b.Document(), same.Document())
	}
	var read knowledge.Broadcast
	if err := read.ReadDocument(b.Document()); err != nil || read.Hash != sha256.Sum256(b.Document()) || !reflect.DeepEqual(read.Document(), b.Document()) {
		t.Errorf("%+v, %v", read, err)
	}
	seen := map[string]bool{string(b.Document()): true}
	for i, change := range []func(*knowledge.Broadcast){
		func(b *knowledge.Broadcast) { b.Exercise = true }, func(b *knowledge.Broadcast) { b.Audience.Areas = nil },
		func(b *knowledge.Broadcast) { b.Audience.Channels = []string{"telegram"} }, func(b *knowledge.Broadcast) { b.Content.Texts = map[string]string{"email": "x"} },
		func(b *knowledge.Broadcast) { b.SendAt = noon }, func(b *knowledge.Broadcast) { b.Expires = noon }, func(b *knowledge.Broadcast) { b.References = 3 },
		func(b *knowledge.Broadcast) { b.Type = knowledge.Cancel }, func(b *knowledge.Broadcast) { b.Content.Source = "" },
	} {
		other := b
		change(&other)
		if seen[string(other.Document())] {
			t.Errorf("change %d is not in the document", i)
		}
		seen[string(other.Document())] = true
	}
}

// TestComplaints: all at once, with the length of each text.
func TestComplaints(t *testing.T) {
	b := heat(false, knowledge.Alert)
	if got := b.Complaints(noon); len(got) > 0 {
		t.Fatal(got)
	}
	b.Content.Headline, b.Content.Event, b.Content.Category = strings.Repeat("热", 31), "一个长得不能再长的名字啊", "Weather"
	b.Content.Description = strings.Repeat("热", 700)
	b.Audience = knowledge.Audience{Areas: []string{"3206"}, Topics: []knowledge.Topic{"x"}, Groups: []string{"x"}, Channels: []string{"wechat", "fax"}}
	b.Expires = noon
	got := strings.Join(b.Complaints(noon), "\n")
	for _, says := range []string{"最多30个字", "Weather", `"3206"`, `"fax"`, "没有 \"x\" 这个人群", "没有 \"x\" 这个主题", "微信的文字太长：", "最多2048字节", "已经过了"} {
		if !strings.Contains(got, says) {
			t.Errorf("not told %s:\n%s", says, got)
		}
	}
	if strings.Contains(got, "短信和大喇叭") {
		t.Error("a channel that is not used is complained of")
	}
}

// TestMassMessages go out when they are named, and never in an exercise.
func TestMassMessages(t *testing.T) {
	for _, c := range []struct {
		exercise bool
		as       knowledge.MsgType
		channels []string
		says     string // empty: nothing
	}{
		{false, knowledge.Alert, nil, ""}, {false, knowledge.Alert, []string{knowledge.WeChatMass}, "微信群发的文字太长"}, {false, knowledge.Update, nil, "微信群发的文字太长"},
		{true, knowledge.Alert, []string{knowledge.WeChatMass}, "演练不能用微信群发"},
	} {
		b := heat(c.exercise, c.as)
		b.Audience.Channels, b.References = c.channels, map[bool]int64{true: 1}[c.as != knowledge.Alert]
		b.Content.Texts = map[string]string{knowledge.WeChatMass: strings.Repeat("热", 700)}
		got := strings.Join(b.Complaints(noon), "")
		if got == "" != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// TestWhatOtherSystemsCannotBeTold is no broadcast: XML has no such characters, and an address is one that opens.
func TestWhatOtherSystemsCannotBeTold(t *testing.T) {
	for bad, change := range map[string]func(*knowledge.BroadcastContent){
		"不是文字的字符":    func(c *knowledge.BroadcastContent) { c.Description = "热\x0b" },
		"网址（web）要以":  func(c *knowledge.BroadcastContent) { c.Web = "https://a b" },
		"https:// 或": func(c *knowledge.BroadcastContent) { c.Web = "javascript:alert(1)" },
	} {
		b := heat(false, knowledge.Alert)
		change(&b.Content)
		if got := strings.Join(b.Complaints(noon), ""); !strings.Contains(got, bad) {
			t.Errorf("%q, want %s", got, bad)
		}
	}
}
