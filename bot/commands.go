package bot

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// commands are what readers say to the service itself, whatever they were told before.
var commands = []struct {
	heard *regexp.Regexp
	do    func(*session) Reply
}{
	{phrase(`帮助|使用帮助|怎么用|怎么使用|使用说明|说明书?|菜单|help|start|你会做什么|能干什么`), (*session).help},
	{phrase(`(?:我要|我想|想)?订阅(?:提醒|消息|推送)?`), (*session).subscribe},
	{phrase(`(?:我要|我想)?(?:退订|取消订阅|不订阅|不要再?发(?:给我)?|别再?发(?:给我)?)`), (*session).unsubscribe},
	{phrase(`(?:把)?(?:字|字体|字号|文字)(?:请?(?:调|放|弄|变))?(?:再)?大(?:一点|一些|点|些)?|大字|大字版|放大字体|看不清字?|字太小`), (*session).larger},
	{phrase(`(?:把)?(?:字|字体|字号|文字)(?:请?(?:调|缩|弄|变))?(?:再)?小(?:一点|一些|点|些)?|小字|字太大`), (*session).smaller},
	{phrase(`(?:请|说|讲)?(?:说|讲)?(?:得)?慢(?:一点|一些|点|些)(?:说|讲)?|慢慢说|慢慢讲|一步一步(?:说|讲|来)?|太快`), (*session).slower},
	{phrase(`(?:恢复|回到)?正常(?:说|速度)?|(?:一次|一起)(?:都)?说完|不用慢|快一点|快点说`), (*session).faster},
	{deletion, (*session).askToDelete},
}

var deletion = phrase(`(?:请|我要|帮我)?(?:删除|删掉|清除|清空|注销)(?:掉)?(?:我的?)?(?:所有|全部|一切)?(?:的)?(?:数据|资料|记录|信息|个人信息|聊天记录|账号)|删除`)

// mayDelete reports whether a message may be about the deletion of the reader's data: if it was asked whether that is meant, or asks for it.
func (m Message) mayDelete() bool {
	words := strings.TrimPrefix(said(m.Text), "/")
	return m.Group == "" && words != "" && (deletion.MatchString(words) || deletes.MatchString(words))
}

// deletes reports whether a message asks for the deletion of the data of whom it is from, or says that it is meant: neither a limit nor a
// block of the staff's is in its way.
func (m Message) deletes(from Reader) bool {
	return m.mayDelete() && (deletion.MatchString(strings.TrimPrefix(said(m.Text), "/")) || from.Memory.Asking == askingDelete)
}

// command does what the service itself is told, also in the middle of a dialogue, unless it is what the dialogue waits for.
func (s *session) command(context.Context) (Reply, bool, error) {
	if s.said == "" || s.memory().Asking == askingDelete && deletes.MatchString(s.said) {
		return Reply{}, false, nil
	}
	words := strings.TrimPrefix(s.said, "/")
	for _, c := range commands {
		if c.heard.MatchString(words) {
			s.memory().Asking, s.memory().Draft = "", nil
			return c.do(s), true, nil
		}
	}
	return Reply{}, false, nil
}

func (s *session) help() Reply {
	lines := []string{
		"把拿不准的消息转给我，我查一查。",
		"想问的事写成一句话，也行。",
		"看完可以接着问“为什么”“那小孩呢”。",
		"还可以说：慢一点、字大一点、订阅、删除我的数据。",
		"有人不舒服、有危险，先打120或110。",
	}
	if !s.m.Via.Alerts {
		lines[3] = "还可以说：慢一点、字大一点、删除我的数据。"
	}
	if s.m.Group != "" {
		lines[3] = "群里叫我，就先写“求真”两个字。想让我自动提醒，写“求真，自动辟谣”。"
	}
	r := human(strings.Join(lines, "\n"))
	if s.m.Group == "" {
		r.Choices = []Choice{{"慢一点", "慢一点"}, {"字大一点", "字大一点"}}
		if s.m.Via.Alerts {
			r.Choices = append(r.Choices, Choice{"订阅", "订阅"})
		}
	}
	return r
}

func (s *session) larger() Reply {
	switch {
	case s.m.Via.Pages:
		s.wishes().Large = true
		r := human("字调大了。想改回来，就回“字小一点”。")
		r.Choices = []Choice{{"字小一点", "字小一点"}}
		return r
	case s.m.Via.Name == "wechat":
		return human("请在微信里调字的大小。\n点右下角的“我”，再点“设置”，再点“通用”里的“字体大小”。")
	}
	return human("请在手机上调字的大小。\n打开“设置”，点“显示”，再点“字体大小”。")
}

func (s *session) smaller() Reply {
	if s.m.Via.Pages {
		s.wishes().Large = false
		return human("字调回来了。")
	}
	return s.larger()
}

// onlyAlone is said in a group to what is nobody else's business.
const onlyAlone = "这件事请单独跟我说，不要在群里说。"

func (s *session) slower() Reply {
	s.wishes().Slow = true
	return human("好的，我一次只说一步。\n听明白了，回“下一步”。想一次听完，就回“正常”。")
}

func (s *session) faster() Reply {
	if !s.wishes().Slow {
		return human(ackLine)
	}
	s.wishes().Slow, s.memory().Step = false, 0
	return human("好的，以后一次说完。")
}

// askToDelete asks whether it is meant. Not in a group: what there is of somebody's own conversation is nobody else's business.
func (s *session) askToDelete() Reply {
	if s.m.Group != "" {
		return human(onlyAlone)
	}
	s.memory().Asking = askingDelete
	r := human("要把我这里您的东西都删掉吗？\n有您问过的话、提过的意见、订阅和设置。删了就找不回来。\n要删就回“删除”，不删就回“不删”。")
	r.Choices = []Choice{{"删除", "删除"}, {"不删", "不删"}}
	return r
}

// forget deletes all there is of the reader and says what that was.
func (s *session) forget(ctx context.Context) (Reply, error) {
	gone, err := s.Store.Forget(ctx, s.m.Via.Name, s.m.Reader, s.m.Update, func(f Forgotten) Kept { return human(f.String()).Kept() })
	if err != nil {
		return Reply{}, fmt.Errorf("forget a reader: %w", err)
	}
	s.deleted, s.turn.Reader.Wishes = true, Wishes{}
	reply := human(gone.String())
	reply.Forgot = true
	return reply, nil
}

// String says what was deleted, for the reader.
func (f Forgotten) String() string {
	var what []string
	for _, part := range []struct {
		n    int
		said string
	}{
		{f.Messages, "问过的话%d条"},
		{f.Opinions, "意见%d条"},
		{f.Questions, "等专家看的事%d件"},
		{f.Subscriptions, "订阅%d份"},
		{f.Updates, "收发的记号%d个"},
	} {
		if part.n > 0 {
			what = append(what, fmt.Sprintf(part.said, part.n))
		}
	}
	if len(what) == 0 {
		return "都删掉了，我这里没有您的东西了。"
	}
	return "都删掉了，我这里没有您的东西了。\n删了：" + strings.Join(what, "，") + "。"
}
