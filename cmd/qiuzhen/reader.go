package main

import (
	"context"
	"fmt"
	"time"

	"qiuzhen/knowledge"
)

// readerCommand keeps the block list.
type readerCommand struct {
	List    readerListCommand    `cmd:"" help:"List who is blocked, and who sent most in the last day."`
	Block   readerBlockCommand   `cmd:"" help:"Answer nothing of a reader or a group any more, for a reason."`
	Unblock readerUnblockCommand `cmd:"" help:"Answer a reader or a group again."`
}

type readerListCommand struct {
	Most int `default:"20" help:"How many of those who sent most."`
}

func (r readerListCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		senders, err := app.Store.Senders(ctx, time.Now().Add(-24*time.Hour), r.Most)
		if err != nil {
			return err
		}
		for _, s := range senders {
			state := ""
			if s.Blocked != nil {
				state = "  " + s.Blocked.In(knowledge.China).Format(time.DateTime) + " 拉黑"
			}
			fmt.Fprintf(streams.out, "%s  %q  一天内%d条%s\n", s.Channel, s.Name, s.Messages, state)
		}
		return nil
	})
}

// whichReader is the argument of the commands about one reader.
type whichReader struct {
	Channel string `arg:"" help:"web, telegram, wechat."`
	Name    string `arg:"" help:"The channel's name for the reader or group, as reader list shows it."`
}

type readerBlockCommand struct {
	signedIn
	whichReader
	Reason string `required:"" help:"Why; it is kept in the audit log."`
}

func (r readerBlockCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return r.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		err := app.Store.Block(ctx, r.Channel, r.Name, r.Reason, time.Now())
		if err == nil {
			fmt.Fprintf(streams.out, "%s 上的 %s 拉黑了，以后不再回答\n", r.Channel, r.Name)
		}
		return err
	})
}

type readerUnblockCommand struct {
	signedIn
	whichReader
}

func (r readerUnblockCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return r.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		err := app.Store.Unblock(ctx, r.Channel, r.Name)
		if err == nil {
			fmt.Fprintf(streams.out, "%s 上的 %s 恢复了，照常回答\n", r.Channel, r.Name)
		}
		return err
	})
}
