package knowledge

import "context"

// Session is somebody who is signed in to the console.
type Session struct {
	Person Person
	Said   string // what the next page says was done
}

// The actions on sessions.
const (
	SessionOpened Action = "session.opened"
	SessionClosed Action = "session.closed"
)

// Seen is what a person had before her when she decided: the newest version of an entry, and its content. The zero Seen is of an entry that
// she begins, and that is not there yet.
type Seen struct {
	Version int
	Hash    [32]byte
}

type seenKey struct{}

// WithSeen lets what is done to an entry with the context be refused when the entry has changed since.
func WithSeen(ctx context.Context, s Seen) context.Context {
	return context.WithValue(ctx, seenKey{}, s)
}

// SeenOf is what was named with WithSeen.
func SeenOf(ctx context.Context) (s Seen, named bool) {
	s, named = ctx.Value(seenKey{}).(Seen)
	return s, named
}
