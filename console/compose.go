package console

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// startPage is where a new broadcast begins.
type startPage struct {
	frame
	Templates []broadcast.Template
	Words     string
	Found     []knowledge.Version // published entries
	Searched  bool
}

// composePage is the form.
type composePage struct {
	frame
	B           knowledge.Broadcast
	Action      string // where the form goes
	Verify      string // of what is edited
	Problems    []string
	Complaints  []string
	Looked      bool // a preview was asked for
	Plan        *planView
	Texts       []textView
	Areas       []areaCity
	Topics      []tick
	Groups      []tick
	Channels    []tick
	CAP         []capView
	Own         []ownText
	SendAt      string // as the field takes it, in China's time
	Expires     string
	HeadlineNow int
	HeadlineTop int
	Correction  bool
}

// composeNew shows how to begin, or, once that is chosen, the form.
func (c *Console) composeNew(w http.ResponseWriter, r *http.Request, v visit) error {
	q := r.URL.Query()
	if q.Has("template") || q.Has("entry") || q.Has("blank") {
		b, err := c.begin(r, q)
		if err != nil {
			return err
		}
		c.show(w, r, v, http.StatusOK, "compose", newComposePage(b, r.URL.RequestURI()))
		return nil
	}
	p := &startPage{frame: frame{Title: "写一条推送"}, Words: strings.TrimSpace(q.Get("q")), Searched: q.Has("q")}
	if utf8.RuneCountInString(p.Words) > wordsMost || !storable(p.Words) {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "要找的字太长了"}
	}
	var err error
	if p.Templates, err = broadcast.Templates(); err != nil {
		return err
	}
	if p.Searched {
		all, err := c.Store.Find(r.Context(), p.Words, foundMost)
		if err != nil {
			return err
		}
		for _, e := range all {
			if e.Status == knowledge.Published {
				p.Found = append(p.Found, e)
			}
		}
	}
	c.show(w, r, v, http.StatusOK, "start", p)
	return nil
}

// begin is what a new broadcast begins with: a template, a published entry, or nothing.
func (c *Console) begin(r *http.Request, q url.Values) (b knowledge.Broadcast, err error) {
	switch {
	case q.Has("template"):
		b, err = broadcast.FromTemplate(q.Get("template"))
	case q.Has("entry"):
		if !storable(q.Get("entry")) {
			return b, &knowledge.Error{Code: knowledge.NotFound, Message: "没有这个条目"}
		}
		published, _, err := c.Store.Pending(r.Context(), knowledge.ID(q.Get("entry")))
		if err != nil {
			return b, err
		}
		if published.Number == 0 {
			return b, &knowledge.Error{Code: knowledge.Conflict, Message: "这个条目没有发布，不能照着推送"}
		}
		b = broadcast.FromEntry(published.Entry, published.Number)
	default:
		b = knowledge.Broadcast{Type: knowledge.Alert, Exercise: true, Content: knowledge.BroadcastContent{
			Category: "Other", Response: "Prepare", Urgency: "Unknown", Severity: "Unknown", Certainty: "Unknown",
		}}
	}
	b.Expires = c.Now().Add(24 * time.Hour)
	return b, err
}

func newComposePage(b knowledge.Broadcast, action string) *composePage {
	title := "写一条推送"
	if b.ID != 0 {
		title = fmt.Sprintf("修改第%d号推送", b.ID)
	}
	return &composePage{
		frame: frame{Title: title}, B: b, Action: action, Verify: hex.EncodeToString(b.Hash[:]), Areas: areaChoices(b.Audience.Areas),
		Topics: topicTicks(b.Audience.Topics), Groups: groupTicks(b.Audience.Groups), Channels: channelTicks(b.Audience.Channels), CAP: capViews(&b.Content),
		Own: ownTexts(b), SendAt: fieldTime(b.SendAt), Expires: fieldTime(b.Expires), HeadlineNow: utf8.RuneCountInString(b.Content.Headline),
		HeadlineTop: knowledge.HeadlineMost, Correction: b.Type != knowledge.Alert,
	}
}

func (c *Console) composeEdit(w http.ResponseWriter, r *http.Request, v visit) error {
	b, err := c.pageBroadcast(r)
	if err != nil {
		return err
	}
	if !editable(b) {
		return &knowledge.Error{Code: knowledge.Conflict, Message: "已经开始发或者已经结束，不能再改；要改正，请另发一条更正或作废"}
	}
	p := newComposePage(b, broadcastPath(b.ID)+"/edit")
	p.Complaints = b.Complaints(c.Now())
	c.show(w, r, v, http.StatusOK, "compose", p)
	return nil
}

func editable(b knowledge.Broadcast) bool {
	return b.State == knowledge.BroadcastDraft || b.State == knowledge.BroadcastSubmitted || b.State == knowledge.BroadcastApproved
}

// draftNew keeps a new draft, or shows what it would be.
func (c *Console) draftNew(w http.ResponseWriter, r *http.Request, v visit) error {
	b, err := c.begin(r, r.URL.Query())
	if err != nil {
		return err
	}
	wrong, err := readCompose(r, &b)
	if err != nil {
		return err
	}
	wrong = append(wrong, sameVersion(r, &b)...)
	if done, err := c.previewed(w, r, v, b, r.URL.RequestURI(), wrong); done || err != nil {
		return err
	}
	id, err := c.Store.DraftBroadcast(r.Context(), b)
	if err != nil {
		return err
	}
	return c.said(w, r, v, fmt.Sprintf("存成了第%d号草稿，还没有发。", id), broadcastPath(id))
}

// sameVersion complains when the entry was published anew while the form was open: its words are of the version before, and would go out under the number
// of the new one. The form keeps the old number, so that it is refused however often it is sent.
func sameVersion(r *http.Request, b *knowledge.Broadcast) []string {
	if b.Content.Entry == "" {
		return nil
	}
	now := b.Content.Version
	shown, err := strconv.Atoi(r.PostFormValue("entry_version"))
	if err == nil && shown == now {
		return nil
	}
	b.Content.Version = shown
	return []string{fmt.Sprintf("条目 %s 在您打开这一页以后发布了第%d版，这里的字还是照第%d版写的：请回到条目，照新的一版重新写；要留的字先抄下来", b.Content.Entry, now, shown)}
}

// draftEdit keeps what was changed of the revision that was shown.
func (c *Console) draftEdit(w http.ResponseWriter, r *http.Request, v visit) error {
	b, err := c.pageBroadcast(r)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return err
	}
	revision, hash, err := readShown(r)
	if err != nil {
		return err
	}
	was := b.State
	wrong, err := readCompose(r, &b)
	if err != nil {
		return err
	}
	b.Revision, b.Hash = revision, hash
	if done, err := c.previewed(w, r, v, b, broadcastPath(b.ID)+"/edit", wrong); done || err != nil {
		return err
	}
	if err := c.Store.EditBroadcast(knowledge.WithSeen(r.Context(), knowledge.Seen{Version: revision, Hash: hash}), b); err != nil {
		return err
	}
	said := "改好了，是草稿，要送核准才能发。"
	if was != knowledge.BroadcastDraft {
		said = "改好了。原来送的核准作废，要重新送核准。"
	}
	return c.said(w, r, v, said, broadcastPath(b.ID))
}

// previewed shows the form again when that was asked for, or when not even a draft may be so.
func (c *Console) previewed(w http.ResponseWriter, r *http.Request, v visit, b knowledge.Broadcast, action string, wrong []string) (bool, error) {
	wrong = append(wrong, b.Wrong()...)
	preview := r.PostFormValue("do") == "preview"
	if len(wrong) == 0 && !preview {
		return false, nil
	}
	b.Rendered = nil
	status := http.StatusOK
	p := newComposePage(b, action)
	if p.Problems = wrong; len(wrong) > 0 {
		status = http.StatusUnprocessableEntity
	} else {
		plan, err := c.plan(r.Context(), b)
		if err != nil {
			return true, err
		}
		p.Looked, p.Plan, p.Texts, p.Complaints = true, plan, textViews(b), b.Complaints(c.Now())
	}
	c.show(w, r, v, status, "compose", p)
	return true, nil
}

// readCompose puts into b what the form says; wrong is what could not be read of it.
func readCompose(r *http.Request, b *knowledge.Broadcast) (wrong []string, err error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	for name, values := range r.PostForm {
		for _, value := range values {
			if !storable(value) || len(value) > sourceMost {
				return nil, &knowledge.Error{Code: knowledge.Invalid, Message: fmt.Sprintf("%.20q 里写得太长，或者有不是文字的字符", name)}
			}
		}
	}
	text := func(name string) string {
		return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\t", " ").Replace(r.PostFormValue(name)))
	}
	kind := r.PostFormValue("kind")
	if b.Type == knowledge.Alert { // a correction is of its original's kind
		if kind != "exercise" && kind != "actual" {
			return nil, &knowledge.Error{Code: knowledge.Invalid, Message: "表单不完整，看不出是演练还是实发，请重新打开"}
		}
		b.Exercise = kind == "exercise"
		b.Audience = readAudience(r, b.Audience)
	}
	c := &b.Content
	c.Event, c.Headline, c.Description, c.Instruction = text("event"), text("headline"), text("description"), text("instruction")
	c.Source, c.Contact, c.Web, c.Reason = text("source"), text("contact"), text("web"), text("reason")
	for _, f := range knowledge.CAPFields() {
		*c.CAPWord(f.Name) = r.PostFormValue(f.Name)
	}
	c.Texts = map[string]string{}
	for _, ch := range knowledge.BroadcastChannels {
		if own := text("text." + ch.Name); own != "" {
			c.Texts[ch.Name] = own
		}
	}
	for name, at := range map[string]*time.Time{"send_at": &b.SendAt, "expires": &b.Expires} {
		value := r.PostFormValue(name)
		*at = time.Time{}
		if value == "" {
			continue
		}
		if *at, err = time.ParseInLocation(fieldTimeForm, value, knowledge.China); err != nil {
			wrong = append(wrong, fmt.Sprintf("时间“%.30s”看不懂，请写成 2026-01-31T08:00", value))
		}
	}
	return wrong, nil
}

func readAudience(r *http.Request, was knowledge.Audience) knowledge.Audience {
	if was.ReadersOf != "" { // a rule of its own
		return knowledge.Audience{ReadersOf: was.ReadersOf, Channels: r.PostForm["channels"]}
	}
	a := knowledge.Audience{Unplaced: was.Unplaced, Areas: r.PostForm["areas"], Groups: r.PostForm["groups"], Channels: r.PostForm["channels"]}
	for _, t := range r.PostForm["topics"] {
		a.Topics = append(a.Topics, knowledge.Topic(t))
	}
	return a
}

// fieldTimeForm is that of a field for a date and a time.
const fieldTimeForm = "2006-01-02T15:04"

func fieldTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(knowledge.China).Format(fieldTimeForm)
}
