package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// broadcastDraftCommand begins with one of --template, --entry, --file, --cap, --update-of, --cancel-of and --edit, then changes what is said.
type broadcastDraftCommand struct {
	signedIn
	Template string            `help:"Begin with a template (broadcast templates)." placeholder:"NAME"`
	Entry    string            `help:"Begin with a published entry." placeholder:"ID"`
	File     string            `help:"Take all of it from a JSON file as the API takes it; -: standard input." placeholder:"FILE"`
	Cap      string            `help:"Take another system's alert, CAP 1.2 XML; -: standard input. It is an exercise when the alert says so." placeholder:"FILE"`
	UpdateOf int64             `help:"Update what was sent, for exactly those who got it." placeholder:"NUMBER"`
	CancelOf int64             `help:"Cancel what was sent, for exactly those who got it." placeholder:"NUMBER"`
	Edit     int64             `help:"Edit this one; what was submitted or approved is void then." placeholder:"NUMBER"`
	Field    map[string]string `help:"headline, event, description, instruction, source, web, contact, reason, category, response, urgency, severity, certainty, or text.CHANNEL; may be repeated." placeholder:"NAME=TEXT" mapsep:"none"`
	Fill     map[string]string `help:"Fill in a blank of the template: --fill 哪里=如东县; may be repeated." placeholder:"BLANK=TEXT" mapsep:"none"`
	Area     []string          `help:"GB/T 2260 code of a province, city or county, or nine digits of a town; may be repeated. None: everywhere." placeholder:"CODE"`
	Topic    []string          `help:"Only who wants this topic; may be repeated." placeholder:"TOPIC"`
	Group    []string          `help:"Only 老人, 农民, 学生, 工人, 公务员; may be repeated." placeholder:"GROUP"`
	Channel  []string          `help:"Only on this channel; may be repeated." placeholder:"CHANNEL"`
	Actual   bool              `help:"It is real. Without this a new broadcast is an exercise."`
	Drill    bool              `help:"It is an exercise, with --edit."`
	SendAt   string            `help:"When to begin: 2026-01-31T08:00 in China's time, or 3h from now; none: once approved." placeholder:"TIME"`
	Expires  string            `help:"Nothing is sent from then on; default: a day." placeholder:"TIME"`
}

func (d broadcastDraftCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	begin, err := d.source()
	if err != nil {
		return err
	}
	return d.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		b, err := begin(ctx, app, streams)
		if err != nil {
			return err
		}
		if err := d.change(&b, time.Now()); err != nil {
			return err
		}
		if d.Edit != 0 {
			err = app.Store.EditBroadcast(ctx, b)
		} else {
			b.ID, err = app.Store.DraftBroadcast(ctx, b)
		}
		if err != nil {
			return err
		}
		is, err := app.Store.Broadcast(ctx, b.ID)
		if err != nil {
			return err
		}
		return printBroadcast(ctx, app, streams.out, is)
	})
}

type beginning func(context.Context, *App, stdio) (knowledge.Broadcast, error)

// source is the one thing to begin with.
func (d broadcastDraftCommand) source() (beginning, error) {
	var all []beginning
	add := func(given bool, begin beginning) {
		if given {
			all = append(all, begin)
		}
	}
	add(d.Template != "", func(context.Context, *App, stdio) (knowledge.Broadcast, error) {
		return broadcast.FromTemplate(d.Template)
	})
	add(d.Entry != "", func(ctx context.Context, app *App, _ stdio) (knowledge.Broadcast, error) {
		before, _, err := app.Store.Pending(ctx, knowledge.ID(d.Entry))
		if err == nil && before.Number == 0 {
			err = &knowledge.Error{Code: knowledge.Conflict, Message: d.Entry + " 没有发布，不能照着推送"}
		}
		return broadcast.FromEntry(before.Entry, before.Number), err
	})
	add(d.File != "", func(_ context.Context, _ *App, streams stdio) (knowledge.Broadcast, error) {
		return readDraftFile(d.File, streams)
	})
	add(d.Cap != "", func(ctx context.Context, app *App, streams stdio) (knowledge.Broadcast, error) {
		return d.readCAP(ctx, app, streams)
	})
	correct := func(of int64, as knowledge.MsgType) beginning {
		return func(ctx context.Context, app *App, _ stdio) (knowledge.Broadcast, error) {
			original, err := app.Store.Broadcast(ctx, of)
			return broadcast.Correct(original, as, ""), err
		}
	}
	add(d.UpdateOf != 0, correct(d.UpdateOf, knowledge.Update))
	add(d.CancelOf != 0, correct(d.CancelOf, knowledge.Cancel))
	add(d.Edit != 0, func(ctx context.Context, app *App, _ stdio) (knowledge.Broadcast, error) {
		return app.Store.Broadcast(ctx, d.Edit)
	})
	if len(all) != 1 {
		return nil, usageError{errors.New("begin with one of --template, --entry, --file, --cap, --update-of, --cancel-of, --edit")}
	}
	if d.Actual && d.Drill {
		return nil, usageError{errors.New("--actual or --drill, not both")}
	}
	return all[0], nil
}

func readDraftFile(name string, streams stdio) (knowledge.Broadcast, error) {
	data, err := readInput(name, streams)
	if err != nil {
		return knowledge.Broadcast{}, err
	}
	return broadcast.ReadDraft(bytes.NewReader(data))
}

// inputMost bounds a draft and an alert, and a byte more tells that it is longer.
const inputMost = 1 << 20

func readInput(name string, streams stdio) ([]byte, error) {
	in := streams.in
	if name != "-" {
		file, err := os.Open(name) //nolint:gosec // the operator's own
		if err != nil {
			return nil, usageError{err}
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, inputMost+1))
	if err != nil {
		return nil, usageError{err}
	}
	return data, nil
}

// readCAP keeps what the alert says it is: its exercise does not become real by a flag.
func (d broadcastDraftCommand) readCAP(ctx context.Context, app *App, streams stdio) (knowledge.Broadcast, error) {
	data, err := readInput(d.Cap, streams)
	if err != nil {
		return knowledge.Broadcast{}, err
	}
	b, err := broadcast.FromCAP(ctx, data, app.Store, time.Now())
	if err == nil && d.Actual && b.Exercise {
		err = &knowledge.Error{Code: knowledge.Invalid, Message: "原文说这是演练（status 是 Exercise），不能用 --actual 当成真的"}
	}
	return b, err
}

// change puts in what the flags say. A correction keeps the kind of its original, and --file and --cap their own.
func (d broadcastDraftCommand) change(b *knowledge.Broadcast, now time.Time) (err error) {
	b.Content, err = d.content(b.Content)
	if err != nil {
		return err
	}
	if d.Actual || d.Drill {
		b.Exercise = d.Drill
	}
	if len(d.Area) > 0 {
		b.Audience.Areas = d.Area
	}
	if len(d.Group) > 0 {
		b.Audience.Groups = d.Group
	}
	if len(d.Channel) > 0 {
		b.Audience.Channels = d.Channel
	}
	if len(d.Topic) > 0 {
		b.Audience.Topics = nil
		for _, t := range d.Topic {
			b.Audience.Topics = append(b.Audience.Topics, knowledge.Topic(t))
		}
	}
	if d.SendAt != "" {
		if b.SendAt, err = parseWhen(d.SendAt, now); err != nil {
			return err
		}
	}
	if d.Expires != "" {
		b.Expires, err = parseWhen(d.Expires, now)
	}
	return err
}

func (d broadcastDraftCommand) content(c knowledge.BroadcastContent) (knowledge.BroadcastContent, error) {
	fields := map[string]*string{
		"headline": &c.Headline, "event": &c.Event, "description": &c.Description, "instruction": &c.Instruction, "source": &c.Source, "web": &c.Web,
		"contact": &c.Contact, "reason": &c.Reason, "category": &c.Category, "response": &c.Response, "urgency": &c.Urgency,
		"severity": &c.Severity, "certainty": &c.Certainty,
	}
	texts := map[string]string{}
	for channel, text := range c.Texts {
		texts[channel] = text
	}
	for name, text := range d.Field {
		text = strings.ReplaceAll(text, `\n`, "\n")
		if channel, ok := strings.CutPrefix(name, "text."); ok {
			texts[channel] = text
			continue
		}
		if fields[name] == nil {
			return c, usageError{fmt.Errorf("--field %s: no such field", name)}
		}
		*fields[name] = text
	}
	c.Texts = texts
	for blank, text := range d.Fill {
		if !fill(fields, blank, text) {
			return c, usageError{fmt.Errorf("--fill %s: no such blank (its first words are enough)", blank)}
		}
	}
	return c, nil
}

// fill puts the text in the place of the blanks that begin with these words.
func fill(fields map[string]*string, blank, text string) (filled bool) {
	for _, field := range fields {
		for {
			at := strings.Index(*field, "〔写："+blank)
			if at < 0 {
				break
			}
			end := strings.Index((*field)[at:], "〕")
			if end < 0 {
				break
			}
			*field, filled = (*field)[:at]+text+(*field)[at+end+len("〕"):], true
		}
	}
	return filled
}

// parseWhen reads a time in China's, with its zone, or as a span from now.
func parseWhen(s string, now time.Time) (time.Time, error) {
	if span, err := time.ParseDuration(s); err == nil && span > 0 {
		return now.Add(span), nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, nil
	}
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02 15:04"} {
		if at, err := time.ParseInLocation(form, s, knowledge.China); err == nil {
			return at, nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("%q is no time: 2026-01-31T08:00 (China's), or 3h from now", s)}
}
