package console

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/page"
)

//go:embed templates/*.html
var files embed.FS

//go:embed console.css
var styleContent []byte

var style = page.NewAsset("console.css", "text/css", styleContent)

var templates = func() map[string]*template.Template {
	functions := template.FuncMap{
		"day":    func(t time.Time) string { return t.In(knowledge.China).Format("2006年1月2日") },
		"minute": func(t time.Time) string { return t.In(knowledge.China).Format("2006年1月2日 15:04") },
		"styles": func() []string { return []string{page.Style.Path, style.Path} },
		"topic":  func(t knowledge.Topic) string { return topicWords[t] },
		"status": statusLine,
		"stands": pairStatus,
		"rows":   func(head string, over bool, rows []progressRow) rowsView { return rowsView{head, over, rows} },
		"script": func() string { return liveScript.Path },
		"second": func(t time.Time) string { return t.In(knowledge.China).Format("1月2日 15:04:05") },
	}
	all := map[string]*template.Template{}
	for _, name := range []string{"signin", "queue", "entries", "entry", "edit", "new", "questions", "question", "error", "broadcasts", "start", "compose", "broadcast", "live", "report", "surges"} {
		all[name] = template.Must(template.New("").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/push.html", "templates/"+name+".html"))
	}
	return all
}()

// frame is what every page has.
type frame struct {
	Title  string
	Who    string // name and roles; empty: nobody is signed in
	Writes bool   // she may begin an entry
	Said   string
}

func (f *frame) around() *frame { return f }

// show writes a page; what was done is said on one page only.
func (c *Console) show(w http.ResponseWriter, r *http.Request, v visit, status int, name string, data interface{ around() *frame }) {
	f := data.around()
	if v.Person.ID != 0 {
		f.Writes = v.Person.Holds(knowledge.Author, knowledge.Editor)
		f.Who, f.Said = v.Person.Name+"（"+roleWords(v.Person.Roles, "、")+"）", v.Said
	}
	var b bytes.Buffer
	if err := templates[name].ExecuteTemplate(&b, "layout", data); err != nil {
		c.Log.Error("page failed", "page", name, "error", err)
		http.Error(w, "这个页面现在打不开，请过一会儿再试。", http.StatusInternalServerError)
		return
	}
	if v.Said != "" {
		if err := c.Store.Say(r.Context(), v.token, ""); err != nil {
			c.Log.Warn("what was said will be said again", "error", err)
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client is gone: nobody to tell
}

type errorPage struct {
	frame
	Message, Mend, Link, LinkText string
}

// failures say for each code of an error what its page is.
var failures = map[knowledge.Code]struct {
	status      int
	title, mend string
}{
	knowledge.Invalid:     {http.StatusBadRequest, "没有做成", "按后退键回去改好，再提交一次。"},
	knowledge.NotFound:    {http.StatusNotFound, "没有找到", "看看地址有没有写错，或者从待办里打开。"},
	knowledge.Conflict:    {http.StatusConflict, "没有做成", "回到这一条，看清现在的样子，再决定。"},
	knowledge.Forbidden:   {http.StatusForbidden, "您不能做这件事", "需要这个角色的，请找管理员。"},
	knowledge.Unavailable: {http.StatusServiceUnavailable, "现在做不了", "请过一会儿再试；一直不行，请告诉管理员。"},
}

// fail shows an error as a page that says what to do.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, v visit, err error) {
	var known *knowledge.Error
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		known = &knowledge.Error{Code: knowledge.Invalid, Message: "内容太长了"}
	case !errors.As(err, &known):
		c.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		known = &knowledge.Error{Code: knowledge.Unavailable, Message: "出了差错，刚才的操作没有做"}
	}
	what := failures[known.Code]
	e := &errorPage{frame: frame{Title: what.title}, Message: known.Message + "。", Mend: what.mend, Link: "/console", LinkText: "回到我的待办"}
	if id := r.PathValue("id"); id != "" && known.Code != knowledge.NotFound {
		e.Link, e.LinkText = entryPath(knowledge.ID(id)), "回到这一条"
	}
	if n := r.PathValue("n"); n != "" && known.Code != knowledge.NotFound {
		e.Link, e.LinkText = "/console/broadcasts/"+n, "回到这一条推送"
	}
	c.show(w, r, v, what.status, "error", e)
}

func entryPath(id knowledge.ID) string { return "/console/entries/" + string(id) }

var topicWords = map[knowledge.Topic]string{
	knowledge.Health: "健康", knowledge.Fraud: "防骗", knowledge.Disaster: "防灾", knowledge.Rumour: "谣言",
}

// roleWords are the roles in Chinese.
func roleWords(roles []knowledge.Role, between string) string {
	var words []string
	for _, r := range roles {
		words = append(words, r.Zh())
	}
	if len(words) == 0 {
		return "没有角色的人"
	}
	return strings.Join(words, between)
}

// statusLine is the version's, with the day as people say it, in China's time.
func statusLine(v knowledge.Version) string {
	if v.Status != knowledge.Published || v.ExpiresAt == nil {
		return v.StatusLine()
	}
	until := v.ExpiresAt.In(knowledge.China)
	if v.Emergency {
		return "紧急核发，24小时内复核，到" + until.Format("2006年1月2日 15:04")
	}
	return "已发布，到" + until.Format("2006年1月2日")
}
