package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"qiuzhen/bot"
	"qiuzhen/retrieval"
)

// tour are the ten messages of the demo: what readers really forward and ask, and what must not be answered.
var tour = []struct{ what, message string }{
	{"转发的谣言", "🔥紧急通知！！！刚收到消息，喝白酒能杀死流感病毒❗❗每天二两，病毒全死光👍 赶快转给家人！！！"},
	{"同一条，繁体", "緊急通知！喝白酒能殺死流感病毒，每天喝二兩，趕快轉給家人！"},
	{"有错字的健康问题", "血压药吃了降下来了，可以停要吗"},
	{"诈骗短信", "【医保局】您的医保卡已异常停用，请点击链接重新认证，逾期将冻结账户"},
	{"地震怎么办", "地震来了住五楼往哪跑"},
	{"有危险", "老伴突然嘴歪了，说不清话"},
	{"不相干的话", "晚上的球赛哪个队会赢"},
	{"没有查证过的", "听说用蓝布包着石头睡觉能治近视"},
	{"说反了的话", "喝白酒不能杀死流感病毒"},
	{"空消息", "  "},
}

type tourCommand struct{}

func (tourCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	c.Demo = true
	app, err := openApp(ctx, c, streams)
	if err != nil {
		return err
	}
	defer app.Close()
	for i, t := range tour {
		reply, took, err := timed(ctx, app.Bot, t.message)
		if err != nil {
			return err
		}
		fmt.Fprintf(streams.out, "── %d/%d %s ──\n问：%s\n", i+1, len(tour), t.what, t.message)
		fmt.Fprintf(streams.out, "%s\n〔%s，%.1f 毫秒〕\n\n", indent(reply.Text), conclusion(reply), float64(took.Microseconds())/1000)
	}
	fmt.Fprintf(streams.out, "自己问一句：%s --demo ask \"隔夜菜会致癌吗\"\n", os.Args[0])
	fmt.Fprintf(streams.out, "打开网页聊：%s --demo serve，再用浏览器打开 http://%s/\n", os.Args[0], app.Settings.get("listen"))
	return nil
}

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

// conclusion names the decision and what it rests on.
func conclusion(r bot.Reply) string {
	words := map[retrieval.Decision]string{retrieval.Sure: "回答 answer", retrieval.Suggest: "请您选 suggest", retrieval.Abstain: "没有查到 abstain"}
	parts := []string{}
	if r.Urgent != nil {
		parts = append(parts, "有危险 urgent: "+r.Urgent.Class+" "+r.Urgent.Number)
	}
	if r.Live != nil {
		parts = append(parts, "要看实时消息 live: "+r.Live.Kind)
	}
	decision := words[r.Decision]
	for _, a := range r.Answers {
		decision += fmt.Sprintf(" %s 第%d版 %.2f", a.ID, a.Version, a.Score)
	}
	return strings.Join(append(parts, decision), "，")
}
