package site

import (
	"net/http"

	"qiuzhen/knowledge"
	"qiuzhen/page"
)

// askAgain is what helps whatever is the matter.
const askAgain = "拿不准的消息，先不要转发，也不要照着做。"

const callLines = "着急的话：身体的事打12320，怕是诈骗打96110，别的事打12345。"

var (
	unknownNotice = page.Notice{Head: "没有找到这一页", Lines: []string{"网址可能少抄了几个字，或者这一条还没有核发。", askAgain, callLines}}
	busyNotice    = page.Notice{Head: "这会儿打不开", Lines: []string{"请过一会儿再试。", callLines}}
)

func recalledNotice(p knowledge.Public) page.Notice {
	lines := []string{"“" + p.Entry.Short + "”这一条，" + knowledge.ChineseDay(p.UpdatedAt) + "撤下了。"}
	if p.Reason != "" {
		lines = append(lines, "原因："+knowledge.Closed(p.Reason))
	}
	return page.Notice{Head: "这一条已经撤下", Lines: append(lines, "以前看到的内容，请不要再照着做，也不要再转发。", callLines)}
}

func lapsedNotice(p knowledge.Public) page.Notice {
	return page.Notice{Head: "这一条要重新核对", Lines: []string{
		"“" + p.Entry.Short + "”这一条，有效期到" + knowledge.ChineseDay(p.ReviewBy) + "为止。", "核对好之前，以前的内容不能当作依据。", askAgain, callLines,
	}}
}

func (s *Site) notice(w http.ResponseWriter, status int, n page.Notice) {
	if err := n.Write(w, status); err != nil {
		s.Log.Error("notice failed", "error", err)
	}
}
