package main

import (
	"context"
	"fmt"
	"io"

	"qiuzhen/authoring"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/retrieval"
)

// checker looks at drafts for whoever writes them. Without a model it compares the vectors that the default model left.
func (a *App) checker() authoring.Checker {
	model := a.modelID()
	if model == "" {
		model = retrieval.DefaultScorer().ModelID
	}
	return authoring.Checker{Store: a.Store, Model: model, Compare: retrieval.Compare}
}

type entryCheckCommand struct {
	whichEntry
	Version int `help:"This version; 0: the newest."`
}

func (e entryCheckCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withApp(ctx, c, streams, func(app *App) error {
		v, err := app.Store.Version(ctx, knowledge.ID(e.ID), e.Version)
		if err != nil {
			return err
		}
		report, err := app.checker().Check(ctx, v.Entry, v.Number)
		if err != nil {
			return err
		}
		printCheck(streams.out, v, report)
		return nil
	})
}

func printCheck(out io.Writer, v postgres.Version, r authoring.Report) {
	out = escaped{out}
	fmt.Fprintf(out, "%s 第%d版：平均一句%.0f个字，每百字%.1f个生硬的词，难度%.0f\n",
		v.Entry.ID, v.Number, r.Readability.MeanSentence, r.Readability.HardPer100, r.Readability.Difficulty)
	for _, n := range r.Readability.Notes {
		fmt.Fprintf(out, "  %s：%s。%s\n", n.Field, n.What, n.Suggestion)
	}
	for _, p := range r.Pairs {
		fmt.Fprintf(out, "  %s：%s\n    这里：%s\n    那边：%s（%s 第%d版，%s）\n", p.Kind.Zh(), p.Why, p.Mine, p.Theirs, p.Other, p.Version, pairStatus[p.Status])
	}
	switch {
	case !r.Compared:
		fmt.Fprintln(out, "  没有和别的条目对照过，重复和矛盾都还看不出来："+authoring.UncomparedWhy)
	case len(r.Readability.Notes)+len(r.Pairs) == 0:
		fmt.Fprintln(out, "  没有要提醒的")
	}
}

var pairStatus = map[knowledge.Status]string{knowledge.Published: "已发布", knowledge.InReview: "审核中", knowledge.Draft: "草稿"}

type entrySubmitCommand struct {
	signedIn
	whichEntry
	Despite string `help:"Why it is right although a published entry says the contrary; kept in the audit log." placeholder:"REASON"`
}

func (e entrySubmitCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	return withApp(ctx, c, streams, func(app *App) error { // its model's name tells whose vectors are compared
		ctx, _, err := e.actor(ctx, app, streams)
		if err != nil {
			return err
		}
		return e.submit(ctx, app.Store, app.checker().Check, streams)
	})
}

// drafts is what a submission needs of the store.
type drafts interface {
	Version(ctx context.Context, id knowledge.ID, number int) (knowledge.Version, error)
	SubmitDespite(ctx context.Context, id knowledge.ID, reason string) (version int, err error)
}

// submit puts the version under review that was looked at, no other: somebody may save one meanwhile.
func (e entrySubmitCommand) submit(ctx context.Context, store drafts,
	check func(context.Context, knowledge.Entry, int) (authoring.Report, error), streams stdio) error {
	v, err := store.Version(ctx, knowledge.ID(e.ID), 0)
	if err != nil {
		return err
	}
	report, err := check(ctx, v.Entry, v.Number)
	if err != nil {
		return err
	}
	printCheck(streams.err, v, report)
	against := report.Contradictions()
	if len(against) == 0 {
		e.Despite = "" // nothing to be despite of
	} else if e.Despite == "" {
		return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf(
			"没有送审：与已发布的 %s 结论矛盾。改好再送；确认自己是对的，加上 --despite \"理由\"", against[0].Other)}
	}
	version, err := store.SubmitDespite(seen(ctx, v), v.Entry.ID, e.Despite)
	if err == nil {
		fmt.Fprintf(streams.out, "%s 第%d版送审了\n", e.ID, version)
	}
	return err
}

// seen lets the store refuse what is no longer the version that was looked at.
func seen(ctx context.Context, v knowledge.Version) context.Context {
	return knowledge.WithSeen(ctx, knowledge.Seen{Version: v.Number, Hash: v.Entry.Hash()})
}
