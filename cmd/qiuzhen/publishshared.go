package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"qiuzhen/authoring"
	"qiuzhen/knowledge"
)

// contradictionError is why a draft of another city stays one: here the contrary is published. People decide which is right.
type contradictionError struct {
	id knowledge.ID
	by authoring.Pair
}

func (c *contradictionError) Error() string {
	return fmt.Sprintf("%s：与已发布的 %s 结论矛盾，没有发布，还是草稿。这里：%s；那边：%s。请两边对照，由本地的人改、送审、签字", c.id, c.by.Other, c.by.Mine, c.by.Theirs)
}

// Unwrap gives the code: whoever publishes many goes on with the next.
func (c *contradictionError) Unwrap() error {
	return &knowledge.Error{Code: knowledge.Conflict, Message: c.Error()}
}

// publishShared serves a draft on another city's word, unless it contradicts what is published here: readers would be told both. What was
// compared is what is published. compared is false where that could not be done, without an embedding model.
func (a *App) publishShared(ctx context.Context, id knowledge.ID, now time.Time) (compared bool, err error) {
	v, err := a.Store.Version(ctx, id, 0)
	if err != nil {
		return false, err
	}
	if v.Status != knowledge.Draft { // the store says why not
		return false, a.Store.PublishShared(ctx, id, now)
	}
	report, err := a.checker().Check(ctx, v.Entry, v.Number)
	if err != nil {
		return false, err
	}
	if against := report.Contradictions(); len(against) > 0 {
		return true, &contradictionError{id, against[0]}
	}
	return report.Compared, a.Store.PublishShared(seen(ctx, v), id, now)
}

// uncomparedLine is of so many that were published without being compared.
func uncomparedLine(n int) string {
	return fmt.Sprintf("其中 %d 条没有语义向量，没有和本地的条目对照过就发布了：装上语义模型，用 entry check 再看一遍", n)
}

// publish serves what may be, and names the others.
func (in *bundleImport) publish(ctx context.Context) (published int, err error) {
	uncompared, errs := 0, in.streams.shown().err
	for _, id := range in.publishable() {
		compared, err := in.app.publishShared(ctx, id, time.Now())
		var known *knowledge.Error
		var contrary *contradictionError
		switch {
		case err == nil:
			published++
			if !compared {
				uncompared++
			}
		case errors.As(err, &contrary):
			in.contrary++
			fmt.Fprintln(errs, contrary.Error())
		case errors.As(err, &known) && known.Code == knowledge.Conflict:
			fmt.Fprintln(errs, known.Message)
		case errors.As(err, &known) && known.Code == knowledge.NotFound: // somebody was faster
		default:
			return published, err
		}
	}
	if uncompared > 0 {
		fmt.Fprintln(errs, uncomparedLine(uncompared))
	}
	return published, nil
}
