package bot

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"qiuzhen/retrieval"
)

// Conversation remembers what one reader was last told, so that 那小孩呢, 为什么 and 第二个 mean something. The zero value
// remembers nothing; it is safe for concurrent use.
type Conversation struct {
	mu       sync.Mutex
	at       time.Time
	answered *retrieval.Match  // the entry last answered with
	offered  []retrieval.Match // what was last suggested
}

const (
	// forgotten: a reader who comes back later begins anew.
	forgotten = 30 * time.Minute
	// longestFollowUp in characters: who writes more says what it is about.
	longestFollowUp = 12
)

// Continue answers a message in a conversation: a follow-up from the entry last answered with, anything else as Handle does,
// which is then what the conversation is about.
func (e *Engine) Continue(ctx context.Context, c *Conversation, m retrieval.Message, now time.Time) (Reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.at) > forgotten {
		c.answered, c.offered = nil, nil
	}
	c.at = now
	reply, ok, err := e.followUp(ctx, c, m)
	if err != nil || ok {
		return reply, err
	}
	if reply, err = e.Handle(ctx, m); err == nil {
		c.remember(reply.Result)
	}
	return reply, err
}

func (c *Conversation) remember(r retrieval.Result) {
	c.answered, c.offered = nil, r.Candidates
	if len(r.Answers) > 0 {
		c.answered = &r.Answers[0]
	}
}

func (e *Engine) followUp(ctx context.Context, c *Conversation, m retrieval.Message) (Reply, bool, error) {
	said := bare(m.Text)
	if chosen, ok := c.choice(said); ok {
		return c.answerWith(chosen, AnswerText(chosen.Stored)), true, nil
	}
	if len(c.offered) > 0 && slices.Contains([]string{"都不是", "都不对", "不是这些", "没有我要问的"}, said) {
		c.answered, c.offered = nil, nil
		return Reply{retrieval.Result{Decision: retrieval.Abstain}, abstainText("")}, true, nil
	}
	if c.answered == nil {
		return Reply{}, false, nil
	}
	last := *c.answered
	switch {
	case why.MatchString(said):
		return c.answerWith(last, reasonText(last.Stored)), true, nil
	case who.MatchString(said):
		return c.answerWith(last, sourceText(last.Stored)), true, nil
	}
	subject := elliptic(said)
	if subject == "" {
		return Reply{}, false, nil
	}
	return e.about(ctx, c, m, subject)
}

var (
	why = regexp.MustCompile(`^(这是)?(为什么|为啥|为何|怎么会这样|凭什么|凭啥|什么道理|啥道理|啥原因|什么原因)(啊|呀|呢|哦|嘞|这么说)?$`)
	who = regexp.MustCompile(`^(是)?(谁说的|哪里说的|哪儿说的|哪个说的|来源|来源呢|出处|有什么依据|有啥依据|依据呢|哪来的)(啊|呀|呢|哦)?$`)
	// what is asked of somebody or something else: 那小孩呢, 老人呢, 那孕妇可以吗
	short = regexp.MustCompile(`^(?:那么?|要是|如果|换成|换做)?(.{1,8}?)(?:呢|可以吗|能吗|行吗|行不行|能不能|可不可以|咋办|怎么办)$`)
	// nth names one of what was suggested.
	nth = regexp.MustCompile(`^(?:我?选|我?问的是|是)?第?([1-3一二三两])(?:个|条|号)?$`)
)

// bare is a message without what stands around its words.
func bare(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// choice is the suggestion that a message names by its number or by its line.
func (c *Conversation) choice(said string) (retrieval.Match, bool) {
	for _, o := range c.offered {
		if said == bare(o.Short) {
			return o, true
		}
	}
	if found := nth.FindStringSubmatch(said); found != nil {
		n := map[string]int{"1": 1, "一": 1, "2": 2, "二": 2, "两": 2, "3": 3, "三": 3}[found[1]]
		if n <= len(c.offered) {
			return c.offered[n-1], true
		}
	}
	return retrieval.Match{}, false
}

func (c *Conversation) answerWith(m retrieval.Match, text string) Reply {
	c.answered, c.offered = &m, nil
	return Reply{retrieval.Result{Decision: retrieval.Sure, Answers: []retrieval.Match{m}}, text}
}

// elliptic is the subject of a message that leaves out what it asks of it; empty when it says it all.
func elliptic(said string) string {
	found := short.FindStringSubmatch(said)
	if found == nil || utf8.RuneCountInString(said) > longestFollowUp {
		return ""
	}
	if !strings.HasPrefix(said, found[1]) || strings.HasSuffix(said, "呢") { // 那… or …呢: otherwise it may be a question of its own
		return found[1]
	}
	return ""
}

// about asks what was answered of another subject: together with the last claim. When nothing else answers that, the last entry does,
// with its own sentences on the subject, or it is said that there are none; never with what it says of others.
func (e *Engine) about(ctx context.Context, c *Conversation, m retrieval.Message, subject string) (Reply, bool, error) {
	last := *c.answered
	alone, err := e.Handle(ctx, m)
	if err != nil {
		return Reply{}, false, err
	}
	if alone.Urgent != nil || alone.Live != nil || alone.Decision == retrieval.Sure && alone.Answers[0].ID != last.ID {
		c.remember(alone.Result) // it did say it all
		return alone, true, nil
	}
	m.Text = subject + "，" + last.CanonicalClaim()
	together, err := e.Handle(ctx, m)
	if err != nil {
		return Reply{}, false, err
	}
	if together.Decision == retrieval.Sure && together.Answers[0].ID != last.ID && mentions(together.Answers[0].Stored, subject) != nil {
		c.remember(together.Result)
		return together, true, nil
	}
	if on := mentions(last.Stored, subject); on != nil {
		lines := append(on, "来源："+SourceLine(last.Sources[0]))
		return c.answerWith(last, strings.Join(append(lines, vouch(last.Stored)...), "\n")), true, nil
	}
	return Reply{retrieval.Result{Decision: retrieval.Abstain},
		"“" + last.Short + "”这件事，" + subject + "的情况没有查到，不能乱说。\n身体的事打12320问一问，别的事打12345。"}, true, nil
}

// most is how many sentences a follow-up is answered with.
const most = 3

// people are words for the same: who asks of 小孩 is answered by what is said of 孩子.
var people = [][]string{
	{"小孩", "孩子", "小朋友", "儿童", "娃", "宝宝", "婴儿", "孙子", "孙女"},
	{"老人", "老年人", "老头", "老太", "上年纪", "岁数大"},
	{"孕妇", "怀孕", "大肚子"},
}

// mentions are an entry's sentences on a subject; nil when there are none.
func mentions(s retrieval.Stored, subject string) []string {
	words := []string{subject}
	for _, same := range people {
		if slices.ContainsFunc(same, func(w string) bool { return strings.Contains(subject, w) }) {
			words = same
		}
	}
	var out []string
	for _, sentence := range sentences(append(append([]string{s.Summary}, s.Actions...), s.Body)...) {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(sentence, w) }) && len(out) < most {
			out = append(out, closed(sentence))
		}
	}
	return out
}

func sentences(texts ...string) []string {
	var out []string
	for _, t := range texts {
		for _, s := range strings.FieldsFunc(t, func(r rune) bool { return strings.ContainsRune("。！？\n", r) }) {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
	}
	return out
}

// reasonText tells why: the beginning of an entry's own explanation.
func reasonText(s retrieval.Stored) string {
	lines := []string{closed(s.Summary)}
	for _, sentence := range sentences(s.Body) {
		if len(lines) <= most {
			lines = append(lines, closed(sentence))
		}
	}
	lines = append(lines, "来源："+SourceLine(s.Sources[0]))
	return strings.Join(append(lines, vouch(s)...), "\n")
}

// sourceText names every source.
func sourceText(s retrieval.Stored) string {
	var lines []string
	for _, source := range s.Sources {
		lines = append(lines, "来源："+SourceLine(source))
	}
	return strings.Join(append(lines, vouch(s)...), "\n")
}
