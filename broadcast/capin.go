package broadcast

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"qiuzhen/cap"
	"qiuzhen/knowledge"
)

// Named finds broadcasts by their identifier, or by the alert of another system that they were made from, the newest first.
type Named interface {
	BroadcastsNamed(ctx context.Context, identifiers, origins []string) ([]knowledge.Broadcast, error)
}

// FromCAP makes a draft of another system's CAP 1.2 alert, and never more than a draft. What is against the standard is complained of with its lines, and
// then there is none. What the draft could not take over is in its content's notes.
//
// An Update or a Cancel becomes one of ours when it refers to what we sent: to our own alert, or to theirs that we had passed on. Else it is a plain
// Alert, to be read before it goes anywhere. An exercise stays one; a test is for systems, not for people, and is refused.
func FromCAP(ctx context.Context, data []byte, of Named, now time.Time) (knowledge.Broadcast, error) {
	in, err := cap.Parse(data)
	if err != nil {
		return knowledge.Broadcast{}, err
	}
	d := incoming{Broadcast: in.Broadcast, notes: in.Notes}
	d.Content.Origin, d.Content.OriginExercise = in.Origin.String(), d.Exercise
	if d.Exercise {
		d.notes = append([]string{"原文是演练（status 是 Exercise），只能当演练发，不能改成实发"}, in.Notes...)
	}
	if err := d.isNew(ctx, of); err != nil {
		return d.Broadcast, err
	}
	if err := d.chain(ctx, of, in); err != nil {
		return d.Broadcast, err
	}
	if err := d.fit(now); err != nil {
		return d.Broadcast, err
	}
	if in.Unplaced && d.Type == knowledge.Alert {
		d.Audience.Unplaced = "〔选地区，原文写的是：" + cut(plainly(in.Areas), 200) + "〕"
	}
	for _, n := range d.notes {
		d.Content.Notes = append(d.Content.Notes, plainly(n))
	}
	return d.Broadcast, nil
}

// incoming is a draft being made.
type incoming struct {
	knowledge.Broadcast
	notes []string
}

func (d *incoming) note(format string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, args...))
}

// plainly is text of others without what marks a blank of ours.
func plainly(s string) string {
	return strings.NewReplacer("〔", "[", "〕", "]").Replace(knowledge.Sayable(s))
}

// isNew refuses what was read before: fetched again, an alert is the same alert. The database refuses the second of two at a time.
func (d *incoming) isNew(ctx context.Context, of Named) error {
	had, err := of.BroadcastsNamed(ctx, nil, []string{d.Content.Origin})
	if err == nil && len(had) > 0 {
		err = &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("这条预警已经收过，是第%d号（%s）；要改就改那一条", had[0].ID, had[0].State.Word())}
	}
	return err
}

// chain finds what an Update or Cancel is about.
func (d *incoming) chain(ctx context.Context, of Named, in cap.Incoming) error {
	if d.Type == knowledge.Alert {
		return nil
	}
	ids, origins := make([]string, len(in.References)), make([]string, len(in.References))
	for i, r := range in.References {
		ids[i], origins[i] = r.Identifier, r.String()
	}
	found, err := of.BroadcastsNamed(ctx, ids, origins)
	if err != nil {
		return err
	}
	as, word := d.Type, d.Type.Word()
	for _, b := range found {
		if !b.BegunAt.IsZero() && b.Type != knowledge.Cancel && b.Exercise == d.Exercise {
			d.correct(b)
			d.note("这是第%d号“%s”的%s，只发给收到那一条的人；来自 %s，请核对是不是真的", b.ID, b.Content.Headline, word, in.Origin.Sender)
			return nil
		}
	}
	d.Type = knowledge.Alert
	why := "这里没有发过它说的那一条"
	if len(found) > 0 {
		why = fmt.Sprintf("它说的第%d号（【%s】%s，%s）不能由它%s", found[0].ID, found[0].KindWord(), found[0].Type.Word(), found[0].State.Word(), word)
		if found[0].BegunAt.IsZero() {
			why += "，还没有发出去：改那一条或者取消那一条就行"
		}
	}
	d.note("原文是%s（%s %s），%s，所以先当作一条新通知，请看清楚再决定发不发", word, as, strings.Join(ids, " "), why)
	if d.Content.Description == "" {
		d.Content.Description = d.Content.Reason
	}
	return nil
}

// correct makes it a correction of a broadcast of ours. What it leaves out is as in ours: a Cancel need not say anything.
func (d *incoming) correct(original knowledge.Broadcast) {
	ours := Correct(original, d.Type, d.Content.Reason)
	for _, field := range []struct{ theirs, ours *string }{
		{&d.Content.Event, &ours.Content.Event}, {&d.Content.Category, &ours.Content.Category}, {&d.Content.Response, &ours.Content.Response},
		{&d.Content.Urgency, &ours.Content.Urgency}, {&d.Content.Severity, &ours.Content.Severity}, {&d.Content.Certainty, &ours.Content.Certainty},
		{&d.Content.Headline, &ours.Content.Headline}, {&d.Content.Source, &ours.Content.Source},
	} {
		*field.theirs = cmp.Or(*field.theirs, *field.ours)
	}
	d.References, d.Audience = original.ID, knowledge.Audience{}
}

// fit makes a draft of ours of what may be longer, or say less, than ours do.
func (d *incoming) fit(now time.Time) error {
	c := &d.Content
	d.sayable()
	for _, said := range []string{c.Event, c.Headline, c.Description, c.Instruction} {
		if !d.Exercise && strings.Contains(said, knowledge.ExerciseMark) {
			return &knowledge.Error{Code: knowledge.Invalid, Message: "status 是 Actual（实发），文字里却写着" + knowledge.ExerciseMark + "；没有收，请问清楚发出的单位是演练还是真的"}
		}
	}
	c.Event, c.Headline = unmarked(c.Event), unmarked(c.Headline)
	headline := strings.Join(strings.Fields(c.Headline), " ")
	if utf8.RuneCountInString(headline) > knowledge.HeadlineMost {
		d.note("原文的第一句话有%d个字，只取了前%d个，全文在说明里，请写短", utf8.RuneCountInString(headline), knowledge.HeadlineMost)
		c.Description = strings.TrimSpace(headline + "\n" + c.Description)
	}
	c.Headline = cut(headline, knowledge.HeadlineMost)
	if event := strings.Join(strings.Fields(c.Event), " "); utf8.RuneCountInString(event) > eventMost {
		d.note("原文写的是什么事太长，只取了前%d个字：%s", eventMost, cut(event, 60))
		c.Event = cut(event, eventMost)
	}
	d.words()
	if u, err := url.Parse(c.Web); c.Web != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		d.note("没有带过来的网址：%s", cut(c.Web, 100))
		c.Web = ""
	}
	switch {
	case d.Expires.IsZero():
		d.note("原文没有写管到几时，先按24小时算，请改")
	case !d.Expires.After(now):
		d.note("原文管到 %s，已经过了", d.Expires.In(knowledge.China).Format("2006-01-02 15:04"))
	}
	if !d.SendAt.After(now) { // it is in force
		d.SendAt = time.Time{}
	}
	return nil
}

// sayable leaves out the characters that a broadcast may not have, and says so when it was more than the ends of lines.
func (d *incoming) sayable() {
	c, left := &d.Content, false
	for _, s := range []*string{&c.Event, &c.Headline, &c.Description, &c.Instruction, &c.Source, &c.Web, &c.Contact, &c.Reason} {
		plain := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", " ").Replace(*s)
		*s = knowledge.Sayable(plain)
		left = left || *s != plain
	}
	if left {
		d.note("原文里有控制字符或者改变文字方向的字符，没有带过来，请对照原文看字句通不通")
	}
}

const eventMost = 12

// unmarked leaves out the marks that the program puts in itself.
func unmarked(s string) string {
	return strings.TrimSpace(strings.NewReplacer(knowledge.ExerciseMark, "", "【更正】", "", "【作废】", "").Replace(s))
}

// words fills in what the standard leaves open and a broadcast says.
func (d *incoming) words() {
	c := &d.Content
	if c.Response == "" {
		d.note("原文没有写要人做什么（responseType），先填 None，请改")
	}
	for _, f := range []struct {
		field *string
		word  string
	}{
		{&c.Response, "None"}, {&c.Category, "Other"}, {&c.Urgency, "Unknown"}, {&c.Severity, "Unknown"}, {&c.Certainty, "Unknown"},
	} {
		*f.field = cmp.Or(*f.field, f.word)
	}
}
