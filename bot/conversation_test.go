package bot

import (
	"context"
	"strings"
	"testing"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// library answers a message that holds a key with its result.
type library map[string]retrieval.Result

func (l library) Answer(_ context.Context, m retrieval.Message) (retrieval.Result, error) {
	best := ""
	for key := range l {
		if strings.Contains(m.Text, key) && len(key) > len(best) {
			best = key
		}
	}
	if best == "" {
		return retrieval.Result{Decision: retrieval.Abstain}, nil
	}
	return l[best], nil
}

func TestContinue(t *testing.T) {
	egg := rebuttal()
	egg.ID, egg.Short, egg.Claims, egg.Summary = "egg", "鸡蛋一天一个", []string{"一天只能吃一个鸡蛋"}, "一天一个鸡蛋，不用怕。"
	egg.Body = "蛋黄里的胆固醇不会全到血里去。小孩一天一个也可以。\n痛风的人照吃。"
	water, fever, danger := rebuttal(), guide(), &retrieval.Urgent{Class: "poisoning", Number: "120", Line: "请马上打120。"}
	fever.ID, fever.Short = "fever", "小孩发烧"
	sure := func(s retrieval.Stored) retrieval.Result {
		return retrieval.Result{Decision: retrieval.Sure, Answers: []retrieval.Match{{Stored: s}}}
	}
	engine := Engine{library{
		"鸡蛋": sure(egg), "烧开": sure(water), "孩子发烧": sure(fever), "喝了农药": {Decision: retrieval.Abstain, Urgent: danger},
		"水": {Decision: retrieval.Suggest, Candidates: []retrieval.Match{{Stored: water}, {Stored: egg}}},
	}}
	at := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	for name, turns := range map[string][][2]string{ // message, what the reply says
		"the second":            {{"水", "· 千滚水致癌\n· 鸡蛋一天一个"}, {"第二个", "“鸡蛋一天一个”是谣言"}, {"为什么？", "蛋黄里的胆固醇"}},
		"its line":              {{"水", "· 千滚水致癌"}, {"· 千滚水致癌", "“千滚水致癌”是谣言"}},
		"a fourth is a message": {{"水", "·"}, {"4", "没有查证过"}},
		"none of them":          {{"水", "·"}, {"都不是", "没有查证过"}, {"第一个", "没有查证过"}},
		"why":                   {{"鸡蛋", "是谣言"}, {"为啥呀", "一天一个鸡蛋，不用怕。\n蛋黄里的胆固醇不会全到血里去。\n小孩一天一个也可以。"}, {"来源呢", "来源：另一机构《某文》"}},
		"children":              {{"鸡蛋", "是谣言"}, {"那小孩呢？", "小孩一天一个也可以。\n来源：某机构"}, {"那孕妇呢", "孕妇的情况没有查到"}, {"痛风呢", "痛风的人照吃。"}, {"那我孙子呢", "小孩一天一个也可以。"}},
		"a new topic":           {{"鸡蛋", "是谣言"}, {"烧开的水", "千滚水"}, {"那小孩呢", "小孩的情况没有查到"}},
		"a question of its own": {{"鸡蛋", "是谣言"}, {"那孩子发烧怎么办", "先别跑"}, {"为什么", "水里的亚硝酸盐"}},
		"danger drops all":      {{"鸡蛋", "是谣言"}, {"那喝了农药呢", "请马上打120"}, {"为什么", "没有查证过"}},
		"nothing to follow":     {{"为什么", "没有查证过"}, {"那小孩呢", "没有查证过"}, {"第二个", "没有查证过"}},
	} {
		var c Conversation
		for _, turn := range turns {
			reply, err := engine.Continue(context.Background(), &c, retrieval.Message{Text: turn[0]}, at)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(reply.Text, turn[1]) {
				t.Errorf("%s: %s: %q does not say %q", name, turn[0], reply.Text, turn[1])
			}
		}
	}
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
