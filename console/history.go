package console

import (
	"encoding/json"
	"strings"
	"time"

	"qiuzhen/knowledge"
)

// reviewView is a signature or a return.
type reviewView struct {
	knowledge.Review
	RoleName string
	Returned bool
}

// happenedView is a row of the audit log in words.
type happenedView struct {
	At        time.Time
	Version   int
	What, Who string
	Detail    string
}

var actionWords = map[knowledge.Action]string{
	knowledge.DraftSaved: "存了草稿", knowledge.DraftSubmitted: "送审", knowledge.ReviewApproved: "签字", knowledge.ReviewReturned: "退回",
	knowledge.EntryPublished: "发布", knowledge.EntryWithdrawn: "撤下",
}

func happened(e knowledge.Happened) happenedView {
	v := happenedView{At: e.At, Version: e.Version, What: actionWords[knowledge.Action(e.What)], Who: e.Who}
	if v.What == "" {
		v.What = e.What
	}
	var detail map[string]string
	if json.Unmarshal([]byte(e.Detail), &detail) != nil {
		return v
	}
	if detail["emergency"] == "true" {
		v.What = "紧急核发"
	}
	var parts []string
	if detail["emergency"] == "ended" {
		parts = append(parts, "签齐了，紧急核发转为照常发布")
	}
	if role := roleNames[knowledge.Role(detail["role"])]; role != "" {
		parts = append(parts, "以"+role+"身份")
	}
	for _, name := range []string{"comment", "reason"} {
		if detail[name] != "" {
			parts = append(parts, detail[name])
		}
	}
	if detail["despite"] != "" {
		parts = append(parts, "与已发布的结论矛盾，理由："+detail["despite"])
	}
	if until, err := time.Parse(time.RFC3339, detail["until"]); err == nil {
		parts = append(parts, "到"+until.In(knowledge.China).Format("2006年1月2日 15:04"))
	}
	if detail["original"] != "" {
		parts = append(parts, "由文件读出")
	}
	v.Detail = strings.Join(parts, "；")
	return v
}
