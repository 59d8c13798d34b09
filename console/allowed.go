package console

import (
	"fmt"
	"strings"

	"qiuzhen/knowledge"
)

// allowed is what the page offers a person; the store decides again when it is asked for.
type allowed struct {
	Edit, Submit, Publish, Emergency, Withdraw bool
	Push                                       bool         // a broadcast that says so
	Sign                                       []roleChoice // empty: she cannot
	Nothing                                    string       // why there is nothing to do
}

type roleChoice struct {
	Role knowledge.Role
	Name string
}

// Any reports whether there is anything to do.
func (a allowed) Any() bool {
	return a.Edit || a.Submit || a.Publish || a.Emergency || a.Withdraw || len(a.Sign) > 0
}

func mayDo(who knowledge.Person, p *entryPage) allowed {
	v, newest := p.V, p.V.Number == p.Newest
	writes := who.Holds(knowledge.Author, knowledge.Editor)
	live := v.Status == knowledge.Draft || v.Status == knowledge.InReview || v.Status == knowledge.Published
	underReview := v.Status == knowledge.InReview || v.Status == knowledge.Published && v.Emergency
	a := allowed{
		Edit:     newest && writes,
		Submit:   newest && writes && v.Status == knowledge.Draft && len(p.Notes) == 0,
		Withdraw: newest && live && who.Holds(knowledge.Publisher),
		Push:     v.Status == knowledge.Published && !p.Ended && who.Holds(knowledge.Author, knowledge.Editor, knowledge.Publisher),
	}
	if newest && v.Status == knowledge.InReview && who.Holds(knowledge.Publisher) {
		a.Publish = v.Missing() == ""
		a.Emergency = !a.Publish && p.Involvement.Publishers >= 2
	}
	if underReview && !p.Involvement.Wrote && !p.Involvement.Signed {
		a.Sign = signingRoles(who, v.Status == knowledge.InReview)
	}
	switch {
	case !newest && !underReview:
		a.Nothing = "这不是最新的一版，只能看。"
	case underReview && p.Involvement.Wrote:
		a.Nothing = "这一版是您写的，要别人来签字。"
	case underReview && p.Involvement.SignedAs == knowledge.Publisher && who.SigningRole() != "":
		a.Nothing = "这一版您以发布员身份签过紧急核发，复核要由别的人来签。"
	case underReview && p.Involvement.Signed:
		a.Nothing = "这一轮您已经签过了。"
	case v.Status == knowledge.Draft && writes && len(p.Notes) > 0:
		a.Nothing = "还有要改的地方，改好才能送审。"
	case !a.Any():
		a.Nothing = "现在没有要您做的事。"
	}
	return a
}

// signingRoles are those that the person can sign with: of a version that is published already publishers' signatures are of no use.
func signingRoles(who knowledge.Person, asPublisher bool) []roleChoice {
	var roles []roleChoice
	for _, r := range []knowledge.Role{knowledge.Expert, knowledge.Editor, knowledge.Publisher} {
		if who.Holds(r) && (r != knowledge.Publisher || asPublisher) {
			name := r.Zh()
			if r == knowledge.Publisher {
				name += "（只用于紧急核发；签了就不能再复核这一版）"
			}
			roles = append(roles, roleChoice{r, name})
		}
	}
	return roles
}

// sure says what will happen, before it does.
type sure struct{ Edit, Submit, Sign, Return, Publish, Emergency, Withdraw string }

func certainties(who knowledge.Person, p *entryPage) sure {
	v := p.V
	s := sure{
		Edit:   "改好以后另存为新的一版，原来的一版不变。",
		Submit: fmt.Sprintf("送审后，第%d版交给审核人，%s才能发布。要再改，就另存一版，已有的签字作废。", v.Number, needs(v)),
		Sign: fmt.Sprintf("签的是上面的第%d版，一个字也不差。签字以后不能收回；发布后，读者会看到%s。", v.Number,
			strings.Join(strings.Fields(who.Institution+" "+who.Title+" "+who.Name), " ")),
		Return:  "退回后，这一版回到作者手里，这一轮已有的签字作废，改好要重新签。",
		Publish: fmt.Sprintf("发布后，读者马上查得到这一版。从最后一次签字算起满%d个月，自动停止回答。", p.Involvement.Months),
		Emergency: "紧急核发后，读者马上查得到，答案里写明“紧急核发，24小时内复核”。24小时内没有签齐，自动停止回答。" +
			fmt.Sprintf("要两位发布员先签字，现在有%d位。", p.Involvement.Publishers),
		Withdraw: "撤下后，5秒内所有渠道不再回答这一条，正在审核的也一起停下。" + knowledge.RecipientsLine(p.Reached) + "。写过的和签过的都留着，不会删掉。",
	}
	if len(p.Reached) > 0 {
		s.Withdraw += "撤下时，给他们的更正会起草好，放在“推送”里，核准了才发。"
	}
	s.Withdraw += knowledge.EntryPushesLine(p.Pushes, false)
	switch v.Status {
	case knowledge.InReview:
		s.Edit = fmt.Sprintf("另存为新的一版，第%d版就此停审，已有的签字作废，新的一版要重新送审。", v.Number)
	case knowledge.Published:
		s.Edit = "另存为新的一版草稿；它发布以前，读者看到的还是这一版。"
		s.Return = "退回后，这一条马上撤下，不再回答；这一轮已有的签字作废。"
	}
	if p.Before != nil && p.Before.Status == knowledge.Published {
		s.Publish += fmt.Sprintf("原来的第%d版同时停用。", p.Before.Number)
	}
	return s
}

// needs says which signatures a version asks for.
func needs(v knowledge.Version) string {
	n := v.Needs
	var parts []string
	if n.Experts > 0 {
		parts = append(parts, fmt.Sprintf("%d位专家", n.Experts))
	}
	if n.Editors > 0 {
		parts = append(parts, fmt.Sprintf("%d位编辑", n.Editors))
	}
	if len(parts) == 0 {
		return fmt.Sprintf("要%d位专家或编辑签字", n.Reviewers)
	}
	return "要" + strings.Join(parts, "和") + "签字"
}
