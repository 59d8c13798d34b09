package bot

import (
	"container/list"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// Limits are how much is answered. The zero value limits nothing. A node counts its own readers, in memory: several nodes answer one that goes to all of
// them so many times more, which costs nobody anything. What is said in a group waits for what a platform lets us say in it, and is counted for all
// nodes (maySay).
// All count by when a message comes: of what a platform brings at once after an outage a reader or a group is answered as much as of a flood.
type Limits struct {
	PerMinute int // messages of one reader in a minute
	PerSecond int // messages of all readers in a second
	PerGroup  int // replies in a minute to one group, asked or not, over all nodes; evenly, but for groupAtOnce
	Readers   int // how many readers' counts are kept in memory, the latest; 0: defaultReaders
}

// DefaultLimits let nobody who reads the answers wait. Of a group any minute holds at most 20 messages that are answered, whether they call us or not,
// these and the ones at once: what Telegram lets us say in one.
var DefaultLimits = Limits{PerMinute: 20, PerSecond: 300, PerGroup: 15, Readers: defaultReaders}

const (
	defaultReaders = 10000
	// maxText in bytes of one message: what is longer is no forward, and asks for the part that is meant.
	maxText = 24 << 10
	// repeated: the same message within so long is answered once more and then not again.
	repeated = time.Minute
	// dangersAMinute is how often somebody who is over the limit, or says it again, is told the number to call.
	dangersAMinute = 10
	// groupAtOnce is how many messages of a group that are answered may come at once; then they are let in evenly.
	groupAtOnce = 5
	// groupDangers is how many dangers that patterns see come before that: so many more at once. In a minute that makes more than a platform's quota, for
	// which the last of them wait some seconds.
	groupDangers = 3
	// looksASecond is how many messages of readers over a limit are looked at for a danger that no pattern sees, of each reader one a minute:
	// that costs a model's call, but no search.
	looksASecond = 20
	// deletionsAMinute is how often somebody who is over the limit may say to delete their data, or that it is meant.
	deletionsAMinute = 4
	// calm is how long nobody is refused before they are told again that it is too much.
	calm = time.Minute
)

const (
	tooFastLine = "您发得太快了，请过一分钟再发。\n有人不舒服、有危险，先打120或110。"
	busyLine    = "现在问的人多，请过一分钟再发。\n有人不舒服、有危险，先打120或110。"
)

// Limit sets other limits; before the desk serves.
func (d *Desk) Limit(l Limits) { d.doorman = newDoorman(l) }

// doorman lets messages in. It is safe for concurrent use.
type doorman struct {
	limits Limits
	all    *rate.Limiter
	looks  *rate.Limiter
	// refused are the groups that ask too much.
	refused refusals

	mu     sync.Mutex
	known  map[string]*list.Element
	recent *list.List // of *guest, the latest first
}

// guest is what the doorman knows of one reader.
type guest struct {
	name       string
	rate       *rate.Limiter
	told       bool      // that it was too much; until they have kept to it for a while
	refused    time.Time // the last time that it was too much
	dangers    *rate.Limiter
	deletions  *rate.Limiter
	looks      *rate.Limiter // of the model, beyond the limit
	last       string        // the last message that may not be repeated
	lastAt     time.Time
	lastReply  Reply
	lastAgains int
}

func newDoorman(l Limits) *doorman {
	if l.Readers == 0 {
		l.Readers = defaultReaders
	}
	d := &doorman{
		limits: l, all: rate.NewLimiter(rate.Inf, 0), looks: rate.NewLimiter(looksASecond, looksASecond), refused: newRefusals(),
		known: map[string]*list.Element{}, recent: list.New(),
	}
	if l.PerSecond > 0 {
		d.all = rate.NewLimiter(rate.Limit(l.PerSecond), 2*l.PerSecond)
	}
	return d
}

// pass is what becomes of a message: a reply at once, the reply of before once more, only the danger in it, or neither: it is let in.
type pass struct {
	reply  *Reply
	again  bool // reply is the one of before, given by then, or silence once that was given again
	by     time.Time
	delete bool // reply is a refusal, which does not hold for the deletion of one's data; the message may ask for it
	danger *retrieval.Urgent
	look   bool // reply is a refusal, unless the model sees a danger
}

// let looks at a message before anything else is done for it.
func (d *doorman) let(m Message, now time.Time) pass {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.guest(m.Via.Name + "\x00" + m.name())
	mine := g.rate.AllowN(now, 1)
	if mine && d.all.AllowN(now, 1) {
		return d.look(g, m, now)
	}
	if now.Sub(g.refused) >= calm {
		g.told = false
	}
	g.refused = now
	if p, urgent := g.urgent(m, now); urgent {
		return p
	}
	mayDelete := m.mayDelete() && g.deletions.AllowN(now, 1)
	p := pass{reply: &Reply{Silent: true}, delete: mayDelete, look: len(m.Text) <= maxText && g.looks.AllowN(now, 1) && d.looks.AllowN(now, 1)}
	switch {
	case g.told:
	case mine:
		p.reply = refusal(busyLine)
	default:
		p.reply = refusal(tooFastLine)
	}
	g.told = true
	return p
}

// untold says that a reader did not hear the refusal: they are told when there is another.
func (d *doorman) untold(m Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.guest(m.Via.Name + "\x00" + m.name()).told = false
}

// urgent answers a danger past all limits, within its own: what patterns see of it, or what was told of the same words before.
func (g *guest) urgent(m Message, now time.Time) (pass, bool) {
	again := m.Text == g.last && g.lastReply.Urgent != nil
	u := patternDanger(m.Text)
	if u == nil && !again || !g.dangers.AllowN(now, 1) {
		return pass{}, false
	}
	if again {
		reply := g.lastReply
		return pass{reply: &reply, again: true, by: g.lastAt}, true
	}
	return pass{danger: u}, true
}

// look refuses what cannot be read and what was said a moment ago.
func (d *doorman) look(g *guest, m Message, now time.Time) pass {
	switch {
	case !utf8.ValidString(m.Text):
		return pass{reply: refusal(UnreadableLine)}
	case len(m.Text) > maxText:
		if u := patternDanger(m.Text[:maxText]); u != nil {
			return pass{danger: u}
		}
		return pass{reply: refusal(TooLongLine)}
	case m.Text != g.last || now.Sub(g.lastAt) >= repeated || m.About != 0:
		return pass{}
	}
	if p, urgent := g.urgent(m, now); urgent {
		return p
	}
	again := g.lastReply
	if g.lastAgains++; g.lastAgains > 1 {
		again = Reply{Silent: true}
	}
	return pass{reply: &again, again: true, by: g.lastAt}
}

// remember keeps a reply for a moment, unless the same words may mean something else next time: the answer to a question of ours, a step.
func (d *doorman) remember(m Message, r Reply, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.guest(m.Via.Name + "\x00" + m.name())
	g.last, g.lastReply = "", Reply{}
	if r.Silent || r.Void != "" || r.stepwise {
		return
	}
	r.Ranking = nil
	g.last, g.lastAt, g.lastReply, g.lastAgains = m.Text, now, r, 0
}

// mayAnswerUnasked bounds what a group's messages cost that nobody addressed to us: the searches. What is said of them maySay bounds.
func (d *doorman) mayAnswerUnasked(m Message, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.guest(m.Via.Name+"\x00"+m.Group).rate.AllowN(now, 1) && d.all.AllowN(now, 1)
}

// guest is a reader as the doorman knows them; the one not seen longest is forgotten for a new one.
func (d *doorman) guest(name string) *guest {
	if e := d.known[name]; e != nil {
		d.recent.MoveToFront(e)
		return e.Value.(*guest) //nolint:forcetypeassert // nothing else is in it
	}
	g := &guest{name: name, rate: rate.NewLimiter(rate.Inf, 0), dangers: aMinute(dangersAMinute), deletions: aMinute(deletionsAMinute), looks: aMinute(1)}
	if n := d.limits.PerMinute; n > 0 {
		g.rate = aMinute(n)
	}
	d.known[name] = d.recent.PushFront(g)
	if d.recent.Len() > d.limits.Readers {
		oldest := d.recent.Back()
		delete(d.known, d.recent.Remove(oldest).(*guest).name) //nolint:forcetypeassert // as above
	}
	return g
}

func aMinute(n int) *rate.Limiter { return rate.NewLimiter(rate.Limit(float64(n)/60), n) }

func refusal(line string) *Reply {
	r := human(line)
	return &r
}

// patternDanger is the danger that a message speaks of as far as patterns tell: without a search.
func patternDanger(message string) *retrieval.Urgent {
	return retrieval.DetectUrgent(text.Normalize(first(message, maxQuestion)), retrieval.Vector{})
}

// dangerReply tells the number to call, and nothing else.
func dangerReply(u *retrieval.Urgent) Reply {
	r := retrieval.Result{Decision: retrieval.Abstain, Urgent: u}
	return told(r, Render(r))
}
