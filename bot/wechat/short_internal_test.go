package wechat

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"qiuzhen/bot"
	starter "qiuzhen/content"
	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

const someURL = "https://qiuzhen.example.cn"

// told is a reply that tells entries, as the desk words it here.
func told(entries ...retrieval.Stored) bot.Reply {
	r := retrieval.Result{Decision: retrieval.Sure}
	for _, e := range entries {
		r.Answers = append(r.Answers, retrieval.Match{Stored: e})
	}
	words := "还可以回：为什么、转发、没用。"
	if len(entries) > 1 {
		words = "想接着问哪一条，就回“第一个”或者“第二个”。"
	}
	return bot.Reply{Result: r, Text: bot.Render(r) + "\n" + words}
}

// TestWholeContentFits: of every entry, alone and with two others, at whatever length, a reader sees the verdict, why, who says so, whether that is
// signed, and where the rest is.
func TestWholeContentFits(t *testing.T) {
	files, err := ingest.ReadFS(starter.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	entries, _ := ingest.Lint(files)
	all := make([]retrieval.Stored, len(entries))
	for i, e := range entries {
		all[i] = retrieval.Stored{Entry: e, Version: 1}
		if i%3 == 0 {
			all[i].Signed = true
			all[i].Reviews = []knowledge.Review{{Reviewer: "王小明", Title: "主任医师", Institution: "南通市疾病预防控制中心"}, {Reviewer: "陈大勇", Title: "主任医师", Institution: "南通市科学技术协会"}}
		}
	}
	slices.SortFunc(all, func(a, b retrieval.Stored) int { return cmp.Compare(len(bot.AnswerText(b)), len(bot.AnswerText(a))) })
	c := &Channel{Config: Config{PublicURL: someURL + "/"}}
	replies, shortened, longest := 0, 0, 0
	check := func(urgent *retrieval.Urgent, entries ...retrieval.Stored) {
		r := told(entries...)
		if r.Urgent = urgent; urgent != nil {
			r.Text = bot.Render(r.Result)
		}
		got := fit(r.Text, c.links(r))
		replies++
		longest = max(longest, len(got))
		if got != r.Text {
			shortened++
		}
		checkFitted(t, r, got)
	}
	stroke := &retrieval.Urgent{Class: "stroke", Number: "120", Line: "请马上打120，可能是中风，一分钟也不要等。", Then: "等车的时候：让他侧躺，不要喂水喂药，记住发病的时间。"}
	for i := range all {
		check(nil, all[i])
		check(nil, all[i], all[(i+1)%len(all)], all[(i+2)%len(all)])
	}
	longestOnes := all[:11]
	for i, a := range longestOnes {
		for j, b := range longestOnes[:i] {
			for _, third := range longestOnes[:j] {
				check(nil, a, b, third)
				check(stroke, a, b, third)
			}
		}
	}
	if shortened < 400 {
		t.Errorf("%d replies of %d were shortened: the test says too little", shortened, replies)
	}
	t.Logf("%d replies, %d shortened, the longest has %d bytes", replies, shortened, longest)
}

func checkFitted(t *testing.T, r bot.Reply, got string) {
	t.Helper()
	if len(got) > maxReply || !utf8.ValidString(got) {
		t.Fatalf("%d bytes: %s", len(got), got)
	}
	unsigned := 0
	for _, a := range r.Answers {
		wanted := []string{a.FirstLine(), text.Sentences(a.Summary)[0], sourceLead + a.Sources[0].Institution}
		if !strings.Contains(got, bot.AnswerText(a.Stored)) {
			wanted = append(wanted, "全文："+someURL+"/e/"+string(a.ID))
		}
		for _, w := range wanted {
			if strings.Count(got, w) == 0 {
				t.Fatalf("%s: %q is not in %q", a.ID, w, got)
			}
		}
		if !a.Signed {
			unsigned++
		}
	}
	if n := strings.Count(got, knowledge.UnsignedLine); n != unsigned {
		t.Errorf("%d labels for %d unsigned entries: %q", n, unsigned, got)
	}
	if r.Urgent != nil && !strings.HasPrefix(got, r.Urgent.Line+"\n"+r.Urgent.Then+"\n\n") {
		t.Errorf("the danger is not first: %q", got)
	}
	if strings.Contains(got, "这样做：\n……") {
		t.Errorf("nothing is said to be done: %q", got)
	}
}

// TestLateKeepsItsSource: an answer that is joined to another is shortened like one by itself.
func TestLateKeepsItsSource(t *testing.T) {
	late := "“喝白酒杀病毒”是谣言，不要转发。\n核查的说法：喝白酒可以杀死病毒。\n" + strings.Repeat("这句话正好十个字。", 40) + "\n可以这样做：\n1. 勤洗手。\n" +
		"来源：中国疾控中心《指南》（2023年9月）\n" + knowledge.UnsignedLine
	got, taken := joinLate(strings.Repeat("这句话正好十个字。", 50), []string{late})
	if taken != 1 || len(got) > maxReply || !strings.HasSuffix(got, "这句话正好十个字。\n……\n来源：中国疾控中心\n"+knowledge.UnsignedLine) {
		t.Errorf("%d bytes, %d taken: %s", len(got), taken, got)
	}
}
