package broadcast_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

var (
	now   = time.Date(2026, 11, 27, 6, 0, 0, 0, time.UTC)
	blank = regexp.MustCompile(`〔[^〕]*〕`)
)

// TestTemplates: each names entries that are there, cannot be submitted as it comes, and can once its blanks are filled, on every channel.
func TestTemplates(t *testing.T) {
	all, err := broadcast.Templates()
	if err != nil || len(all) != 7 {
		t.Fatalf("%d templates, %v", len(all), err)
	}
	for _, template := range all {
		b, err := broadcast.FromTemplate(template.Name)
		if err != nil {
			t.Fatal(err)
		}
		b.Expires = now.Add(time.Hour)
		if !b.Exercise {
			t.Errorf("%s is real before anybody said so", template.Name)
		}
		if wrong := b.Wrong(); len(wrong) > 0 {
			t.Errorf("%s: %q", template.Name, wrong)
		}
		if complaints := strings.Join(b.Complaints(now), "；"); !strings.Contains(complaints, "还有空没填") {
			t.Errorf("%s with blanks: %s", template.Name, complaints)
		}
		c := &b.Content
		for _, field := range []*string{&c.Headline, &c.Description, &c.Instruction, &c.Source, &c.Contact} {
			*field = blank.ReplaceAllString(*field, "明天下午")
		}
		if complaints := b.Complaints(now); len(complaints) > 0 {
			t.Errorf("%s filled in: %q", template.Name, complaints)
		}
		for _, id := range template.Entries {
			if found, _ := filepath.Glob("../content/*/" + string(id) + ".md"); len(found) != 1 {
				t.Errorf("%s: no entry %s", template.Name, id)
			}
		}
		stepsAreVetted(t, template)
	}
	if _, err := broadcast.FromTemplate("none"); err == nil {
		t.Error("a template that is not there")
	}
}

// stepsAreVetted: most of the steps' characters are words of the entries that the template names, in runs of four or more: no step was made up.
// What is not joins them, or says of what this is (家里有的先不要吃).
func stepsAreVetted(t *testing.T, template broadcast.Template) {
	t.Helper()
	var vetted strings.Builder
	for _, id := range template.Entries {
		found, _ := filepath.Glob("../content/*/" + string(id) + ".md")
		data, err := os.ReadFile(found[0])
		if err != nil {
			t.Fatal(err)
		}
		vetted.Write(data)
	}
	known, all := 0, 0
	for _, step := range template.Content.Steps() {
		if blank.MatchString(step) {
			continue
		}
		runes := []rune(step)
		all += len(runes)
		for i := 0; i < len(runes); {
			n := 0
			for i+n < len(runes) && strings.Contains(vetted.String(), string(runes[i:i+n+1])) {
				n++
			}
			if n >= 4 {
				known += n
			}
			i += max(n, 1)
		}
	}
	if float64(known) < 0.6*float64(all) {
		t.Errorf("%s: %d of %d characters are the entries'", template.Name, known, all)
	}
}

// TestFromEntry: verdict line, reason, what to do, who says so.
func TestFromEntry(t *testing.T) {
	e := knowledge.Entry{
		ID: "baijiu", Kind: knowledge.Rebuttal, Topic: knowledge.Health, Short: "喝白酒杀病毒", Verdict: knowledge.False,
		Summary: "喝下去的酒到不了能消毒的浓度。", Actions: []string{"勤洗手，多通风。"},
		Sources: []knowledge.Source{{Institution: "中国疾控中心", Title: "指南", Date: "2023-09"}},
	}
	b := broadcast.FromEntry(e, 3)
	b.Expires = now.Add(time.Hour)
	if complaints := b.Complaints(now); len(complaints) > 0 {
		t.Fatal(complaints)
	}
	want := "【演练】“喝白酒杀病毒”是谣言，不要转发。\n喝下去的酒到不了能消毒的浓度。\n可以这样做：\n1. 勤洗手，多通风。\n来源：中国疾控中心《指南》（2023年9月）。\n" +
		"这一条管到11月27日15点。\n这是演练，不用照着做，也不要转发。"
	if got := b.Text("telegram"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b.ID = 7
	stop := broadcast.Correct(b, knowledge.Cancel, "来源看错了")
	stop.Expires = b.Expires
	if complaints := stop.Complaints(now); len(complaints) > 0 {
		t.Fatal(complaints)
	}
	want = "【演练】【作废】前面发的“喝白酒杀病毒”不算数了。\n前面发的作废，不要再照着做，也不要转发。原因：来源看错了。\n来源：中国疾控中心《指南》（2023年9月）。\n这是演练，不用照着做，也不要转发。"
	if got := stop.Text("telegram"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestDelivered: by channel, with why some failed and how long it took.
func TestDelivered(t *testing.T) {
	got := broadcast.NewDeliveredJSON([]knowledge.DeliveryCount{
		{Channel: "telegram", County: "", State: "failed", Reason: "太长", N: 2}, {Channel: "telegram", County: "320623", State: "failed", Reason: "太长", N: 1},
		{Channel: "telegram", County: "320623", State: "postponed", Reason: "收件人不在 endpoints.toml 里", N: 4}, {Channel: "telegram", County: "320623", State: "sent", N: 9}, {Channel: "wecom", State: "claimed", N: 1},
	}, []knowledge.DeliveryDelay{{Channel: "telegram", P50: 1.5, P95: 9}})
	said, err := json.Marshal(got)
	want := `[{"channel":"telegram","sent":9,"failed":3,"waiting":4,"reasons":{"太长":3},"waits":{"收件人不在 endpoints.toml 里":4},"p50":1.5,"p95":9},{"channel":"wecom","sent":0,"failed":0,"waiting":1,"reasons":{},"waits":{},"p50":null,"p95":null}]`
	if string(said) != want || err != nil {
		t.Errorf("%s (%v)", said, err)
	}
}

// TestPlanBehind: what is sent first is part of the time, and said.
func TestPlanBehind(t *testing.T) {
	channels, n, takes := broadcast.Plan([]knowledge.Reach{{Channel: "telegram", County: "320623", N: 150, Ahead: 86000}, {Channel: "telegram", N: 50, Ahead: 86000}, {Channel: "wecom", N: 3}})
	alone, _, _ := broadcast.Plan([]knowledge.Reach{{Channel: "telegram", N: 86200}})
	if n != 203 || takes != alone[0].Takes || channels[0].Ahead != 86000 || !strings.Contains(channels[0].Note, "还有86000条别的推送先发，约64分钟") || channels[1].Note != "" {
		t.Errorf("%d, %v, %+v", n, takes, channels)
	}
	broadcast.NoteUnsent(channels, nil)
	if !strings.Contains(channels[0].Note, "先发") || !strings.Contains(channels[0].Note, "没有设好") {
		t.Error(channels[0].Note)
	}
}

// TestPlan: honest times.
func TestPlan(t *testing.T) {
	channels, n, takes := broadcast.Plan([]knowledge.Reach{{Channel: "telegram", County: "320623", N: 40000}, {Channel: "telegram", N: 60000}, {Channel: "wecom", County: "320623", N: 12}})
	if len(channels) != 2 || n != 100012 || channels[0].Counties[0].N != 60000 || broadcast.TakesWords(takes) != "约74分钟" {
		t.Errorf("%v %d %v", channels, n, takes)
	}
	if got := broadcast.TakesWords(channels[1].Takes); got != "不到1分钟" {
		t.Error(got)
	}
	broadcast.NoteUnsent(channels, []string{"telegram", "email"})
	if channels[0].Note != "" || !strings.Contains(channels[1].Note, "没有设好") {
		t.Errorf("%+v", channels)
	}
	for spent, says := range map[int]string{1: "已经群发了1次", 4: "次数用完了"} {
		mass, _, _ := broadcast.Plan([]knowledge.Reach{{Channel: knowledge.WeChatMass, N: 1, Spent: spent}})
		if !strings.Contains(mass[0].Note, says) || !strings.Contains(mass[0].Note, "一个月最多收4条") {
			t.Error(mass[0].Note)
		}
	}
}
