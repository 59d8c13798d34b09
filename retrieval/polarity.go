package retrieval

import (
	"regexp"
	"slices"
	"strings"
)

// neutral wordings hold a negation in form only: A-not-A questions, and words in which 不 or 没 says nothing about
// the claim. They are taken out before negations are counted.
var neutral = regexp.MustCompile(`(能不能|会不会|是不是|可不可以|要不要|该不该|用不用|有没有|好不好|行不行|对不对|算不算|值不值|需不需要|应不应该|敢不敢|吃不吃|喝不喝)` +
	`|不仅|不但|不光|不只|不锈钢|不管|不论|不小心|不知道|不知|不晓得|不清楚|不明白|不懂|不舒服|不得不|差不多|了不起|对不起|不好意思|不一会儿?|不久|不断|不停|不少|不同|不然|不过|不错|来不及|忍不住|受不了|没想到|没事|非常|非要|除非|无糖|无线|无名|无论|无偿|免费|未来|未成年`)

// question marks a question by a particle at its end (能停不, 是真的不, 去过没), which denies nothing.
var question = regexp.MustCompile(`(不|没|否|不是|没有)(呀|啊|呢|哦|嘛|咯)?([,.;?!~ ]+|$)`)

var negation = regexp.MustCompile(`千万别|千万不要|不能|不可以?|不会|不要|不是|不应该?|不该|不用|不必|不需要?|不得|不再|不准|不许|并非|并不|绝不|从不|没有|无法|无须|无需|无效|无害|不|没|别|勿|未|无|非|莫|禁止|严禁|禁忌|拒绝|杜绝|避免|防止`)

// negations counts the negations in a normalised text without neutral wordings.
func negations(s string) int {
	return len(negation.FindAllStringIndex(question.ReplaceAllString(s, ""), -1))
}

// antonyms are pairs of which a claim holds one side: the other side makes it another claim.
var antonyms = [][2][]string{
	{{"致癌", "得癌", "患癌", "引发癌", "导致癌"}, {"防癌", "抗癌", "治癌", "治疗癌"}},
	{{"有害", "有毒", "伤身", "危险"}, {"有益", "无害", "无毒", "安全"}},
	{{"升高", "升", "增加", "变多", "加重"}, {"降低", "降", "减少", "变少", "减轻"}},
	{{"促进", "导致", "引起", "诱发"}, {"预防", "抑制", "阻止", "缓解"}},
	{{"饭前", "空腹"}, {"饭后"}},
	{{"真的"}, {"假的"}},
}

var number = regexp.MustCompile(`\d+(\.\d+)?`)

// Opposes reports whether a message seems to say something else than the wording it was matched with: another
// polarity, the opposite word, or another number. Both are normalised. It errs on the side of true, since what
// opposes is suggested and not answered.
func Opposes(message, wording string) bool {
	message, wording = neutral.ReplaceAllString(message, ""), neutral.ReplaceAllString(wording, "")
	if negations(message)%2 != negations(wording)%2 {
		return true
	}
	for _, pair := range antonyms {
		for _, side := range [][2][]string{{pair[0], pair[1]}, {pair[1], pair[0]}} {
			if holdsOnly(message, side[0], side[1]) && holdsOnly(wording, side[1], side[0]) {
				return true
			}
		}
	}
	return numbersDiffer(message, wording)
}

func holdsOnly(s string, these, notThese []string) bool {
	in := func(word string) bool { return strings.Contains(s, word) }
	return slices.ContainsFunc(these, in) && !slices.ContainsFunc(notThese, in)
}

// numbersDiffer: both name numbers, and neither shares one with the other.
func numbersDiffer(a, b string) bool {
	as, bs := number.FindAllString(a, -1), number.FindAllString(b, -1)
	if len(as) == 0 || len(bs) == 0 {
		return false
	}
	return !slices.ContainsFunc(as, func(n string) bool { return slices.Contains(bs, n) })
}
