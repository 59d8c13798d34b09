package cases

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qiuzhen/text"
)

// Live is a reply that a reader got, as it was recorded: masked, without anything of the reader.
type Live struct {
	Message  string
	Channel  string
	Decision string // answer, suggest, abstain
	Urgent   string
	Live     string
	Useful   *bool // nil: the reader did not say
	Asked    int   // by how many readers, of a question that nothing vetted answered; else 0
	At       time.Time
	Entries  []string // quoted
	Verdict  string   // of the first
	Topic    string   // of the first quoted or offered; empty: none
}

// disappointed: the experts should see it first. A reader said that it was of no use, or nothing was found.
func (l Live) disappointed() bool {
	return l.Useful != nil && !*l.Useful || l.Decision == "abstain" && l.Urgent == "" && l.Live == ""
}

// stratum is what a sample is spread over.
func (l Live) stratum() string { return l.Decision + " " + l.Topic }

// firstShare of a sample are at most those who were disappointed, as long as there are others: a batch of complaints alone would not tell how
// good the service is.
const firstShare = 2. / 3

// Sample draws at most n recorded replies into draft cases, those who were disappointed first, evenly over decision and topic, the newest of each
// first, none that nearly says what another one or one of the cases had already says. What a case expects is what the service did:
// whether that was right is for the experts to say. The texts are masked once more.
func Sample(from []Live, had []Case, n int, split string) []Case {
	pool := newPool(had)
	var first, rest []Live
	for _, l := range from {
		if l.Message = text.Mask(strings.TrimSpace(l.Message)); !usable(l.Message) {
			continue
		}
		if l.disappointed() {
			first = append(first, l)
		} else {
			rest = append(rest, l)
		}
	}
	ranked, others := spread(first), spread(rest)
	chosen, left := pool.take(ranked, max(int(firstShare*float64(n)+0.5), n-len(others)))
	more, _ := pool.take(others, n-len(chosen))
	chosen = append(chosen, more...)
	more, _ = pool.take(left, n-len(chosen)) // the others were near-copies
	out := []Case{}
	for _, l := range append(chosen, more...) {
		out = append(out, l.draft(split))
	}
	return out
}

// usable: long enough to be asked again, and not longer than is asked.
func usable(message string) bool {
	n := utf8.RuneCountInString(message)
	return n >= 2 && n <= maxTurn && !strings.ContainsAny(message, "\x00\r") && utf8.ValidString(message)
}

// spread orders replies so that the strata take turns; in each those first that were of no use, then those asked most, then the newest.
func spread(of []Live) []Live {
	strata := map[string][]Live{}
	for _, l := range of {
		strata[l.stratum()] = append(strata[l.stratum()], l)
	}
	for _, s := range strata {
		slices.SortFunc(s, func(a, b Live) int {
			said := func(l Live) int {
				switch {
				case l.Useful == nil:
					return 1
				case *l.Useful:
					return 2
				}
				return 0
			}
			return cmp.Or(cmp.Compare(said(a), said(b)), cmp.Compare(b.Asked, a.Asked), b.At.Compare(a.At), strings.Compare(a.Message, b.Message))
		})
	}
	var out []Live
	for names := sortedKeys(strata); len(out) < len(of); {
		for _, name := range names {
			if len(strata[name]) > 0 {
				out, strata[name] = append(out, strata[name][0]), strata[name][1:]
			}
		}
	}
	return out
}

// pool remembers what was taken, for finding near-copies.
type pool struct {
	pairs   []map[[2]rune]bool
	holders map[[2]rune][]int
	texts   map[string]bool
}

func newPool(had []Case) *pool {
	p := &pool{holders: map[[2]rune][]int{}, texts: map[string]bool{}}
	for _, c := range had {
		p.add(strings.Join(c.Turns, "\n"))
	}
	return p
}

func (p *pool) add(s string) {
	pairs := text.Pairs(s, text.LetterOrDigit)
	for pair := range pairs {
		p.holders[pair] = append(p.holders[pair], len(p.pairs))
	}
	p.pairs, p.texts[s] = append(p.pairs, pairs), true
}

func (p *pool) holds(s string) bool {
	pairs, shared := text.Pairs(s, text.LetterOrDigit), map[int]int{}
	for pair := range pairs {
		for _, i := range p.holders[pair] {
			shared[i]++
		}
	}
	for i, n := range shared {
		if float64(n) > nearCopy*float64(len(pairs)+len(p.pairs[i])-n) {
			return true
		}
	}
	return p.texts[s]
}

// take chooses at most n that are no near-copies, and returns what it did not look at.
func (p *pool) take(from []Live, n int) (chosen, left []Live) {
	for i, l := range from {
		if len(chosen) >= n {
			return chosen, from[i:]
		}
		if !p.holds(l.Message) {
			p.add(l.Message)
			chosen = append(chosen, l)
		}
	}
	return chosen, nil
}

// draft is the case of a reply. Its id comes from the words alone, so that the same words are one case whenever they are drawn.
func (l Live) draft(split string) Case {
	sum := sha256.Sum256([]byte(l.Message))
	id := "live-" + hex.EncodeToString(sum[:6])
	c := Case{
		ID: id, Family: id, Version: 1, Split: split, Turns: []string{l.Message}, Channel: "web", AsOf: l.At.Format(time.DateOnly),
		Expect:     Expect{Decision: l.Decision, Entries: []string{}, KeyPoints: []KeyPoint{}, Forbidden: []string{}},
		Slices:     Slices{Topic: "none", Risk: "low", Style: []string{style(l.Message)}},
		Provenance: "live: " + l.At.Format("2006-01") + "，" + l.what(), Reviewers: []string{}, Status: "draft",
	}
	if slices.Contains(channels, l.Channel) {
		c.Channel = l.Channel
	}
	if slices.Contains(topics, l.Topic) {
		c.Slices.Topic = l.Topic
	}
	if _, ok := Numbers[l.Urgent]; ok {
		c.Expect.Urgent = l.Urgent
	}
	if slices.Contains(liveKinds, l.Live) {
		c.Expect.Live = l.Live
	}
	if c.Slices.Topic != "none" && c.Slices.Topic != "rumour" || c.Expect.Urgent != "" {
		c.Slices.Risk = "high"
	}
	switch {
	case c.Expect.Urgent != "" || c.Expect.Live != "" || l.Decision == "answer" && len(l.Entries) == 0:
		c.Expect.Decision = "any" // what else the reply says is not what counts
	case l.Decision == "answer":
		c.Expect.Entries, c.Expect.MustCite, c.Family = l.Entries, true, l.Entries[0]
		if len(l.Entries) == 1 {
			c.Expect.Verdict = l.Verdict
		}
	}
	return c
}

// what is what the service did and the reader said, for the provenance.
func (l Live) what() string {
	did := "当时" + map[string]string{"answer": "回答了", "suggest": "给了几条选", "abstain": "说没有查证过"}[l.Decision]
	switch {
	case l.Useful == nil:
		return did
	case *l.Useful:
		return did + "，读者说有用"
	}
	return did + "，读者说没用"
}

func style(message string) string {
	const short, long = 10, 80 // characters
	switch n := utf8.RuneCountInString(message); {
	case n <= short:
		return "short"
	case n > long:
		return "forward"
	}
	return "plain"
}
