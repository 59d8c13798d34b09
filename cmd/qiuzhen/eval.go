package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"

	"qiuzhen/eval"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

type evalCommand struct {
	Rank      rankCommand      `cmd:"" help:"Measure the search on a folder of documents, queries and judgements (BEIR)."`
	Cases     casesCommand     `cmd:"" help:"Ask cases as readers do and measure what comes of them."`
	Compare   compareCommand   `cmd:"" help:"What a run broke and fixed since an earlier one, and whether its figures changed for certain."`
	Gate      gateCommand      `cmd:"" help:"Hold a run against the gates of a release; exit 1 with the reasons when it may not be released."`
	Report    reportCommand    `cmd:"" help:"Show a run: one HTML file for people, JSON and JUnit XML for programs."`
	Calibrate calibrateCommand `cmd:"" help:"Fit the match scorer and the danger and current-fact classifiers on the tune wordings."`
	Annotate  annotateCommand  `cmd:"" help:"The experts' review of evaluation cases: sheets out and in, settling, signing, locking."`
}

// calibrateCommand writes the committed models again; the same wordings, content and model give the same files.
type calibrateCommand struct {
	Wordings string `help:"Folder with tune_messages*.jsonl, tune_danger*.jsonl and tune_live*.jsonl." default:"eval/testdata/wordings"`
	Only     string `help:"Fit this one alone: match, or the classifiers danger and live." enum:"all,match,classifiers" default:"all"`
	Out      string `help:"Folder to write match.json, danger.json and live.json to." default:"retrieval/models"`
}

func (k calibrateCommand) Run(ctx context.Context, c *cli, streams stdio) error {
	sets, err := k.read()
	if err != nil {
		return usageError{err}
	}
	c.Demo = true // calibrated on the embedded content
	app, err := openApp(ctx, c, streams)
	if err != nil {
		return err
	}
	defer app.Close()
	if app.model == nil {
		return usageError{errors.New("calibration is bound to an embedding model; set embedder")}
	}
	if reads, ok := app.model.(retrieval.TokenEmbedder); ok {
		if app.engine.Aligner, err = retrieval.NewAligner(reads, allWordings); err != nil {
			return err
		}
	}
	return k.fit(ctx, app, sets, streams)
}

// allWordings is room for the token states of every wording of the pack, which calibration looks at again and again.
const allWordings = 20000

// read returns the wordings by what they teach; each set may lie in several files (tune_messages*.jsonl).
func (k calibrateCommand) read() (map[string][]eval.Wording, error) {
	sets := map[string][]eval.Wording{}
	for _, name := range []string{"tune_messages", "tune_polarity", "tune_danger", "tune_live"} {
		files, err := filepath.Glob(filepath.Join(k.Wordings, name+"*.jsonl"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("no %s*.jsonl in %s", name, k.Wordings)
		}
		for _, file := range files {
			w, err := eval.ReadWordings(file)
			if err != nil {
				return nil, err
			}
			sets[name] = append(sets[name], w...)
		}
	}
	return sets, nil
}

func (k calibrateCommand) fit(ctx context.Context, app *App, sets map[string][]eval.Wording, streams stdio) error {
	if k.Only != "classifiers" {
		if err := k.fitMatch(ctx, app, sets, streams.out, streams.err); err != nil {
			return err
		}
	}
	if k.Only != "match" {
		return k.fitClassifiers(ctx, app, sets, streams.out)
	}
	return nil
}

func (k calibrateCommand) fitMatch(ctx context.Context, app *App, sets map[string][]eval.Wording, out, notes io.Writer) error {
	entries, err := embeddedEntries()
	if err != nil {
		return err
	}
	scorer, report, err := eval.CalibrateMatch(ctx, app.engine, app.model.ID(), slices.Concat(sets["tune_messages"], sets["tune_polarity"]),
		sampled(entries), passedOn(entries), app.Settings.targets(), progress(notes, "messages looked at"))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "match: cross-validated on %d messages: of %d with an entry %.1f%% right, %.1f%% wrong, %.1f%% among suggestions; of %d without, %.1f%% answered, %.1f%% given suggestions; of %d that say the contrary %.1f%% answered\n",
		report.N, report.Present, 100*report.Right, 100*report.Wrong, 100*report.Suggested, report.Absent, 100*report.AbsentAnswered, 100*report.AbsentSuggested, report.Contrary, 100*report.ContraryAnswered)
	fmt.Fprintf(out, "match: answer from trust %.3f, suggest from P %.3f; weights %v\n", scorer.Answer, scorer.Suggest, scorer.Weights[1])
	return writeModel(filepath.Join(k.Out, "match.json"), scorer)
}

func (k calibrateCommand) fitClassifiers(ctx context.Context, app *App, sets map[string][]eval.Wording, out io.Writer) error {
	entries, err := embeddedEntries()
	if err != nil {
		return err
	}
	harmless, timeless := slices.Concat(authored(entries, isHarmless), slices.DeleteFunc(authored(entries, isDisaster), matchesDanger)), authored(entries, func(knowledge.Entry) bool { return true })
	calm := slices.Concat(answeredBy(sets["tune_messages"], entries, isHarmless), sets["tune_live"], harmless)
	danger, err := eval.CalibrateClassifier(ctx, app.engine, app.model.ID(), eval.Lesson{
		Wordings: sets["tune_danger"], Others: slices.DeleteFunc(calm, soundsUrgent), Alarms: app.Settings.targets().CalmAlarmed, Words: true, Doubts: true, Tails: worries,
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "danger:", danger)
	lasting := slices.Concat(sets["tune_messages"], sets["tune_danger"], timeless)
	live, err := eval.CalibrateClassifier(ctx, app.engine, app.model.ID(), eval.Lesson{
		Wordings: sets["tune_live"], Others: lasting, Alarms: app.Settings.targets().TimelessLive, Words: true,
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "live:", live)
	for name, model := range map[string]any{"danger": danger.Classifier, "live": live.Classifier} {
		if err := writeModel(filepath.Join(k.Out, name+".json"), model); err != nil {
			return err
		}
	}
	return nil
}

// emergencyNumber is what an entry's actions name when what it is about may be somebody's emergency.
var emergencyNumber = regexp.MustCompile(`1(10|19|20)`)

// isHarmless: the entry judges a claim on food, medicine and the like; what guides and fraud entries answer may well be
// somebody's emergency, and so may what tells to call for help.
func isHarmless(e knowledge.Entry) bool {
	return e.Kind == knowledge.Rebuttal && e.Topic != knowledge.Fraud && e.Topic != knowledge.Disaster &&
		!slices.ContainsFunc(e.Actions, emergencyNumber.MatchString)
}

var asksForHelp = regexp.MustCompile(`怎么办|咋办|点算`)

// soundsUrgent: nobody labelled these for danger, and what tells of something happening now, or asks what to do about
// it, may be one (喝了没煮熟的豆浆，想吐咋办): it is no example of calm.
func soundsUrgent(w eval.Wording) bool {
	normalised := retrieval.Normalised(w.Text)
	return retrieval.Happens(normalised) || asksForHelp.MatchString(normalised)
}

// isDisaster: people ask about disasters beforehand (地震来了住五楼往哪跑). What sounds urgent or matches a pattern of danger
// may be one and is left out.
func isDisaster(e knowledge.Entry) bool { return e.Topic == knowledge.Disaster }

func matchesDanger(w eval.Wording) bool {
	return retrieval.DetectUrgent(retrieval.Normalised(w.Text), retrieval.Vector{}) != nil
}

// worries are what people add to anything; they make a message neither calm nor urgent.
var worries = []string{
	"，万一有个好歹可咋整", "，要是真出了事怎么办", "，我心里好怕", "，会不会有事啊", "，万一不行了怎么办", "，急死人了", "，你说咋弄", "，真有事就晚了", "，如果出事谁负责", "，麻烦你们了，谢谢",
	"，该怎么预防", "，以后要怎么防着", "，是不是真的", "，万一呢",
}

// authored are the entries' own wordings, as examples.
func authored(entries []knowledge.Entry, keep func(knowledge.Entry) bool) []eval.Wording {
	var out []eval.Wording
	for _, e := range entries {
		if keep(e) {
			for _, t := range slices.Concat(e.Claims, e.Questions) {
				out = append(out, eval.Wording{Entry: e.ID, Text: t})
			}
		}
	}
	return out
}

// sampled are five wordings an entry, always the same.
func sampled(entries []knowledge.Entry) []eval.Wording {
	var out []eval.Wording
	for _, e := range entries {
		own := authored([]knowledge.Entry{e}, func(knowledge.Entry) bool { return true })
		random := rand.New(rand.NewPCG(uint64(crc32.ChecksumIEEE([]byte(e.ID))), 5)) //nolint:gosec // repeatable on purpose
		random.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
		out = append(out, own[:min(5, len(own))]...)
	}
	return out
}

// frames are what people put around a claim or a question that they pass on as it is.
var frames = []string{
	"听说%s", "%s，是真的吗", "群里都在转：%s", "人家说%s，对不对", "%s，这个说法对吗", "网上说%s", "%s 真的假的", "有人告诉我%s，靠谱吗",
	"家里人注意了！%s", "邻居讲%s，有这回事吗", "帮我查查，%s", "朋友圈看到的：%s，大家怎么看",
}

// passedOn are two wordings an entry in a frame each, always the same: the commonest messages of all, which keep what the wording says
// though they are as near to it as its contrary.
func passedOn(entries []knowledge.Entry) []eval.Wording {
	var out []eval.Wording
	for _, e := range entries {
		own := authored([]knowledge.Entry{e}, func(knowledge.Entry) bool { return true })
		random := rand.New(rand.NewPCG(uint64(crc32.ChecksumIEEE([]byte(e.ID))), 6)) //nolint:gosec // repeatable on purpose
		for range 2 {
			w := own[random.IntN(len(own))]
			w.Text = fmt.Sprintf(frames[random.IntN(len(frames))], w.Text)
			out = append(out, w)
		}
	}
	return out
}

// answeredBy are the messages that nothing answers, and those answered by the entries to keep.
func answeredBy(all []eval.Wording, entries []knowledge.Entry, keep func(knowledge.Entry) bool) []eval.Wording {
	kept := map[knowledge.ID]bool{"": true}
	for _, e := range entries {
		kept[e.ID] = keep(e)
	}
	return slices.DeleteFunc(slices.Clone(all), func(w eval.Wording) bool { return !kept[w.Entry] })
}

// writeModel replaces a model's file whole.
func writeModel(path string, model any) error {
	return writeWhole(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(model) })
}

var _ eval.Engine = (*retrieval.Engine)(nil)
