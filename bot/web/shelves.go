package web

import (
	"context"
	"sync"
	"time"

	"qiuzhen/knowledge"
)

// shelf is a button of the first page, with what is often asked of it.
type shelf struct {
	Name      string
	Topic     knowledge.Topic
	Group     knowledge.Group
	Questions []string
}

// allShelves are the six of the first page; those without a question are not shown.
var allShelves = []shelf{
	{Name: "健康", Topic: knowledge.Health},
	{Name: "防骗", Topic: knowledge.Fraud},
	{Name: "防灾", Topic: knowledge.Disaster},
	{Name: "谣言", Topic: knowledge.Rumour},
	{Name: "农业", Group: knowledge.Farmers},
	{Name: "劳动", Group: knowledge.Workers},
}

const (
	shelfQuestions = 5
	shelvesFresh   = 10 * time.Minute
	shelvesRetry   = 30 * time.Second
	shelvesWithin  = 3 * time.Second
)

// shelves are filled from the library now and then; while that is being done, or fails, the old ones are shown.
type shelves struct {
	filling sync.Mutex
	mu      sync.Mutex
	full    []shelf
	until   time.Time
}

func (s *shelves) get(c *Chat) []shelf {
	if c.Library == nil {
		return nil
	}
	full, stale := s.read(c.Now())
	if !stale || !s.filling.TryLock() {
		return full
	}
	defer s.filling.Unlock()
	fresh, err := fill(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = c.Now().Add(shelvesFresh)
	if err != nil {
		c.Log.Warn("no common questions", "error", err)
		s.until = c.Now().Add(shelvesRetry)
		return s.full
	}
	s.full = fresh
	return fresh
}

func (s *shelves) read(now time.Time) (full []shelf, stale bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full, !now.Before(s.until)
}

func fill(c *Chat) ([]shelf, error) {
	ctx, cancel := context.WithTimeout(context.Background(), shelvesWithin)
	defer cancel()
	var out []shelf
	for _, s := range allShelves {
		var err error
		if s.Questions, err = c.Library.CommonQuestions(ctx, s.Topic, s.Group, c.Unsigned, c.Now(), shelfQuestions); err != nil {
			return nil, err
		}
		if len(s.Questions) > 0 {
			out = append(out, s)
		}
	}
	return out, nil
}
