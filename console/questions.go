package console

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"qiuzhen/knowledge"
)

// questionsMost bounds the list of questions, answersMost that of the entries that may answer one.
const questionsMost, answersMost = 100, 20

type questionsPage struct {
	frame
	knowledge.QuestionBacklog
}

// questions lists what readers asked and nothing answers.
func (c *Console) questions(w http.ResponseWriter, r *http.Request, v visit) error {
	p := &questionsPage{frame: frame{Title: "没答上的问题"}}
	var err error
	if p.QuestionBacklog, err = c.Store.Unanswered(r.Context(), questionsMost); err != nil {
		return err
	}
	c.show(w, r, v, http.StatusOK, "questions", p)
	return nil
}

type questionPage struct {
	frame
	Q       knowledge.Question
	Words   string // that entries are searched for
	Found   []knowledge.Version
	Full    bool // there may be more
	Answers bool // she may name the entry
	Sure    string
}

// question looks at one, with the entries that may answer it.
func (c *Console) question(w http.ResponseWriter, r *http.Request, v visit) error {
	q, err := c.questionOf(r.Context(), r.PathValue("question"))
	if err != nil {
		return err
	}
	p := &questionPage{
		frame: frame{Title: "读者问的一句话"}, Q: *q, Words: strings.TrimSpace(r.URL.Query().Get("q")),
		Answers: v.Person.Holds(knowledge.Author, knowledge.Editor, knowledge.Publisher),
		Sure:    "这一条发布以后（已经发布的，马上）告诉等回音的读者，这个问题不再列在这里。",
	}
	if utf8.RuneCountInString(p.Words) > wordsMost || !storable(p.Words) {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "要找的字太长了"}
	}
	if p.Words != "" {
		if p.Found, err = c.Store.Find(r.Context(), p.Words, answersMost); err != nil {
			return err
		}
	}
	p.Full = len(p.Found) == answersMost
	c.show(w, r, v, http.StatusOK, "question", p)
	return nil
}

// answerQuestion names the entry that answers a question.
func (c *Console) answerQuestion(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	entry := knowledge.ID(r.PostFormValue("entry"))
	if !entry.Valid() {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "表单不完整，看不出是哪一条"}
	}
	q, err := c.questionOf(r.Context(), r.PathValue("question"))
	if err != nil {
		return err
	}
	newest, err := c.Store.Version(r.Context(), entry, 0)
	if err != nil {
		return err
	}
	if newest.Status == knowledge.Withdrawn {
		return &knowledge.Error{Code: knowledge.Conflict, Message: "这一条已经撤下，不能用来回答"}
	}
	if err := c.Store.AnswerQuestion(r.Context(), q.ID, entry); err != nil {
		return err
	}
	return c.said(w, r, v, "“"+newest.Entry.Title+"”："+waitingLine(*q), "/console/questions")
}
