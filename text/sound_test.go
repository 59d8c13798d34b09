package text

import "testing"

func TestCorrect(t *testing.T) {
	g := testSegmenter(t)
	for in, want := range map[string]string{
		"我血鸭量了一个礼拜":    "我血压量了一个礼拜",
		"医宝卡停用要点链接":    "医保卡停用要点链接",
		"安全帐户":         "安全账户",
		"批霜有毒":         "砒霜有毒",
		"刷丹是真的吗":       "刷单是真的吗",
		"血压高能停药吗":      "血压高能停药吗",
		"吃虾和橙子会中毒吗":    "吃虾和橙子会中毒吗",
		"今天天气很好,我们去公园": "今天天气很好,我们去公园",
		"abc 120":      "abc 120",
		"":             "",
	} {
		if got := g.Correct(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
