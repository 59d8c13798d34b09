package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// printPlan says whom it would reach now, or what became of it.
func printPlan(ctx context.Context, app *App, out io.Writer, b knowledge.Broadcast) error {
	if !b.BegunAt.IsZero() {
		return printDelivered(ctx, app, out, b)
	}
	reach, err := app.Store.PreviewBroadcast(ctx, b)
	if err != nil {
		return err
	}
	channels, n, takes := broadcast.Plan(reach)
	broadcast.NoteUnsent(channels, app.sends())
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
	if b.Exercise && n == 0 && b.Type == knowledge.Alert {
		fmt.Fprintln(out, "  这是演练，只发给演练组；演练组里没有人符合：broadcast exercise join")
	}
	return nil
}

func delivered(ctx context.Context, app *App, b knowledge.Broadcast) ([]broadcast.DeliveredJSON, error) {
	counts, err := app.Store.Deliveries(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	delays, err := app.Store.DeliveryDelays(ctx, b.ID)
	return broadcast.NewDeliveredJSON(counts, delays), err
}

func printDelivered(ctx context.Context, app *App, out io.Writer, b knowledge.Broadcast) error {
	all, err := delivered(ctx, app, b)
	if err != nil {
		return err
	}
	waits := "等着发"
	if !b.EndedAt.IsZero() {
		waits = "没发"
	}
	if len(all) == 0 {
		fmt.Fprintln(out, "没有一个接收方")
	}
	for _, d := range all {
		fmt.Fprintf(out, "  %s  已发%d  没发成%d  %s%d", knowledge.ChannelWord(d.Channel), d.Sent, d.Failed, waits, d.Waiting)
		if d.P50 != nil {
			fmt.Fprintf(out, "  一半在%.0f秒内，95%%在%.0f秒内", *d.P50, *d.P95)
		}
		fmt.Fprintln(out)
		for _, reason := range slices.Sorted(maps.Keys(d.Reasons)) {
			fmt.Fprintf(out, "    没发成：%s  %d\n", reason, d.Reasons[reason])
		}
		for _, reason := range slices.Sorted(maps.Keys(d.Waits)) {
			fmt.Fprintf(out, "    %s：%s  %d\n", waits, reason, d.Waits[reason])
		}
	}
	return nil
}

// writeBroadcast is what the API gives of one.
func writeBroadcast(ctx context.Context, app *App, out io.Writer, b knowledge.Broadcast) (err error) {
	j := broadcast.NewJSON(b, time.Now())
	if !b.BegunAt.IsZero() {
		if j.Delivered, err = delivered(ctx, app, b); err != nil {
			return err
		}
	}
	return json.NewEncoder(out).Encode(j)
}
