package bot

import (
	"testing"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// TestImpersonal: a service outside gets none of what a reply repeats of its reader's words, and all else as it is.
func TestImpersonal(t *testing.T) {
	due := Due{Words: "我老伴王秀英吃”，那个”行吗"}
	s := retrieval.Stored{Entry: knowledge.Entry{Topic: knowledge.Health, Kind: knowledge.Guide, Short: "蜂蜜降糖", Summary: "不能降糖"}, Signed: true}
	for name, c := range map[string]struct{ reply, want string }{
		"an answer": {"“喝白酒杀病毒”是谣言，不要转发。\n勤洗手。", "“喝白酒杀病毒”是谣言，不要转发。\n勤洗手。"},
		"what they waited for": {"您好。\n\n" + dueLine(due) + "\n不能降糖。\n\n" + dueLine(due) + "\n少吃糖。",
			"您好。\n\n您上次问的事，专家查过了。\n不能降糖。\n\n您上次问的事，专家查过了。\n少吃糖。"},
		"and was withdrawn":     {"您好。\n\n" + dueGone(dueLine(due)+"\n不能降糖。"), "您好。\n\n另外，您上次问的事，答案刚刚撤下或者改过了。\n请再问一次，我重新查。"},
		"whom they asked about": {uncoveredText(s, "我家王秀英"), uncoveredText(s, "")},
		"whom they did not":     {uncoveredText(s, ""), uncoveredText(s, "")},
	} {
		if got := Impersonal(c.reply); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
