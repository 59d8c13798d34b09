package retrieval

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// Words in order of nothing: longest first is what the replacers need, and what byLength gives.
var (
	// neutral wordings hold a negation in form only: A-not-A questions, and words in which 不 or 没 says nothing about
	// the claim. They are taken out before negations are counted.
	neutral = strings.Fields(`能不能 会不会 是不是 可不可以 要不要 该不该 用不用 有没有 好不好 行不行 对不对 算不算 值不值 需不需要
		应不应该 敢不敢 吃不吃 喝不喝 不仅 不但 不光 不只 不锈钢 不管 不论 不小心 不知道 不知 不晓得 不清楚 不明白 不懂 不舒服
		不得不 差不多 了不起 对不起 不好意思 不一会 不一会儿 不久 不断 不停 不少 不同 不然 不过 不错 来不及 忍不住 受不了 没想到
		没事 非常 非要 除非 无糖 无线 无名 无论 无偿 免费 未来 未成年 特别 别人 区别 分别 级别
		性别 鉴别 识别 个别 不起眼`)
	negation = strings.Fields(`千万别 千万不要 不能 不可以 不可 不会 不要 不是 不应该 不应 不该 不用 不必 不需要 不需 不得 不再 不准 不许
		并非 并不 绝不 从不 没有 无法 无须 无需 无效 无害 不 没 别 勿 未 无 非 莫 禁止 严禁 禁忌 拒绝 杜绝 避免 防止`)
	// dismissal calls what is said untrue or useless: who dismisses a claim does not spread it.
	dismissal = strings.Fields(`扯淡 瞎说 瞎扯 瞎吹 瞎编 胡说 胡扯 胡编 乱说 忽悠人 骗人的 是假的 是谣言 没得用 用没得 没用 没啥子用 没什么用 没有用 没啥用 不管用
		没效果 挡不住 灭不了 防不住 治不了 哪能 哪会 哪里能 哪有的事 怎么可能 别信 别听 别传 别再传 别转
		骗子 诈骗 哄人 谣言 谣传 辟谣 造谣 没影的事 没有的事 没这回事 没根据 没道理 白搭 白费 治不好 哪里会 哪有 哪是 编出来 误会 冤枉
		反而 反倒 犯法 违法 交不得 信不得 上当`)
)

// antonyms are pairs of which a claim holds one side: the other side makes it another claim.
var antonyms = [][2][]string{
	{{"致癌", "得癌", "患癌", "引发癌", "导致癌"}, {"防癌", "抗癌", "治癌", "治疗癌"}},
	{{"有害", "有毒", "伤身", "危险"}, {"有益", "无害", "无毒", "安全"}},
	{{"升高", "升", "增加", "变多", "加重"}, {"降低", "降", "减少", "变少", "减轻"}},
	{{"促进", "导致", "引起", "诱发"}, {"预防", "抑制", "阻止", "缓解"}},
	{{"饭前", "空腹"}, {"饭后"}},
	{{"真的"}, {"假的"}},
}

// The replacers put a mark where a word of the list stood; neutral words leave nothing.
const negationMark, dismissalMark = "\x01", "\x02"

var (
	dropNeutral    = replacer(neutral, "")
	markNegations  = replacer(negation, negationMark)
	markDismissals = replacer(dismissal, dismissalMark)
	// a question by a particle at its end (能停不, 是真的不, 去过没) denies nothing; a dismissal that is asked about (是骗人的
	// 吗) dismisses nothing
	particle = regexp.MustCompile(`(不|没|否|不是|没有)(呀|啊|呢|哦|嘛|咯)?([,.;?!~ ]+|$)`)
	asked    = regexp.MustCompile(dismissalMark + `[吗吧么不呢?]`)
	// a number with the character after it, its unit
	number = regexp.MustCompile(`(\d+(?:\.\d+)?) ?([\p{Han}a-z%])`)
)

func replacer(words []string, with string) *strings.Replacer {
	longestFirst := slices.SortedStableFunc(slices.Values(words), func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, w := range longestFirst {
		pairs = append(pairs, w, with)
	}
	return strings.NewReplacer(pairs...)
}

// polarity is what decides whether two texts say opposite things.
type polarity struct {
	text      string // without neutral words
	negations int
	// dismissals are the words of dismissal; dismissed: some are meant and not asked about.
	dismissals int
	dismissed  bool
	numbers    map[string][]string // unit to numbers
}

func polarityOf(normalised string) polarity {
	s := dropNeutral.Replace(normalised)
	marked := markNegations.Replace(particle.ReplaceAllString(s, ""))
	dismissals := markDismissals.Replace(s)
	numbers := map[string][]string{}
	for _, m := range number.FindAllStringSubmatch(s, -1) {
		numbers[m[2]] = append(numbers[m[2]], m[1])
	}
	n := strings.Count(dismissals, dismissalMark)
	return polarity{
		text: s, negations: strings.Count(marked, negationMark),
		dismissals: n, dismissed: n > len(asked.FindAllStringIndex(dismissals, -1)),
		numbers: numbers,
	}
}

// Opposes reports whether a message seems to say something else than the wording it was matched with: another
// polarity, the opposite word, or another number. Both are normalised. Negations are counted in the clause of each that
// the two share most of; a dismissal counts wherever it stands. alike is false when the two share too little for their
// negations to be compared. It errs on the side of opposing, since what opposes is suggested and not answered.
func Opposes(message, wording string) (opposes, alike bool) {
	contrary, numbers, alike := Compare(message, wording)
	return contrary || numbers, alike
}

// Compare says how two normalised texts differ in what they assert: contrary, one denies what the other says, calls it untrue or has the
// opposite word; numbers, of some unit they name others. It is Opposes taken apart.
func Compare(a, b string) (contrary, numbers, alike bool) {
	p, q := polarityOf(a), polarityOf(b)
	numbers = numbersDiffer(p.numbers, q.numbers)
	p.numbers, q.numbers = nil, nil
	x, y, share := closestClauses(a, b)
	p.negations, q.negations = 0, 0
	if alike = share >= comparable; alike {
		p.negations, q.negations = polarityOf(x).negations, polarityOf(y).negations
	}
	return p.opposes(q), numbers, alike
}

// comparable is the least share of the smaller clause's character pairs that the other must hold for their negations to
// be about the same thing.
const comparable = 0.25

var clauseEnd = regexp.MustCompile(`[,.;:!?~ \n]+`)

// closestClauses returns the clause of each text that shares most character pairs with one of the other, and the share
// of the smaller one's pairs that both hold.
func closestClauses(a, b string) (bestA, bestB string, alike float64) {
	best := 0.0
	for _, x := range clauses(a) {
		for _, y := range clauses(b) {
			if n := shared(x.pairs, y.pairs); n+n/float64(len(x.pairs)+len(y.pairs)) > best {
				best = n + n/float64(len(x.pairs)+len(y.pairs)) // of equal ones, those that hold little else
				bestA, bestB, alike = x.text, y.text, n/float64(min(len(x.pairs), len(y.pairs)))
			}
		}
	}
	return bestA, bestB, alike
}

type clause struct {
	text  string
	pairs map[[2]rune]bool
}

func clauses(s string) []clause {
	var out []clause
	for _, c := range clauseEnd.Split(s, -1) {
		pairs := map[[2]rune]bool{}
		var last rune
		for _, r := range c {
			if last != 0 {
				pairs[[2]rune{last, r}] = true
			}
			last = r
		}
		if len(pairs) > 0 {
			out = append(out, clause{c, pairs})
		}
	}
	return out
}

// shared is the number of pairs in common.
func shared(a, b map[[2]rune]bool) float64 {
	n := 0
	for p := range a {
		if b[p] {
			n++
		}
	}
	return float64(n)
}

func (p polarity) opposes(q polarity) bool {
	return p.negations%2 != q.negations%2 || p.dismissed != q.dismissed || p.antonym(q) || numbersDiffer(p.numbers, q.numbers)
}

// antonym reports whether the two hold the two sides of a pair of antonyms.
func (p polarity) antonym(q polarity) bool {
	return slices.ContainsFunc(antonyms, func(pair [2][]string) bool {
		return holdsOnly(p.text, pair[0], pair[1]) && holdsOnly(q.text, pair[1], pair[0]) ||
			holdsOnly(p.text, pair[1], pair[0]) && holdsOnly(q.text, pair[0], pair[1])
	})
}

func holdsOnly(s string, these, notThese []string) bool {
	in := func(word string) bool { return strings.Contains(s, word) }
	return slices.ContainsFunc(these, in) && !slices.ContainsFunc(notThese, in)
}

// numbersDiffer: of some unit both name numbers, and neither shares one with the other.
func numbersDiffer(as, bs map[string][]string) bool {
	for unit, a := range as {
		b := bs[unit]
		if len(b) > 0 && !slices.ContainsFunc(a, func(n string) bool { return slices.Contains(b, n) }) {
			return true
		}
	}
	return false
}
