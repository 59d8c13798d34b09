package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

var nextWords = phrase(`下一步|下一个|接着说|接着讲|继续|继续说|往下说|然后|讲完`)

// steps are the parts of an answer for who wants one at a time: what it is and why, each thing to do, who says so.
func steps(s retrieval.Stored) []string {
	first, actions := []string{s.FirstLine()}, s.Actions
	if s.Kind == knowledge.Guide {
		actions = actions[1:]
	}
	first = append(first, knowledge.Closed(s.Summary))
	if !s.Signed {
		first = append(first, knowledge.UnsignedLine)
	}
	out := []string{strings.Join(first, "\n")}
	for i, a := range actions {
		out = append(out, fmt.Sprintf("第%d步：%s", i+1, knowledge.Closed(a)))
	}
	return append(out, "说完了。这是有出处的：\n"+allSources(s))
}

// slowed cuts an answer to its first part, for a reader who wants it so. A danger is never cut.
func (s *session) slowed(r Reply) Reply {
	if !s.wishes().Slow || r.Urgent != nil || len(r.Answers) != 1 || r.Text != Render(r.Result) {
		return r
	}
	s.memory().Step = 1
	r.Text, r.stepwise = steps(r.Answers[0].Stored)[0], true
	return r
}

// nextStep tells the next part.
func (s *session) nextStep(ctx context.Context) (Reply, bool, error) {
	m := s.memory()
	switch {
	case !nextWords.MatchString(s.said):
		return Reply{}, false, nil
	case len(m.Answered) == 0:
		return human(chooseFirst), true, nil
	case m.Step == 0:
		return human("这一条说完了。还有拿不准的事，随时发给我。"), true, nil
	}
	stored, err := s.Engine.Answerer.Load(ctx, m.Answered[m.Current:m.Current+1])
	if err != nil {
		return Reply{}, false, err
	}
	if len(stored) == 0 {
		*m = Memory{At: s.now}
		return gone(), true, nil
	}
	all := steps(stored[0])
	step := min(m.Step, len(all)-1)
	r := quote(stored[0], all[step])
	if m.Step = step + 1; m.Step >= len(all) {
		m.Step = 0
		r.Choices = slices.Clone([]Choice{whyChoice, usefulChoice, uselessChoice, forwardChoice})
		return r, true, nil
	}
	r.stepwise = true
	return s.withChoices(r, s.m), true, nil
}
