package inbox_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/inbox"
)

func inLane(u bot.Update, lane bot.Lane) bot.Update {
	u.Lane = lane
	return u
}

// TestShedsToTheBound: no more are shed than are too many; dangers are handled first and never shed, in their order.
func TestShedsToTheBound(t *testing.T) {
	const waiting, bound = 667, 500
	var before []bot.Update
	for i := range waiting {
		u := update(i, fmt.Sprint(i))
		if i%100 == 66 {
			u = inLane(u, bot.Danger)
		}
		before = append(before, u)
	}
	h := &handler{do: func(context.Context, bot.Update) error { time.Sleep(time.Millisecond); return nil }}
	b := start(t, func(w *inbox.Worker) { w.Bound = bound }, h, before...)
	b.waitFor(t, "all dealt with", func() bool { return b.waiting(t) == 0 })
	b.stop()
	// While it is counted, a few that are still being handled count as waiting.
	if n := len(h.shed); n < waiting-bound-2*inbox.DefaultAtOnce || n > waiting-bound {
		t.Errorf("%d shed, want %d", n, waiting-bound)
	}
	dangers := []string{"66", "166", "266", "366", "466", "566", "666"}
	if got := h.handled[:inbox.DefaultAtOnce]; !containsAll(got, dangers) {
		t.Errorf("handled first: %v, want %v", got, dangers)
	}
}

// TestAtOnce: a worker handles as many at once as it is told, also more than it would by itself, and never more; a killed one leaves no more behind.
func TestAtOnce(t *testing.T) {
	for _, most := range []int{0, 3, 2 * inbox.DefaultAtOnce} {
		want := cmp.Or(most, inbox.DefaultAtOnce)
		release := make(chan struct{})
		h := &handler{do: func(context.Context, bot.Update) error { <-release; return nil }}
		var before []bot.Update
		for i := range 3 * want {
			before = append(before, update(i, fmt.Sprint(i)))
		}
		b := start(t, func(w *inbox.Worker) { w.AtOnce = most }, h, before...)
		b.waitFor(t, "as many at once as may be", func() bool { h.mu.Lock(); defer h.mu.Unlock(); return h.atOnce == want })
		left, err := b.store.Claim(t.Context(), "test", 4*want, 0, time.Now(), time.Minute)
		if err != nil || len(left) != 2*want {
			t.Errorf("told %d at once: %d are left for others, want %d (%v)", most, len(left), 2*want, err)
		}
		for _, u := range left {
			if _, err := b.store.Postpone(t.Context(), u, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		close(release)
		b.waitFor(t, "all handled", func() bool { return len(h.done()) == 3*want })
		if h.most != want {
			t.Errorf("told %d at once: %d, want %d", most, h.most, want)
		}
	}
}

func containsAll(in, all []string) bool {
	return !slices.ContainsFunc(all, func(s string) bool { return !slices.Contains(in, s) })
}

// TestSlowLane: pictures wait for pictures; words do not, and a danger waits not even for its own chat's.
func TestSlowLane(t *testing.T) {
	release := make(chan struct{})
	h := &handler{}
	h.do = func(_ context.Context, u bot.Update) error {
		if u.Lane == bot.Slow {
			<-release
		}
		return nil
	}
	var before []bot.Update
	for i := range 8 {
		before = append(before, inLane(update(i, fmt.Sprint("pictures", i)), bot.Slow))
	}
	b := start(t, nil, h, before...)
	for i := range 20 {
		b.receive(t, 100+i, fmt.Sprint("words", i))
	}
	danger := inLane(update(200, "pictures0"), bot.Danger)
	if _, err := b.Receive(context.Background(), danger); err != nil {
		t.Fatal(err)
	}
	b.waitFor(t, "words and the danger handled", func() bool { return len(h.done()) == 21 })
	h.mu.Lock()
	if h.atOnce > inbox.SlowAtOnce {
		t.Errorf("%d pictures at once", h.atOnce)
	}
	h.mu.Unlock()
	close(release)
	b.waitFor(t, "all handled", func() bool { return len(h.done()) == 29 })
}
