package cases_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"qiuzhen/eval/cases"
)

// TestSample: complaints and unanswered questions first, all strata, no near-copies, nothing personal, and what comes is a case file.
func TestSample(t *testing.T) {
	no, yes := false, true
	at := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	var live []cases.Live
	words := strings.Split("梅花开了,竹子断了,兰草枯了,菊花谢了,松树倒了,柳条绿了,桃子熟了,李子酸了,杏仁苦了,枣儿红了", ",")
	for i, w := range words {
		live = append(live, cases.Live{Message: w + "是真的吗", Decision: "answer", Entries: []string{"liquor"}, Verdict: "false", Topic: "health", At: at, Channel: "web"},
			cases.Live{Message: "听人说" + w + "，对不对", Decision: "suggest", Topic: "fraud", At: at, Channel: "telegram"},
			cases.Live{Message: w + "谁晓得", Decision: "abstain", At: at.Add(time.Duration(i) * time.Hour), Channel: "wechat"})
	}
	live = append(live,
		cases.Live{Message: "我的电话13812345678，白酒杀毒没用吗", Decision: "answer", Entries: []string{"liquor"}, Verdict: "false", Topic: "health", Useful: &no, At: at},
		cases.Live{Message: "老伴嘴歪了", Decision: "abstain", Urgent: "stroke", At: at, Useful: &yes},
		cases.Live{Message: "明天下不下雨", Decision: "answer", Live: "weather", Entries: []string{"quake"}, Topic: "disaster", At: at},
		cases.Live{Message: "从前有人问过的话题", Decision: "abstain", At: at}, cases.Live{Message: "啊", Decision: "abstain", At: at})
	had := aCase("old", "abstain", "从前有人问过的话题")
	got := cases.Sample(live, []cases.Case{had}, 12, "gate")
	count := map[string]int{}
	var file bytes.Buffer
	for _, c := range got {
		count[c.Expect.Decision]++
		line, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		file.Write(append(line, '\n'))
	}
	if len(got) != 12 || count["abstain"] == 0 || count["answer"] == 0 || count["suggest"] == 0 {
		t.Errorf("%d drawn: %v", len(got), count)
	}
	text := file.String()
	for _, s := range []string{"138****5678", "读者说没用", "老伴嘴歪了"} {
		if !strings.Contains(text, s) {
			t.Errorf("%q was not drawn", s)
		}
	}
	for _, s := range []string{"13812345678", "从前有人", `"啊"`} {
		if strings.Contains(text, s) {
			t.Errorf("%q was drawn", s)
		}
	}
	reading := cases.Read([]cases.File{{Name: "live.jsonl", Data: file.Bytes()}}, cases.Known{Entries: map[string]string{"liquor": "false", "quake": ""}})
	if len(reading.Complaints) > 0 || len(reading.Copies) > 0 {
		t.Errorf("the file is not one of cases: %v %v", reading.Complaints, reading.Copies)
	}
	if again := cases.Sample(live, []cases.Case{had}, 12, "gate"); fmt.Sprint(again) != fmt.Sprint(got) {
		t.Error("drawn twice, it differs")
	}
	if all := cases.Sample(live, nil, 1000, "tune"); len(all) != len(live)-1 {
		t.Errorf("%d of %d drawn when there is room", len(all), len(live))
	}
}
