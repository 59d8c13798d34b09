package console

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"qiuzhen/knowledge"
)

// entryPage is one version with all that a reviewer looks at and may do.
type entryPage struct {
	frame
	V      knowledge.Version
	Kind   string
	Verify string // the content's hash in short, as the history has it
	Newest int    // the newest version's number
	Older  []int
	Ended  bool // published, and no longer served
	Asked  bool // signatures are asked for

	Fields      []fieldView
	Before      *knowledge.Version // what it is compared with: the published version, else the one before it
	Beside      []fieldView        // its fields
	Origin      *originView
	Notes       []Note
	Reviews     []reviewView
	History     []happenedView
	Advice      *advice               // while it is being written or reviewed
	Reached     []knowledge.Recipient // by the entry, lately
	Pushes      []knowledge.EntryPush // that were made from it, lately
	Involvement knowledge.Involvement
	Can         allowed
	Sure        sure
}

// entry shows a version; without ?version= the newest.
func (c *Console) entry(w http.ResponseWriter, r *http.Request, v visit) error {
	id := knowledge.ID(r.PathValue("id"))
	number, err := versionNumber(r.URL.Query().Get("version"))
	if err != nil {
		return err
	}
	before, newest, err := c.Store.Pending(r.Context(), id)
	if err != nil {
		return err
	}
	shown := newest
	if number != 0 && number != newest.Number {
		if shown, err = c.Store.Version(r.Context(), id, number); err != nil {
			return err
		}
	}
	if before, err = c.compared(r, before, shown); err != nil {
		return err
	}
	p := newEntryPage(before, shown, newest)
	p.Ended = shown.Status == knowledge.Published && shown.ExpiresAt != nil && !c.Now().Before(*shown.ExpiresAt)
	p.Asked = shown.Status == knowledge.InReview || shown.Status == knowledge.Published && shown.Emergency
	if p.Involvement, err = c.Store.Involvement(r.Context(), id, shown.Number, v.Person.ID); err != nil {
		return err
	}
	if err := c.lookUp(r, p); err != nil {
		return err
	}
	if err := c.advise(r.Context(), p); err != nil {
		return err
	}
	if p.Reached, err = c.reached(r.Context(), id); err != nil {
		return err
	}
	if p.Pushes, err = c.Store.EntryPushes(r.Context(), id); err != nil {
		return err
	}
	p.Can, p.Sure = mayDo(v.Person, p), certainties(v.Person, p)
	c.show(w, r, v, http.StatusOK, "entry", p)
	return nil
}

// compared is what a version that is being worked on is held against: what is published, else the version before, which a reviewer
// may have sent back.
func (c *Console) compared(r *http.Request, published, shown knowledge.Version) (knowledge.Version, error) {
	switch {
	case shown.Status != knowledge.Draft && shown.Status != knowledge.InReview:
		return knowledge.Version{}, nil
	case published.Number != 0 || shown.Number == 1:
		return published, nil
	}
	return c.Store.Version(r.Context(), shown.Entry.ID, shown.Number-1)
}

func versionNumber(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 1<<30 {
		return 0, &knowledge.Error{Code: knowledge.NotFound, Message: "没有这一版"}
	}
	return n, nil
}

func newEntryPage(before, shown, newest knowledge.Version) *entryPage {
	hash := shown.Entry.Hash()
	p := &entryPage{
		frame: frame{Title: shown.Entry.Title}, V: shown, Newest: newest.Number, Verify: hex.EncodeToString(hash[:]),
		Kind: map[knowledge.Kind]string{knowledge.Rebuttal: "辟谣", knowledge.Guide: "指南"}[shown.Entry.Kind],
	}
	if p.Title == "" {
		p.Title = string(shown.Entry.ID)
	}
	for n := newest.Number; n > 0; n-- {
		if n != shown.Number && len(p.Older) < 20 {
			p.Older = append(p.Older, n)
		}
	}
	if before.Number != 0 && before.Number != shown.Number {
		p.Before, p.Beside = &before, fields(before.Entry, nil, nil)
	}
	for _, review := range shown.Reviews {
		p.Reviews = append(p.Reviews, reviewView{review, review.Role.Zh(), review.Decision == "return"})
	}
	return p
}

// lookUp adds the original, what lint says, and the history.
func (c *Console) lookUp(r *http.Request, p *entryPage) error {
	id := p.V.Entry.ID
	origin, from, err := c.Store.NearestOrigin(r.Context(), id, p.V.Number)
	var known *knowledge.Error
	var places map[string]string
	switch {
	case errors.As(err, &known) && known.Code == knowledge.NotFound:
	case err != nil:
		return err
	default:
		made, err := c.Store.Version(r.Context(), id, from)
		if err != nil {
			return err
		}
		places = placesOf(made.Entry, origin.Fields)
		if p.Origin, err = c.originView(origin, from, made.Entry, p.V); err != nil {
			return err
		}
	}
	var changes []knowledge.FieldChange
	if p.Before != nil {
		changes = knowledge.Diff(p.Before.Entry, p.V.Entry)
	}
	p.Fields = fields(p.V.Entry, changes, places)
	source, err := c.Desk.Source(p.V.Entry)
	if err != nil {
		return err
	}
	_, p.Notes, _ = c.read(source)
	events, err := c.Store.History(r.Context(), id)
	for _, e := range events {
		p.History = append(p.History, happened(e))
	}
	return err
}

// original sends the file that a version was made of, to be saved and never shown: it is foreign.
func (c *Console) original(w http.ResponseWriter, r *http.Request, _ visit) error {
	number, err := versionNumber(r.URL.Query().Get("version"))
	if err != nil {
		return err
	}
	v, err := c.Store.Version(r.Context(), knowledge.ID(r.PathValue("id")), number)
	if err != nil {
		return err
	}
	origin, _, err := c.Store.NearestOrigin(r.Context(), v.Entry.ID, v.Number)
	if err != nil {
		return err
	}
	content, err := c.Store.OriginalContent(r.Context(), origin.SHA256)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(baseName(origin.Name)))
	h.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // the client is gone: nobody to tell
	return nil
}

func baseName(name string) string {
	return name[strings.LastIndexAny(name, `/\`)+1:]
}

// fieldView is a part of an entry with what is new in it, what is gone and where each line comes from.
type fieldView struct {
	Name  string
	Lines []lineView
	Gone  []string
}

type lineView struct {
	Text, Place string
	New         bool
}

// fields are the entry's, with the parts that only the version before had.
func fields(e knowledge.Entry, changes []knowledge.FieldChange, places map[string]string) []fieldView {
	changed := map[string]knowledge.FieldChange{}
	for _, c := range changes {
		changed[c.Name] = c
	}
	var views []fieldView
	for _, f := range e.Fields() {
		v := fieldView{Name: f.Name}
		for _, line := range f.Lines {
			v.Lines = append(v.Lines, lineView{inWords(f.Name, line), places[line], slices.Contains(changed[f.Name].New, line)})
		}
		v.Gone = allInWords(f.Name, changed[f.Name].Gone)
		delete(changed, f.Name)
		views = append(views, v)
	}
	for _, c := range changes {
		if _, only := changed[c.Name]; only {
			views = append(views, fieldView{Name: c.Name, Gone: allInWords(c.Name, c.Gone)})
		}
	}
	return views
}

func allInWords(field string, lines []string) []string {
	words := make([]string, len(lines))
	for i, l := range lines {
		words[i] = inWords(field, l)
	}
	return words
}

// inWords says a code as people do.
func inWords(field, line string) string {
	switch {
	case field == "结论" && knowledge.Verdict(line).Zh() != "":
		return knowledge.Verdict(line).Zh()
	case field == "地区":
		return knowledge.RegionName(line)
	case field == "人群" && knowledge.Group(line) == knowledge.Farmers:
		return "农民"
	case field == "人群" && knowledge.Group(line) == knowledge.Workers:
		return "务工者"
	}
	return line
}

// placesOf are the places in the original of an entry's lines, by the line: a line that a person has changed since has none.
func placesOf(e knowledge.Entry, of map[string]string) map[string]string {
	places := map[string]string{}
	add := func(line, field string) {
		if place := placeWords(of[field]); place != "" && line != "" {
			places[line] = place
		}
	}
	add(e.Title, "title")
	add(e.Short, "short")
	add(e.Tail, "tail")
	add(e.Summary, "summary")
	add(string(e.Verdict), "verdict")
	for _, list := range []struct {
		field string
		lines []string
	}{
		{"claims", e.Claims}, {"questions", e.Questions}, {"negatives", e.Negatives}, {"actions", e.Actions},
	} {
		for i, line := range list.lines {
			add(line, fmt.Sprintf("%s[%d]", list.field, i))
		}
	}
	for _, f := range e.Fields() {
		for i, line := range f.Lines {
			switch f.Name {
			case "正文":
				add(line, "body")
				add(line, fmt.Sprintf("body[%d]", i))
			case "出处":
				places[line] = sourcePlaces(of, i)
			}
		}
	}
	return places
}

// placeWords says what a person who does not read HTML calls a place.
func placeWords(place string) string {
	if place == "<title>" {
		return "网页的标题"
	}
	return place
}

// sourcePlaces says where the parts of a source come from.
func sourcePlaces(of map[string]string, i int) string {
	var parts []string
	for _, part := range []struct{ field, word string }{{"institution", "机构"}, {"title", "标题"}, {"date", "日期"}, {"number", "文号"}, {"url", "网址"}} {
		if place := placeWords(of[fmt.Sprintf("sources[%d].%s", i, part.field)]); place != "" {
			parts = append(parts, part.word+"："+place)
		}
	}
	return strings.Join(parts, "，")
}

// originView is the original beside the draft.
type originView struct {
	Name   string
	Pages  int
	From   int // the version that was made of it
	Pieces []Piece
	Left   int // so many pieces at the end are left out
}

const (
	// A short original is shown whole; of a longer one what the draft has, with so many pieces around.
	wholeMost, around = 120, 3
	piecesMost        = 400
)

func (c *Console) originView(o knowledge.Origin, from int, made knowledge.Entry, shown knowledge.Version) (*originView, error) {
	pieces, err := c.Pieces(o.Blocks)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, place := range o.Fields {
		used[place] = true
	}
	var lines []string
	for _, e := range []knowledge.Entry{made, shown.Entry} {
		for _, f := range e.Fields() {
			lines = append(lines, f.Lines...)
		}
	}
	for i := range pieces {
		p := &pieces[i]
		p.Used = used[p.Place] || p.Text != "" && slices.ContainsFunc(lines, func(l string) bool {
			return len(l) >= 12 && strings.Contains(p.Text, l)
		})
	}
	v := &originView{Name: o.Name, Pages: o.Pages, From: from}
	v.Pieces, v.Left = near(pieces)
	return v, nil
}

// near leaves out what is far from the pieces that the draft has.
func near(pieces []Piece) (kept []Piece, left int) {
	keep := make([]bool, len(pieces))
	for i := range pieces {
		if len(pieces) <= wholeMost {
			keep[i] = true
		} else if pieces[i].Used {
			for j := max(0, i-around); j < min(len(pieces), i+around+1); j++ {
				keep[j] = true
			}
		}
	}
	for i, p := range pieces {
		if !keep[i] || len(kept) == piecesMost {
			left++
			continue
		}
		p.Skipped, left = left, 0
		kept = append(kept, p)
	}
	return kept, left
}
