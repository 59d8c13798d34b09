package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

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
}

func (b broadcastSubmitCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return b.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		is, err := app.Store.Broadcast(ctx, b.ID)
		if err != nil {
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
	Hash  string `help:"The beginning of the hash that you read (at least 8 digits); without it the texts are shown here first."`
	Typed string `help:"What has to be typed for a real one: 实际发布, or the whole headline. Asked for at the terminal."`
}

func (b broadcastApproveCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return b.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		is, err := app.Store.Broadcast(ctx, b.ID)
		if err != nil {
			return err
		}
		if err := b.read(ctx, app, streams, is); err != nil {
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
		return say(ctx, app, streams, b.ID, approvedLine(is))
	})
}

func approvedLine(b knowledge.Broadcast) string {
	when := "马上开始发"
	if !b.SendAt.IsZero() {
		when = minuteWord(b.SendAt) + " 开始发"
	}
	return fmt.Sprintf("核准了，%s；2小时内没有开始，核准就失效；%s 以后不再发", when, minuteWord(b.Expires))
}

// read refuses another content than the one that was read, or shows what is about to be approved.
func (b broadcastApproveCommand) read(ctx context.Context, app *App, streams stdio, is knowledge.Broadcast) error {
	if b.Hash == "" {
		return printBroadcast(ctx, app, streams.err, is)
	}
	if len(b.Hash) < 8 {
		return usageError{errors.New("--hash: at least 8 digits")}
	}
	if !strings.HasPrefix(fmt.Sprintf("%x", is.Hash), strings.ToLower(b.Hash)) {
		return &knowledge.Error{Code: knowledge.Conflict, Message: "内容与您看的不同了，请重新看过再核准"}
	}
	return nil
}

// typed asks the person to write by hand that it is meant. A pipe answers for nobody.
func typed(streams stdio) (string, error) {
	file, ok := streams.in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) { //nolint:gosec // a file descriptor fits an int
		return "", usageError{errors.New("it is real: --typed 实际发布 (or the whole headline)")}
	}
	fmt.Fprint(streams.err, "这是实发，不是演练。确定要发，请打出“实际发布”四个字：")
	line, err := bufio.NewReader(streams.in).ReadString('\n')
	return strings.TrimSpace(line), err
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
	return withApp(ctx, c, streams, func(app *App) error {
		if b.ID != 0 {
			is, err := app.Store.Broadcast(ctx, b.ID)
			switch {
			case err != nil:
				return err
			case b.JSON:
				return json.NewEncoder(streams.out).Encode(broadcast.NewJSON(is, time.Now()))
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
			fmt.Fprintf(streams.out, "%d  【%s】%s  %s：%s\n", is.ID, is.KindWord(), is.State.Word(), is.Type.Word(), is.Content.Headline)
		}
		return nil
	})
}

type broadcastExportCommand struct {
	whichBroadcast
	Out string `help:"The file to write; default: standard output." placeholder:"FILE"`
}

func (b broadcastExportCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withApp(ctx, c, streams, func(app *App) error {
		is, err := app.Store.Broadcast(ctx, b.ID)
		if err != nil {
			return err
		}
		document, err := app.capOf(ctx, is, time.Now())
		if err != nil {
			return err
		}
		if b.Out != "" {
			return os.WriteFile(b.Out, document, 0o644) //nolint:gosec // for the public
		}
		_, err = streams.out.Write(document)
		return err
	})
}

func minuteWord(t time.Time) string { return t.In(knowledge.China).Format("2006-01-02 15:04") }

// printBroadcast shows what a person decides on: whether it is real, whom it reaches and when, each text with its length, and what happened.
func printBroadcast(ctx context.Context, app *App, out io.Writer, b knowledge.Broadcast) error {
	fmt.Fprintf(out, "第%d号  【%s】%s  第%d稿  %s\n编号：%s\n校验码：%x\n", b.ID, b.KindWord(), b.Type.Word(), b.Revision, b.State.Word(), b.Identifier, b.Hash)
	if b.References != 0 {
		fmt.Fprintf(out, "更正的是：第%d号，发给收到那一条的人\n", b.References)
	}
	when := "核准后马上"
	if !b.SendAt.IsZero() {
		when = minuteWord(b.SendAt)
	}
	fmt.Fprintf(out, "开始发：%s；%s 以后不再发\n", when, minuteWord(b.Expires))
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

func printPlan(ctx context.Context, app *App, out io.Writer, b knowledge.Broadcast) error {
	if b.Type != knowledge.Alert {
		return nil
	}
	reach, err := app.Store.PreviewBroadcast(ctx, b)
	if err != nil {
		return err
	}
	channels, n, takes := broadcast.Plan(reach)
	if b.Audience.Unplaced != "" {
		fmt.Fprintln(out, "还没有选地区，现在谁也不发："+b.Audience.Unplaced)
		return nil
	}
	fmt.Fprintf(out, "现在发会到%d个接收方，最慢的渠道%s\n", n, broadcast.TakesWords(takes))
	for _, c := range channels {
		fmt.Fprintf(out, "  %s  %d  %s\n", knowledge.ChannelWord(c.Channel), c.N, broadcast.TakesWords(c.Takes))
		for _, r := range c.Counties {
			fmt.Fprintf(out, "    %s  %d\n", broadcast.CountyWord(r.County), r.N)
		}
		if c.Note != "" {
			fmt.Fprintf(out, "    %s\n", c.Note)
		}
	}
	if b.Exercise && n == 0 {
		fmt.Fprintln(out, "  这是演练，只发给演练组；演练组里没有人符合：broadcast exercise join")
	}
	return nil
}
