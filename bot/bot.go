// Package bot is the conversation engine of all channels: a message in, a reply out. Channels translate, nothing
// more.
package bot

import (
	"context"

	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// Answerer concludes on a message, and serves again what it concluded on; retrieval.Engine is one.
type Answerer interface {
	Answer(ctx context.Context, m retrieval.Message) (retrieval.Result, error)
	// Load gives the versions that are still served, in the order asked.
	Load(ctx context.Context, refs []retrieval.Ref) ([]retrieval.Stored, error)
}

// Reply is what the reader gets, with the conclusion that it was made from.
type Reply struct {
	retrieval.Result
	Text    string          // plain text, the first line enough by itself
	Choices []Choice        // what the reader may do next
	Silent  bool            // nothing is to be said
	Answer  int64           // numbers the reply among those kept; 0: it was not kept
	Wishes  Wishes          // how the reader wants to be talked to from now on
	Told    []retrieval.Ref // entries that it tells beside its own: what the reader waited for
	Forgot  bool            // all there was of the reader has been deleted: what the channel keeps goes too

	stepwise bool // the same words get another answer next time
}

// Choice is something that the reader may do next: a button with this label, or the words that do the same when they are sent.
type Choice struct{ Label, Say string }

func told(r retrieval.Result, words string) Reply { return Reply{Result: r, Text: words} }

// Engine answers messages and conversations; Desk serves readers with it. It is safe for concurrent use.
type Engine struct {
	Answerer Answerer
	// Words cuts Chinese into words (text.Segmenter.Words); nil: no follow-up finds what an entry says of somebody.
	Words func(string) []string
	// Unanswered is told the questions that nothing vetted answered, masked: abstentions, follow-ups that the entry does not
	// cover, and 都不是. Dangers and current facts are none. Nil: nobody is told. It looks after its own errors.
	Unanswered func(ctx context.Context, question string)
}

// Ask answers one message by itself. An error means that a dependency failed; ErrorLine is what the reader gets then.
func (e *Engine) Ask(ctx context.Context, m retrieval.Message) (Reply, error) {
	if line := smallTalk(said(m.Text)); line != "" {
		return human(line), nil
	}
	reply, err := e.conclude(ctx, m)
	if err == nil && reply.Decision == retrieval.Abstain {
		e.file(ctx, questionOf(m, reply.Result))
	}
	return reply, err
}

// conclude searches and words what was found.
func (e *Engine) conclude(ctx context.Context, m retrieval.Message) (Reply, error) {
	result, err := e.Answerer.Answer(ctx, m)
	if err != nil {
		return Reply{}, err
	}
	return told(result, Render(result)), nil
}

func (e *Engine) file(ctx context.Context, question string) {
	if e.Unanswered != nil && question != "" {
		e.Unanswered(ctx, question)
	}
}

// questionOf is what a message asks, as it may be kept; empty when it asks nothing that experts could look up: a danger is told
// nobody else, a current fact is old when they see it.
func questionOf(m retrieval.Message, r retrieval.Result) string {
	if r.Void != "" || r.Urgent != nil || r.Live != nil {
		return ""
	}
	return masked(m.Text)
}

// maxQuestion is how much of a question is kept, in characters.
const maxQuestion = 2000

func masked(s string) string {
	const beyond = 64 // so that no number is cut before it is recognised
	return first(text.Mask(first(s, maxQuestion+beyond)), maxQuestion)
}

// first is the beginning of s, in characters.
func first(s string, most int) string {
	if len(s) <= most { // bytes: no fewer than characters
		return s
	}
	runes := []rune(s)
	return string(runes[:min(len(runes), most)])
}

// What the reader hears when something of ours failed (of who may be in danger: Refused), and when what came cannot be read.
const (
	ErrorLine      = "刚才没有收到，请再发一次。"
	UnreadableLine = "这段文字读不出来，请重新复制一遍再发。"
	TooLongLine    = "这段文字太长了，请只发要问的那一段。"
	// GoneLine takes the place of what quotes an entry that is not served any more.
	GoneLine = "刚才那一条已经撤下或者改过了，先不要照着做。\n请把要问的再发一次，我重新查。"
	// GoneBelow is GoneLine below what still holds, such as the number in a danger, which it must not seem to take back.
	GoneBelow = "这件事另有一条回答，已经撤下或者改过了，别照那一条做。\n请把要问的再发一次，我重新查。"
)
