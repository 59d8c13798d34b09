package knowledge_test

import (
	"fmt"
	"strings"
	"testing"

	"qiuzhen/knowledge"
)

// TestCAPChoices: what the staff choose from is what CAP has, all of it.
func TestCAPChoices(t *testing.T) {
	n := 0
	for _, f := range knowledge.CAPFields() {
		for _, c := range f.Choices {
			b := heat(true, knowledge.Alert)
			*b.Content.CAPWord(f.Name) = c.Value
			if wrong := b.Wrong(); len(wrong) > 0 || c.Word == "" {
				t.Errorf("%s %s: %v", f.Name, c.Value, wrong)
			}
			n++
		}
	}
	if n != 5+5+5+12+9 {
		t.Errorf("%d words", n)
	}
}

// TestDiffBroadcasts: every part that an approval binds shows when it differs, and nothing else.
func TestDiffBroadcasts(t *testing.T) {
	b := heat(false, knowledge.Alert)
	if got := knowledge.DiffBroadcasts(b, b); len(got) > 0 {
		t.Fatal(got)
	}
	for says, change := range map[string]func(*knowledge.Broadcast){
		"演练还是实发[实发][演练]":          func(b *knowledge.Broadcast) { b.Exercise = true },
		"哪些地方[所有地方][如东县]":         func(b *knowledge.Broadcast) { b.Audience.Areas = []string{"320623"} },
		"哪些人[不限][老人]":             func(b *knowledge.Broadcast) { b.Audience.Groups = []string{"老人"} },
		"关心什么的人[不限][防骗]":          func(b *knowledge.Broadcast) { b.Audience.Topics = []knowledge.Topic{knowledge.Fraud} },
		"哪些渠道[所有渠道，微信群发不算在内][微信]": func(b *knowledge.Broadcast) { b.Audience.Channels = []string{"wechat"} },
		"电子邮件的文字":                 func(b *knowledge.Broadcast) { b.Content.Texts = map[string]string{"email": "另外写的"} },
		"怎么做[不渴也喝水][多喝水]": func(b *knowledge.Broadcast) {
			b.Content.Instruction = "人迷糊叫不醒，打120，边等边降温\n多喝水"
		},
		"多急[一小时内要做][还有时间]":        func(b *knowledge.Broadcast) { b.Content.Urgency = "Future" },
		"什么时候开始发[核准以后][2026年11月":  func(b *knowledge.Broadcast) { b.SendAt = noon },
		"最晚几点还发":                  func(b *knowledge.Broadcast) { b.Expires = noon },
		"照哪个条目[][flood 第2版]":      func(b *knowledge.Broadcast) { b.Content.Entry, b.Content.Version = "flood", 2 },
		"发给谁[][最近30天收到过“x”这一条的人]": func(b *knowledge.Broadcast) { b.Audience.ReadersOf = "x" },
	} {
		other := heat(false, knowledge.Alert)
		change(&other)
		other.Rendered = nil
		var got strings.Builder
		for _, c := range knowledge.DiffBroadcasts(b, other) {
			fmt.Fprintf(&got, "%s%s%s\n", c.Name, c.Gone, c.New)
		}
		if !strings.Contains(got.String(), says) {
			t.Errorf("not told %s:\n%s", says, &got)
		}
	}
}

// TestDiffCorrections: a correction that is moved to another original shows it.
func TestDiffCorrections(t *testing.T) {
	of := func(original int64) knowledge.Broadcast {
		b := heat(false, knowledge.Update)
		b.References = original
		return b
	}
	if got := fmt.Sprint(knowledge.DiffBroadcasts(of(3), of(5))); !strings.Contains(got, "收到第5号的人") {
		t.Error(got)
	}
}

// TestForeignExercise: what was made from another system's exercise is none but an exercise.
func TestForeignExercise(t *testing.T) {
	for _, exercise := range []bool{true, false} {
		b := heat(exercise, knowledge.Alert)
		b.Content.Origin, b.Content.OriginExercise = "warn@weather.example,W-1,2026-08-01T09:30:00+08:00", true
		if wrong := strings.Join(b.Wrong(), ""); strings.Contains(wrong, "不能改成实发") == exercise {
			t.Errorf("exercise %t: %s", exercise, wrong)
		}
	}
}

func TestUrgent(t *testing.T) {
	for _, c := range []struct {
		urgency, severity string
		want              bool
	}{{"Immediate", "Minor", true}, {"Expected", "Unknown", true}, {"Future", "Severe", true}, {"Unknown", "Extreme", true}, {"Future", "Moderate", false}, {"Past", "Unknown", false}} {
		b := heat(false, knowledge.Alert)
		b.Content.Urgency, b.Content.Severity = c.urgency, c.severity
		if b.Urgent() != c.want {
			t.Errorf("%+v: %t", c, b.Urgent())
		}
	}
}
