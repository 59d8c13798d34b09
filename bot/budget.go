package bot

import (
	"context"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Budgets are what all nodes together do so many times a minute.
type Budgets interface {
	// Spend takes one of what a budget allows now. The same update takes one, however often it comes and to whichever node, while it is one of the
	// last UpdatesCounted; one that is empty is always another.
	Spend(ctx context.Context, b Budget, update string, urgent bool) (Spent, error)
}

// UpdatesCounted is how many updates a budget remembers: those of some minutes. Telegram brings one again when the inbox could not store it.
const UpdatesCounted = 64

// Budget is something that is done for somebody at most AtOnce times at once and then AMinute times a minute, evenly: a minute holds at most the sum. What
// is urgent comes first: it finds Reserve more at once, which what is not waits for.
type Budget struct {
	Channel, Name string // for whom: the channel's name
	What          string
	AMinute       int
	AtOnce        int // at most AMinute
	Reserve       int
}

// Share is how long one takes of the minute, in whole microseconds, as databases count.
func (b Budget) Share() time.Duration {
	return (time.Minute / time.Duration(b.AMinute)).Truncate(time.Microsecond)
}

// Ahead is how much time may be taken ahead.
func (b Budget) Ahead(urgent bool) time.Duration {
	n := b.AtOnce
	if urgent {
		n += b.Reserve
	}
	return time.Duration(n) * b.Share()
}

// Spent is what a budget said.
type Spent struct {
	May     bool
	Due     time.Duration // if not: nothing new is let in for so long; 0: ask again
	Counted []string      // if not: the updates that pass meanwhile, since they were counted
}

// refusedGroups is how many are remembered; one forgotten costs a statement.
const refusedGroups = 1 << 10

// refusals remember which budgets are used up and for how long, so that a flood is refused without asking the database for each message of it. They are
// safe for concurrent use.
type refusals struct{ known *lru.Cache[budgetOf, usedUp] }

type budgetOf struct {
	channel, name, what string
	urgent              bool
}

type usedUp struct {
	until   time.Time
	counted []string
}

func newRefusals() refusals {
	known, _ := lru.New[budgetOf, usedUp](refusedGroups) // fails on a size below one only
	return refusals{known}
}

// say is what a budget would say, when that is known.
func (r refusals) say(b Budget, update string, urgent bool, now time.Time) (may, known bool) {
	of, ok := r.known.Get(b.of(urgent))
	if !ok || !now.Before(of.until) {
		return false, false
	}
	return update != "" && slices.Contains(of.counted, update), true
}

// add remembers what a budget said. An older word in place of a newer one ends sooner, and costs a statement.
func (r refusals) add(b Budget, urgent bool, s Spent, now time.Time) {
	if !s.May && s.Due > 0 {
		r.known.Add(b.of(urgent), usedUp{now.Add(s.Due), s.Counted})
	}
}

func (b Budget) of(urgent bool) budgetOf { return budgetOf{b.Channel, b.Name, b.What, urgent} }
