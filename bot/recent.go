package bot

import (
	"context"
	"crypto/sha256"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"qiuzhen/retrieval"
)

// Edition tells whether content has changed; *postgres.Store does.
type Edition interface {
	// Edition grows with each change of content, on whichever node.
	Edition(ctx context.Context) (int64, error)
}

const (
	recentKept = 2048
	recentFor  = time.Minute // a model that is replaced, statistics that are folded: no change of content, and soon seen all the same
)

// Recent concludes once on what many send in the same words, as forwards are: a search costs the model and the database some thirty times as much. A
// conclusion holds until content changes anywhere, or for a minute; what it quotes is loaded anew each time, so that what has expired is not
// said. Messages are known by their hash. Those that come while one of the same words is searched for wait for its conclusion.
type Recent struct {
	Answerer
	edition  Edition
	now      func() time.Time
	kept     *lru.Cache[[sha256.Size]byte, conclusion]
	searches singleflight.Group
	line     *line // of searches
}

// searchesAtOnce for each core: more at once take as long in all, and each of them longer. Of those who wait the message that was sent first is
// searched for first, whatever the channel: one that answers eight readers at a time would wait for one that answers sixty-four.
const searchesAtOnce = 2

// mostAhead is how much earlier than those who ask now a message may count as sent: what has waited through an outage goes before those of the last
// five seconds, and not before who has waited longer than that here.
const mostAhead = 5 * time.Second

// searchTime bounds a search that others wait for: it does not end with the message that began it.
const searchTime = 30 * time.Second

type conclusion struct {
	edition int64
	at      time.Time
	result  retrieval.Result
}

// NewRecent remembers what a concludes.
func NewRecent(a Answerer, e Edition, now func() time.Time) *Recent {
	kept, _ := lru.New[[sha256.Size]byte, conclusion](recentKept) // fails on a size below one only
	return &Recent{Answerer: a, edition: e, now: now, kept: kept, line: newLine(searchesAtOnce * runtime.GOMAXPROCS(0))}
}

var anyLink = regexp.MustCompile(`(?i)https?:|www\.`)

// Answer concludes on a message, or has done so a moment ago. What a link leads to may have changed, so that it is looked at each time.
func (r *Recent) Answer(ctx context.Context, m retrieval.Message) (retrieval.Result, error) {
	if anyLink.MatchString(m.Text) {
		return r.Answerer.Answer(ctx, m)
	}
	edition, err := r.edition.Edition(ctx) // before the search: what changes meanwhile makes the conclusion void
	if err != nil {
		return retrieval.Result{}, err
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%q %s", m.Regions, m.Text))
	if c, ok := r.current(key, edition); ok {
		if result, ok := r.again(ctx, c); ok {
			return result, nil
		}
		r.kept.Remove(key)
	}
	return r.search(ctx, key, edition, m)
}

// current is what was concluded on a message a moment ago.
func (r *Recent) current(key [sha256.Size]byte, edition int64) (retrieval.Result, bool) {
	c, ok := r.kept.Get(key)
	return c.result, ok && c.edition == edition && r.now().Sub(c.at) < recentFor
}

// search concludes on a message, or waits for who does so already: not for longer than the reader does, and it goes on for the others when the one
// who began it is gone.
func (r *Recent) search(ctx context.Context, key [sha256.Size]byte, edition int64, m retrieval.Message) (retrieval.Result, error) {
	found := r.searches.DoChan(fmt.Sprintf("%x %d", key, edition), func() (any, error) {
		if c, ok := r.current(key, edition); ok { // another has ended between the look and this
			return c, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), searchTime)
		defer cancel()
		result, err := r.concluded(ctx, m)
		if err == nil {
			r.kept.Add(key, conclusion{edition, r.now(), result})
		}
		return result, err
	})
	select {
	case f := <-found:
		result, _ := f.Val.(retrieval.Result)
		result.Answers, result.Candidates = slices.Clone(result.Answers), slices.Clone(result.Candidates) // others have them too
		return result, f.Err
	case <-ctx.Done():
		return retrieval.Result{}, ctx.Err()
	}
}

// concluded is a conclusion without its ranking, which is large, and nobody's who talks. A panic is an error: in a goroutine of the group it would end
// the process, and no message may do that.
func (r *Recent) concluded(ctx context.Context, m retrieval.Message) (result retrieval.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("search: panic: %T", p) // its value may hold the reader's words
		}
	}()
	if patternDanger(m.Text) == nil { // a danger waits for nobody
		if err := r.line.enter(ctx, r.since(m)); err != nil {
			return result, err
		}
		defer r.line.leave()
	}
	result, err = r.Answerer.Answer(ctx, m)
	result.Ranking = nil
	return result, err
}

// since is when a message began to wait, as far as that counts. Platforms' clocks count whole seconds.
func (r *Recent) since(m retrieval.Message) time.Time {
	now := r.now()
	at, earliest := asOf(m.At, now), now.Add(-mostAhead)
	if at.Before(earliest) {
		return earliest
	}
	return at
}

// again is a conclusion with what it quotes as it is now; false when some of that is not served any more.
func (r *Recent) again(ctx context.Context, c retrieval.Result) (retrieval.Result, bool) {
	shown := append(refs(c.Answers), refs(c.Candidates)...)
	if len(shown) == 0 {
		return c, true
	}
	stored, err := r.Load(ctx, shown)
	if err != nil || len(stored) != len(shown) {
		return c, false
	}
	c.Answers, c.Candidates = slices.Clone(c.Answers), slices.Clone(c.Candidates)
	for i := range c.Answers {
		c.Answers[i].Stored = stored[i]
	}
	for i := range c.Candidates {
		c.Candidates[i].Stored = stored[len(c.Answers)+i]
	}
	return c, true
}

// Danger sees dangers without a search.
func (r *Recent) Danger(ctx context.Context, message string) (*retrieval.Urgent, error) {
	if a, ok := r.Answerer.(alarm); ok {
		return a.Danger(ctx, message)
	}
	return nil, nil
}
