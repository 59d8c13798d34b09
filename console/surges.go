package console

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/sensing"
)

// Surges are what readers ask more than usual.
type Surges interface {
	Surges(ctx context.Context, since time.Time, all bool) ([]sensing.Notice, error)
	// DraftOfSurge begins an entry of what was asked.
	DraftOfSurge(ctx context.Context, id int64, now time.Time) (knowledge.ID, error)
	SeeSurge(ctx context.Context, id int64, now time.Time) error
}

// surgesShown is how far back the list goes.
const surgesShown = sensing.Past

type surgesPage struct {
	frame
	All    bool
	List   []sensing.Notice
	Begins bool // an entry
	Pushes bool
}

func (c *Console) surges(w http.ResponseWriter, r *http.Request, v visit) error {
	p := &surgesPage{
		frame: frame{Title: "大家在问什么"}, All: r.URL.Query().Has("all"), Begins: v.Person.Holds(knowledge.Author, knowledge.Editor),
		Pushes: v.Person.Holds(knowledge.Author, knowledge.Editor, knowledge.Publisher),
	}
	var err error
	if p.List, err = c.Store.Surges(r.Context(), c.Now().Add(-surgesShown), p.All); err != nil {
		return err
	}
	c.show(w, r, v, http.StatusOK, "surges", p)
	return nil
}

func surgeID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("surge"), 10, 64)
	if err != nil || id < 1 {
		return 0, &knowledge.Error{Code: knowledge.NotFound, Message: "没有这条提醒"}
	}
	return id, nil
}

func (c *Console) draftOfSurge(w http.ResponseWriter, r *http.Request, v visit) error {
	id, err := surgeID(r)
	if err != nil {
		return err
	}
	entry, err := c.Store.DraftOfSurge(r.Context(), id, c.Now())
	if err != nil {
		return err
	}
	return c.said(w, r, v, "起草了，问的人的说法已经写进去。请补全结论、来源和做法，再送审。", entryPath(entry)+"/edit")
}

func (c *Console) takeSurge(w http.ResponseWriter, r *http.Request, v visit) error {
	id, err := surgeID(r)
	if err != nil {
		return err
	}
	if err := c.Store.SeeSurge(r.Context(), id, c.Now()); err != nil {
		return err
	}
	return c.said(w, r, v, fmt.Sprintf("第%d号提醒记下由您处理了。", id), "/console/surges")
}
