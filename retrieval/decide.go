package retrieval

import (
	"context"

	"qiuzhen/knowledge"
)

// decide turns the ranked entries into a decision and loads what it shows.
//
//   - answer: the best entry is over the answer threshold, nothing speaks against it, and the message asks for no
//     current fact. Another piece of the message may have its own answer.
//   - suggest: otherwise, the entries over the suggestion threshold.
//   - abstain: there are none.
func (e *Engine) decide(ctx context.Context, result *Result) error {
	mayAnswer := e.Embedder != nil && e.Embedder.ID() == e.Scorer.ModelID && result.Live == nil
	if answers := e.answers(result.Ranking); mayAnswer && len(answers) > 0 {
		var err error
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

// answers are the entries to answer with: the best, and one more when another piece of the message is about it.
func (e *Engine) answers(found []Evidence) []Evidence {
	if len(found) == 0 || !found[0].Sure() || found[0].p < e.Scorer.Answer {
		return nil
	}
	answers := found[:1:1]
	for _, s := range found[1:] {
		if len(answers) < maxAnswers && s.Sure() && s.p >= e.Scorer.Answer && s.segment != found[0].segment {
			answers = append(answers, s)
		}
	}
	return answers
}

func (e *Engine) suggestions(found []Evidence) []Evidence {
	var out []Evidence
	for _, s := range found {
		if len(out) < maxCandidates && s.p >= e.Scorer.Suggest && !s.negative {
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
	stored, err := e.Searcher.Load(ctx, refs, e.Unsigned, e.Now())
	if err != nil {
		return nil, err
	}
	out := make([]Match, len(stored))
	for i, s := range stored {
		out[i] = Match{s, scores[s.ID]}
	}
	return out, nil
}
