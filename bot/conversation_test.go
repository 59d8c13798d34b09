package bot

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// library answers a message that holds a key with its result, and serves its entries until they are withdrawn.
type library struct {
	results   map[string]retrieval.Result
	withdrawn map[knowledge.ID]bool
	searches  int
	broken    bool
}

func (l *library) Answer(_ context.Context, m retrieval.Message) (retrieval.Result, error) {
	l.searches++
	best := ""
	for key := range l.results {
		if strings.Contains(m.Text, key) && len(key) > len(best) {
			best = key
		}
	}
	if best == "" {
		return retrieval.Result{Decision: retrieval.Abstain}, nil
	}
	return l.results[best], nil
}

func (l *library) Load(_ context.Context, refs []retrieval.Ref) ([]retrieval.Stored, error) {
	if l.broken {
		return nil, errors.New("connection reset by peer")
	}
	var out []retrieval.Stored
	all := l.entries()
	for _, ref := range refs {
		if i := slices.IndexFunc(all, func(s retrieval.Stored) bool { return s.ID == ref.ID && s.Version == ref.Version }); i >= 0 && !l.withdrawn[ref.ID] {
			out = append(out, all[i])
		}
	}
	return out, nil
}

func (l *library) entries() []retrieval.Stored {
	var out []retrieval.Stored
	for _, r := range l.results {
		for _, m := range slices.Concat(r.Answers, r.Candidates) {
			out = append(out, m.Stored)
		}
	}
	return out
}

// words are those of the real dictionary.
var words = sync.OnceValues(func() (*text.Segmenter, error) {
	dir, err := os.MkdirTemp("", "words")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // jieba has read it
	return text.NewSegmenter(dir)
})

func egg() retrieval.Stored {
	egg := rebuttal()
	egg.ID, egg.Short, egg.Claims, egg.Summary = "egg", "鸡蛋一天一个", []string{"一天只能吃一个鸡蛋"}, "一天一个鸡蛋，不用怕。"
	egg.Body = "蛋黄里的胆固醇不会全到血里去。你信吗？小孩一天一个也可以。\n痛风的人照吃。酒后想吐，先不要吃。有个老人吃了三个，后来胃疼。它对老人不要紧。"
	egg.Actions = []string{"早上吃一个。", "暖宝宝不要贴在蛋上"}
	return egg
}

func sure(stored ...retrieval.Stored) retrieval.Result {
	r := retrieval.Result{Decision: retrieval.Sure}
	for _, s := range stored {
		r.Answers = append(r.Answers, retrieval.Match{Stored: s})
	}
	return r
}

// shelf is an engine over a few entries, with what it files.
func shelf(t *testing.T) (engine *Engine, l *library, filed *[]string) {
	t.Helper()
	segmenter, err := words()
	if err != nil {
		t.Fatal(err)
	}
	egg, water, fever, danger := egg(), rebuttal(), guide(), &retrieval.Urgent{Class: "poisoning", Number: "120", Line: "请马上打120。"}
	fever.ID, fever.Short = "fever", "小孩发烧"
	old := rebuttal()
	old.ID, old.Short = "old", "老人打针"
	bottle := rebuttal()
	bottle.ID, bottle.Short = "bottle", "暖宝宝烫人"
	l = &library{results: map[string]retrieval.Result{
		"鸡蛋": sure(egg), "烧开": sure(water), "孩子发烧": sure(fever), "喝了农药": {Decision: retrieval.Abstain, Urgent: danger},
		"水": {Decision: retrieval.Suggest, Candidates: []retrieval.Match{{Stored: water}, {Stored: egg}}}, "蛋和水": sure(egg, water),
		"台风":   {Decision: retrieval.Abstain, Live: &retrieval.Live{Kind: "weather", Channel: "南通气象台"}},
		"老人打针": sure(old), "热水袋": sure(bottle), "多久": {Decision: retrieval.Suggest, Candidates: []retrieval.Match{{Stored: water}}}, "紧急通知": {Decision: retrieval.Abstain, Void: retrieval.NoClaim},
	}, withdrawn: map[knowledge.ID]bool{}}
	filed = new([]string)
	return &Engine{Answerer: l, Words: segmenter.Words, Unanswered: func(_ context.Context, q string) { *filed = append(*filed, q) }}, l, filed
}

var at = time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)

func say(t *testing.T, e *Engine, c *Conversation, message string) Reply {
	t.Helper()
	reply, err := e.Continue(context.Background(), c, retrieval.Message{Text: message}, at)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func TestContinue(t *testing.T) {
	engine, _, _ := shelf(t)
	const abstained, unclear, which, egg, water = "没有查证过", "您说的是哪件事", "您要问的是哪件事", "“鸡蛋一天一个”是谣言", "“千滚水致癌”是谣言"
	for name, turns := range map[string][][2]string{ // message, what the reply says
		"the second":       {{"水", "1 千滚水致癌\n2 鸡蛋一天一个\n0 都不是"}, {"第二个", egg}, {"为什么？", "蛋黄里的胆固醇"}, {"第一个", water}, {"那第二个呢", egg}},
		"its number":       {{"水", "回复数字就行"}, {"2", egg}},
		"its number, dot":  {{"水", ""}, {"2.", egg}},
		"its number, wide": {{"水", ""}, {"２", egg}},
		"in Chinese":       {{"水", ""}, {"二", egg}},
		"第2":               {{"水", ""}, {"选第2", egg}},
		"第二個":              {{"水", ""}, {"第二個", egg}},
		"keycap":           {{"水", ""}, {"2️⃣", egg}},
		"an amount":        {{"水", ""}, {"两个", "请一个一个看。回复1到2就行"}, {"2", egg}},
		"another amount":   {{"水", ""}, {"三个", "请一个一个看"}},
		"its line":         {{"水", ""}, {"千滚水致癌", water}},
		"its whole line":   {{"水", ""}, {"1 千滚水致癌", water}},
		"no fourth":        {{"水", ""}, {"4", "没有第4个。回复1到2就行"}, {"1", water}},
		"none of them":     {{"水", ""}, {"都不是", abstained}, {"第一个", which}},
		"zero":             {{"水", ""}, {"0", abstained}},
		"zero's line":      {{"水", ""}, {"0 都不是", abstained}},
		"two answers":      {{"蛋和水", egg}, {"第二个", water}, {"为什么", "水里的亚硝酸盐"}, {"第一个", egg}, {"那小孩呢", "小孩一天一个"}, {"第三个", which}, {"为什么", "蛋黄"}},
		"two answers, why": {{"蛋和水", water}, {"为什么", "蛋黄里的胆固醇"}},

		"why":            {{"鸡蛋", egg}, {"为啥呀", "一天一个鸡蛋，不用怕。\n蛋黄里的胆固醇不会全到血里去。\n你信吗？\n小孩一天一个也可以。\n来源"}, {"来源呢", "来源：另一机构《某文》"}},
		"why not":        {{"鸡蛋", egg}, {"为什么不能吃", "一天一个鸡蛋，不用怕。\n蛋黄"}, {"为什么不能吃鸡蛋", "一天一个鸡蛋，不用怕。\n蛋黄"}},
		"why of another": {{"鸡蛋", egg}, {"为什么要打针", abstained}, {"为什么", unclear}},
		"what to do":     {{"鸡蛋", egg}, {"怎么办", "可以这样做：\n1. 早上吃一个。"}, {"那怎么办呢", "1. 早上吃一个。"}, {"那怎么办", "来源：某机构"}, {"那我该怎么做啊", "早上吃一个"}},
		"again":          {{"鸡蛋", egg}, {"那能吃吗", egg}, {"有用吗", egg}, {"可以吃鸡蛋吗", egg}},

		"children":          {{"鸡蛋", egg}, {"那小孩呢？", "小孩一天一个也可以。\n来源：某机构"}, {"痛风呢", "痛风的人照吃。"}, {"那我孙子呢", "小孩一天一个也可以。"}, {"那我家的小孙子能吃吗", "小孩一天一个"}},
		"nothing on them":   {{"鸡蛋", egg}, {"那孕妇呢", "孕妇的情况没有专门查到，不能乱说。\n拿不准就问医生，或者打12320问一问。\n对大家都这样说：\n“鸡蛋一天一个”是谣言，不要转发。\n1. 早上吃一个。"}, {"为什么", "蛋黄"}},
		"old people":        {{"鸡蛋", egg}, {"那老人能吃吗", "老人的情况没有专门查到"}, {"老人能吃吗", "老人的情况没有专门查到"}},
		"babies":            {{"鸡蛋", egg}, {"那宝宝呢", "宝宝的情况没有专门查到"}},
		"not 酒后":            {{"鸡蛋", egg}, {"那酒呢", "酒的情况没有专门查到"}},
		"question words":    {{"鸡蛋", egg}, {"那什么时候吃呢", "您问的这一点没有专门查到"}, {"那怎么吃呢", "您问的这一点没有专门查到"}, {"为什么", "蛋黄"}},
		"short questions":   {{"鸡蛋", egg}, {"多久能吃", "您问的这一点没有专门查到"}, {"吃多少", "您问的这一点没有专门查到"}, {"多久洗一次澡", "下面这个吗"}},
		"a bottle for beds": {{"热水袋", "“暖宝宝烫人”"}, {"那孕妇呢", "孕妇的情况没有专门查到，不能乱说。\n拿不准就问医生，或者打12320问一问。\n对大家都这样说"}},
		"my own":            {{"鸡蛋", egg}, {"那我老伴呢", "老伴的情况没有专门查到"}},
		"the old one's":     {{"老人打针", "“老人打针”"}, {"那小孩呢", "小孩的情况没有专门查到，不能乱说。\n拿不准就问医生，或者打12320问一问。"}},
		"not another's":     {{"鸡蛋", egg}, {"那烧开的人呢", "烧开的人的情况没有专门查到"}, {"那烧开呢", water}},
		"everybody":         {{"鸡蛋", egg}, {"那我呢", egg}},
		"another verb":      {{"鸡蛋", egg}, {"那小孩能开车吗", abstained}, {"为什么", unclear}},

		"thanks":         {{"鸡蛋", egg}, {"谢谢你", "不用谢"}, {"嗯", "好的"}, {"好的", "好的"}, {"👍", "好的"}, {"你好", "您好"}, {"你就是个骗子", "对不住"}, {"那小孩呢", "小孩一天一个"}},
		"doubt":          {{"鸡蛋", egg}, {"真的吗？", "这是照下面的来源说的，您可以对一对。\n来源：某机构"}, {"为什么", "蛋黄"}},
		"talk only":      {{"真的吗", "您问的是哪件事"}, {"嗯", "好的"}, {"怎么办", unclear}},
		"thanks between": {{"水", ""}, {"好的", "好的"}, {"2", egg}},
		"a void":         {{"鸡蛋", egg}, {"紧急通知", "没有说是什么事"}, {"为什么", "蛋黄"}},

		"points back":            {{"鸡蛋", egg}, {"这个隔壁老王一口咬定是真事", "您是接着问刚才的事吗？回复数字就行。\n1 鸡蛋一天一个\n0 都不是"}, {"1", egg}},
		"points back, to two":    {{"水", ""}, {"刚才邻居一口咬定是真事", "您问的是下面哪一个？"}, {"2", egg}},
		"no: filed":              {{"鸡蛋", egg}, {"这个隔壁老王一口咬定是真事", ""}, {"都不是", abstained}},
		"turns away":             {{"鸡蛋", egg}, {"对了，这个手环有没有用处", abstained}},
		"asks on first":          {{"水", ""}, {"真的假的", "您问的是下面哪一个？回复数字就行。\n1 千滚水致癌\n2 鸡蛋一天一个"}, {"2", egg}},
		"asks on twice":          {{"鸡蛋", egg}, {"这谁编的，有没有根据", "来源：某机构"}, {"家里现在要怎么弄", "早上吃一个"}},
		"a new topic":            {{"鸡蛋", egg}, {"烧开的水", "千滚水"}, {"那小孩呢", "小孩的情况没有专门查到"}},
		"an unknown topic":       {{"鸡蛋", egg}, {"听说蓝布能治近视", abstained}, {"为什么", unclear}},
		"a question of its own":  {{"鸡蛋", egg}, {"那孩子发烧怎么办", "先别跑"}, {"为什么", "水里的亚硝酸盐"}},
		"suggestions of its own": {{"鸡蛋", egg}, {"那水怎么烧", "1 千滚水致癌"}},
		"danger drops all":       {{"鸡蛋", egg}, {"那喝了农药呢", "请马上打120"}, {"为什么", unclear}},
		"nothing to follow":      {{"为什么", unclear}, {"那小孩呢", abstained}, {"第二个", which}, {"0", which}, {"都不是", which}, {"三", which}},
	} {
		var c Conversation
		for _, turn := range turns {
			if reply := say(t, engine, &c, turn[0]); !strings.Contains(reply.Text, turn[1]) {
				t.Errorf("%s: %s: %q does not say %q", name, turn[0], reply.Text, turn[1])
			}
		}
	}
}

func TestContinueForgets(t *testing.T) {
	engine, _, _ := shelf(t)
	var c Conversation
	for _, turn := range []struct {
		at   time.Time
		text string
		want knowledge.ID
	}{{at, "鸡蛋", "egg"}, {at.Add(20 * time.Minute), "为什么", "egg"}, {at.Add(51 * time.Minute), "为什么", ""}} {
		reply, err := engine.Continue(context.Background(), &c, retrieval.Message{Text: turn.text}, turn.at)
		if err != nil || turn.want == "" && len(reply.Answers) > 0 || turn.want != "" && reply.Answers[0].ID != turn.want {
			t.Errorf("%s at %s: %v (%v)", turn.text, turn.at, reply.Answers, err)
		}
	}
}

// TestContinueAfterWithdrawal: what was taken out of service meanwhile answers nothing more, and the reader is told.
func TestContinueAfterWithdrawal(t *testing.T) {
	for _, c := range []struct{ before, message, says string }{
		{"鸡蛋", "为什么", "已经撤下或者改过了"}, {"鸡蛋", "那小孩呢", "已经撤下"}, {"鸡蛋", "怎么办", "已经撤下"}, {"鸡蛋", "谁说的", "已经撤下"},
		{"鸡蛋", "真的吗", "已经撤下"}, {"水", "第二个", "已经撤下"}, {"水", "1", "千滚水"},
		{"鸡蛋", "那孩子发烧怎么办", "先别跑"}, {"鸡蛋", "谢谢", "不用谢"},
	} {
		engine, library, _ := shelf(t)
		var conversation Conversation
		say(t, engine, &conversation, c.before)
		library.withdrawn["egg"] = true
		reply := say(t, engine, &conversation, c.message)
		if !strings.Contains(reply.Text, c.says) || strings.Contains(reply.Text, "鸡蛋") {
			t.Errorf("%s, withdrawn, %s: %q does not say %q", c.before, c.message, reply.Text, c.says)
		}
	}
	engine, library, _ := shelf(t)
	var conversation Conversation
	say(t, engine, &conversation, "鸡蛋")
	library.broken = true
	if _, err := engine.Continue(context.Background(), &conversation, retrieval.Message{Text: "为什么"}, at); err == nil {
		t.Error("a database that fails is no withdrawal")
	}
	library.broken = false
	if reply := say(t, engine, &conversation, "为什么"); !strings.Contains(reply.Text, "蛋黄") {
		t.Errorf("after the failure: %q", reply.Text)
	}
}

// TestSmallTalk: no search for what is no question, whatever was said before.
func TestSmallTalk(t *testing.T) {
	engine, library, filed := shelf(t)
	var c Conversation
	say(t, engine, &c, "鸡蛋")
	library.searches = 0
	for _, message := range []string{"嗯", "嗯嗯", "好的", "好的，谢谢！", "谢谢啊", "真的吗？", "你好", "您好！", "在吗", "你是谁", "骗人的吧", "你个骗子", "胡说八道", "知道了", "ＯＫ", "再见", "👍👍"} {
		reply := say(t, engine, &c, message)
		if library.searches > 0 || strings.Contains(reply.Text, "没有说是什么事") || strings.Contains(reply.Text, "没有查证过") || reply.Text == "" {
			t.Errorf("%s: %d searches, %q", message, library.searches, reply.Text)
		}
		library.searches = 0
		if reply = say(t, engine, &c, "为什么"); !strings.Contains(reply.Text, "蛋黄") {
			t.Errorf("after %s the entry is gone: %q", message, reply.Text)
		}
	}
	for _, message := range []string{"骗子", "没用的药怎么退", "好的鸡蛋", "我不行了", "你好像发烧了"} {
		if library.searches = 0; say(t, engine, new(Conversation), message).Text == "" || library.searches == 0 {
			t.Errorf("%s was taken for small talk", message)
		}
	}
	if len(*filed) != 4 { // all of these but 好的鸡蛋
		t.Errorf("filed %q", *filed)
	}
}

// TestUnanswered: what nothing vetted answered is told once, masked; small talk, dangers and current facts are not.
func TestUnanswered(t *testing.T) {
	engine, _, filed := shelf(t)
	for _, c := range []struct {
		turns []string
		want  []string
	}{
		{[]string{"蓝布治近视，问13812345678"}, []string{"蓝布治近视，问138****5678"}},
		{[]string{"水，问13812345678", "都不是"}, []string{"水，问138****5678"}},
		{[]string{"水怎么喝", "谢谢", "0", "0", "都不是", "第二个"}, []string{"水怎么喝"}},
		{[]string{"水怎么喝", "1"}, nil},
		{[]string{"鸡蛋", "那孕妇呢"}, []string{"那孕妇呢（一天只能吃一个鸡蛋）"}},
		{[]string{"鸡蛋", "那小孩呢", "为什么", "怎么办"}, nil},
		{[]string{"喝了农药", "今晚台风来吗", "紧急通知", "你好", "嗯"}, nil},
	} {
		*filed = nil
		var conversation Conversation
		for _, message := range c.turns {
			say(t, engine, &conversation, message)
		}
		if !slices.Equal(*filed, c.want) {
			t.Errorf("%q: filed %q, want %q", c.turns, *filed, c.want)
		}
	}
	engine.Unanswered = nil
	var conversation Conversation
	say(t, engine, &conversation, "水")
	say(t, engine, &conversation, "都不是")
	long := masked(strings.Repeat("字", maxQuestion-5) + "13812345678")
	if !strings.HasSuffix(long, "138**") || len([]rune(long)) != maxQuestion {
		t.Errorf("a number at the cut: %q", long[len(long)-20:])
	}
}

// TestAdvice: only sentences that stand by themselves and tell what to do for whom was asked.
func TestAdvice(t *testing.T) {
	engine, _, _ := shelf(t)
	for _, c := range []struct {
		sentence, topic string
		want            bool
	}{
		{"老人、瘫痪的人、糖尿病人，脚上感觉差，更要小心。", "老人", true},
		{"别拿喝酒防病，也别给老人孩子喝。", "小孩", true},
		{"一岁以下的婴儿不要吃蜂蜜。", "小孩", true},
		{"小孩可以吃一点。", "婴儿", false},
		{"安徽一个孩子睡觉时用热水袋，要小心。", "孩子", false},
		{"暖宝宝不要直接贴在肉上。", "孩子", false},
		{"它对孩子不要紧。", "孩子", false},
		{"但是孩子不要吃。", "孩子", false},
		{"孩子能不能吃？", "孩子", false},
		{"网上说孩子要多吃。", "孩子", false},
		{"孩子的身体里水分多少有些不同。", "孩子", false},
		{"不要抹酒精。", "酒", false},
		{"吃头孢不要喝白酒。", "酒", false},
		{"孩子发烧，先量体温。", "孩子发烧", true},
		{"孩子咳嗽，先喝水。", "孩子发烧", false},
	} {
		got := turn{Engine: engine}.advises(c.sentence, content(engine.Words, c.topic), false)
		if got != c.want {
			t.Errorf("%s for %s: %t, want %t", c.sentence, c.topic, got, c.want)
		}
	}
	if got := (turn{Engine: &Engine{}}).advice(egg(), []string{"小孩"}); got != nil {
		t.Errorf("%q without a dictionary", got)
	}
}
