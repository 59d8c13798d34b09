package console

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"qiuzhen/knowledge"
)

// questionsMost bounds the list of questions, answersMost that of the entries that may answer one.
const questionsMost, answersMost = 100, 20

// closedPath lists the questions that need no answer.
const closedPath = "/console/questions?closed=1"

type questionsPage struct {
	frame
	knowledge.QuestionBacklog
	NoAnswer bool // those that need none
}

// questions lists what readers asked and nothing answers, or with ?closed=1 what needs no answer.
func (c *Console) questions(w http.ResponseWriter, r *http.Request, v visit) error {
	p := &questionsPage{frame: frame{Title: "没答上的问题"}, NoAnswer: r.URL.Query().Get("closed") == "1"}
	list := c.Store.Unanswered
	if p.NoAnswer {
		p.Title, list = "不用答的问题", c.Store.ClosedQuestions
	}
	var err error
	if p.QuestionBacklog, err = list(r.Context(), questionsMost); err != nil {
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
	Answers bool // she may name the entry, or say that none is needed
	Reasons []choice
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
	for _, why := range knowledge.Closings {
		p.Reasons = append(p.Reasons, choice{Value: string(why), Name: why.Zh()})
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

// closeQuestion notes that a question needs no answer. Readers are told nothing of it.
func (c *Console) closeQuestion(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	why := knowledge.Closing(r.PostFormValue("why"))
	if why.Zh() == "" {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "请选一个不用答的原因"}
	}
	q, err := c.questionOf(r.Context(), r.PathValue("question"))
	if err != nil {
		return err
	}
	if err := c.Store.CloseQuestion(r.Context(), q.ID, why, c.Now()); err != nil {
		return err
	}
	return c.said(w, r, v, "“"+shortened(q.Words)+"”标为不用答了（"+why.Zh()+"），不再列在这里，没有告诉读者。要恢复，到下面的“不用答的”里。", "/console/questions")
}

// reopenQuestion puts it back on the list.
func (c *Console) reopenQuestion(w http.ResponseWriter, r *http.Request, v visit) error {
	q, err := c.questionOf(r.Context(), r.PathValue("question"))
	if err != nil {
		return err
	}
	if err := c.Store.ReopenQuestion(r.Context(), q.ID); err != nil {
		return err
	}
	return c.said(w, r, v, "“"+shortened(q.Words)+"”恢复了，又列在“没答上的问题”里。", closedPath)
}

// shortened is the beginning of what a reader wrote, to say which question was meant.
func shortened(words string) string {
	const most = 20
	if r := []rune(words); len(r) > most {
		return string(r[:most]) + "…"
	}
	return words
}
