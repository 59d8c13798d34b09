package bot

import (
	"context"
	"regexp"
	"slices"
	"unicode/utf8"

	"qiuzhen/retrieval"
)

// longestLeaning in characters: who writes more says what it is about.
const longestLeaning = 30

// mostOffered is how many entries a reader is asked to choose from.
const mostOffered = 3

var (
	// turnsAway is a message that begins something else.
	turnsAway = regexp.MustCompile(`^(?:对了|另外|还有(?:个|一个|一件)事|换个|再问(?:个|一个|一件)|想问(?:个|一个|一下)|听说|网上说|群里说|有人说)`)
	// pointsBack is a message that names what was said before without saying it.
	pointsBack = regexp.MustCompile(`^(?:那|这|它|还|再|又|可是?|但|不过|要是|如果|万一|假如|所以|我?已经|刚)|(?:这|那)(?:个|种|样|条|截|事|东西|玩意)|刚才|上面说`)
)

// leansOn reports whether a message leaves out what it is about because it was said before: it points back, or has no word of its own.
// 那小孩能开车吗 has been looked at already (subject): it is a question of its own.
func (t turn) leansOn() bool {
	return t.said != "" && utf8.RuneCountInString(t.said) <= longestLeaning && !turnsAway.MatchString(t.said) && !goesOn.MatchString(t.said) && !elsewhere.MatchString(t.said) &&
		smallTalk(t.said) == "" && (pointsBack.MatchString(t.said) || t.Words != nil && len(t.own(t.said)) == 0)
}

// withBefore takes a message that finds no sure answer by itself for one that goes on from what was said before: the entry that the conversation
// is about, and what both together find, are offered. Nothing is answered so: only the reader knows what was meant.
// It is false when there is nothing before, or the message does not lean on it.
func (t turn) withBefore(ctx context.Context) (Reply, bool, error) {
	if t.c.Question == "" && len(t.c.Answered) == 0 || !t.leansOn() {
		return Reply{}, false, nil
	}
	alone, err := t.conclude(ctx, t.m)
	if err != nil {
		return Reply{}, false, err
	}
	if alone.Urgent != nil || alone.Live != nil || alone.Void != "" || alone.Decision == retrieval.Sure ||
		alone.Decision == retrieval.Suggest && !pointsBack.MatchString(t.said) {
		return t.byItself(ctx, alone)
	}
	last, before, err := t.before(ctx)
	if err != nil {
		return Reply{}, false, err
	}
	if before == "" { // of an entry that is not served any more
		return t.byItself(ctx, alone)
	}
	both, err := t.conclude(ctx, retrieval.Message{Text: before + "，" + t.m.Text, Regions: t.m.Regions, At: t.m.At})
	if err != nil {
		return Reply{}, false, err
	}
	offered := offers(last, both.Answers, both.Candidates, alone.Candidates)
	if len(offered) == 0 {
		return t.byItself(ctx, alone)
	}
	reply := told(retrieval.Result{Decision: retrieval.Suggest, Candidates: offered}, "")
	reply.Text = Render(reply.Result)
	if len(last) > 0 && len(offered) == 1 {
		reply.Text = "您是接着问刚才的事吗？回复数字就行。\n" + options(offered)
	}
	t.c.remember(t.m, reply.Result)
	t.c.Question = first(t.c.Question+"（接着："+before+"）", maxQuestion)
	return reply, true, nil
}

// byItself is a conclusion that needs nothing of what was said before.
func (t turn) byItself(ctx context.Context, alone Reply) (Reply, bool, error) {
	if alone.Decision == retrieval.Abstain {
		t.file(ctx, questionOf(t.m, alone.Result))
	}
	return t.anew(alone)
}

// mostBefore in characters: what was asked before says its subject at its beginning, or at its end.
const mostBefore = 60

// before is what the conversation is about: the entry last answered with, as far as it is still served, and its subject in words.
func (t turn) before(ctx context.Context) (last []retrieval.Match, words string, err error) {
	words = first(t.c.Question, mostBefore)
	if len(t.c.Answered) == 0 {
		return nil, words, nil
	}
	s, ok, err := t.load(ctx, t.c.Answered[t.c.Current])
	if err != nil || !ok {
		return nil, words, err
	}
	if words == "" {
		words = s.CanonicalClaim()
	}
	return []retrieval.Match{{Stored: s}}, words, nil
}

// offers are the first few entries of these lists, each once.
func offers(lists ...[]retrieval.Match) (out []retrieval.Match) {
	for _, m := range slices.Concat(lists...) {
		if len(out) < mostOffered && !slices.ContainsFunc(out, func(o retrieval.Match) bool { return o.ID == m.ID }) {
			out = append(out, m)
		}
	}
	return out
}

// offerAgain repeats what there is to choose from to who asks on without choosing.
func (t turn) offerAgain(ctx context.Context) (Reply, bool, error) {
	served, err := t.Answerer.Load(ctx, t.c.Offered)
	if err != nil || len(served) == 0 {
		return Reply{}, false, err
	}
	reply := told(retrieval.Result{Decision: retrieval.Suggest}, "")
	for _, s := range served {
		reply.Candidates = append(reply.Candidates, retrieval.Match{Stored: s})
	}
	t.c.Offered = refs(reply.Candidates)
	reply.Text = Render(reply.Result)
	return reply, true, nil
}

// asksOn reports whether a message asks on and says nothing of its own: 真的假的; 这谁编的，有没有根据.
func asksOn(s string) bool {
	parts := partsOf(s)
	return len(parts) > 0 && !slices.ContainsFunc(parts, func(part string) bool {
		return !slices.ContainsFunc([]matcher{why, who, really, whatTo}, func(r matcher) bool { return r.MatchString(part) })
	})
}
