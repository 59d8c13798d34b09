package bot

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// groups are the words for people of one kind: who asks of the first kind of words is answered by what is said of any in the list.
var groups = []struct{ asked, told []string }{
	{[]string{"婴儿", "婴幼儿", "宝宝", "毛毛头"}, []string{"婴儿", "婴幼儿", "宝宝"}}, // what holds for children need not hold for babies
	{
		[]string{"小孩", "孩子", "小朋友", "儿童", "娃", "娃娃", "小娃", "孙子", "孙女", "外孙", "外孙女", "幼儿", "囡囡", "细伢儿"},
		[]string{"小孩", "孩子", "小朋友", "儿童", "娃", "娃娃", "幼儿", "婴幼儿", "婴儿", "孙子", "孙女", "小孩子"},
	},
	{
		[]string{"老人", "老年人", "老人家", "老头", "老头子", "老太", "老太太", "老爷子", "爷爷", "奶奶", "外公", "外婆", "上年纪", "岁数大", "年纪大"},
		[]string{"老人", "老年人", "老人家", "上年纪", "上了年纪", "岁数大", "年纪大"},
	},
	{[]string{"孕妇", "怀孕", "大肚子", "孕期"}, []string{"孕妇", "怀孕", "孕期", "孕产妇"}},
}

// small are the words that say nothing of a subject: 我家的那个小孙子 is a 孙子.
var small = map[string]bool{}

// common are the words that ask nothing new: 为什么不能吃.
var common = map[string]bool{}

func init() {
	for _, w := range strings.Fields("我 你 您 他 她 咱 俺 我们 咱们 你们 我家 家 家里 里 家人 人 人家 们 的 了 过 着 个 位 些 这 那 这个 那个 这些 那些 得 有 小 大 对 给 让 岁 才 只 自己 本人") {
		small[w] = true
	}
	for _, w := range strings.Fields("吃 喝 用 打 做 信 转 转发 发 说 去 行 好 对 买 碰 戴 洗 怕 管 乱 多 少 再 都 还 就 了 的 得 是 能 有 会 要 它 这 这样 这么 这个 那样 那个 那么 管用 有用 有害 害 毒 有毒 用处 有效 效 要紧 危险 影响 关系 事 不 没 没有 在 不在 不会 不能 来 回 时候 一次 一天") {
		common[w] = true
	}
}

// group is the kind of people that a subject ends with; nil when it is of nobody in particular.
func group(subject string) []string {
	for _, g := range groups {
		if slices.ContainsFunc(g.asked, func(w string) bool { return strings.HasSuffix(strings.TrimRight(subject, "的们"), w) }) {
			return g.told
		}
	}
	return nil
}

// people reports whether a subject is somebody.
func people(subject string) bool {
	return group(subject) != nil || somebody.MatchString(subject)
}

var somebody = regexp.MustCompile(`(?:人|患者|病号|老伴|爱人|老公|老婆|爸|妈|爹|娘|父亲|母亲|儿子|女儿|我|你|您|他|她|们|岁)$`)

// named reports whether a text is about people of one kind.
func named(s string) bool {
	s = compounds.Replace(s)
	for _, g := range groups {
		if slices.ContainsFunc(g.told, func(w string) bool { return strings.Contains(s, w) }) {
			return true
		}
	}
	return false
}

// content are the words of a subject that say whom or what it is; none of 我 and 家里人.
func content(words func(string) []string, subject string) []string {
	if words == nil && subject != "" {
		return []string{subject}
	}
	var out []string
	for _, w := range cut(words, subject) {
		if !small[w] && !isNumber(w) {
			out = append(out, w)
		}
	}
	return out
}

func isNumber(s string) bool {
	return strings.Trim(s, "0123456789.一二三四五六七八九十百两几半多") == ""
}

// of reports whether words ask nothing beyond what an entry is about.
func (t turn) of(s retrieval.Stored, words string) bool {
	own := t.own(words)
	if len(own) == 0 {
		return true
	}
	if t.Words == nil {
		return false
	}
	about := append(append([]string{s.Title, s.Short}, s.Claims...), s.Questions...)
	return !slices.ContainsFunc(own, func(w string) bool {
		return !slices.ContainsFunc(about, func(line string) bool { return indexWord(t.Words, text.Normalize(line), w) >= 0 })
	})
}

// own are the words that say what a question is about: none of 能吃吗.
func (t turn) own(words string) []string {
	if common[words] {
		return nil
	}
	return slices.DeleteFunc(content(t.Words, words), func(w string) bool { return common[w] })
}

// advice are an entry's sentences that tell what to do for a subject and can be understood by themselves; nil when there are none.
func (t turn) advice(s retrieval.Stored, topic []string) []string {
	topic = slices.DeleteFunc(slices.Clone(topic), func(w string) bool { return common[w] })
	if t.Words == nil || len(topic) == 0 {
		return nil
	}
	var out []string
	add := func(sentences []string, imperative bool) {
		for _, sentence := range sentences {
			if len(out) < most && !slices.Contains(out, knowledge.Closed(sentence)) && t.advises(sentence, topic, imperative) {
				out = append(out, knowledge.Closed(sentence))
			}
		}
	}
	add(s.Actions, true)
	add(text.Sentences(s.Summary), false)
	add(text.Sentences(s.Body), false)
	return out
}

var (
	// leaning is a sentence that needs the one before it, or tells what happened or what others say.
	leaning = regexp.MustCompile(`^(?:[它他她这那其也又还但再就却更最而]|不过|可是|所以|因此|因为|同时|另外|反而|否则|不然|到时|当时|除此|比如|例如|后来|结果|于是|有人|有的|此)` +
		`|[它“？?]|这[个种样些类时]|那[个种样些类时]|网上|传言|谣言|说法|据说|号称|曾经|去年|[0-9]{4}年|报过|报道|[说讲]过|误会|案例|例子`)
	// single is one somebody: an example, not advice.
	single = regexp.MustCompile(`(?:[一几某]|有[一个名位几些])(?:个|名|位|些|对)?$`)
	// bids is what advice says.
	bids = regexp.MustCompile(`不要|别|千万|不能|不可|不宜|不必|不用|不该|应|要|必|须|可以|最好|尽量|先|医院|医生|打1|慎|避免|远离|注意|当心|小心|照|[少多][吃喝放看抽用动洗开问走]`)
	// noBids are words that hold one by chance.
	noBids = strings.NewReplacer("主要", "", "重要", "", "要是", "", "要紧", "", "要命", "", "只要", "", "需要的", "", "特别", "", "别的", "", "别人", "", "区别", "", "分别", "", "级别", "",
		"多少", "", "很多", "", "许多", "", "不少", "", "差不多", "", "多数", "", "反应", "", "供应", "", "效应", "", "先生", "", "原先", "", "照片", "", "照样", "", "未必", "", "何必", "", "医生说", "", "医院说", "")
	// compounds hold a word for people and mean none.
	compounds = strings.NewReplacer("暖宝宝", "暖贴", "布娃娃", "布偶", "洋娃娃", "布偶", "娃娃菜", "青菜", "娃娃鱼", "鲵", "儿童节", "节日", "老人机", "手机", "老年人卡", "卡")
)

// advises reports whether a sentence bids a subject something.
func (t turn) advises(sentence string, topic []string, imperative bool) bool {
	if leaning.MatchString(strings.TrimLeft(sentence, "（(")) {
		return false
	}
	plain := text.Normalize(compounds.Replace(sentence))
	at := len(plain)
	for _, w := range topic {
		found := t.find(plain, w)
		if found < 0 || single.MatchString(plain[:found]) {
			return false
		}
		at = min(at, found)
	}
	clause := 0
	if i := strings.LastIndexAny(plain[:at], ",，:：、"); i >= 0 {
		clause = i
	}
	return imperative || bids.MatchString(noBids.Replace(plain[clause:]))
}

// find is where a sentence has a word, or one for the same people; -1 when it has none.
func (t turn) find(sentence, word string) int {
	same := group(word)
	if same == nil {
		same = []string{word}
	}
	for _, w := range same {
		if i := indexWord(t.Words, sentence, w); i >= 0 {
			return i
		}
	}
	return -1
}

// indexWord is where s has a word that begins and ends where words do: 酒 is not in 酒精.
func indexWord(words func(string) []string, s, word string) int {
	if !strings.Contains(s, word) {
		return -1
	}
	edges := map[int]bool{}
	for _, p := range spans(words, s) {
		edges[p[0]], edges[p[1]] = true, true
	}
	for from := 0; ; {
		i := strings.Index(s[from:], word)
		if i < 0 {
			return -1
		}
		if i += from; edges[i] && edges[i+len(word)] {
			return i
		}
		from = i + len(word)
	}
}

// cut are the words that s is made of, in order.
func cut(words func(string) []string, s string) []string {
	var out []string
	for _, p := range spans(words, s) {
		out = append(out, s[p[0]:p[1]])
	}
	return out
}

// spans are the byte ranges of the words that s is made of. Words of a search come with the shorter ones inside them before them; from
// the end backwards the longest is met first, and what does not end where it began lies within it.
func spans(words func(string) []string, s string) [][2]int {
	var out [][2]int
	end := len(s)
	if s == "" {
		return nil
	}
	for _, w := range slices.Backward(words(s)) {
		end = len(strings.TrimRightFunc(s[:end], func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) }))
		if w != "" && strings.HasSuffix(s[:end], w) {
			end -= len(w)
			out = append(out, [2]int{end, end + len(w)})
		}
	}
	slices.Reverse(out)
	return out
}
