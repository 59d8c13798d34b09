package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"qiuzhen/knowledge"
	"qiuzhen/sensing"
)

// broadcastSurgesCommand shows what sensing found. A surge is where a broadcast begins.
type broadcastSurgesCommand struct {
	signedIn
	All   bool  `help:"Those too that somebody has taken up, of the last four weeks."`
	Draft int64 `help:"Begin an entry on the surge with this number, of the wordings that were asked." placeholder:"N"`
	Taken int64 `help:"Take the surge with this number off the list: you see to it." placeholder:"N"`
}

func (b broadcastSurgesCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	switch {
	case b.Draft != 0 && b.Taken != 0:
		return usageError{errors.New("--draft or --taken, one at a time")}
	case b.Draft != 0:
		return b.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
			id, err := app.Store.DraftOfSurge(ctx, b.Draft, app.engine.Now())
			if err == nil {
				fmt.Fprintf(streams.out, "起草了 %s：问的人的说法已经写进去，请在工作台补全结论、来源和做法，再送审。\n", id)
			}
			return err
		})
	case b.Taken != 0:
		return b.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
			err := app.Store.SeeSurge(ctx, b.Taken, app.engine.Now())
			if err == nil {
				fmt.Fprintf(streams.out, "第%d号记下由您处理\n", b.Taken)
			}
			return err
		})
	}
	return withStore(ctx, c, streams, func(app *App) error {
		surges, err := app.Store.Surges(ctx, app.engine.Now(), b.All)
		if err != nil {
			return err
		}
		if len(surges) == 0 {
			fmt.Fprintln(streams.err, "没有比平时问得多的事")
		}
		for _, n := range surges {
			printSurge(streams.out, n)
		}
		return nil
	})
}

func printSurge(out io.Writer, n sensing.Notice) {
	out = escaped{out}
	fmt.Fprintf(out, "第%d号  %s\n", n.ID, n.Line())
	for _, e := range n.Examples {
		fmt.Fprintf(out, "    “%s”\n", e)
	}
	fmt.Fprintf(out, "    %s", n.Answer())
	switch {
	case n.Entry == "" && n.Draft == "":
		fmt.Fprintf(out, "；起草：qiuzhen broadcast surges --draft %d --as 您的账号", n.ID)
	case n.Entry != "" && n.Serves:
		fmt.Fprintf(out, "；播发：qiuzhen broadcast draft --entry %s --as 您的账号", n.Entry)
	}
	fmt.Fprintln(out)
	if n.Seen != nil {
		fmt.Fprintf(out, "    %s %s处理\n", n.Seen.In(knowledge.China).Format("1月2日15:04"), n.SeenBy)
	}
}
