package office

import (
	"strings"

	"qiuzhen/knowledge"
)

// verdictWords are the ratings that mean one of our verdicts and nothing else. "Mostly false" is none: nobody here decides
// what another house's scale means.
var verdictWords = map[knowledge.Verdict][]string{
	knowledge.False:      {"谣言", "虚假", "假", "不实", "不属实", "失实", "错误", "不正确", "假的", "伪科学", "辟谣", "false", "fake", "incorrect", "wrong", "not true", "untrue"},
	knowledge.Misleading: {"误导", "误导性", "有误导", "misleading"},
	knowledge.PartlyTrue: {"部分属实", "部分真实", "部分正确", "半真半假", "真假参半", "partly true", "partially true", "half true", "partly_true", "half-true"},
	knowledge.True:       {"属实", "真实", "真", "正确", "真的", "true", "correct", "accurate"},
	knowledge.Unproven:   {"尚无定论", "存疑", "无法证实", "未证实", "未经证实", "证据不足", "没有定论", "unproven", "unverified"},
}

var verdictByWord = func() map[string]knowledge.Verdict {
	m := map[string]knowledge.Verdict{}
	for v, words := range verdictWords {
		for _, w := range words {
			m[w] = v
		}
	}
	return m
}()

// Verdict is the verdict that a rating's words mean, ok only when they mean exactly one.
func Verdict(alternateName string) (v knowledge.Verdict, ok bool) {
	key := strings.ToLower(strings.Join(strings.Fields(strings.Trim(alternateName, "。.!！“”\"'【】[]（）() ")), " "))
	v, ok = verdictByWord[key]
	return v, ok
}
