package telegram

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	engine "qiuzhen/bot"
)

// Traces keeps with what messages were answered, for all nodes; *postgres.Store does.
type Traces interface {
	KeepTrace(ctx context.Context, t engine.Trace) error
	TraceOf(ctx context.Context, message [16]byte) (engine.Trace, bool, error)
}

// memoryTraces are those of one process.
type memoryTraces struct {
	*lru.Cache[[16]byte, engine.Trace]
}

func (m memoryTraces) KeepTrace(_ context.Context, t engine.Trace) error {
	m.Add(t.Message, t)
	return nil
}

func (m memoryTraces) TraceOf(_ context.Context, message [16]byte) (engine.Trace, bool, error) {
	t, ok := m.Get(message)
	return t, ok, nil
}

// traceOf names a message and its words, so that nobody can be read from it who does not know the bot's token.
func (b *Bot) traceOf(m *message) engine.Trace {
	return engine.Trace{Message: b.hashed(fmt.Sprint(m.Chat.ID, " ", m.MessageID)), Words: b.hashed(m.words())}
}

func (b *Bot) hashed(s string) (out [16]byte) {
	h := hmac.New(sha256.New, []byte(b.config.Token))
	h.Write([]byte(s))
	copy(out[:], h.Sum(nil))
	return out
}

// answeredBefore is with what an edited message was answered. What cannot be read is as if it had not been.
func (b *Bot) answeredBefore(ctx context.Context, message [16]byte) (engine.Trace, bool) {
	t, ok, err := b.Traces.TraceOf(ctx, message)
	if err != nil {
		b.Log.Warn("telegram: what an edited message was answered with was not read", "error", err)
	}
	return t, ok
}

// keepTrace notes with what a message was answered: not for buttons and what nobody asked for.
func (b *Bot) keepTrace(ctx context.Context, o *outgoing) {
	if o.trace.Message == [16]byte{} {
		return
	}
	if o.trace.Reply = 0; len(o.sent) == 1 {
		o.trace.Reply = o.sent[0]
	}
	o.trace.At = b.Now()
	if err := b.Traces.KeepTrace(ctx, o.trace); err != nil {
		b.Log.Warn("telegram: with what a message was answered was not kept", "error", err)
	}
}
