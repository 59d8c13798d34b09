package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// broadcastCommand is the emergency push at the terminal; the API and the console's pages follow the same rules.
type broadcastCommand struct {
	Templates broadcastTemplatesCommand `cmd:"" help:"List the templates, with the entries that their steps are from."`
	Draft     broadcastDraftCommand     `cmd:"" help:"Draft a broadcast, an exercise unless --actual; or edit one."`
	Submit    broadcastSubmitCommand    `cmd:"" help:"Ask for approval by another person."`
	Approve   broadcastApproveCommand   `cmd:"" help:"Approve what somebody else wrote and submitted. What is real is confirmed by typing."`
	Return    broadcastReturnCommand    `cmd:"" help:"Send back what waits for approval, or was approved and not begun."`
	Status    broadcastStatusCommand    `cmd:"" help:"List broadcasts, or show one: texts, recipients, what happened."`
	Pause     broadcastPauseCommand     `cmd:"" help:"Stop sending for the moment."`
	Resume    broadcastResumeCommand    `cmd:"" help:"Go on sending."`
	Cancel    broadcastCancelCommand    `cmd:"" help:"Send nothing more of it. What was sent is corrected by draft --cancel-of."`
	Export    broadcastExportCommand    `cmd:"" help:"Write it as CAP 1.2 XML."`
	Surges    broadcastSurgesCommand    `cmd:"" help:"What readers ask more than usual, with the entry that answers it; begin one where there is none."`
	Endpoint  endpointCommand           `cmd:"" help:"Recipients that are no readers: groups, lists, platforms."`
	Exercise  exerciseCommand           `cmd:"" help:"Who gets exercises; nobody else does."`
}

type broadcastTemplatesCommand struct{}

func (broadcastTemplatesCommand) Run(_ context.Context, streams stdio) error {
	all, err := broadcast.Templates()
	for _, t := range all {
		fmt.Fprintf(streams.out, "%s  %s  依据：%s\n", t.Name, t.Title, joinIDs(t.Entries))
	}
	return err
}

func joinIDs(ids []knowledge.ID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = string(id)
	}
	return strings.Join(words, " ")
}

// whichBroadcast is the argument of every command about one.
type whichBroadcast struct {
	ID int64 `arg:"" help:"The broadcast's number, as status lists it."`
}

type broadcastSubmitCommand struct {
	signedIn
	whichBroadcast
	boundToHash
}

func (b broadcastSubmitCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return b.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		is, err := app.Store.Broadcast(ctx, b.ID)
		if err != nil {
			return err
		}
		if err := b.read(ctx, app, streams, is, "送核准的就是上面这些？"); err != nil {
			return err
		}
		if err := app.Store.SubmitBroadcast(ctx, b.ID, is.Hash); err != nil {
			return err
		}
		return say(ctx, app, streams, b.ID, "送核准了，要另一个有“发布”角色的人来核准")
	})
}

// say shows in one line where the broadcast stands now.
func say(ctx context.Context, app *App, streams stdio, id int64, what string) error {
	is, err := app.Store.Broadcast(ctx, id)
	if err == nil {
		fmt.Fprintf(streams.out, "第%d号【%s】%s\n", id, is.KindWord(), what)
	}
	return err
}

type broadcastApproveCommand struct {
	signedIn
	whichBroadcast
	boundToHash
	Typed string `help:"What has to be typed for a real one: 实际发布, or the whole headline. Asked for at the terminal."`
}

func (b broadcastApproveCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return b.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		is, err := app.Store.Broadcast(ctx, b.ID)
		if err != nil {
			return err
		}
		if err := b.read(ctx, app, streams, is, "核准的就是上面这些，一个字不差？"); err != nil {
			return err
		}
		if b.Typed == "" && !is.Exercise {
			if b.Typed, err = typed(streams); err != nil {
				return err
			}
		}
		if err := app.Store.ApproveBroadcast(ctx, b.ID, is.Hash, b.Typed); err != nil {
			return err
		}
		wakes, err := app.Store.Wakes(ctx, is)
		if err != nil {
			return err
		}
		return say(ctx, app, streams, b.ID, approvedLine(is, wakes, time.Now()))
	})
}

func approvedLine(b knowledge.Broadcast, wakes bool, now time.Time) string {
	return fmt.Sprintf("核准了，%s；2小时内没有开始，核准就失效；%s 以后不再发", b.GoesOut(now, wakes, broadcast.Quiet), minuteWord(b.Expires))
}

// typed asks the person to write by hand that it is meant. A pipe answers for nobody.
func typed(streams stdio) (string, error) {
	if !atTerminal(streams.in) {
		return "", usageError{errors.New("it is real: --typed 实际发布 (or the whole headline)")}
	}
	fmt.Fprint(streams.err, "这是实发，不是演练。确定要发，请打出“实际发布”四个字：")
	return answered(streams.in)
}

type broadcastReturnCommand struct {
	signedIn
	whichBroadcast
	Reason string `required:"" help:"What has to change."`
}

func (b broadcastReturnCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return b.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		if err := app.Store.ReturnBroadcast(ctx, b.ID, b.Reason); err != nil {
			return err
		}
		return say(ctx, app, streams, b.ID, "退回成草稿了")
	})
}

type broadcastPauseCommand struct {
	signedIn
	whichBroadcast
}

func (b broadcastPauseCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return b.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		if err := app.Store.PauseBroadcast(ctx, b.ID); err != nil {
			return err
		}
		return say(ctx, app, streams, b.ID, "暂停了，还没发的先不发")
	})
}

type broadcastResumeCommand struct {
	signedIn
	whichBroadcast
}

func (b broadcastResumeCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return b.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		if err := app.Store.ResumeBroadcast(ctx, b.ID); err != nil {
			return err
		}
		return say(ctx, app, streams, b.ID, "接着发了")
	})
}

type broadcastCancelCommand struct {
	signedIn
	whichBroadcast
	Reason string `required:"" help:"Why; it is kept."`
}

func (b broadcastCancelCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return b.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		was, err := app.Store.Broadcast(ctx, b.ID)
		if err != nil {
			return err
		}
		if err := app.Store.CancelBroadcast(ctx, b.ID, b.Reason); err != nil {
			return err
		}
		what := "取消了，没发的不再发"
		if !was.BegunAt.IsZero() {
			what += fmt.Sprintf("；已经收到的人要更正，请写 broadcast draft --cancel-of %d", b.ID)
		}
		return say(ctx, app, streams, b.ID, what)
	})
}

type broadcastStatusCommand struct {
	ID    int64  `arg:"" optional:"" help:"The broadcast's number; none: list them."`
	State string `help:"Only those that are draft, submitted, approved, sending, paused, done, cancelled or expired."`
	JSON  bool   `help:"As the API gives it."`
}

func (b broadcastStatusCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		if b.ID != 0 {
			is, err := app.Store.Broadcast(ctx, b.ID)
			switch {
			case err != nil:
				return err
			case b.JSON:
				return writeBroadcast(ctx, app, streams.out, is)
			}
			return printBroadcast(ctx, app, streams.out, is)
		}
		all, err := app.Store.Broadcasts(ctx, knowledge.BroadcastState(b.State), 100)
		if err != nil {
			return err
		}
		if b.JSON {
			list := make([]broadcast.JSON, len(all))
			for i, is := range all {
				list[i] = broadcast.NewJSON(is, time.Now())
			}
			return json.NewEncoder(streams.out).Encode(list)
		}
		for _, is := range all {
			fmt.Fprintf(escaped{streams.out}, "%d  【%s】%s  %s：%s\n", is.ID, is.KindWord(), is.State.Word(), is.Type.Word(), is.Content.Headline)
		}
		return nil
	})
}

type broadcastExportCommand struct {
	whichBroadcast
	Out   string `help:"The file to write; default: standard output." placeholder:"FILE"`
	Draft bool   `help:"Write what was not begun too, with the status Draft: no system may send it on."`
}

func (b broadcastExportCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		is, err := app.Store.Broadcast(ctx, b.ID)
		if err != nil {
			return err
		}
		if is.BegunAt.IsZero() && !b.Draft {
			return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf(
				"第%d号没有开始发，还是“%s”，不能当成预警给别的系统；要看它写成什么样，用 --draft", is.ID, is.State.Word())}
		}
		document, err := app.capOf(ctx, is, time.Now())
		if err != nil {
			return err
		}
		if b.Out != "" {
			return os.WriteFile(b.Out, document, 0o600)
		}
		_, err = streams.out.Write(document)
		return err
	})
}

func minuteWord(t time.Time) string { return t.In(knowledge.China).Format("2006-01-02 15:04") }

// printBroadcast shows what a person decides on: whether it is real, whom it reaches and when, each text with its length, and what happened.
func printBroadcast(ctx context.Context, app *App, out io.Writer, b knowledge.Broadcast) error {
	out = escaped{out}
	fmt.Fprintf(out, "第%d号  【%s】%s  第%d稿  %s\n编号：%s\n校验码：%x\n", b.ID, b.KindWord(), b.Type.Word(), b.Revision, b.State.Word(), b.Identifier, b.Hash)
	if b.References != 0 {
		fmt.Fprintf(out, "更正的是：第%d号，发给收到那一条的人\n", b.References)
	}
	if b.Content.Entry != "" {
		fmt.Fprintf(out, "照条目：%s 第%d版\n", b.Content.Entry, b.Content.Version)
	}
	if err := printWhen(ctx, app, out, b); err != nil {
		return err
	}
	if err := printPlan(ctx, app, out, b); err != nil {
		return err
	}
	if b.Content.Origin != "" {
		fmt.Fprintf(out, "来自：%s（别的系统的预警）\n", b.Content.Origin)
	}
	for _, note := range b.Content.Notes {
		fmt.Fprintf(out, "  请核对：%s\n", note)
	}
	printTexts(out, b)
	if b.State == knowledge.BroadcastDraft {
		for _, complaint := range b.Complaints(time.Now()) {
			fmt.Fprintf(out, "\n还不能送核准：%s", complaint)
		}
		fmt.Fprintln(out)
	}
	return printHistory(ctx, app, out, b)
}

// printWhen says when it goes out, or when it did.
func printWhen(ctx context.Context, app *App, out io.Writer, b knowledge.Broadcast) error {
	wakes, err := app.Store.Wakes(ctx, b)
	if err != nil {
		return err
	}
	when := minuteWord(b.BegunAt) + " 开始发的"
	if b.BegunAt.IsZero() {
		when = "核准以后，" + b.GoesOut(time.Now(), wakes, broadcast.Quiet)
	}
	_, err = fmt.Fprintf(out, "什么时候：%s；%s 以后不再发\n", when, minuteWord(b.Expires))
	return err
}

// escaped writes what a terminal would obey as the numbers of its characters: whoever approves reads what is there. Each Write is whole lines or words.
type escaped struct{ io.Writer }

// shown are the streams for what others wrote. Not for JSON and files, which programs read, nor for a bar of progress, which a terminal has to obey.
func (s stdio) shown() stdio { return stdio{s.in, escaped{s.out}, escaped{s.err}} }

func (e escaped) Write(p []byte) (int, error) {
	_, err := io.WriteString(e.Writer, knowledge.Shown(string(p)))
	return len(p), err
}

// printTexts shows each text once, with the channels that are sent it.
func printTexts(out io.Writer, b knowledge.Broadcast) {
	channels := map[string][]string{}
	for _, ch := range knowledge.BroadcastChannels {
		text := b.Text(ch.Name)
		channels[text] = append(channels[text], fmt.Sprintf("%s（%d%s，最多%d）", ch.Word, ch.Length(text), ch.Unit, ch.Most))
	}
	for _, ch := range knowledge.BroadcastChannels {
		if text := b.Text(ch.Name); channels[text] != nil {
			fmt.Fprintf(out, "\n—— %s ——\n%s\n", strings.Join(channels[text], "、"), text)
			channels[text] = nil
		}
	}
}

func printHistory(ctx context.Context, app *App, out io.Writer, b knowledge.Broadcast) error {
	events, err := app.Store.BroadcastHistory(ctx, b.Identifier)
	if err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, h := range events {
		fmt.Fprintf(out, "%s  第%d稿  %s  %s（%s）\n", h.At.In(knowledge.China).Format(time.DateTime), h.Version, knowledge.BroadcastActionWord(h.What), h.Who, h.From)
	}
	return nil
}
