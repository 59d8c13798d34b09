package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// endpointCommand keeps the recipients that are no readers.
type endpointCommand struct {
	List endpointListCommand `cmd:"" help:"List them."`
	Add  endpointAddCommand  `cmd:"" help:"Add one, or change what it is for. Addresses and keys of robots and platforms go into endpoints.toml, under the name."`
	End  endpointEndCommand  `cmd:"" help:"Send it nothing any more."`
}

type endpointListCommand struct{}

func (endpointListCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		all, err := app.Store.Endpoints(ctx)
		for _, e := range all {
			notes := slices.Concat(e.Groups, []string{broadcast.CountyWord(e.County)})
			if e.Exercise {
				notes = append(notes, "演练组")
			}
			if e.Gone != "" {
				notes = append(notes, "不再发："+e.Gone)
			}
			fmt.Fprintf(streams.shown().out, "%s  %s  %s\n", e.Channel, e.Recipient, strings.Join(notes, "，"))
		}
		return err
	})
}

// whichEndpoint is a recipient.
type whichEndpoint struct {
	Channel   string `arg:"" help:"wecom, dingtalk, email, webhook, wechat_mass; to join exercises also telegram, wechat."`
	Recipient string `arg:"" help:"Its name in endpoints.toml, the e-mail address, of wechat_mass all or tag:2, or the channel's name for a reader."`
}

type endpointAddCommand struct {
	signedIn
	whichEndpoint
	County string   `help:"GB/T 2260 code, or nine digits of a town; none: everywhere." placeholder:"CODE"`
	Topic  []string `help:"Only broadcasts of this topic; may be repeated." placeholder:"TOPIC"`
	Group  []string `help:"Whom it reaches: 老人, 农民, 学生, 工人, 公务员; may be repeated." placeholder:"GROUP"`
}

func (e endpointAddCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return e.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		add := knowledge.Endpoint{Channel: e.Channel, Recipient: e.Recipient, County: e.County, Groups: e.Group}
		for _, t := range e.Topic {
			add.Topics = append(add.Topics, knowledge.Topic(t))
		}
		err := app.Store.AddEndpoint(ctx, add)
		if err == nil {
			fmt.Fprintf(streams.out, "%s 上的 %s 以后会收到推送\n", e.Channel, e.Recipient)
		}
		return err
	})
}

type endpointEndCommand struct {
	signedIn
	whichEndpoint
	Reason string `required:"" help:"Why; it is kept."`
}

func (e endpointEndCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return e.act(ctx, c, streams, func(ctx context.Context, app *App, _ knowledge.Person) error {
		err := app.Store.EndEndpoint(ctx, e.Channel, e.Recipient, e.Reason)
		if err == nil {
			fmt.Fprintf(streams.out, "%s 上的 %s 不再发了\n", e.Channel, e.Recipient)
		}
		return err
	})
}

// exerciseCommand keeps the exercise group.
type exerciseCommand struct {
	List  exerciseListCommand  `cmd:"" help:"How many get exercises, by channel."`
	Join  exerciseJoinCommand  `cmd:"" help:"Let a reader or an endpoint, with their consent, get exercises."`
	Leave exerciseLeaveCommand `cmd:"" help:"Send them no exercises any more."`
}

type exerciseListCommand struct{}

func (exerciseListCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withStore(ctx, c, streams, func(app *App) error {
		all, err := app.Store.ExerciseGroup(ctx)
		for _, r := range all {
			fmt.Fprintf(streams.out, "%s  %d\n", knowledge.ChannelWord(r.Channel), r.Readers)
		}
		return err
	})
}

type exerciseJoinCommand struct {
	signedIn
	whichEndpoint
}

func (e exerciseJoinCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return e.act(ctx, c, streams, e.join(streams, true, "加入了演练组"))
}

type exerciseLeaveCommand struct {
	signedIn
	whichEndpoint
}

func (e exerciseLeaveCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return e.act(ctx, c, streams, e.join(streams, false, "退出了演练组"))
}

func (w whichEndpoint) join(streams stdio, joined bool, done string) func(context.Context, *App, knowledge.Person) error {
	return func(ctx context.Context, app *App, _ knowledge.Person) error {
		err := app.Store.JoinExercise(ctx, w.Channel, w.Recipient, joined)
		if err == nil {
			fmt.Fprintf(streams.out, "%s 上的 %s %s\n", w.Channel, w.Recipient, done)
		}
		return err
	}
}
