package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
)

// entryCommand is the life of entries at the terminal; the console's pages follow the same rules.
type entryCommand struct {
	List     entryListCommand     `cmd:"" help:"List entries with where they stand."`
	Show     entryShowCommand     `cmd:"" help:"Show an entry's newest version, or another."`
	Diff     entryDiffCommand     `cmd:"" help:"Show what the newest version changes against the published one."`
	Check    entryCheckCommand    `cmd:"" help:"How it reads for old people, and which entries say the same or the contrary."`
	Submit   entrySubmitCommand   `cmd:"" help:"Put a draft under review."`
	Sign     entrySignCommand     `cmd:"" help:"Sign the version under review."`
	Return   entryReturnCommand   `cmd:"" help:"Send the version under review back, with a comment."`
	Publish  entryPublishCommand  `cmd:"" help:"Publish the version under review, when it has the signatures that its topic asks for."`
	Withdraw entryWithdrawCommand `cmd:"" help:"Take an entry out of service, for a reason."`
	History  entryHistoryCommand  `cmd:"" help:"Everything that happened to an entry."`
}

type entryListCommand struct {
	Status string `help:"Only those whose newest version is draft, in_review, published or withdrawn."`
	Due    bool   `help:"Those published that stop being served within 30 days, or have, soonest first."`
}

func (e entryListCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		versions, err := app.listed(ctx, e)
		if err != nil {
			return err
		}
		for _, v := range versions {
			fmt.Fprintf(streams.shown().out, "%s  第%d版  %s  %s\n", v.Entry.ID, v.Number, v.StatusLine(), v.Entry.Title)
		}
		return nil
	})
}

// listed are the versions that the command asks for.
func (a *App) listed(ctx context.Context, e entryListCommand) ([]postgres.Version, error) {
	if e.Due {
		return a.Store.Expiring(ctx, a.engine.Now().Add(knowledge.FirstReminder))
	}
	return a.Store.Newest(ctx, knowledge.Status(e.Status))
}

// whichEntry is the argument of every command about one entry.
type whichEntry struct {
	ID string `arg:"" help:"The entry's id."`
}

type entryShowCommand struct {
	whichEntry
	Version int `help:"This version; 0: the newest."`
}

func (e entryShowCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		v, err := app.Store.Version(ctx, knowledge.ID(e.ID), e.Version)
		if err != nil {
			return err
		}
		printVersion(streams.out, v)
		return printProvenance(ctx, app, streams.out, v)
	})
}

func printVersion(out io.Writer, v postgres.Version) {
	out = escaped{out}
	fmt.Fprintf(out, "%s 第%d版  %s\n\n", v.Entry.ID, v.Number, v.StatusLine())
	for _, f := range v.Entry.Fields() {
		for _, line := range f.Lines {
			fmt.Fprintf(out, "%s：%s\n", f.Name, line)
		}
	}
	for _, r := range v.Reviews {
		what := "签字"
		if r.Decision == "return" {
			what = "退回"
		}
		fmt.Fprintf(out, "%s：%s %s %s（%s）%s %s\n", what, r.Institution, r.Title, r.Reviewer, r.Role, r.At.In(knowledge.China).Format(time.DateTime), r.Comment)
	}
}

type entryDiffCommand struct{ whichEntry }

func (e entryDiffCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		before, after, err := app.Store.Pending(ctx, knowledge.ID(e.ID))
		if err != nil {
			return err
		}
		for _, d := range knowledge.Diff(before.Entry, after.Entry) {
			for _, line := range d.Gone {
				fmt.Fprintf(streams.shown().out, "- %s：%s\n", d.Name, line)
			}
			for _, line := range d.New {
				fmt.Fprintf(streams.shown().out, "+ %s：%s\n", d.Name, line)
			}
		}
		return nil
	})
}

// act signs the person in and does something in her name.
func (s signedIn) act(ctx context.Context, c *cli, streams stdio, do func(context.Context, *App, knowledge.Person) error) error {
	return withStore(ctx, c, streams, func(app *App) error {
		ctx, p, err := s.actor(ctx, app, streams)
		if err != nil {
			return err
		}
		return do(ctx, app, p)
	})
}

// reviewed is what a reviewer says of every review.
type reviewed struct {
	signedIn
	whichEntry
	Version int    `required:"" help:"The version that you read."`
	Role    string `help:"expert, editor or publisher; empty: expert if you are one, else editor."`
}

type entrySignCommand struct {
	reviewed
	Comment string `help:"What others should know: it is kept and shown with the signature."`
}

func (e entrySignCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return e.decide(ctx, c, streams, "approve", "签了", e.Comment)
}

type entryReturnCommand struct {
	reviewed
	Comment string `required:"" help:"What has to change."`
}

func (e entryReturnCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return e.decide(ctx, c, streams, "return", "退回了", e.Comment)
}

// decide signs or returns the version as it is stored.
func (r reviewed) decide(ctx context.Context, c *cli, streams stdio, decision, done, comment string) error {
	return r.act(ctx, c, streams, func(ctx context.Context, app *App, p knowledge.Person) error {
		role := knowledge.Role(r.Role)
		if role == "" {
			role = p.SigningRole()
		}
		v, err := app.Store.Version(ctx, knowledge.ID(r.ID), r.Version)
		if err != nil {
			return err
		}
		err = app.Store.Sign(ctx, postgres.Signature{
			Entry: v.Entry.ID, Version: v.Number, Hash: v.Entry.Hash(), Role: role, Decision: decision, Comment: comment, At: time.Now(),
		})
		if err == nil {
			fmt.Fprintf(streams.out, "%s 第%d版%s\n", v.Entry.ID, v.Number, done)
		}
		return err
	})
}

type entryPublishCommand struct {
	signedIn
	whichEntry
	Emergency bool `help:"紧急核发: two publishers' signatures are enough, for 24 hours."`
}

func (e entryPublishCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return e.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		if err := app.Store.Publish(ctx, knowledge.ID(e.ID), e.Emergency, time.Now()); err != nil {
			return err
		}
		_, v, err := app.Store.Pending(ctx, knowledge.ID(e.ID))
		switch {
		case err != nil || !e.Emergency:
			fmt.Fprintln(streams.out, e.ID, "发布了")
		case v.Emergency:
			fmt.Fprintln(streams.out, e.ID, "紧急核发了：24小时内没有签齐，自动停止回答")
		default:
			fmt.Fprintln(streams.out, e.ID, "发布了：签字已经齐了，照常发布，不作紧急核发")
		}
		return err
	})
}

type entryWithdrawCommand struct {
	signedIn
	whichEntry
	Reason string `required:"" help:"Why. Readers see it, on the entry's page, in the feed and the API, and so do other cities that took the entry over: name nobody of the staff."`
}

func (e entryWithdrawCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return e.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		if strings.TrimSpace(e.Reason) == "" {
			return usageError{errors.New("--reason is empty")}
		}
		if err := app.Store.Withdraw(ctx, knowledge.ID(e.ID), e.Reason); err != nil {
			return err
		}
		got, err := app.Store.Recipients(ctx, knowledge.ID(e.ID), time.Now().Add(-knowledge.CorrectionWindow))
		if err != nil {
			return err
		}
		fmt.Fprintln(streams.out, e.ID, "撤下了；"+knowledge.RecipientsLine(got)+"。")
		fmt.Fprintln(streams.out, "读者会看到的原因："+e.Reason)
		n, err := app.Store.OpenCorrection(ctx, knowledge.ID(e.ID))
		if err == nil && n != 0 {
			fmt.Fprintf(streams.out, "给他们的更正起草好了，是推送第%d号：补全空着的地方（broadcast draft --edit %d），送核准。\n", n, n)
		}
		pushes, pushErr := app.Store.EntryPushes(ctx, knowledge.ID(e.ID))
		if len(pushes) > 0 {
			fmt.Fprintln(streams.out, knowledge.EntryPushesLine(pushes, true))
		}
		return errors.Join(err, pushErr)
	})
}

type entryHistoryCommand struct{ whichEntry }

func (e entryHistoryCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		events, err := app.Store.History(ctx, knowledge.ID(e.ID))
		if err != nil {
			return err
		}
		for _, h := range events {
			what, more := h.Told()
			fmt.Fprintf(streams.shown().out, "%s  %s%s  %s（%s）%s\n", h.At.In(knowledge.China).Format(time.DateTime), versionWords(h.Version), what, h.Who, h.From, more)
		}
		return nil
	})
}

// versionWords names the version that something happened to; empty: none.
func versionWords(version int) string {
	if version == 0 {
		return ""
	}
	return fmt.Sprintf("第%d版  ", version)
}
