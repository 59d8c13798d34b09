//go:build !race

package sensing_test

import (
	"context"
	"slices"
	"time"

	"qiuzhen/sensing"
)

// counts is in memory what package postgres keeps in tables.
type counts struct {
	w        *world
	clusters *sensing.Clusters
	topics   []int64 // of each message
	last     int64
	hours    map[key][]sensing.Hour // in order
	now      map[key]map[int64]bool // readers of the last of them
	total    map[key]int
	all      []sensing.Hour
	recent   map[key][]recent
	surges   []sensing.Surge
}

type key struct {
	topic int64
	where sensing.Where
}

func newCounts(w *world, e sensing.Embedder) *counts {
	return &counts{
		w: w, clusters: sensing.NewClusters(nil, e), topics: make([]int64, len(w.messages)),
		hours: map[key][]sensing.Hour{}, now: map[key]map[int64]bool{}, total: map[key]int{}, recent: map[key][]recent{},
	}
}

func (c *counts) take(ctx context.Context, i int) error {
	m := c.w.messages[i]
	topic, about, err := c.clusters.Find(ctx, m)
	if err != nil || !about {
		return err
	}
	if topic == 0 {
		c.last++
		topic = c.last
		c.clusters.Add(sensing.Topic{ID: topic, Entry: m.Entry, Words: m.Text})
	}
	c.topics[i] = topic
	if s := c.w.of[i]; s != nil {
		s.topics[topic]++
	}
	for _, where := range slices.Compact([]sensing.Where{sensing.Everywhere, sensing.Where(m.County)}) {
		k := key{topic, where}
		c.recent[k] = append(c.recent[k], recent{m.At, m.Reader, m.County != ""})
		if c.hours[k] = begun(c.hours[k], m.At); c.hours[k][len(c.hours[k])-1].Readers == 0 {
			c.now[k] = map[int64]bool{}
		}
		if c.now[k][m.Reader] {
			continue
		}
		c.now[k][m.Reader] = true
		c.hours[k][len(c.hours[k])-1].Readers++
		c.total[k]++
		if where == sensing.Everywhere {
			c.all = begun(c.all, m.At)
			c.all[len(c.all)-1].Readers++
		}
	}
	return nil
}

// begun has the hour of a time as its last.
func begun(hours []sensing.Hour, at time.Time) []sensing.Hour {
	hour := at.Truncate(time.Hour)
	if n := len(hours); n > 0 && hours[n-1].At.Equal(hour) {
		return hours
	}
	return append(hours, sensing.Hour{At: hour})
}

// recent is who asked in the last two hours.
type recent struct {
	at     time.Time
	reader int64
	placed bool
}

// readersSince counts each once.
func readersSince(asked []recent, from time.Time) (n, placed int) {
	seen := map[int64]bool{}
	for _, r := range asked {
		if r.at.After(from) && !seen[r.reader] {
			seen[r.reader] = true
			n++
			if r.placed {
				placed++
			}
		}
	}
	return n, placed
}

func (c *counts) look(now time.Time) sensing.Look {
	l := sensing.Look{Now: now, Since: begin}
	for k, asked := range c.recent {
		keep := asked[:0]
		for _, r := range asked {
			if now.Sub(r.at) < sensing.Windows[1] {
				keep = append(keep, r)
			}
		}
		if c.recent[k] = keep; len(keep) == 0 {
			delete(c.recent, k)
		}
		s := sensing.Series{Topic: k.topic, Where: k.where}
		for w, window := range sensing.Windows {
			if k.where == sensing.Everywhere || len(keep) >= sensing.Hidden {
				s.Windows[w], s.Placed[w] = readersSince(keep, now.Add(-window))
			}
			if k.where == sensing.Everywhere {
				l.All.Windows[w] += s.Windows[w]
			}
		}
		if slices.Max(s.Windows[:]) >= sensing.Hidden {
			s.Past = past(c.hours[k], now)
			l.Series = append(l.Series, s)
		}
	}
	if len(l.Series) == 0 {
		return l
	}
	l.All.Past = past(c.all, now)
	for _, n := range c.total {
		if n >= sensing.Hidden {
			l.Tests++
		}
	}
	for _, s := range c.surges {
		if now.Sub(s.From) <= sensing.Past {
			l.Surges = append(l.Surges, s)
		}
	}
	return l
}

// file keeps what a look showed: a surge that is another's wording is none of its own.
func (c *counts) file(ctx context.Context, v sensing.Verdict, now time.Time) error {
	for _, id := range v.GoOn {
		c.surges[id-1].Last = now
	}
	for id, where := range v.Mainly {
		c.surges[id-1].Mainly = where
	}
	for _, s := range v.Begin {
		kin, told, err := c.clusters.Told(ctx, s, c.surges)
		if err != nil {
			return err
		}
		if kin != 0 {
			c.join(s.Topic, kin)
		}
		if told {
			continue
		}
		s.ID = int64(len(c.surges) + 1)
		c.surges = append(c.surges, s)
	}
	return nil
}

// join gives a topic's readers to the one that it is a part of.
func (c *counts) join(topic, to int64) {
	c.clusters.Join(topic, to)
	for k, asked := range c.recent {
		if k.topic == topic {
			root := key{to, k.where}
			c.recent[root] = append(c.recent[root], asked...)
			delete(c.recent, k)
		}
	}
	for _, s := range c.w.plantedAt {
		s.topics[to] += s.topics[topic]
	}
}

// past are the hours that the usual level looks at.
func past(hours []sensing.Hour, now time.Time) []sensing.Hour {
	from, _ := slices.BinarySearchFunc(hours, now.Add(-sensing.Past), func(h sensing.Hour, t time.Time) int { return h.At.Compare(t) })
	return hours[from:]
}
