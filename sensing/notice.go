package sensing

import (
	"fmt"
	"math"
	"time"

	"qiuzhen/knowledge"
)

// Notice is a surge as the staff are told of it.
type Notice struct {
	Surge
	Entry    knowledge.ID // that answers it; empty: none yet
	Title    string       // the entry's
	Serves   bool         // the entry is published
	Draft    knowledge.ID // that somebody began, where there is no entry
	Examples []string     // what was asked, masked, the most frequent first; none once fewer than Hidden of the readers are kept
	Seen     *time.Time   // nil: nobody has taken it up
	SeenBy   string
}

// Place names where.
func (n Notice) Place() string {
	switch {
	case n.Where == Everywhere && n.Mainly != "":
		return "各地合计（主要在" + knowledge.RegionName(string(n.Mainly)) + "）"
	case n.Where == Everywhere:
		return "各地合计"
	}
	return knowledge.RegionName(string(n.Where))
}

// Line says how many ask, against what is usual.
func (n Notice) Line() string {
	minutes := int(n.Found.Sub(n.From).Minutes())
	usual := "平时几乎没有"
	if n.Usual >= 0.5 {
		usual = fmt.Sprintf("平时这个时候约%.0f人", math.Round(n.Usual))
	}
	return fmt.Sprintf("%s：%s前%d分钟有%d人问，%s", n.Place(), n.Found.In(knowledge.China).Format("1月2日15:04"), minutes, n.Readers, usual)
}

// Answer says what there is to answer it with, and what to do.
func (n Notice) Answer() string {
	switch {
	case n.Entry != "" && n.Serves:
		return fmt.Sprintf("已有条目：%s（%s）", n.Title, n.Entry)
	case n.Entry != "":
		return fmt.Sprintf("条目现在不回答了，要复核或重新发布：%s（%s）", n.Title, n.Entry)
	case n.Draft != "":
		return fmt.Sprintf("还没有条目，已有人起草：%s", n.Draft)
	}
	return "还没有条目"
}

// Lengths of a draft's fields, in characters.
const (
	longestShort = 14
	longestTitle = 40
	mostClaims   = 5
)

// Begin makes the beginning of an entry of what was asked: the wordings are there, all else is for a person to write.
func (n Notice) Begin() (knowledge.Entry, error) {
	if len(n.Examples) == 0 {
		return knowledge.Entry{}, &knowledge.Error{Code: knowledge.Conflict, Message: "问的人的原话已经没有了，请直接新建条目"}
	}
	claims := make([]string, min(len(n.Examples), mostClaims))
	for i := range claims {
		claims[i] = n.Examples[i]
	}
	return knowledge.Entry{
		ID: knowledge.ID(fmt.Sprintf("surge-%d", n.ID)), Kind: knowledge.Rebuttal, Topic: knowledge.Rumour,
		Title: cut(n.Examples[0], longestTitle), Short: cut(n.Examples[0], longestShort), Claims: claims, Actions: []string{},
	}, nil
}

func cut(s string, most int) string {
	r := []rune(s)
	return string(r[:min(len(r), most)])
}
