package telegram

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestSpare: while replies wait, what nobody has just asked for takes 15 of the 25 a second; it steps aside for a moment, and says that Telegram did not
// ask for it. When none waits it may have all.
func TestSpare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		replies     int
		least, most int // told in the time
	}{
		{"no reply waits", 0, 40, 62},
		{"replies wait", 400, 20, 36},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			q, ctx := newQuota(Official), t.Context()
			for range c.replies {
				q.waiting.Add(1)
			}
			told, asides := 0, 0
			chat := int64(0)
			for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
				chat++
				err := q.spare(context.WithoutCancel(ctx), chat, time.Now())
				var wait *Wait
				switch {
				case err == nil:
					told++
				case errors.As(err, &wait) && wait.Own && !wait.Chat && wait.For <= time.Second:
					asides++
					time.Sleep(wait.For)
				default:
					t.Fatal(err)
				}
			}
			if told < c.least || told > c.most || (asides > 0) != (c.replies > 0) {
				t.Errorf("%d told, want %d to %d; %d times aside", told, c.least, c.most, asides)
			}
		})
	}
}

// TestWaiting: a reply counts as waiting until its place comes up.
func TestWaiting(t *testing.T) {
	t.Parallel()
	q := newQuota(Limits{All: Limit{10, 1}, Chat: Limit{10, 1}, Group: Limit{10, 1}})
	for chat := range int64(3) {
		go func() { _ = q.wait(context.Background(), chat+1, time.Now) }()
	}
	time.Sleep(30 * time.Millisecond)
	if n := q.waiting.Load(); n != 2 {
		t.Errorf("%d wait, want 2", n)
	}
	time.Sleep(400 * time.Millisecond)
	if n := q.waiting.Load(); n != 0 {
		t.Errorf("%d wait at the end", n)
	}
}
