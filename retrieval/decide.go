package retrieval

import (
	"context"
	"fmt"
	"slices"

	"qiuzhen/knowledge"
)

// decide turns the ranked entries into a decision and loads what it shows.
//
//   - answer: the verifier trusts the best entry (Scorer.Trust), and the message asks for no current fact. Another piece of the message
//     may have its own answer.
//   - suggest: otherwise, the entries over the suggestion threshold.
//   - abstain: there are none.
func (e *Engine) decide(ctx context.Context, result *Result, pieces [][]Evidence) error {
	if e.scores() && result.Live == nil {
		answers, err := e.answers(ctx, result.Ranking, pieces)
		if err != nil {
			return err
		}
		if result.Answers, err = e.load(ctx, answers); err != nil {
			return err
		}
		if len(result.Answers) > 0 {
			result.Decision = Sure
			return nil
		}
	}
	var err error
	if result.Candidates, err = e.load(ctx, e.suggestions(result.Ranking)); err != nil {
		return err
	}
	if len(result.Candidates) > 0 {
		result.Decision = Suggest
	}
	return nil
}

// maxAnswers bounds the claims of one message that are answered: more cannot be read aloud.
const maxAnswers = 3

// answers are the entries to answer with: the best, and further ones when other pieces of the message are about those and not
// about the first.
func (e *Engine) answers(ctx context.Context, found []Evidence, pieces [][]Evidence) ([]Evidence, error) {
	if len(found) == 0 {
		return nil, nil
	}
	trusted := func(candidate Evidence, least float64) (bool, error) {
		if candidate.p < e.Scorer.Suggest {
			return false, nil
		}
		trust, err := e.trust(ctx, candidate)
		return trust >= least, err
	}
	if !anyVerbatim(found[0].ID, pieces) {
		if ok, err := trusted(found[0], e.Scorer.Answer); err != nil || !ok {
			return nil, err
		}
	}
	answers := found[:1:1]
	for _, s := range Seconds(found[0], pieces) {
		if len(answers) == maxAnswers || slices.ContainsFunc(answers, func(a Evidence) bool { return a.ID == s.ID }) {
			continue
		}
		ok, err := trusted(s, e.Scorer.Second)
		if err != nil {
			return nil, err
		}
		if ok {
			answers = append(answers, s)
		}
	}
	return answers, nil
}

// anyVerbatim reports whether some piece of the message says one of the entry's wordings.
func anyVerbatim(id knowledge.ID, pieces [][]Evidence) bool {
	for _, piece := range pieces {
		if slices.ContainsFunc(piece, func(e Evidence) bool { return e.ID == id && e.verbatim() }) {
			return true
		}
	}
	return false
}

// trust reads the candidate's wordings beside the message.
func (e *Engine) trust(ctx context.Context, candidate Evidence) (float64, error) {
	if candidate.verbatim() {
		return 1, nil
	}
	candidate, err := e.align(ctx, candidate)
	if err != nil {
		return 0, err
	}
	return e.Scorer.verified(candidate), nil
}

// Align compares the message with the candidate's wordings token by token, unless it says one of them anyhow. For calibration.
func (e *Engine) Align(ctx context.Context, candidate Evidence) (Evidence, error) {
	if candidate.verbatim() {
		return candidate, nil
	}
	return e.align(ctx, candidate)
}

func (e *Engine) align(ctx context.Context, candidate Evidence) (Evidence, error) {
	if e.Aligner == nil {
		return candidate, nil
	}
	aligned, err := e.Aligner.Align(ctx, candidate)
	if err != nil {
		return candidate, fmt.Errorf("read the wordings of %s: %w", candidate.ID, err)
	}
	return aligned, nil
}

// Seconds are the best entries of the windows that are not about the first one.
func Seconds(first Evidence, pieces [][]Evidence) []Evidence {
	var out []Evidence
	for _, piece := range pieces[min(1, len(pieces)):] {
		if len(piece) == 0 || piece[0].ID == first.ID || piece[0].segment == first.segment {
			continue
		}
		aboutFirst := func(s Evidence) bool { return s.ID == first.ID && s.p > piece[0].p/2 }
		if !slices.ContainsFunc(piece, aboutFirst) {
			out = append(out, piece[0])
		}
	}
	return out
}

func (e *Engine) suggestions(found []Evidence) []Evidence {
	var out []Evidence
	for _, s := range found {
		if len(out) < maxCandidates && s.p >= e.Scorer.Suggest && s.negative <= 0 {
			out = append(out, s)
		}
	}
	return out
}

// load fetches the versions; one that was withdrawn between search and load is left out.
func (e *Engine) load(ctx context.Context, found []Evidence) ([]Match, error) {
	if len(found) == 0 {
		return nil, nil
	}
	refs := make([]Ref, len(found))
	scores := map[knowledge.ID]float64{}
	for i, s := range found {
		refs[i] = s.Ref
		scores[s.ID] = s.p
	}
	stored, err := e.Load(ctx, refs)
	if err != nil {
		return nil, err
	}
	out := make([]Match, len(stored))
	for i, s := range stored {
		out[i] = Match{s, scores[s.ID]}
	}
	return out, nil
}

// Load gives the versions that are served now, in the order asked; one that was withdrawn or has expired is left out.
func (e *Engine) Load(ctx context.Context, refs []Ref) ([]Stored, error) {
	return e.Searcher.Load(ctx, refs, e.Unsigned, e.Now())
}
