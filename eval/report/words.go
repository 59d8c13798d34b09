package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"qiuzhen/eval/cases"
	"qiuzhen/knowledge"
)

// zh are the words of slices as reviewers read them; an unknown one stays as it is.
var zh = map[string]map[string]string{
	"topic": {"health": "健康", "fraud": "防骗", "disaster": "防灾", "rumour": "传言", "none": "不属于哪类"},
	"risk":  {"high": "答错会害人", "low": "答错不害人"},
	"kind": {
		"entry": "有条目的", "absent": "没有条目的", "swapped": "说反了的", "urgent": "危险", "lookalike": "像危险而不是", "live": "眼前的事",
		"timeless": "不问眼前的", "two_claims": "一次两件事", "injection": "指令和辱骂", "multi_turn": "几轮对话", "": "没有归类",
	},
	"style": {
		"plain": "平常话", "forward": "长转发", "dialect": "方言", "typo": "错字", "homophone": "谐音字", "traditional": "繁体字", "negated": "反着说",
		"number": "换了数字", "two_claims": "两件事", "injection": "夹带指令", "off_topic": "不相干", "multi_turn": "接着问", "near_miss": "相近而不同", "short": "很短",
	},
	"class": cases.ClassesZh,
}

// dimensions are what slices are of, in the order in which they are shown.
var dimensions = []struct{ key, zh string }{{"kind", "类型"}, {"topic", "主题"}, {"risk", "风险"}, {"style", "说法"}, {"class", "危险类别"}}

func word(dimension, value string) string { return cmp.Or(zh[dimension][value], clean(value)) }

// sliceZh names a slice, topic=health, for reviewers.
func sliceZh(slice string) string {
	if slice == cases.All {
		return "全部"
	}
	key, value, _ := strings.Cut(slice, "=")
	for _, d := range dimensions {
		if d.key == key {
			return d.zh + "：" + word(key, value)
		}
	}
	return clean(slice)
}

func verdictZh(verdict string) string {
	return cmp.Or(knowledge.Verdict(verdict).Zh(), clean(verdict), "没有结论")
}

// figureZh is a figure's name for reviewers.
func figureZh(name string) string { return clean(cases.Named(name).Zh) }

// valueOf is a figure's value, or a dash when nothing counts.
func valueOf(name string, i cases.Interval) string {
	switch {
	case i.N == 0:
		return "—"
	case strings.HasPrefix(name, "latency"):
		return fmt.Sprintf("%.0f", i.Value)
	}
	return cases.Number(name, i.Value)
}

// countOf says of how many cases a figure is.
func countOf(name string, i cases.Interval) string {
	switch {
	case i.N == 0:
		return "没有可算的"
	case cases.Named(name).Rate:
		return fmt.Sprintf("%d个里%d个", i.N, i.Hits())
	case slices.ContainsFunc(cases.Lone, func(f cases.Figure) bool { return f.Name == name }): // an area, a percentile
		return fmt.Sprintf("%d个", i.N)
	}
	return fmt.Sprintf("%d个的平均", i.N)
}

func intervalOf(name string, i cases.Interval) string {
	if i.N == 0 || i.Low == i.High && !cases.Named(name).Rate {
		return "—"
	}
	return cases.Number(name, i.Low) + "～" + cases.Number(name, i.High)
}

func percent(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }

func round1(v float64) float64 { return math.Round(v*10) / 10 }

var china = time.FixedZone("UTC+8", 8*60*60)

func day(t time.Time) string {
	if t.IsZero() {
		return "时间不明"
	}
	return t.In(china).Format("2006年1月2日 15:04")
}

// clean is foreign text without what steers a terminal or a page: control characters but the line's end, and marks that turn the direction.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == unicode.ReplacementChar, r&0xfffe == 0xfffe, 0xfdd0 <= r && r <= 0xfdef:
			return '□' // it shows that something was there
		}
		return r
	}, strings.ReplaceAll(strings.ToValidUTF8(s, "□"), "\r\n", "\n"))
}

// clip is a clean text of at most that many characters.
func clip(s string, most int) string {
	runes := []rune(clean(s))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}

// brief is a clean text in one line.
func brief(s string, most int) string { return clip(strings.Join(strings.Fields(s), " "), most) }
