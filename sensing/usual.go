package sensing

import (
	"math"
	"slices"
	"time"
)

const (
	// Past is how far back the usual level looks: four of each hour of the week.
	Past = 28 * 24 * time.Hour
	// Gap is left out before now: a surge must not raise its own usual level.
	Gap = 3 * time.Hour
	// halfLife is how old a count is when it counts half.
	halfLife = 7 * 24 * time.Hour
	// hoursOfWeek are what days and nights differ by.
	hoursOfWeek = 7 * 24
	// priorReaders and priorHours are what a topic is thought to have had before anything is known of it: half a reader in ten hours.
	priorReaders, priorHours = 0.5, 10
	// steadiest bounds how sure the usual level ever is: a topic's readers vary more than by chance (a programme on television, an article), so
	// that the variance is at least mean + mean²/steadiest.
	steadiest = 8
	// smoothing is how many readers each hour of the week is thought to have had, so that a young service has a flat week.
	smoothing = 2
)

// Hour is how many readers asked in the hour that begins then.
type Hour struct {
	At      time.Time
	Readers int
}

// Profile is how busy each hour of the week is, 1 on average. It is that of all topics together: a single one has too few readers to show it.
type Profile [hoursOfWeek]float64

// hourOfWeek is that of China of an hour since 1970, which began on a Thursday; Sunday's first is 0.
func hourOfWeek(hour int64) int { return int((hour + 8 + 4*24) % hoursOfWeek) }

// hourOf counts hours since 1970.
func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// NewProfile learns it from the hours of all topics together.
func NewProfile(all []Hour) (p Profile) {
	sum := 0.0
	var raw Profile
	for _, h := range all {
		raw[hourOfWeek(hourOf(h.At))] += float64(h.Readers)
	}
	for i := range raw { // the hour before and after say something of it too
		before, after := raw[(i+hoursOfWeek-1)%hoursOfWeek], raw[(i+1)%hoursOfWeek]
		p[i] = smoothing + (before+2*raw[i]+after)/4
		sum += p[i]
	}
	for i := range p {
		p[i] *= hoursOfWeek / sum
	}
	return p
}

// Span is from a time to another.
type Span struct{ From, To time.Time }

// Usual is what a topic's readers usually are: a gamma distribution of their rate in an hour of average business, and what they were at the same
// hour of earlier weeks.
type Usual struct {
	readers, hours float64
	profile        *Profile
	counts         map[int64]int // by hour since 1970
}

// NewUsual learns it from the hours in which anybody asked; since is when the service began to count. Hours in the spans are left out: earlier
// surges are not usual. Newer hours count more (half-life a week), so that it follows what changes slowly.
func NewUsual(asked []Hour, since, now time.Time, surges []Span, p *Profile) Usual {
	u := Usual{readers: priorReaders, hours: priorHours, profile: p, counts: make(map[int64]int, len(asked))}
	for _, h := range asked {
		u.counts[hourOf(h.At)] += h.Readers
	}
	first, last := hourOf(later(since, now.Add(-Past))), hourOf(now.Add(-Gap))
	weight := math.Exp2(-float64(hourOf(now)-first) / halfLife.Hours())
	newer := math.Exp2(1 / halfLife.Hours())
	for hour := first; hour < last; hour, weight = hour+1, weight*newer {
		if len(surges) > 0 && within(time.Unix(hour*3600, 0), surges) {
			continue
		}
		u.hours += weight * p[hourOfWeek(hour)]
		u.readers += weight * float64(u.counts[hour])
	}
	return u
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func within(at time.Time, spans []Span) bool {
	for _, s := range spans {
		if at.Add(time.Hour).After(s.From) && at.Before(s.To) {
			return true
		}
	}
	return false
}

// step is how finely windows are laid over hours.
const step = 5 * time.Minute

// Expect is how many readers usually come in the window that ends then. What came at the same hour of the week twice before is usual as well, be it
// far from what the topic has on other days: a programme on television each Sunday.
func (u Usual) Expect(end time.Time, window time.Duration) float64 {
	load := 0.0
	var weeks [int(Past / (hoursOfWeek * time.Hour))]float64
	for at := end.Add(-window); at.Before(end); at = at.Add(step) {
		hour := hourOf(at)
		load += u.profile[hourOfWeek(hour)] * step.Hours()
		for i := range weeks {
			weeks[i] += float64(u.counts[hour-int64(i+1)*hoursOfWeek]) * step.Hours()
		}
	}
	slices.Sort(weeks[:])
	return max(u.readers/u.hours*load, weeks[len(weeks)-2])
}

// Chance is the probability of so many readers or more where so many are expected: the tail of the negative binomial distribution, which is
// what a gamma of rates makes of Poisson counts.
func (u Usual) Chance(readers int, expected float64) float64 {
	r := min(u.readers, steadiest)
	return tail(readers, r, expected)
}

// tail is P(X >= k) of the negative binomial with the size r and the mean mu, summed from k upwards, so that it stays exact when it is tiny.
func tail(k int, r, mu float64) float64 {
	if k <= 0 {
		return 1
	}
	p := mu / (r + mu)
	n := float64(k)
	a, _ := math.Lgamma(n + r)
	b, _ := math.Lgamma(r)
	c, _ := math.Lgamma(n + 1)
	term := math.Exp(a - b - c + n*math.Log(p) + r*math.Log1p(-p))
	sum := 0.0
	for i := 0; i < 10_000; i++ {
		sum += term
		n++
		term *= p * (n - 1 + r) / n
		if term < sum*1e-12 && n > mu {
			break
		}
	}
	return min(sum, 1)
}
