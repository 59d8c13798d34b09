package eval

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"qiuzhen/learn"
	"qiuzhen/retrieval"
)

const (
	// candidatesPerPiece are the entries of a piece of a message that the match model learns from.
	candidatesPerPiece = 3
	// kept are those that are remembered of a piece: the best may be another one by P(match).
	kept = 6
)

// boosting of the verifier, chosen by cross-validation on the tune wordings (docs/retrieval.md).
var boosting = learn.Boosting{Models: 3, Trees: 150, Leaves: 8, Rate: 0.09, Smallest: 20, Rows: 0.8, Columns: 0.5, Seed: 1}

// What the verifier's examples weigh beside a message of the full pack: those that say the contrary are fewer than they are
// harmful, those of other views are many and alike.
const contraryWeight, halfWeight, thinWeight = 1.5, 0.3, 0.15

// gathered is a message as one view of the pack has it.
type gathered struct {
	Wording
	view   string
	there  bool // the entry that answers it is in the view
	pieces [][]retrieval.Evidence
}

// CalibrateMatch fits P(match), the verifier and the thresholds. Thresholds come from predictions on folds of entries that the
// fits have not seen; the models from all. authored are wordings of the entries themselves, looked for without themselves, and passedOn
// such wordings with a few words around them: they teach the verifier that a message may well use an entry's words.
func CalibrateMatch(ctx context.Context, e Engine, modelID string, wordings, authored, passedOn []Wording, targets Targets, progress func(done, total int)) (retrieval.Scorer, Report, error) {
	all, err := gatherAll(ctx, e, wordings, authored, passedOn, progress)
	if err != nil {
		return retrieval.Scorer{}, Report{}, err
	}
	ranked, err := rankUnseen(modelID, all)
	if err != nil {
		return retrieval.Scorer{}, Report{}, err
	}
	if err := alignAll(ctx, e, ranked, progress); err != nil {
		return retrieval.Scorer{}, Report{}, err
	}
	outcomes, err := trustUnseen(ranked)
	if err != nil {
		return retrieval.Scorer{}, Report{}, err
	}
	scorer, err := fitMatch(modelID, all)
	if err != nil {
		return scorer, Report{}, err
	}
	if scorer.Verifier, err = fitVerifier(ranked, func(outcome) bool { return true }); err != nil {
		return scorer, Report{}, err
	}
	scorer.Answer, scorer.Second, scorer.Suggest = thresholds(outcomes, targets)
	return scorer, report(outcomes, scorer), nil
}

// gatherAll asks each message once, of all passages, and looks at the answer in every view; what the entries' own
// wordings find is looked at in the full view alone.
func gatherAll(ctx context.Context, e Engine, wordings, authored, passedOn []Wording, progress func(done, total int)) ([]gathered, error) {
	own := len(wordings) + len(authored)
	looks := make([][]gathered, own+len(passedOn))
	var mu sync.Mutex
	done := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range looks {
		group.Go(func() (err error) {
			switch {
			case i < len(wordings):
				looks[i], err = look(ctx, e, wordings[i], views, "")
			case i < own:
				w := authored[i-len(wordings)]
				looks[i], err = look(ctx, e, w.as(authoredKind), []view{full}, w.Text)
			default:
				looks[i], err = look(ctx, e, passedOn[i-own].as(authoredKind), []view{full}, "")
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			progress(done, len(looks))
			return err
		})
	}
	err := group.Wait()
	return slices.Concat(looks...), err
}

func look(ctx context.Context, e Engine, w Wording, views []view, without string) ([]gathered, error) {
	pieces, err := e.Pieces(ctx, w.Text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.ID, err)
	}
	if len(pieces) == 0 {
		return nil, nil
	}
	var all []gathered
	for _, v := range views {
		g := gathered{Wording: w, view: v.name, there: w.Entry != "" && !v.leavesOut(w.Entry)}
		for _, p := range pieces {
			found := v.of(p, without).Evidence()
			found = slices.Clone(found[:min(len(found), kept)])
			for i := range found {
				found[i] = found[i].Condensed()
			}
			g.pieces = append(g.pieces, found)
		}
		all = append(all, g)
	}
	return all, nil
}

// authoredKind marks an entry's own wording among the messages.
const authoredKind = "authored"

func (w Wording) as(kind string) Wording {
	w.Kind = kind
	return w
}

func fitMatch(modelID string, messages []gathered) (retrieval.Scorer, error) {
	var x [][]float64
	var y []int
	for _, g := range messages {
		if g.contrary() || g.Kind == TwoClaims || g.Kind == authoredKind {
			continue // the verifier judges contrary ones, which the features do not see
		}
		for _, piece := range g.pieces {
			for i, c := range piece {
				label := 0
				if c.ID == g.Entry {
					label = 1
				}
				if i < candidatesPerPiece || label == 1 {
					x, y = append(x, c.Features), append(y, label)
				}
			}
		}
	}
	if len(x) == 0 {
		return retrieval.Scorer{}, errors.New("no wordings to calibrate on")
	}
	mean, scale := standardise(x)
	fitted, err := learn.FitMultinomial(x, y, 2, ridgeMatch)
	return retrieval.Scorer{ModelID: modelID, Multinomial: round(fitted), Mean: mean, Scale: scale}, err
}

// outcome is what a message gets from models that have not seen its kin.
type outcome struct {
	gathered
	best  retrieval.Evidence
	none  bool    // nothing was found
	right float64 // P of the entry that answers the message, when it is among the best three
	trust float64
	// seconds are the best entries of windows about something else, second the greatest trust in one that is wrong.
	seconds []retrieval.Evidence
	second  float64
}

func rankUnseen(modelID string, all []gathered) ([]outcome, error) {
	var outcomes []outcome
	for k := range folds {
		var train []gathered
		for _, g := range all {
			if fold(g.Wording) != k {
				train = append(train, g)
			}
		}
		scorer, err := fitMatch(modelID, train)
		if err != nil {
			return nil, err
		}
		for _, g := range all {
			if fold(g.Wording) == k {
				outcomes = append(outcomes, rankOne(scorer, g))
			}
		}
	}
	return outcomes, nil
}

func rankOne(scorer retrieval.Scorer, g gathered) outcome {
	scored := make([][]retrieval.Evidence, len(g.pieces))
	for i, p := range g.pieces {
		scored[i] = scorer.Score(slices.Clone(p))
	}
	best := retrieval.Merge(scored)
	o := outcome{gathered: g, none: len(best) == 0}
	if !o.none {
		o.best, o.seconds = best[0], retrieval.Seconds(best[0], scored)
	}
	for _, b := range best[:min(3, len(best))] {
		if b.ID == g.Entry {
			o.right = b.P()
		}
	}
	return o
}

// alignAll compares the entries that may answer with their messages token by token.
func alignAll(ctx context.Context, e Engine, ranked []outcome, progress func(done, total int)) error {
	done := 0
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range ranked {
		group.Go(func() (err error) {
			o := &ranked[i]
			if !o.none {
				o.best, err = e.Align(ctx, o.best)
			}
			for k := 0; k < len(o.seconds) && err == nil && o.view == full.name; k++ {
				o.seconds[k], err = e.Align(ctx, o.seconds[k])
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			progress(done, len(ranked))
			return err
		})
	}
	return group.Wait()
}

func trustUnseen(ranked []outcome) ([]outcome, error) {
	var outcomes []outcome
	for k := range folds {
		verifier, err := fitVerifier(ranked, func(o outcome) bool { return fold(o.Wording) != k })
		if err != nil {
			return nil, err
		}
		scorer := retrieval.Scorer{Verifier: verifier}
		for _, o := range ranked {
			if o.view != full.name || o.Kind == authoredKind || fold(o.Wording) != k {
				continue
			}
			if !o.none {
				o.trust = scorer.Trust(o.best)
			}
			for _, s := range o.seconds {
				if s.ID != o.Entry && s.ID != o.Also {
					o.second = max(o.second, scorer.Trust(s))
				}
			}
			outcomes = append(outcomes, o)
		}
	}
	return outcomes, nil
}

// fitVerifier learns from the aligned best entry of each message whether it answers it: in the full pack, where the entry that does
// was left out, and where entries have a passage or two.
func fitVerifier(ranked []outcome, use func(outcome) bool) (learn.Boosted, error) {
	var x [][]float64
	var y []int
	var weights []float64
	for _, o := range ranked {
		found := !o.none && o.best.ID == o.Entry
		switch {
		case o.none || o.Kind == TwoClaims || !o.best.Aligned() || !use(o):
			continue
		case o.view != full.name && !o.thin() && (o.Entry == "" || o.there):
			continue
		case o.Kind == authoredKind && !found:
			continue
		}
		label, weight := 1, 1.0
		switch {
		case o.contrary():
			weight = contraryWeight
		case found:
			label = 0
		}
		switch {
		case o.thin():
			weight *= thinWeight
		case o.view != full.name:
			weight *= halfWeight
		}
		x, y, weights = append(x, retrieval.VerifierFeatures(o.best)), append(y, label), append(weights, weight)
	}
	return learn.FitBoosted(x, y, weights, boosting)
}

func (g gathered) contrary() bool { return g.Kind == Opposite || g.Kind == Polarity }
func (g gathered) absent() bool   { return !g.there && g.Kind != OffTopic && !g.contrary() }
func (g gathered) present() bool  { return g.there && !g.contrary() && g.Kind != TwoClaims }
func (g gathered) thin() bool     { return g.view[0] == 't' }

// thresholds are the least ones that keep every target rate: the trust to answer from and to answer a second claim from, the
// P(match) to suggest from.
func thresholds(outcomes []outcome, t Targets) (answer, second, suggest float64) {
	var absent, off []float64
	for _, o := range outcomes {
		switch {
		case o.Kind == OffTopic:
			off = append(off, o.best.P())
		case o.absent():
			absent = append(absent, o.best.P())
		}
	}
	suggest = max(over(absent, len(absent), t.AbsentSuggested), over(off, len(off), t.OffTopicSuggested))
	var absentTrust, wrongTrust, contraryTrust, secondTrust []float64
	present, contrary := 0, 0
	for _, o := range outcomes {
		if o.best.P() < suggest {
			o.trust = 0
		}
		found := o.best.ID == o.Entry
		switch {
		case o.contrary():
			contrary++
			contraryTrust = append(contraryTrust, o.trust)
		case o.absent():
			absentTrust = append(absentTrust, o.trust)
		case o.present():
			present++
			if !found {
				wrongTrust = append(wrongTrust, o.trust)
			}
			secondTrust = append(secondTrust, o.second)
		}
	}
	answer = max(over(absentTrust, len(absentTrust), t.AbsentAnswered), over(wrongTrust, present, t.AnsweredWrongly),
		over(contraryTrust, contrary, t.ContraryAnswered))
	return answer, max(answer, over(secondTrust, present, t.SecondWrong)), suggest
}

// Report says what cross-validation on the tune wordings gave, as shares.
type Report struct {
	N, Present, Absent, Contrary            int
	Right, Wrong, Suggested, AbsentAnswered float64
	AbsentSuggested, ContraryAnswered       float64
}

func report(outcomes []outcome, s retrieval.Scorer) Report {
	r := Report{N: len(outcomes)}
	for _, o := range outcomes {
		answered := s.Sure(o.best, o.trust)
		found := o.best.ID == o.Entry
		switch {
		case o.Kind == TwoClaims:
		case o.contrary():
			r.Contrary++
			r.ContraryAnswered += count(answered)
		case o.present():
			r.Present++
			r.Right += count(answered && found)
			r.Wrong += count(answered && !found)
			r.Suggested += count(!answered && o.right >= s.Suggest)
		default:
			r.Absent++
			r.AbsentAnswered += count(answered)
			r.AbsentSuggested += count(!answered && o.best.P() >= s.Suggest)
		}
	}
	for _, rate := range []*float64{&r.Right, &r.Wrong, &r.Suggested} {
		*rate /= float64(max(r.Present, 1))
	}
	for _, rate := range []*float64{&r.AbsentAnswered, &r.AbsentSuggested} {
		*rate /= float64(max(r.Absent, 1))
	}
	r.ContraryAnswered /= float64(max(r.Contrary, 1))
	return r
}

func count(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
