package console

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"qiuzhen/knowledge"
)

// kinds are the headings of the queue in its order, with what each asks for.
var kinds = []struct {
	kind        knowledge.TaskKind
	title, what string
}{
	{knowledge.TaskRecheck, "紧急核发的，要在24小时内复核", "已经在回答读者了；到时没有签齐，自动停止回答。"},
	{knowledge.TaskReturned, "退回来要改的", "按意见改好，再送审。"},
	{knowledge.TaskSign, "等我签字的", "看完再签字，或者写明原因退回。"},
	{knowledge.TaskPublish, "签齐了，等我发布的", "发布以后读者才查得到。"},
	{knowledge.TaskExpiring, "30天内到期和已经到期的", "到期那一刻自动停止回答。要接着用，另存一版，重新送审。"},
	{knowledge.TaskDraft, "我的草稿", "写好了就送审。"},
	{knowledge.TaskWaiting, "在别人那里等签字的", "不用做什么；发布员可以在紧急时核发。"},
	{knowledge.TaskImported, "导入的草稿，等人整理", "由文件读出来的，还没有人改过。"},
}

type queuePage struct {
	frame
	Pushes  []pushGroup
	Notices []noticeView
	More    int // beyond those listed
	Groups  []taskGroup
}

// pushGroup are broadcasts that cannot wait.
type pushGroup struct {
	Title string
	List  []knowledge.Broadcast
}

// waitingPushes are those that are being sent, and those that wait for an approval.
func (c *Console) waitingPushes(ctx context.Context) (groups []pushGroup, err error) {
	for _, g := range []struct {
		title string
		state knowledge.BroadcastState
	}{{"正在发的推送", knowledge.BroadcastSending}, {"暂停的推送", knowledge.BroadcastPaused}, {"等人核准的推送", knowledge.BroadcastSubmitted}} {
		list, err := c.Store.Broadcasts(ctx, g.state, listMost)
		if err != nil {
			return nil, err
		}
		if len(list) > 0 {
			groups = append(groups, pushGroup{g.title, list})
		}
	}
	return groups, nil
}

type noticeView struct {
	knowledge.Notice
	Line string
}

// noticesMost bounds the list of notices.
const noticesMost = 50

type taskGroup struct {
	Title, What string
	Tasks       []taskView
	More        int // beyond those listed
}

type taskView struct {
	knowledge.Task
	Ended bool // no longer served
}

func (c *Console) queue(w http.ResponseWriter, r *http.Request, v visit) error {
	tasks, err := c.Store.Tasks(r.Context(), v.Person, c.Now())
	if err != nil {
		return err
	}
	p := &queuePage{frame: frame{Title: "我的待办"}}
	if p.Pushes, err = c.waitingPushes(r.Context()); err != nil {
		return err
	}
	notices, err := c.Store.Notices(r.Context(), v.Person.ID, false)
	if err != nil {
		return err
	}
	for _, n := range notices[:min(len(notices), noticesMost)] {
		p.Notices = append(p.Notices, noticeView{n, n.Line(c.Now())})
	}
	p.More = len(notices) - len(p.Notices)
	for _, k := range kinds {
		g := taskGroup{Title: k.title, What: k.what}
		for _, t := range tasks {
			if t.Kind == k.kind {
				g.Tasks, g.More = append(g.Tasks, taskView{t, t.Until != nil && !c.Now().Before(*t.Until)}), t.Of
			}
		}
		if g.More -= len(g.Tasks); len(g.Tasks) > 0 {
			p.Groups = append(p.Groups, g)
		}
	}
	c.show(w, r, v, http.StatusOK, "queue", p)
	return nil
}

// readNotice puts one of the person's notices away.
func (c *Console) readNotice(w http.ResponseWriter, r *http.Request, v visit) error {
	id, err := number(r.PathValue("notice"))
	if err != nil {
		return &knowledge.Error{Code: knowledge.NotFound, Message: "没有这个提醒"}
	}
	if err := c.Store.ReadNotice(r.Context(), v.Person.ID, id, c.Now()); err != nil {
		return err
	}
	return c.said(w, r, v, "这个提醒记为看过了，不再列出。条目本身没有变。", "/console")
}

const (
	wordsMost = 100 // characters that are searched for
	foundMost = 100
)

type entriesPage struct {
	frame
	Words string
	Found []knowledge.Version
	Full  bool // there may be more
}

func (c *Console) entries(w http.ResponseWriter, r *http.Request, v visit) error {
	p := &entriesPage{frame: frame{Title: "全部条目"}, Words: strings.TrimSpace(r.URL.Query().Get("q"))}
	if utf8.RuneCountInString(p.Words) > wordsMost || !storable(p.Words) {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "要找的字太长了"}
	}
	var err error
	if p.Found, err = c.Store.Find(r.Context(), p.Words, foundMost); err != nil {
		return err
	}
	p.Full = len(p.Found) == foundMost
	c.show(w, r, v, http.StatusOK, "entries", p)
	return nil
}
