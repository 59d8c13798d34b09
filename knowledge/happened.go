package knowledge

import (
	"encoding/json"
	"strings"
	"time"
)

// actionWords are the audit log's actions as people say them.
var actionWords = map[Action]string{
	DraftSaved: "存了草稿", DraftSubmitted: "送审", ReviewApproved: "签字", ReviewReturned: "退回",
	EntryPublished: "发布", EntryWithdrawn: "撤下", ReviewersReminded: "提醒复核", QuestionAnswered: "记下读者的问题由它回答",
	QuestionClosed: "把读者的问题标为不用答", QuestionReopened: "读者的问题恢复为要答",
	BundleImported: "收下外地的条目包", BundleKeyTrust: "认可外地的钥匙", BundleKeyRevoke: "不再认可外地的钥匙", ReviewsReceived: "收下外地的签字",
	PersonAdded: "添加账号", PersonChanged: "改登记的姓名、职称或单位", PersonRoles: "改角色", PersonPassword: "改密码", PersonDisabled: "停用账号", PersonLocked: "密码错得太多，账号停一会儿",
	SessionOpened: "登录", SessionClosed: "退出登录", ReaderBlocked: "拉黑读者", ReaderUnblocked: "不再拉黑读者",
	RestoreAccepted:     "认可数据恢复",
	"broadcast.drafted": "写了推送", "broadcast.edited": "改了推送", "broadcast.submitted": "推送送审", "broadcast.returned": "退回推送",
	"broadcast.approved": "批准推送", "broadcast.lapsed": "推送的批准失效", "broadcast.begun": "开始推送", "broadcast.paused": "暂停推送",
	"broadcast.resumed": "继续推送", "broadcast.cancelled": "取消推送", "broadcast.expired": "推送到期", "broadcast.done": "推送发完",
	"endpoint.added": "添加推送的去处", "endpoint.ended": "停用推送的去处", "exercise_group.joined": "加入演练群", "exercise_group.left": "离开演练群",
	"surge.found": "发现突增的说法", "surge.seen": "接手突增的说法",
	"cases.added": "添加评测题", "cases.annotated": "标注评测题", "case.adjudicated": "裁定评测题", "case.approved": "批准评测题", "case.locked": "锁定评测题",
	RunsExpired: "删掉了旧的评测记录",
}

// Zh says the action in words; one that has none as the log has it.
func (a Action) Zh() string {
	if words := actionWords[a]; words != "" {
		return words
	}
	return string(a)
}

var roleWords = map[Role]string{Author: "作者", Editor: "编辑", Expert: "专家", Publisher: "发布员", Administrator: "管理员"}

// Zh names the role; empty for one that is none.
func (r Role) Zh() string { return roleWords[r] }

// Told says a row of the audit log in words: what was done, and more about it that people can read.
func (h Happened) Told() (what, more string) { return ToldOf(Action(h.What), h.Detail) }

// ToldOf says in words what was done, and of its detail (JSON) what people can read.
func ToldOf(action Action, detail string) (what, more string) {
	what = action.Zh()
	var d map[string]string
	if json.Unmarshal([]byte(detail), &d) != nil {
		return what, ""
	}
	if d["emergency"] == "true" {
		what = "紧急核发"
	}
	var parts []string
	if d["emergency"] == "ended" {
		parts = append(parts, "签齐了，紧急核发转为照常发布")
	}
	if why := Closing(d["why"]).Zh(); why != "" {
		parts = append(parts, "因为"+why)
	}
	if role := Role(d["role"]).Zh(); role != "" {
		parts = append(parts, "以"+role+"身份")
	}
	for _, part := range []struct{ name, before string }{
		{"person", "账号："}, {"name", ""}, {"title", ""}, {"institution", ""},
		{"was_name", "原来的姓名："}, {"was_title", "原来的职称："}, {"was_institution", "原来的单位："}, {"city", "城市："}, {"question", "第几个问题："}, {"channel", "渠道："}, {"comment", ""}, {"reason", ""},
		{"despite", "与已发布的结论矛盾，理由："}, {"to", "给："},
	} {
		if d[part.name] != "" {
			parts = append(parts, part.before+d[part.name])
		}
	}
	if d["roles"] != "" {
		parts = append(parts, "角色："+rolesIn(d["roles"]))
	}
	if until, err := time.Parse(time.RFC3339, d["until"]); err == nil {
		parts = append(parts, "到"+until.In(China).Format("2006年1月2日 15:04"))
	}
	if d["original"] != "" {
		parts = append(parts, "由文件读出")
	}
	return what, strings.Join(parts, "；")
}

// rolesIn are the roles of a list with commas in words.
func rolesIn(list string) string {
	var words []string
	for _, r := range strings.Split(list, ",") {
		words = append(words, Role(r).Zh())
	}
	return strings.Join(words, "、")
}
