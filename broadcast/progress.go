package broadcast

import (
	"math/rand/v2"
	"time"
)

const (
	dueEvery   = 500 * time.Millisecond
	sweepEvery = 10 * time.Second
	// late is how long after its time a due delivery may become visible: a transaction under way.
	late = 5 * time.Second
)

// progress is how far a worker is with a broadcast. It goes on behind its last claim, whose dead index entries an open snapshot (a backup's) would
// keep for a while; from time to time it looks from the beginning, for what a claim that was never committed left behind.
type progress struct {
	after    int64     // the last number claimed
	dryUntil time.Time // nothing was left to claim
	dueAt    time.Time // when what is due was last looked for, to the end
	asked    time.Time
	sweptAt  time.Time // when it was looked from the beginning
}

func (p *progress) dry() bool { return time.Now().Before(p.dryUntil) }

// ask completes what a turn asks for.
func (p *progress) ask(t *Turn, id int64) {
	now := time.Now()
	sweep := now.Sub(p.sweptAt) >= sweepEvery
	t.Broadcast, t.After, t.Due = id, p.after, sweep || now.Sub(p.dueAt) >= dueEvery
	switch {
	case sweep:
		t.After = 0
	case t.Due:
		t.DueSince = now.Sub(p.dueAt) + late
	}
	p.asked = now
}

// got notes what it brought; when that was all there is, the broadcast rests.
func (p *progress) got(t Turn, claimed []Claimed, rest time.Duration) {
	due, before := 0, p.after
	for _, c := range claimed {
		if c.Fresh {
			p.after = max(p.after, c.N)
		} else {
			due++
		}
	}
	all := len(claimed) < t.Want
	if t.Due && due < t.Want {
		p.dueAt = p.asked
		if t.DueSince == 0 && (all || p.after > before) {
			p.sweptAt = p.asked
		}
	}
	switch {
	case all && t.Due:
		p.dryUntil = time.Now().Add(rest)
	case all: // before it counts as dry, what is due is looked for
		p.dueAt = p.asked.Add(-dueEvery)
	}
}

// How long is waited at most between two tries: for a node that reaches nobody, for what was not taken, and for what may have been and comes twice
// with every try.
const (
	mostAway     = time.Minute
	mostBackOff  = 5 * time.Minute
	mostUnclear  = 15 * time.Minute
	doublingEnds = 10
)

// backOff grows with the tries, from about 2 seconds to most, with half of it left to chance.
func backOff(tries int, most time.Duration) time.Duration {
	d := min(time.Second<<min(max(tries, 1), doublingEnds), most)
	return d/2 + rand.N(d) //nolint:gosec // no secret
}
