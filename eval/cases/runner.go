package cases

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"qiuzhen/bot"
)

// Desk answers a reader's message; *bot.Desk is one.
type Desk interface {
	Handle(ctx context.Context, m bot.Message) (bot.Reply, error)
}

// Runner asks cases as readers do: each by a reader of its own, over its channel, on its day.
type Runner struct {
	// Desk makes a desk that takes now for the time. Each case has one, so that none waits for another's limits.
	Desk     func(now func() time.Time) Desk
	Channels map[string]bot.Channel
	Content  Content
	Workers  int // cases asked at once; 0: one
	// Done are outcomes of a run that was interrupted: those cases are not asked again.
	Done []Outcome
	// Keep stores an outcome as it comes; nil: nothing is stored. It may be called by several at once.
	Keep     func(ctx context.Context, o Outcome) error
	Progress func(done, total int)
}

// Run gives the outcomes by case id. When ctx ends, what was kept is what can be gone on with.
func (r Runner) Run(ctx context.Context, all []Case) ([]Outcome, error) {
	before := map[string]Outcome{}
	for _, o := range r.Done {
		if o.Error == "" { // what failed may have been the database's trouble
			before[o.Case.ID] = o
		}
	}
	outcomes := make([]Outcome, len(all))
	count := counter{progress: r.Progress, total: len(all)}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, r.Workers))
	for i, c := range all {
		if o, ok := before[c.ID]; ok {
			outcomes[i] = o
			outcomes[i].Case = c // how far its review has come may have changed
			count.one()
			continue
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			o, err := r.ask(ctx, c)
			if err != nil {
				return err
			}
			outcomes[i] = o
			if r.Keep != nil {
				if err := r.Keep(ctx, o); err != nil {
					return fmt.Errorf("keep the outcome of %s: %w", c.ID, err)
				}
			}
			count.one()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(outcomes, func(a, b Outcome) int { return compareIDs(a, b) })
	return outcomes, nil
}

const (
	// askedAt: the middle of a working day in China, so that the day is the same one everywhere.
	askedAt = 10*time.Hour - 8*time.Hour
	// betweenTurns is how long a reader takes to read a reply and to write again.
	betweenTurns = 40 * time.Second
)

// ask has the conversation of a case. Only that the run is interrupted is an error; what else fails is the case's outcome.
func (r Runner) ask(ctx context.Context, c Case) (Outcome, error) {
	o := Outcome{Case: c, Decision: "abstain", Answers: []Answer{}, Offered: []string{}, Candidates: []Candidate{}}
	day, err := time.Parse(time.DateOnly, c.AsOf)
	channel, ok := r.Channels[c.Channel]
	if err != nil || !ok {
		o.Error = fmt.Sprintf("cannot be asked: as_of %q, channel %q", c.AsOf, c.Channel)
		return o, nil
	}
	now := day.Add(askedAt)
	desk := r.Desk(func() time.Time { return now })
	var reply bot.Reply
	for _, turn := range c.Turns {
		start := time.Now()
		reply, err = desk.Handle(ctx, bot.Message{Via: channel, Reader: "case " + c.ID, Text: turn, At: now})
		o.TookMS = float64(time.Since(start).Microseconds()) / 1000
		if ctx.Err() != nil {
			return o, ctx.Err()
		}
		if err != nil {
			o.Error = err.Error()
			return o, nil
		}
		now = now.Add(betweenTurns)
	}
	r.Content.describe(&o, reply, now)
	return o, nil
}

// counter tells of progress, in order.
type counter struct {
	mu          sync.Mutex
	done, total int
	progress    func(done, total int)
}

func (c *counter) one() {
	if c.progress == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	c.progress(c.done, c.total)
}
