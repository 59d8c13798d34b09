package console

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"qiuzhen/knowledge"
)

// sourceMost bounds an entry's source, in bytes; the longest real one is a few kilobytes.
const sourceMost = 64 << 10

// editPage is the text box: an entry as its Markdown source.
type editPage struct {
	frame
	ID      knowledge.ID
	Version int
	Verify  string
	Source  string
	Rows    int
	Notes   []Note
	Problem string // why it was not saved
	Sure    string

	New      bool                // not stored yet
	Question *knowledge.Question // that the new entry is to answer
}

func (c *Console) editPage(w http.ResponseWriter, r *http.Request, v visit) error {
	version, err := c.Store.Version(r.Context(), knowledge.ID(r.PathValue("id")), 0)
	if err != nil {
		return err
	}
	source, err := c.Desk.Source(version.Entry)
	if err != nil {
		return err
	}
	p := newEditPage(version, source)
	_, p.Notes, _ = c.read(source)
	c.show(w, r, v, http.StatusOK, "edit", p)
	return nil
}

func newEditPage(v knowledge.Version, source string) *editPage {
	hash := v.Entry.Hash()
	return &editPage{
		frame: frame{Title: "修改：" + v.Entry.Title}, ID: v.Entry.ID, Version: v.Number, Verify: hex.EncodeToString(hash[:]),
		Source: source, Rows: min(max(strings.Count(source, "\n")+4, 20), 60), Sure: certainties(knowledge.Person{}, &entryPage{V: v}).Edit,
	}
}

// edit saves a new version. What is no entry, or another one, is shown again and not saved; what lint complains about is saved as
// incomplete, for nobody loses an afternoon's work over a sentence that is too long.
func (c *Console) edit(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	number, hash, err := readShown(r)
	if err != nil {
		return err
	}
	version, err := c.Store.Version(r.Context(), knowledge.ID(r.PathValue("id")), number)
	if err != nil {
		return err
	}
	source := strings.ReplaceAll(r.PostFormValue("source"), "\r\n", "\n")
	e, notes, readable := c.read(source)
	if problem := Unsaveable(version.Entry, e, source, readable); problem != "" {
		p := newEditPage(version, source)
		p.Notes, p.Problem, p.Verify = notes, problem, hex.EncodeToString(hash[:])
		c.show(w, r, v, http.StatusUnprocessableEntity, "edit", p)
		return nil
	}
	ctx := knowledge.WithSeen(r.Context(), knowledge.Seen{Version: number, Hash: hash})
	created, err := c.Desk.Save(ctx, e)
	if err != nil {
		return err
	}
	said := fmt.Sprintf("存成了第%d版草稿，可以送审。", number+1)
	switch {
	case !created:
		said = "内容没有变化，没有另存。"
	case len(notes) > 0:
		said = fmt.Sprintf("存成了第%d版草稿，还有%d处要改，改好才能送审。", number+1, len(notes))
	}
	return c.said(w, r, v, said, entryPath(version.Entry.ID))
}

// fieldNames are the source's fields as the pages name them.
var fieldNames = map[string]string{
	"title": "标题", "short": "短名", "verdict": "结论", "tail": "结论后半句", "claims": "说法", "questions": "问法", "negatives": "不是这一条的话",
	"summary": "为什么", "actions": "怎么做", "regions": "地区", "groups": "人群", "topic": "主题", "kind": "种类",
	"institution": "机构", "date": "日期", "read": "在哪里读到",
}

var fieldWord = regexp.MustCompile(`^(\p{Han}*\s?)\b([a-z]+)\b`)

// read is the desk's, whose notes begin with a field's name as the source has it; people know the page's too.
func (c *Console) read(source string) (knowledge.Entry, []Note, bool) {
	e, notes, readable := c.Desk.Read(source)
	for i := range notes {
		notes[i].What = fieldWord.ReplaceAllStringFunc(notes[i].What, func(s string) string {
			m := fieldWord.FindStringSubmatch(s)
			if name := fieldNames[m[2]]; name != "" {
				return s + "（" + name + "）"
			}
			return s
		})
	}
	return e, notes, readable
}

// Unsaveable says why a text cannot be stored as a version of the entry, finished or not; empty: it can.
func Unsaveable(was, e knowledge.Entry, source string, readable bool) string {
	switch {
	case len(source) > sourceMost || !storable(source):
		return "文字太长，或者有不是文字的字符，没有存。"
	case !readable:
		return "格式有错，没有存。按下面说的行改好，再存一次。"
	case !allStorable(e): // YAML can write what the source itself may not have: "\0"
		return "有看不见的控制字符，没有存。按下面说的行删去，再存一次。"
	case !e.ID.Valid():
		return "id 应当是2到64个小写字母、数字和连字符，没有存。"
	case e.ID != was.ID:
		return fmt.Sprintf("id 不能改，应当是 %s，没有存。", was.ID)
	case e.Kind != knowledge.Rebuttal && e.Kind != knowledge.Guide:
		return "kind 应当是 rebuttal（辟谣）或 guide（指南），没有存。"
	case e.Verdict != "" && !e.Verdict.Valid():
		return "verdict 应当是 false、misleading、partly_true、true 或 unproven，没有存。"
	case e.Kind == knowledge.Guide && e.Verdict != "":
		return "指南没有 verdict，没有存。"
	case topicWords[e.Topic] == "" && was.Topic != e.Topic:
		return "topic 应当是 health（健康）、fraud（防骗）、disaster（防灾）或 rumour（谣言），没有存。"
	}
	return ""
}

func allStorable(e knowledge.Entry) bool {
	return !slices.ContainsFunc(e.Texts(), func(t knowledge.Text) bool { return !storable(t.Value) })
}
