// Package bot is the conversation engine of all channels: a message in, a reply out. Channels translate, nothing
// more.
package bot

import (
	"context"

	"qiuzhen/retrieval"
)

// Answerer concludes on a message; retrieval.Engine is one.
type Answerer interface {
	Answer(ctx context.Context, m retrieval.Message) (retrieval.Result, error)
}

// Reply is what the reader gets, with the conclusion that it was made from.
type Reply struct {
	retrieval.Result
	Text string // plain text, the first line enough by itself
}

// Engine is the conversation engine. It is safe for concurrent use.
type Engine struct{ Answerer Answerer }

// Handle answers one message. An error means that a dependency failed; ErrorLine is what the reader gets then.
func (e *Engine) Handle(ctx context.Context, m retrieval.Message) (Reply, error) {
	result, err := e.Answerer.Answer(ctx, m)
	if err != nil {
		return Reply{}, err
	}
	return Reply{result, Render(result)}, nil
}

// What the reader hears when something of ours failed, and when what came cannot be read.
const (
	ErrorLine      = "刚才没有收到，请再发一次。"
	UnreadableLine = "这段文字读不出来，请重新复制一遍再发。"
	TooLongLine    = "这段文字太长了，请只发要问的那一段。"
)
