package bot

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"qiuzhen/text"
)

// longestPhrase in bytes: a message beyond is no phrase of this file.
const longestPhrase = 200

// said is a message as it is compared with phrases: normalised, without what stands around its words; empty when it is too long
// for one.
func said(s string) string {
	if len(s) > longestPhrase {
		return ""
	}
	return strings.TrimFunc(text.Normalize(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// phrase matches one of the alternatives, whatever small words surround it.
func phrase(alternatives string) *regexp.Regexp {
	return regexp.MustCompile(`^(?:` + alternatives + `)[啊呀哦呢啦了吧嘛哈嘞的]{0,2}$`)
}

// What asks on, of the entry that was last answered with.
var (
	why = phrase(`(?:那|这)?(?:是|又)?(?:为什么|为啥|为何|怎么会这样|怎么回事|凭什么|凭啥|什么道理|啥道理|什么原因|啥原因)(?:这么说|这样说|会这样)?`)
	// whyNot asks it of a part: 为什么不能吃. The rest must be of the entry too.
	whyNot = regexp.MustCompile(`^(?:那|可是?)?(?:这是|到底|究竟)?(?:为什么|为啥|为何|凭什么|凭啥)(?:不能|不可以|不行|不要|不让|不对|不好|不|别|能|可以|要|会|是)?(.{0,6}?)[啊呀哦呢]?$`)
	who    = phrase(`(?:这|那)?(?:都|又)?是?(?:谁|哪里|哪儿|哪个|哪家)(?:说|讲|编|传)(?:出来)?|(?:这|那)?(?:是)?哪来|来源|出处|(?:这|那)?(?:有没有|有什么|有啥|有)?(?:依据|根据)(?:吗|么|没有)?`)
	really = phrase(`(?:这|那)?是?(?:真的吗|真的假的|真的么|真的|真假)|是吗|是么|不会吧|不可能|(?:你|您)?(?:确定|肯定|敢保证)(?:吗|么)|(?:靠谱|可信|可靠|准)(?:吗|么|不)|可信度(?:有)?(?:几成|多少|多高|高不高)|我不信|不信|骗人`)
	whatTo = phrase(`(?:那|那么|我|我们|咱|咱们|家里|现在|眼下|具体|到底|接下来|该|应该|要|得)*(?:怎么|咋|如何)(?:办|做|整|弄|搞|收拾|处理|是好)(?:才好|才行|好)?`)
	// again asks what the answer has said: 能吃吗, 那有用吗. What may be done must be of the entry too.
	again = regexp.MustCompile(`^(?:那|这|它|这个)?(?:到底|究竟|还)?(?:(?:有用|管用|有效|要紧|有害|有毒|严重|危险)(?:吗|么|不)|` +
		`(?:能不能|可不可以|要不要|会不会|行不行|有没有|能|可以|要|会|有)(.{0,4}?)(?:吗|么|不|呢)?)$`)
	// elsewhere asks it of somebody or something else: 那小孩呢, 老人能吃吗, 要是孕妇可以吗, 那孩子发烧怎么办.
	elsewhere = regexp.MustCompile(`^(那么?|要是|如果|换成|换做)?(.{1,8}?)(?:还|也|就)?` +
		`(呢|怎么办|咋办|(?:能不能|可不可以|要不要|用不用|会不会|行不行|能|可以|要|会|需要|行)(.{0,4}?)(?:吗|么|不|呢)?)$`)
	// elsewhereLong is the same of somebody whom it takes more words to name: 那我家一岁半的小孙子呢.
	elsewhereLong = regexp.MustCompile(`^(那么?|要是|如果|换成|换做)(.{9,12}?)(呢)()$`)
	// goesOn is what asks on, whether it is understood or not. 那小孩能开车吗 is a question of its own.
	goesOn = regexp.MustCompile(`^(?:那么?|要是|如果|换成|换做).*呢$`)
	// more asks for what the answer may not have: 那什么时候吃呢, 多久能喝. Without 那 the rest must be of the entry too.
	more = regexp.MustCompile(`^(那么?)?(.{0,8}?)` + questionWord + `(.{0,6}?)[啊呀呢]?$`)

	questionWords = regexp.MustCompile(questionWord)
	startsModal   = regexp.MustCompile(`^(?:不|能|可|会|要|需|行|有|还|也|就|都|是|用|再|这样|那样)`)
)

const questionWord = `(?:什么|怎么|怎样|哪|谁|几|多少|多久|多大|多长|为啥|为何|啥|咋|如何)`

// Which of what was offered or answered.
var (
	ordinal = regexp.MustCompile(`^那?(?:我?选|我?想?问的?是|是)?第([0-9]{1,2}|[一二三四五六七八九十])(?:个|条|号|种|项|行)?[呢吧啊]?$`)
	numeral = regexp.MustCompile(`^(?:我?选|我?想?问的?是|是)?([0-9]{1,2}|[一二三四五六七八九十])号?$`)
	// amount is no choice: 两个, 三个都要.
	amount = regexp.MustCompile(`^(?:[0-9]{1,2}|[一二两三四五六七八九十])(?:个|条|种|样)(?:都.{0,3})?$`)
	none   = phrase(`(?:0|零)|(?:0|零)?(?:一个)?都(?:不是|不对|没有)|不是这些|没有我要问|没有我想问|不是|没有`)
)

// chosen is the number that a message is, and whether it is one. After a list of suggestions a bare numeral is enough; beside
// numbered advice it must say 第. 两个 and 三个 are amounts.
func chosen(s string, bare bool) (int, bool) {
	found := ordinal.FindStringSubmatch(s)
	if found == nil && bare {
		found = numeral.FindStringSubmatch(s)
	}
	if found == nil {
		return 0, false
	}
	if n, err := strconv.Atoi(found[1]); err == nil {
		return n, n > 0
	}
	const numerals = "一二三四五六七八九十"
	return strings.Index(numerals, found[1])/len("一") + 1, true
}

// retort is what a person would say back to what was heard.
type retort struct {
	heard *regexp.Regexp
	line  string
}

// courtesies are what people say between questions.
var courtesies = []retort{
	{phrase(`嗯+|哦+|噢+|喔+|好|好好|行|行行|可以|对|是|是是|知道|晓得|明白|懂|清楚|收到|了解|原来如此|原来这样|原来是这样|ok|okay|嗯嗯好|嗯好|好知道|好谢谢|放心`), ackLine},
	{phrase(`(?:好|嗯|太)?(?:谢谢|多谢|感谢|谢)(?:你|您|大夫|医生|老师)?|辛苦|麻烦(?:你|您)|(?:你|您)真好|太好|真好|有用|帮大忙|非常感谢|十分感谢`), "不用谢。还有拿不准的事，随时发给我。"},
	{phrase(`(?:你|您|你们|大家)好|哈喽|嗨|喂|hello|hi|在不在|(?:你|您|有人)?在(?:吗|么)?|早|早上好|上午好|中午好|下午好|晚上好`), "您好。收到拿不准的消息，转给我看一看。\n想问什么事，写成一句话就行。"},
	{phrase(`再见|拜拜|回头见|晚安|不聊`), "再见，您多保重。"},
	{phrase(`(?:你|您)(?:是谁|叫什么|是什么|能做什么|会什么|是干什么|是机器人吗|是人吗|是真人吗)(?:名字)?`), "我是查谣言的小帮手，只说专家查证过的话。\n收到拿不准的消息，转给我就行。"},
	{phrase(`(?:你|您)?(?:这个?|真|就)?是?(?:个)?(?:傻|傻子|傻瓜|傻逼|笨|笨蛋|蠢|蠢货|废物|垃圾|神经病|大骗子|混蛋|王八蛋|白痴|脑残)` +
		`|(?:你|您)(?:就)?是?(?:个)?骗子|(?:你)?(?:胡说|胡说八道|瞎说|乱说|放屁|扯淡|滚|滚蛋|闭嘴)` +
		`|没用|真没用|没有用|什么破玩意|什么玩意|答非所问|说什么呢|(?:你)?听不懂(?:人话)?`), "没帮上您，对不住。哪件事没说清楚，请再说一遍，我重新查。"},
}

// unclear are follow-ups, for when there is nothing that they follow.
var unclear = []retort{
	{really, "您问的是哪件事？把那条消息转给我，我查一查。"},
	{why, unclearLine}, {who, unclearLine}, {whatTo, unclearLine},
}

const (
	chooseFirst = "您要问的是哪件事？写成一句话发来，或者把收到的消息转给我。"
	ackLine     = "好的。还有拿不准的事，随时发给我。"
	unclearLine = "您说的是哪件事？把它写成一句话发来，或者把收到的消息转给我。\n有人不舒服、有危险，先打120。"
)

// smallTalk is the line for what is no question by itself; empty for all else.
func smallTalk(s string) string {
	return cmp.Or(courtesy(s), heard(unclear, s))
}

// courtesy is the line for what people say between questions, of 好的，谢谢 the last part's; empty for all else.
func courtesy(s string) string {
	line := ""
	for _, part := range partsOf(s) {
		if line = heard(courtesies, part); line == "" {
			return ""
		}
	}
	return line
}

// partsOf are the words between marks and spaces.
func partsOf(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func heard(retorts []retort, s string) string {
	for _, r := range retorts {
		if r.heard.MatchString(s) {
			return r.line
		}
	}
	return ""
}

// thumbs is a message of nothing but a friendly sign.
func thumbs(message string) bool {
	return len(message) <= longestPhrase && said(message) == "" && strings.ContainsAny(message, "👍👌🙏🌹❤😊😄🤝💐")
}
