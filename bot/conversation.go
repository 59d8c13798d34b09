package bot

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// Conversation remembers what one reader was last told, so that 那小孩呢, 为什么 and 第二个 mean something. It keeps names of
// versions, never their words: what was withdrawn meanwhile is not repeated. The zero value remembers nothing; it is safe for
// concurrent use.
type Conversation struct {
	mu sync.Mutex
	Memory
}

// Memory is what a conversation is about, as it is kept between messages.
type Memory struct {
	At       time.Time       `json:"at"`
	Question string          `json:"question,omitempty"` // what was asked, masked; empty when it is nothing for experts
	Answered []retrieval.Ref `json:"answered,omitempty"` // the entries last answered with, or chosen from
	Current  int             `json:"current,omitempty"`  // which of Answered it is about now
	Offered  []retrieval.Ref `json:"offered,omitempty"`  // what was last suggested
	Asking   question        `json:"asking,omitempty"`   // what the reader was asked last
	Judged   int64           `json:"judged,omitempty"`   // the reply that Asking is about; 0: the last one
	Step     int             `json:"step,omitempty"`     // which part of Answered comes next, one step a message; 0: none
	Draft    *Subscription   `json:"draft,omitempty"`    // while it is asked for
}

// forgotten: a reader who comes back later begins anew.
const forgotten = 30 * time.Minute

// Continue answers a message in a conversation: a follow-up from the entry last answered with, anything else as Ask does,
// which is then what the conversation is about. What is no question changes nothing.
func (e *Engine) Continue(ctx context.Context, c *Conversation, m retrieval.Message, now time.Time) (Reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.At) > forgotten {
		c.forget()
	}
	c.At = now
	turn := turn{e, c, m, said(m.Text)}
	for _, answer := range []func(context.Context) (Reply, bool, error){turn.choice, turn.followUp} {
		if reply, ok, err := answer(ctx); ok || err != nil {
			return reply, err
		}
	}
	if reply, ok, err := turn.withBefore(ctx); ok || err != nil {
		return reply, err
	}
	reply, err := e.Ask(ctx, m)
	if err == nil {
		c.remember(m, reply.Result)
	}
	return reply, err
}

func (c *Conversation) forget() {
	c.Question, c.Answered, c.Current, c.Offered, c.Step = "", nil, 0, nil, 0
}

// remember makes a conclusion what the conversation is about, unless nothing was asked, or what asked on was not understood.
func (c *Conversation) remember(m retrieval.Message, r retrieval.Result) {
	if r.Void != "" && r.Urgent == nil {
		return
	}
	if r.Decision == retrieval.Abstain && r.Urgent == nil && r.Live == nil && len(c.Answered) > 0 && goesOn.MatchString(said(m.Text)) {
		c.Question, c.Offered = questionOf(m, r), nil // 为什么 is still about the entry
		return
	}
	c.Question, c.Current, c.Step = questionOf(m, r), 0, 0
	c.Answered, c.Offered = refs(r.Answers), refs(r.Candidates)
}

func refs(matches []retrieval.Match) []retrieval.Ref {
	var out []retrieval.Ref
	for _, m := range matches {
		out = append(out, retrieval.Ref{ID: m.ID, Version: m.Version})
	}
	return out
}

// turn is one message of a conversation.
type turn struct {
	*Engine
	c    *Conversation
	m    retrieval.Message
	said string
}

// choice answers what names a suggestion, by its number or its line, or one of several answers, or none of them.
func (t turn) choice(ctx context.Context) (Reply, bool, error) {
	offered := len(t.c.Offered) > 0
	from := t.c.Answered
	if offered {
		from = t.c.Offered
	}
	n, ok := chosen(t.said, offered)
	switch {
	case t.said == "":
		return Reply{}, false, nil
	case ok && n <= len(from) && (offered || len(from) > 1):
		return t.choose(ctx, from, n-1)
	case offered && none.MatchString(t.said):
		t.file(ctx, t.c.Question)
		t.c.forget()
		return told(retrieval.Result{Decision: retrieval.Abstain}, abstainText("")), true, nil
	case offered && ok:
		return human(fmt.Sprintf("没有第%d个。%s", n, chooseLine(len(from)))), true, nil
	case offered && amount.MatchString(t.said):
		return human("请一个一个看。" + chooseLine(len(from))), true, nil
	case offered:
		return t.line(ctx)
	case ok || none.MatchString(t.said) || numeral.MatchString(t.said) || amount.MatchString(t.said): // of nothing
		return human(chooseFirst), true, nil
	}
	return Reply{}, false, nil
}

func chooseLine(n int) string {
	if n == 1 {
		return "回复1就行，不是就回复0。"
	}
	return fmt.Sprintf("回复1到%d就行，都不是就回复0。", n)
}

// line is the choice of a suggestion by its words.
func (t turn) line(ctx context.Context) (Reply, bool, error) {
	served, err := t.Answerer.Load(ctx, t.c.Offered)
	if err != nil {
		return Reply{}, false, err
	}
	for _, s := range served {
		i := slices.Index(t.c.Offered, retrieval.Ref{ID: s.ID, Version: s.Version})
		if i >= 0 && (t.said == said(s.Short) || t.said == said(option(i, s.Short))) {
			return t.choose(ctx, t.c.Offered, i)
		}
	}
	return Reply{}, false, nil
}

// choose makes one of several what the conversation is about; the others can still be asked for by 第一个.
func (t turn) choose(ctx context.Context, from []retrieval.Ref, i int) (Reply, bool, error) {
	s, ok, err := t.load(ctx, from[i])
	if err != nil || !ok {
		return gone(), err == nil, err
	}
	t.c.Answered, t.c.Current, t.c.Offered, t.c.Step = from, i, nil, 0
	return quote(s, AnswerText(s)), true, nil
}

// load is an entry as it is served now; false when it is not any more.
func (t turn) load(ctx context.Context, ref retrieval.Ref) (retrieval.Stored, bool, error) {
	served, err := t.Answerer.Load(ctx, []retrieval.Ref{ref})
	if err != nil || len(served) == 0 {
		return retrieval.Stored{}, false, err
	}
	return served[0], true, nil
}

// followUp answers what is asked on of the entry last answered with.
func (t turn) followUp(ctx context.Context) (Reply, bool, error) {
	if thumbs(t.m.Text) && len(t.c.Answered)+len(t.c.Offered) > 0 {
		return human(ackLine), true, nil
	}
	if len(t.c.Answered) == 0 && len(t.c.Offered) > 0 && asksOn(t.said) {
		return t.offerAgain(ctx)
	}
	if len(t.c.Answered) == 0 || courtesy(t.said) != "" || !mayFollow(t.said) {
		return Reply{}, false, nil
	}
	last, ok, err := t.load(ctx, t.c.Answered[t.c.Current])
	if err != nil {
		return Reply{}, false, err
	}
	if !ok {
		return t.withoutEntry(ctx)
	}
	if words := t.retell(last); words != "" {
		return quote(last, words), true, nil
	}
	if subject, ok := t.subject(last); ok {
		return t.about(ctx, last, subject)
	}
	return Reply{}, false, nil
}

// mayFollow: what can be a follow-up at all, so that nothing is loaded for the rest.
func mayFollow(s string) bool {
	if asksOn(s) {
		return true
	}
	if s == "" || len(s) > longestFollowUp*len("一") {
		return false
	}
	return slices.ContainsFunc([]matcher{why, whyNot, who, really, whatTo, again, elsewhere, elsewhereLong, more}, func(r matcher) bool { return r.MatchString(s) })
}

type matcher interface{ MatchString(string) bool }

// longestFollowUp in characters: who writes more says what it is about.
const longestFollowUp = 14

// withoutEntry answers a follow-up of what is not served any more: a question that stands by itself still gets its own answer.
func (t turn) withoutEntry(ctx context.Context) (Reply, bool, error) {
	t.c.forget()
	if smallTalk(t.said) != "" {
		return gone(), true, nil
	}
	alone, err := t.conclude(ctx, t.m)
	if err != nil {
		return Reply{}, false, err
	}
	if alone.Decision == retrieval.Abstain && alone.Urgent == nil && alone.Live == nil {
		return gone(), true, nil
	}
	return t.anew(alone)
}

// retell answers from the entry what is asked of it as a whole; empty when something else is asked.
func (t turn) retell(last retrieval.Stored) string {
	if asksOn(t.said) {
		return retold(last, partsOf(t.said)[0])
	}
	if found := whyNot.FindStringSubmatch(t.said); found != nil && t.of(last, found[1]) {
		return reasonText(last)
	}
	if found := again.FindStringSubmatch(t.said); found != nil && !questionWords.MatchString(found[1]) && t.of(last, found[1]) {
		return AnswerText(last)
	}
	return ""
}

// retold answers a message that asks on and says nothing of its own.
func retold(last retrieval.Stored, said string) string {
	switch {
	case why.MatchString(said):
		return reasonText(last)
	case who.MatchString(said):
		return sourceText(last)
	case really.MatchString(said):
		return "这是照下面的来源说的，您可以对一对。\n" + allSources(last)
	}
	return actionsText(last)
}

// subject is whom or what a message asks about when it leaves out what it asks; empty for everybody. It is false when the message
// says something that the entry is not about: then it is a question of its own.
func (t turn) subject(last retrieval.Stored) (string, bool) {
	found := elsewhere.FindStringSubmatch(t.said)
	if found == nil {
		found = elsewhereLong.FindStringSubmatch(t.said)
	}
	if found == nil || questionWords.MatchString(found[2]) || startsModal.MatchString(found[2]) {
		found = more.FindStringSubmatch(t.said)
		return "", found != nil && !whyNot.MatchString(t.said) && (found[1] != "" || t.of(last, found[2]) && t.of(last, found[3]))
	}
	// 那… or …呢 or of people: otherwise it may be a question of its own
	if found[1] == "" && found[3] != "呢" && !people(found[2]) || !t.of(last, found[4]) {
		return "", false
	}
	return found[2], true
}

// about asks what was answered of another subject. The last entry answers with its own advice on the subject, or another entry that
// answers the last claim for it; else it is said that there is nothing; never with what is said of others.
func (t turn) about(ctx context.Context, last retrieval.Stored, subject string) (Reply, bool, error) {
	alone, err := t.conclude(ctx, t.m)
	if err != nil {
		return Reply{}, false, err
	}
	saysItAll := questionWords.MatchString(t.said) && !people(subject) && len(t.own(questionWords.ReplaceAllString(t.said, ""))) > 0
	if alone.Urgent != nil || alone.Live != nil || saysItAll && isOther(alone.Result, last.ID) {
		return t.anew(alone)
	}
	topic := content(t.Words, subject)
	if len(topic) == 0 && subject != "" { // 那我呢
		return quote(last, AnswerText(last)), true, nil
	}
	if advice := t.advice(last, topic); advice != nil {
		return quote(last, adviceText(last, advice)), true, nil
	}
	if subject != "" {
		if reply, ok, err := t.another(ctx, last, subject, topic); ok || err != nil {
			return reply, ok, err
		}
		if !people(subject) && alone.Decision == retrieval.Sure && isOther(alone.Result, last.ID) {
			return t.anew(alone)
		}
	}
	t.file(ctx, masked(t.m.Text)+"（"+last.CanonicalClaim()+"）")
	return told(retrieval.Result{Decision: retrieval.Abstain}, uncoveredText(last, subject)), true, nil
}

// anew is a reply that needs nothing of what was said before; it is what the conversation is about then.
func (t turn) anew(reply Reply) (Reply, bool, error) {
	t.c.remember(t.m, reply.Result)
	return reply, true, nil
}

// isOther reports whether a conclusion is about another entry than the last.
func isOther(r retrieval.Result, last knowledge.ID) bool {
	found := slices.Concat(r.Answers, r.Candidates)
	return len(found) > 0 && found[0].ID != last
}

// another looks for another entry that answers the last claim for a subject.
func (t turn) another(ctx context.Context, last retrieval.Stored, subject string, topic []string) (Reply, bool, error) {
	together, err := t.conclude(ctx, retrieval.Message{Text: subject + "，" + last.CanonicalClaim(), Regions: t.m.Regions, At: t.m.At})
	if err != nil || together.Decision != retrieval.Sure || together.Answers[0].ID == last.ID || t.advice(together.Answers[0].Stored, topic) == nil {
		return Reply{}, false, err
	}
	return t.anew(together)
}

// human is a line for what is no question.
func human(line string) Reply {
	return told(retrieval.Result{Decision: retrieval.Abstain, Void: retrieval.NoClaim}, line)
}

// quote is an answer from one entry.
func quote(s retrieval.Stored, words string) Reply {
	return told(retrieval.Result{Decision: retrieval.Sure, Answers: []retrieval.Match{{Stored: s}}}, words)
}

func gone() Reply { return human(GoneLine) }
