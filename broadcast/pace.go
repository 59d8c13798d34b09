package broadcast

import (
	"context"
	"sync"
	"time"
)

const (
	// margin of a channel's rate: messages start at even distances 10% longer than the rate asks for, each at most lateness after its slot. So in no
	// second more of them arrive than the rate allows, as long as the way takes no more than 50 ms longer for one than for another.
	margin   = 1.1
	lateness = 50 * time.Millisecond
	// blockOf is for how long a node takes slots at once: the channel's row is written 50 times a second and node at most.
	blockOf = 20 * time.Millisecond
)

// Pacing is how far apart messages of a channel of so many a second are sent.
func Pacing(rate float64) time.Duration {
	return time.Duration(margin / rate * float64(time.Second))
}

// pacer gives out the node's slots of a channel. A slot that is missed is lost, not made up for.
type pacer struct {
	channel string
	pace    Pace
	apart   time.Duration // 0: no limit
	mu      sync.Mutex
	next    time.Time
	left    int
}

func newPacer(pace Pace, c Capabilities) *pacer {
	p := &pacer{channel: c.Channel, pace: pace}
	if c.Rate > 0 {
		p.apart = Pacing(c.Rate)
	}
	return p
}

// wait returns at a slot.
func (p *pacer) wait(ctx context.Context) error {
	for p.apart > 0 {
		at, err := p.take(ctx)
		if err != nil {
			return err
		}
		sleep(ctx, time.Until(at))
		if ctx.Err() != nil || time.Since(at) <= lateness {
			break
		}
	}
	return ctx.Err()
}

func (p *pacer) take(ctx context.Context) (time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for ; p.left > 0; p.left-- {
			at := p.next
			p.next = at.Add(p.apart)
			if time.Since(at) <= lateness {
				p.left--
				return at, nil
			}
		}
		n := max(1, int(blockOf/p.apart))
		wait, err := p.pace.Reserve(ctx, p.channel, n, p.apart)
		if err != nil {
			return time.Time{}, err
		}
		p.next, p.left = time.Now().Add(wait), n
	}
}

// stepped reports whether the next slot lies further ahead than what all nodes can have taken: the clock was set back. Pace.Reserve then begins anew.
func (p *pacer) stepped(wait time.Duration) bool { return wait > SlotsAhead(p.apart) }

// SlotsAhead is how far ahead a channel's slots may be taken.
func SlotsAhead(apart time.Duration) time.Duration { return 10*time.Second + 100*apart }

// drop gives up the slots taken: the channel was silenced meanwhile.
func (p *pacer) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = 0
}

// recents remembers who was sent something just now.
type recents struct {
	apart time.Duration // 0: does not matter
	mu    sync.Mutex
	last  map[string]time.Time
}

const manyRecents = 10_000

// wait tells how long a recipient has to be left alone, and when that is no time, counts a message to them.
func (r *recents) wait(to string) time.Duration {
	if r.apart == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if left := r.apart - now.Sub(r.last[to]); left > 0 {
		return left
	}
	if r.last == nil || len(r.last) >= manyRecents {
		kept := map[string]time.Time{}
		for name, at := range r.last {
			if now.Sub(at) < r.apart {
				kept[name] = at
			}
		}
		r.last = kept
	}
	r.last[to] = now
	return 0
}
