package bot

import (
	"context"
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

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
// said. Messages are known by their hash.
type Recent struct {
	Answerer
	edition Edition
	now     func() time.Time
	kept    *lru.Cache[[sha256.Size]byte, conclusion]
}

type conclusion struct {
	edition int64
	at      time.Time
	result  retrieval.Result
}

// NewRecent remembers what a concludes.
func NewRecent(a Answerer, e Edition, now func() time.Time) *Recent {
	kept, _ := lru.New[[sha256.Size]byte, conclusion](recentKept) // fails on a size below one only
	return &Recent{a, e, now, kept}
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
	if c, ok := r.kept.Get(key); ok && c.edition == edition && r.now().Sub(c.at) < recentFor {
		if result, ok := r.again(ctx, c.result); ok {
			return result, nil
		}
	}
	result, err := r.Answerer.Answer(ctx, m)
	if err != nil {
		return result, err
	}
	result.Ranking = nil // large, and nobody's who talks
	r.kept.Add(key, conclusion{edition, r.now(), result})
	return result, nil
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
