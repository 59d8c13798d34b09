package broadcast_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"qiuzhen/bot/telegram/telegramtest"
	"qiuzhen/broadcast"
)

const (
	official = 25 // messages a second that broadcasts keep to on Telegram: broadcast.Limits
	silences = 5  // that the platform asks for on the way
	// underway: calls that began before the answer was known to both nodes. A node looks no longer than 20 ms before each message.
	underway = 100 * time.Millisecond
)

// TestKilled: two nodes that send by the real client to Telegram's stand-in, whose limits are a multiple of the real ones, are killed at random points of their
// way, 20 times. Nothing is lost, at most 8 messages a kill go out twice, what a killed node held is sent within 30 seconds, in no second more messages leave than
// the rate allows, and none within a silence that Telegram asked for.
func TestKilled(t *testing.T) {
	const kills = 20
	n := size(t, 1000)
	k := killing{t: t, lease: time.Second, factor: 15, silence: time.Second}
	if n > 1000 {
		k.lease, k.factor, k.silence = 15*time.Second, 60, 3*time.Second // the lease as it ships
	}
	k.start(n)
	begin := time.Now()
	k.run(n, kills)
	took := time.Since(begin)
	lost, twice := k.taken(n)
	rate, most := official*k.factor, k.busiest()
	r := k.refusals()
	fmt.Printf("%d recipients at Telegram's %d/s times %d by the real client, %d kills -9 of two nodes, in %.1f s: %d lost, %d sent twice (%.1f a kill), "+
		"resumed at most %.1f s after a kill, busiest second %d of %d; %d silences, %d answers 429, the last call %d ms after one, %d before retry_after\n",
		n, official, k.factor, kills, took.Seconds(), lost, twice, float64(twice)/kills, (k.lease + k.overdue).Seconds(), most, rate,
		silences, r.n, r.latest.Milliseconds(), r.broken)
	switch {
	case lost > 0 || twice > 8*kills:
		t.Errorf("%d lost, %d twice", lost, twice)
	case len(k.deaths) < kills:
		t.Errorf("%d kills only", len(k.deaths))
	case k.lease+k.overdue > 30*time.Second:
		t.Errorf("resumed after %v", k.lease+k.overdue)
	case most > rate:
		t.Errorf("%d in a second", most)
	case r.n < silences || r.broken > 0:
		t.Errorf("%d answers 429, %d calls before retry_after", r.n, r.broken)
	}
}

// killing is a broadcast whose nodes are killed.
type killing struct {
	t       *testing.T
	factor  int // of Telegram's limits, so that it ends soon
	lease   time.Duration
	silence time.Duration

	w       *world
	api     *telegramtest.Server
	id      int64
	deaths  []time.Time
	overdue time.Duration // the longest that an ended lease was not taken over
}

func (k *killing) start(n int) {
	k.w, k.api = newWorld(k.t, n), telegramtest.New()
	k.t.Cleanup(k.api.Close)
	k.api.Limits.All *= k.factor
	k.w.exec(k.t, `UPDATE readers SET name = substr(name, 2)`) // Telegram's names are numbers
	k.id = k.w.approve(k.t, alert())                           // the nodes fan out
}

// run keeps two nodes alive, and lets the platform ask for silence from time to time, until the broadcast is done.
func (k *killing) run(n, kills int) {
	random := rand.New(rand.NewPCG(1, 2))
	points := n / kills * 2 // a message passes about three of them
	apart := k.silence + time.Duration(n)*broadcast.Pacing(float64(official*k.factor))/(silences+1)
	died := make(chan int, 2)
	started, silenced, next := 0, 0, time.Now().Add(apart)
	launch := func(i int) {
		dies := 0
		if started < kills {
			dies = 1 + random.IntN(points)
		}
		started++
		node := startChild(k.t, k.w, k.lease, childAddress+"="+k.api.URL, childFactor+"="+strconv.Itoa(k.factor), childDies+"="+strconv.Itoa(dies))
		go func() { <-node.ended; died <- i }()
	}
	launch(0)
	launch(1)
	for end := time.Now().Add(5*time.Minute + time.Duration(n)*time.Millisecond*5); k.w.state(k.t, k.id) != knowledgeDone; {
		select {
		case i := <-died:
			k.deaths = append(k.deaths, time.Now())
			launch(i)
		case <-time.After(50 * time.Millisecond):
			late := value[float64](k.t, k.w, `SELECT coalesce(extract(epoch FROM max(now() - leased_to)), 0)::float8 FROM deliveries WHERE state = 'claimed'`)
			k.overdue = max(k.overdue, time.Duration(late*float64(time.Second)))
			if time.Now().After(end) {
				k.t.Fatalf("not done: %v, %d kills", k.w.states(k.t, k.id), len(k.deaths))
			}
		}
		if silenced < silences && time.Now().After(next) {
			k.api.Silence(k.silence)
			silenced, next = silenced+1, time.Now().Add(apart)
		}
	}
}

// taken counts who has no message, and the messages that somebody has too many.
func (k *killing) taken(n int) (lost, twice int) {
	for chat := range n {
		switch times := len(k.api.Messages(int64(chat + 1))); times {
		case 0:
			lost++
		default:
			twice += times - 1
		}
	}
	return lost, twice
}

func (k *killing) busiest() int {
	var times []time.Time
	for _, c := range k.api.Calls() {
		times = append(times, c.At)
	}
	return busiest(times)
}

// refusals are the answers 429 and the calls that did not heed them.
type refusals struct {
	n      int
	latest time.Duration // of a call that was under way when one was given
	broken int
}

// refusals looks at each answer 429 for calls between it and its retry_after. What only a node knew that died with it nobody can heed.
func (k *killing) refusals() (r refusals) {
	calls := k.api.Calls()
	for i, c := range calls {
		if c.Status != 429 {
			continue
		}
		r.n++
		if slices.ContainsFunc(k.deaths, func(at time.Time) bool { since := at.Sub(c.At); return since >= 0 && since < 2*underway }) {
			continue
		}
		for _, later := range calls[i+1:] {
			since := later.At.Sub(c.At)
			if since >= time.Duration(c.Retry)*time.Second {
				break
			}
			if since > underway {
				r.broken++
				continue
			}
			r.latest = max(r.latest, since)
		}
	}
	return r
}
