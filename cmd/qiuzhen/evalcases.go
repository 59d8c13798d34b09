package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/web"
	"qiuzhen/bot/wechat"
	"qiuzhen/eval/cases"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/retrieval"
)

// casesCommand asks cases as readers do and says what came of them.
type casesCommand struct {
	Split  string   `help:"Ask the cases of this split: gate, tune or all." enum:"gate,tune,all" default:"gate"`
	Own    bool     `help:"Ask the content of the data folder, as it serves, instead of the embedded content with its unsigned entries."`
	Replay string   `help:"Ask the cases of a stored run again and say what differs; latest is the newest." placeholder:"RUN"`
	Runs   bool     `help:"List the stored runs."`
	Expire int      `help:"Delete the finished runs that are older than so many days, the newest apart; the audit log tells of it." placeholder:"DAYS"`
	Check  bool     `help:"Read the cases and say what is wrong with them; ask nothing."`
	Out    string   `help:"Write the run with every outcome to this file (docs/schemas/run.schema.json)." placeholder:"RUN.json"`
	Golden string   `help:"Hold the run to this committed one; exit 1 when more has moved than may." placeholder:"FILE"`
	Update bool     `help:"With --golden: write the file anew." hidden:""`
	JSON   bool     `name:"json" help:"Print the manifest and the metrics as JSON."`
	Files  []string `arg:"" optional:"" help:"Case files (docs/schemas/case.schema.json). Without any: the program's own."`
}

func (k casesCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	c.Demo = c.Demo || !k.Own
	if k.Check { // needs no database
		reading, err := k.read(nil)
		if err != nil {
			return err
		}
		return k.told(reading, streams)
	}
	app, err := openApp(ctx, c, streams)
	if err != nil {
		return err
	}
	defer app.Close()
	switch {
	case k.Expire > 0:
		n, err := app.Store.ExpireEvalRuns(ctx, time.Now().AddDate(0, 0, -k.Expire))
		fmt.Fprintf(streams.out, "删掉了 %d 次评测\n", n)
		return err
	case k.Runs:
		return listRuns(ctx, app, streams.out)
	case k.Replay != "":
		return k.replay(ctx, app, streams)
	}
	return k.ask(ctx, app, streams)
}

// read reads the cases, those of the split alone; content, when it is known, has to have their entries.
func (k casesCommand) read(content cases.Content) (cases.Reading, error) {
	files, known := []cases.File{}, cases.Known{}
	if content != nil {
		known.Entries = content.Verdicts()
	}
	var err error
	if len(k.Files) == 0 {
		if files, err = cases.Embedded(); err != nil {
			return cases.Reading{}, err
		}
		if known.Locked, err = cases.Locked(); err != nil {
			return cases.Reading{}, err
		}
	}
	for _, name := range k.Files {
		data, err := os.ReadFile(name)
		if err != nil {
			return cases.Reading{}, usageError{err}
		}
		files = append(files, cases.File{Name: name, Data: data})
	}
	reading := cases.Read(files, known)
	if k.Split != "all" && len(k.Files) == 0 {
		reading = reading.Of(k.Split)
	}
	return reading, nil
}

// told says what was read; complaints are unreadable input.
func (k casesCommand) told(r cases.Reading, streams stdio) error {
	for _, complaint := range r.Complaints {
		fmt.Fprintln(streams.err, complaint)
	}
	if len(r.Complaints) > 0 {
		fmt.Fprintf(streams.err, "%d 处要改，没有问任何用例\n", len(r.Complaints))
		return exit(exitUsage)
	}
	fmt.Fprintf(streams.err, "%d 个用例；%d 个和前面的几乎一样，不重复算\n", len(r.Cases), len(r.Copies))
	for _, c := range r.Copies {
		fmt.Fprintf(streams.err, "  %s 像 %s（%.2f）\n", c.ID, c.Of, c.Jaccard)
	}
	if len(r.Cases) == 0 {
		return usageError{errors.New("这个 split 里没有用例")}
	}
	return nil
}

func (k casesCommand) ask(ctx context.Context, app *App, streams stdio) error {
	content, err := contentOf(ctx, app)
	if err != nil {
		return err
	}
	reading, err := k.read(content)
	if err != nil {
		return err
	}
	if err := k.told(reading, streams); err != nil {
		return err
	}
	if reading.Cases, err = withReviews(ctx, app.Store, reading.Cases, streams); err != nil {
		return err
	}
	run, err := app.Store.BeginRun(ctx, manifest(app, content, reading.Cases), len(reading.Cases))
	if err != nil {
		return err
	}
	if n := len(run.Outcomes); n > 0 {
		fmt.Fprintf(streams.err, "接着上次没有跑完的 %s，已有 %d 个\n", run.ID, n)
	}
	start := time.Now()
	keep := func(ctx context.Context, o cases.Outcome) error { return app.Store.KeepOutcome(ctx, run.ID, o) }
	if run.Outcomes, err = askCases(ctx, app, content, reading.Cases, run.Outcomes, keep, streams); err != nil {
		return err
	}
	run.Manifest.Took = time.Since(start).Seconds()
	if err := app.Store.FinishRun(ctx, run.ID, time.Now(), run.Manifest.Took); err != nil {
		return err
	}
	return k.report(run, streams)
}

// withReviews gives cases the signatures that the store has of them; what a file claims beside that counts for nothing.
func withReviews(ctx context.Context, store *postgres.Store, all []cases.Case, streams stdio) ([]cases.Case, error) {
	reviewed, err := store.ReviewedCases(ctx)
	if err != nil {
		return nil, err
	}
	if ids := cases.Unproven(all, reviewed); len(ids) > 0 {
		fmt.Fprintf(streams.err, "%d 个用例的文件里写着专家签过，库里没有签字，按没有签算：%s……\n", len(ids), ids[0])
	}
	return cases.WithReviews(all, reviewed), nil
}

func (k casesCommand) report(run cases.Run, streams stdio) error {
	if k.Out != "" {
		if err := writeWhole(k.Out, func(w io.Writer) error { return json.NewEncoder(w).Encode(run) }); err != nil {
			return err
		}
	}
	metrics := cases.Measure(run)
	var err error
	if k.JSON {
		err = json.NewEncoder(streams.out).Encode(map[string]any{"id": run.ID, "manifest": run.Manifest, "metrics": metrics})
	} else {
		err = cases.WriteSummary(streams.out, run, metrics)
	}
	if err != nil || k.Golden == "" {
		return err
	}
	return k.holdTo(cases.GoldenOf(run, metrics, kernels()), streams.err)
}

// holdTo compares a run with the committed one.
func (k casesCommand) holdTo(now cases.Golden, notes io.Writer) error {
	if k.Update {
		return writeWhole(k.Golden, now.Write)
	}
	data, err := os.ReadFile(k.Golden)
	if err != nil {
		return usageError{err}
	}
	var golden cases.Golden
	if err := json.Unmarshal(data, &golden); err != nil {
		return usageError{fmt.Errorf("%s: %w", k.Golden, err)}
	}
	if len(k.Files) > 0 {
		golden = golden.Of(now.Shown) // only these were asked
	}
	moves := golden.Moves(now)
	fmt.Fprintf(notes, "%s：%d 个用例里有 %d 个和记下的不同，最多 %d 个\n", k.Golden, len(now.Shown), len(moves.Moved), moves.Allowed)
	for _, m := range moves.Moved {
		fmt.Fprintln(notes, " ", m)
	}
	if len(moves.Broken) > 0 {
		fmt.Fprintln(notes, "新出了硬门槛的错，一个也不能有：")
	}
	for _, m := range moves.Broken {
		fmt.Fprintln(notes, " ", m)
	}
	if moves.Refused() {
		return exit(exitFailed)
	}
	return nil
}

// askCases asks them of the content that the app serves. The readers are kept in a scratch database, so that nothing of them stays.
func askCases(ctx context.Context, app *App, content cases.Content, all []cases.Case, done []cases.Outcome,
	keep func(context.Context, cases.Outcome) error, streams stdio,
) (outcomes []cases.Outcome, err error) {
	readers, drop, err := postgres.OpenScratchReaders(ctx, app.dsn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	runner := cases.Runner{
		Desk:     func(now func() time.Time) cases.Desk { return caseDesk(app, readers, now) },
		Channels: map[string]bot.Channel{"web": web.Channel, "telegram": telegram.Channel, "wechat": wechat.Can},
		Content:  content, Workers: runtime.GOMAXPROCS(0), Done: done, Keep: keep, Progress: progress(streams.err, "用例"),
	}
	return runner.Run(ctx, all)
}

// caseDesk is the desk of the channels on another day. Links are not opened, and nobody's limits apply: each case has its own reader.
func caseDesk(app *App, readers *postgres.Store, now func() time.Time) *bot.Desk {
	engine := *app.engine
	engine.Now, engine.ReadPage = now, nil
	desk := bot.NewDesk(&bot.Engine{Answerer: &engine, Words: app.Bot.Words}, readers, now)
	desk.PublicURL = app.Desk.PublicURL
	desk.Limit(bot.Limits{})
	return desk
}

func contentOf(ctx context.Context, app *App) (cases.Content, error) {
	versions, err := app.Store.Servable(ctx, app.engine.Unsigned)
	if err != nil {
		return nil, err
	}
	return cases.NewContent(versions), nil
}

// settingsOfAnswers are those that bear on what is answered.
var settingsOfAnswers = []string{"serve_unsigned", "embedder", "embedder_model"}

func manifest(app *App, content cases.Content, all []cases.Case) cases.Manifest {
	settings := map[string]string{}
	for _, name := range settingsOfAnswers {
		settings[name] = app.Settings.get(name)
	}
	return cases.Manifest{
		Cases: cases.SetHash(all), Content: content.Hash(), Model: app.modelID() + " " + retrieval.Fingerprint()[:12],
		Settings: settings, Commit: commit(), Machine: machine(), Started: time.Now().UTC().Truncate(time.Second),
	}
}

// replay asks the cases of a stored run again. Nothing is stored; what differs is printed, and exits 1.
func (k casesCommand) replay(ctx context.Context, app *App, streams stdio) error {
	was, err := app.Store.EvalRun(ctx, k.Replay)
	if err != nil {
		return err
	}
	all := make([]cases.Case, len(was.Outcomes))
	for i, o := range was.Outcomes {
		all[i] = o.Case
	}
	content, err := contentOf(ctx, app)
	if err != nil {
		return err
	}
	now := cases.Run{ID: was.ID, Manifest: manifest(app, content, all)}
	now.Manifest.Cases = was.Manifest.Cases // they are the run's own
	if now.Outcomes, err = askCases(ctx, app, content, all, nil, nil, streams); err != nil {
		return err
	}
	if changed := cases.Changed(was.Manifest, now.Manifest); len(changed) > 0 {
		fmt.Fprintf(streams.out, "和那次不同的：%s\n", strings.Join(changed, "、"))
	}
	differences := cases.Differences(was, now)
	if k.JSON {
		if err := json.NewEncoder(streams.out).Encode(differences); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(streams.out, "重放 %s：%d 个用例，%d 个的结果不同\n", was.ID, len(all), len(differences))
		for _, d := range differences {
			fmt.Fprintf(streams.shown().out, "%s %s：%s → %s\n", d.Case, d.What, oneLine(d.Was), oneLine(d.Now))
		}
	}
	if len(differences) > 0 {
		return exit(exitFailed)
	}
	return nil
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

func listRuns(ctx context.Context, app *App, out io.Writer) error {
	const most = 30
	runs, err := app.Store.EvalRuns(ctx, most)
	if err != nil {
		return err
	}
	for _, r := range runs {
		state := "跑完"
		if !r.Finished {
			state = "没有跑完"
		}
		fmt.Fprintf(out, "%s  %s  %d/%d  %s  %s\n", r.ID, r.Started.In(knowledge.China).Format(time.DateTime), r.Done, r.Total, state, r.Commit)
	}
	return nil
}
