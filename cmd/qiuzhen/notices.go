package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"qiuzhen/knowledge"
)

// quieter passes on what an operator has to know of the jobs: River tells of each start and stop by itself.
func quieter(log *slog.Logger) *slog.Logger { return slog.New(warnings{log.Handler()}) }

// warnings lets through warnings and errors.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }

func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

type userNoticesCommand struct {
	Login string `arg:"" help:"Whose."`
	All   bool   `help:"Also those that were read, or are about a version that has been replaced."`
}

func (u userNoticesCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		p, err := app.Store.Person(ctx, u.Login)
		if err != nil {
			return err
		}
		notices, err := app.Store.Notices(ctx, p.ID, u.All)
		if err != nil {
			return err
		}
		if len(notices) == 0 {
			fmt.Fprintln(streams.err, u.Login, "没有要处理的提醒")
		}
		printNotices(streams.out, notices, app.engine.Now())
		surges, err := app.Store.Surges(ctx, app.engine.Now(), false)
		if err == nil && len(surges) > 0 {
			fmt.Fprintf(streams.out, "有%d件事问的人比平时多，还没有人处理：qiuzhen broadcast surges\n", len(surges))
		}
		return err
	})
}

func printNotices(out io.Writer, notices []knowledge.Notice, now time.Time) {
	for _, n := range notices {
		read := ""
		if n.Read != nil {
			read = "（已读）"
		}
		fmt.Fprintf(out, "%s 第%d版  %s%s\n", n.Entry, n.Version, n.Line(now), read)
	}
}

type userHistoryCommand struct {
	Login string `arg:"" help:"Whose."`
}

func (u userHistoryCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		if _, err := app.Store.Person(ctx, u.Login); err != nil {
			return err
		}
		events, err := app.Store.PersonHistory(ctx, u.Login)
		if err != nil {
			return err
		}
		for _, h := range events {
			about := ""
			if h.Entry != "" {
				about = string(h.Entry) + " " + versionWords(h.Version)
			}
			what, more := knowledge.ToldOf(knowledge.Action(h.What), h.Detail)
			fmt.Fprintf(streams.shown().out, "%s  %s%s  %s（%s）%s\n", h.At.In(knowledge.China).Format(time.DateTime), about, what, h.Who, h.From, more)
		}
		return nil
	})
}
