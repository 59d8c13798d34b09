package main

import (
	"context"
	"fmt"
	"slices"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
)

// tellKept says in a line for each file why it was left out: people had the last word on its entry.
func (a *App) tellKept(ctx context.Context, r ingest.Report, streams stdio) error {
	for _, of := range []struct {
		ids []knowledge.ID
		end string
	}{
		{r.Old, "；文件还是原来的，没有动"},
		{r.Kept, "，文件没有覆盖它：请到控制台那一条的页面上改，或者把文件改成和它一样"},
	} {
		slices.Sort(of.ids)
		for _, id := range of.ids {
			v, err := a.Store.Version(ctx, id, 0)
			if err != nil {
				return err
			}
			fmt.Fprintf(streams.err, "%s：%s%s\n", id, a.lastWord(ctx, v), of.end)
		}
	}
	return nil
}

// lastWord says what people have done to an entry.
func (a *App) lastWord(ctx context.Context, v knowledge.Version) string {
	version := fmt.Sprintf("（第%d版）", v.Number)
	switch v.Status {
	case knowledge.Withdrawn:
		return "已经有人撤下了" + version
	case knowledge.InReview:
		return "已经有人送审了" + version
	}
	if from, _, err := a.Store.Provenance(ctx, v.Entry.ID, v.Number); err == nil && from.Shared() {
		return "已经用了" + from.City + "的" + version
	}
	if v.Author != "" {
		version = fmt.Sprintf("（第%d版，%s写）", v.Number, v.Author)
	}
	return "已经有人改过" + version
}
