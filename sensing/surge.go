package sensing

import (
	"cmp"
	"slices"
	"time"
)

// Windows are what is looked at, from now backwards: a quick surge shows in the first, a slow one in the second.
var Windows = [...]time.Duration{30 * time.Minute, 2 * time.Hour}

const (
	// Every is how often is looked.
	Every = 5 * time.Minute
	// CoolDown is how long after its last high count a surge is still the same one: people sleep, and go on in the morning.
	CoolDown = 24 * time.Hour
	// falseAlarms is how many a month there may be if all else were chance. It is divided by the tests of a month (Bonferroni): windows that
	// do not overlap, for every series that could have a surge at all.
	falseAlarms = 0.1
	// atLeast is by how much a surge exceeds the usual at least: what is unlikely but small needs nobody at night.
	atLeast = 3
	// goesOn is by how much an open surge exceeds the usual while it goes on.
	goesOn = 2
	// warmUp is how long the service has to have counted before anything is unusual.
	warmUp = 24 * time.Hour
	// mostly is which share of the readers whose county is known makes a surge one county's.
	mostly = 0.6
	// mostBusy bounds by how much a busy day of the whole service raises what is expected of each topic.
	mostBusy = 3
	// longestSurge is how much of an earlier surge is left out of the usual level; what lasts longer becomes usual.
	longestSurge = 48 * time.Hour
)

// Series are the readers of a topic in a place.
type Series struct {
	Topic   int64
	Where   Where
	Windows [len(Windows)]int // readers in each, up to now
	Placed  [len(Windows)]int // of those Everywhere: whose county is known
	Past    []Hour            // before; not asked for where there are fewer than Hidden in every window
}

// Surge is a topic that more readers ask about than usual.
type Surge struct {
	ID      int64
	Topic   int64
	Where   Where
	Mainly  Where     // of one Everywhere: the county that most come from whose county is known, once that is clear
	From    time.Time // the window that showed it begins
	Found   time.Time
	Last    time.Time // when its count was last high
	Readers int       // in that window
	Quick   int       // in the first of Windows
	Usual   float64   // expected in it
	Chance  float64   // of so many by chance
}

// Open reports whether the surge is still the same one if its topic is high now.
func (s Surge) Open(now time.Time) bool { return now.Sub(s.Last) < CoolDown }

// Look is all that is judged at one time.
type Look struct {
	Now    time.Time
	Since  time.Time // when the service began to count
	All    Series    // of all topics together, everywhere
	Series []Series  // with Hidden readers or more in a window
	Tests  int       // series that had as many readers at all in Past
	Surges []Surge   // of Past
}

// Verdict is what a look showed.
type Verdict struct {
	Begin  []Surge         // the least likely first
	GoOn   []int64         // surges that are open and high now
	Mainly map[int64]Where // where those are that were found everywhere
}

// Judge finds the surges that begin now, and those that go on.
func (l Look) Judge() Verdict {
	v := Verdict{Mainly: map[int64]Where{}}
	if l.Now.Sub(l.Since) < warmUp {
		return v
	}
	profile := NewProfile(l.All.Past)
	j := judge{Look: l, profile: &profile, all: NewUsual(l.All.Past, l.Since, l.Now, nil, &profile)}
	j.perTest = falseAlarms / (float64(max(l.Tests, 1)) * float64(len(Windows)) * float64(30*24*time.Hour/Windows[0]))
	found := map[int64][]Surge{}
	for _, s := range l.Series {
		j.series(s, &v, found)
	}
	for topic, surges := range found {
		v.Begin = append(v.Begin, l.places(topic, surges)...)
	}
	slices.SortFunc(v.Begin, func(a, b Surge) int {
		return cmp.Or(cmp.Compare(a.Chance, b.Chance), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Where, b.Where))
	})
	return v
}

// judge is a look with what all its series are judged by.
type judge struct {
	Look
	profile *Profile
	all     Usual
	perTest float64
}

func (j judge) series(s Series, v *Verdict, found map[int64][]Surge) {
	usual := NewUsual(s.Past, j.Since, j.Now, j.spans(s.Topic), j.profile)
	for i, window := range Windows {
		n := s.Windows[i]
		if n < Hidden {
			continue
		}
		expected := usual.Expect(j.Now, window)
		expected *= j.busy(i, n, expected, j.all)
		if open := j.open(s.Topic, s.Where); open != nil {
			if float64(n) >= goesOn*expected && !slices.Contains(v.GoOn, open.ID) {
				v.GoOn = append(v.GoOn, open.ID)
			}
			if open.Where == Everywhere && s.Where != Everywhere && j.most(s.Topic, i, n) {
				v.Mainly[open.ID] = s.Where
			}
			continue
		}
		if chance := usual.Chance(n, expected); chance < j.perTest && float64(n) >= atLeast*expected {
			found[s.Topic] = append(found[s.Topic], Surge{
				Topic: s.Topic, Where: s.Where, From: j.Now.Add(-window), Found: j.Now, Last: j.Now, Readers: n, Quick: s.Windows[0], Usual: expected, Chance: chance,
			})
			return
		}
	}
}

// busy is by how much the rest of the service is busier than usual, 1 at least: on a day when everybody asks, every topic has more readers.
func (l Look) busy(window, readers int, expected float64, all Usual) float64 {
	rest := all.Expect(l.Now, Windows[window]) - expected
	if rest <= 1 {
		return 1
	}
	return min(max(float64(l.All.Windows[window]-readers)/rest, 1), mostBusy)
}

// open is the surge that a series' high count belongs to: its own, or one of the topic everywhere; everywhere is also that of any county.
func (l Look) open(topic int64, where Where) *Surge {
	for i, s := range l.Surges {
		if s.Topic == topic && s.Open(l.Now) && (s.Where == where || s.Where == Everywhere || where == Everywhere) {
			return &l.Surges[i]
		}
	}
	return nil
}

// spans are the earlier surges of a topic, anywhere.
func (l Look) spans(topic int64) (out []Span) {
	for _, s := range l.Surges {
		if s.Topic == topic {
			to := s.Last.Add(Windows[len(Windows)-1])
			if most := s.From.Add(longestSurge); to.After(most) {
				to = most
			}
			out = append(out, Span{s.From, to})
		}
	}
	return out
}

// places makes one surge of what one topic's series show at once: of a county when it is one county's, else of everywhere.
func (l Look) places(topic int64, surges []Surge) []Surge {
	var counties, everywhere []Surge
	for _, s := range surges {
		if s.Where == Everywhere {
			everywhere = append(everywhere, s)
		} else {
			counties = append(counties, s)
		}
	}
	if len(everywhere) == 0 {
		return counties
	}
	if len(counties) == 1 {
		window := slices.Index(Windows[:], l.Now.Sub(counties[0].From))
		if l.most(topic, window, counties[0].Readers) {
			return counties
		}
	}
	return everywhere
}

// most reports whether so many are most of the topic's readers whose county is known.
func (l Look) most(topic int64, window, readers int) bool {
	for _, s := range l.Series {
		if s.Topic == topic && s.Where == Everywhere {
			return float64(readers) >= mostly*float64(s.Placed[window])
		}
	}
	return false
}
