package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"qiuzhen/knowledge"
)

// titleMost bounds what a title may be when an entry is begun, in characters; lint asks for less.
const titleMost = 60

// newPage begins an entry: what it is about, or a file to make drafts of.
type newPage struct {
	frame
	Kinds, Topics []choice
	Words         string // title
	Question      *knowledge.Question
	Problem       string
	Imported      *importedView // what became of a file
}

type choice struct {
	Value, Name string
	Chosen      bool
}

func (c *Console) newPage(w http.ResponseWriter, r *http.Request, v visit) error {
	asked := r.URL.Query()
	question, err := c.questionOf(r.Context(), asked.Get("question"))
	if err != nil {
		return err
	}
	kind, topic, title := knowledge.Kind(asked.Get("kind")), knowledge.Topic(asked.Get("topic")), oneLine(asked.Get("title"))
	p := blankNewPage(kind, topic, title, question)
	switch {
	case !asked.Has("title"):
	case title == "" || utf8.RuneCountInString(title) > titleMost || !storable(title):
		p.Problem = fmt.Sprintf("标题要有字，最多%d个字。", titleMost)
	case chosen(p.Kinds) == "" || chosen(p.Topics) == "":
		p.Problem = "种类和主题都要选。"
	default:
		wording := ""
		if question != nil {
			wording = question.Words
		}
		c.show(w, r, v, http.StatusOK, "edit", c.writingPage(c.Begin.Blank(kind, topic, title, wording), title, question))
		return nil
	}
	status := http.StatusOK
	if p.Problem != "" {
		status = http.StatusUnprocessableEntity
	}
	c.show(w, r, v, status, "new", p)
	return nil
}

// blankNewPage has the form as it was filled in; what readers asked is a title to begin with.
func blankNewPage(kind knowledge.Kind, topic knowledge.Topic, title string, question *knowledge.Question) *newPage {
	p := &newPage{frame: frame{Title: "新写一条"}, Words: title, Question: question}
	for _, k := range []choice{
		{Value: string(knowledge.Rebuttal), Name: "辟谣（一个说法对不对）"}, {Value: string(knowledge.Guide), Name: "指南（遇到事怎么做）"},
	} {
		k.Chosen = k.Value == string(kind)
		p.Kinds = append(p.Kinds, k)
	}
	for _, t := range []knowledge.Topic{knowledge.Health, knowledge.Fraud, knowledge.Disaster, knowledge.Rumour} {
		p.Topics = append(p.Topics, choice{string(t), topicWords[t], t == topic})
	}
	if title == "" && question != nil && utf8.RuneCountInString(question.Words) <= titleMost {
		p.Words = oneLine(question.Words)
	}
	return p
}

func chosen(choices []choice) string {
	for _, c := range choices {
		if c.Chosen {
			return c.Value
		}
	}
	return ""
}

// oneLine is what a field of one line holds.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// questionOf is the one that a new entry is to answer; nil: none.
func (c *Console) questionOf(ctx context.Context, id string) (*knowledge.Question, error) {
	if id == "" {
		return nil, nil
	}
	n, err := number(id)
	if err != nil {
		return nil, &knowledge.Error{Code: knowledge.NotFound, Message: "没有这个问题"}
	}
	q, err := c.Store.Question(ctx, n)
	return &q, err
}

// number is one of an address or a form: from 1 on.
func number(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil && n < 1 {
		err = strconv.ErrRange
	}
	return n, err
}

// writingPage is the text box for an entry that is not there yet.
func (c *Console) writingPage(source, title string, question *knowledge.Question) *editPage {
	return &editPage{
		frame: frame{Title: "新写：" + title}, Source: source, Rows: min(max(strings.Count(source, "\n")+4, 20), 60),
		New: true, Question: question, Sure: "存下来是草稿，读者查不到；送审、签字、发布以后才查得到。",
	}
}

// create stores a new entry's first version. What cannot be stored is shown again; an entry that is there already is never written over.
func (c *Console) create(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	question, err := c.questionOf(r.Context(), r.PostFormValue("question"))
	if err != nil {
		return err
	}
	source := strings.ReplaceAll(r.PostFormValue("source"), "\r\n", "\n")
	if strings.TrimSpace(source) == "" {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "没有写文字"}
	}
	e, notes, readable := c.read(source)
	problem := Unsaveable(knowledge.Entry{ID: e.ID}, e, source, readable)
	if problem == "" {
		_, err = c.Desk.Save(knowledge.WithSeen(r.Context(), knowledge.Seen{}), e)
		var known *knowledge.Error
		if errors.As(err, &known) && known.Code == knowledge.Conflict {
			problem, err = known.Message+"，没有存。换一个 id，或者去改那一条。", nil
		}
	}
	if err != nil {
		return err
	}
	if problem != "" {
		p := c.writingPage(source, e.Title, question)
		p.Notes, p.Problem = notes, problem
		c.show(w, r, v, http.StatusUnprocessableEntity, "edit", p)
		return nil
	}
	said := "存成了第1版草稿，可以送审。"
	if len(notes) > 0 {
		said = fmt.Sprintf("存成了第1版草稿，还有%d处要改，改好才能送审。", len(notes))
	}
	if question != nil {
		if err := c.Store.AnswerQuestion(r.Context(), question.ID, e.ID); err != nil {
			return err
		}
		said += waitingLine(*question)
	}
	return c.said(w, r, v, said, entryPath(e.ID))
}

// waitingLine says who will be told.
func waitingLine(q knowledge.Question) string {
	if q.Waiting == 0 {
		return "读者问的那一句记在它名下了，没有人等回音。"
	}
	return fmt.Sprintf("读者问的那一句记在它名下了，发布以后会告诉等回音的%d人。", q.Waiting)
}
