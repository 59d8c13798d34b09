package sensing

import (
	"cmp"
	"context"
	"math"
	"slices"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// Embedder gives a text's unit vector: embedding.Model.
type Embedder interface {
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// The thresholds are from eval/testdata/wordings/tune_*: 879 wordings of 153 claims, in pairs of one claim and pairs of two.
const (
	// sameDice is the share of common character bigrams (Dice, each weighed by its rarity) from which two messages are one claim: of 19,000 pairs of
	// different claims none has it.
	sameDice = 0.4
	// sameWithin is the share of the shorter message's bigrams found in the longer, which has more around it: a forwarded text. It is believed
	// from longEnough bigrams on.
	sameWithin, longEnough = 0.6, 8
	// perhapsDice is from where on the vectors are asked, and sameCosine from where on they say that it is one claim: one pair of different claims
	// in 20,000 at most.
	perhapsDice, sameCosine = 0.1, 0.75
	// kinWithin and kinCosine make a topic that many ask about at once a part of another that many ask about at the same time. Less is asked than of
	// messages at any time (0.2% of pairs of different claims have either), since there are few such topics. From alikeCosine on (of pairs of one
	// claim in other words 90%, of different ones 14%) it may be one: then it has to show more, see distinct.
	kinWithin, kinCosine, alikeCosine = 0.15, 0.65, 0.5
	// distinct is how many readers in the first of Windows make a topic one of its own though it is like another: other words for what goes round
	// are used by few at a time. A surge that had fewer when it was found, not long ago, may be the one that is worded otherwise.
	distinct = 10
	// asked is how many topics the vectors are asked about for one message: each is a text to embed.
	asked = 3
	// fewestRunes is how long a claim is at least: 你好 and 谢谢 are about nothing.
	fewestRunes = 5
	// mostRunes of a message are compared.
	mostRunes = 300
)

// Clusters are the topics that messages are sorted into: by the entry that a message was answered with, else to the topic whose first message
// says the same (leader clustering: each message is compared with the leaders only, so that the order of days does not have to be kept).
type Clusters struct {
	Embedder Embedder // nil: bigrams alone

	entries map[knowledge.ID]int64
	leaders []leader
	index   map[[2]rune][]int // bigram -> leaders that have it
}

type leader struct {
	topic   int64 // or the one that it is a part of
	self    int64
	entry   bool
	words   string
	bigrams map[[2]rune]bool
}

// NewClusters sorts into these topics; those without an entry whose first message is gone take no more.
func NewClusters(topics []Topic, e Embedder) *Clusters {
	c := &Clusters{Embedder: e, entries: map[knowledge.ID]int64{}, index: map[[2]rune][]int{}}
	for _, t := range topics {
		c.Add(t)
	}
	return c
}

// Add makes room for a topic. The words of one with an entry say only what may be a part of it (Told): what an entry answers is not decided here.
func (c *Clusters) Add(t Topic) {
	if t.Entry != "" {
		c.entries[t.Entry] = t.ID
	}
	words := claim(t.Words)
	all := bigrams(words)
	if len(all) == 0 {
		return
	}
	for b := range all {
		if t.Entry == "" {
			c.index[b] = append(c.index[b], len(c.leaders))
		}
	}
	c.leaders = append(c.leaders, leader{cmp.Or(t.PartOf, t.ID), t.ID, t.Entry != "", words, all})
}

// Find is the topic that a message belongs to, 0 when there is none yet. about is false for a message that is about nothing and never makes one.
func (c *Clusters) Find(ctx context.Context, m Message) (topic int64, about bool, err error) {
	if m.Entry != "" {
		return c.entries[m.Entry], true, nil
	}
	words := claim(m.Text)
	if len([]rune(words)) < fewestRunes {
		return 0, false, nil
	}
	near := c.near(bigrams(words))
	if len(near) == 0 {
		return 0, true, nil
	}
	if near[0].same {
		return c.leaders[near[0].leader].topic, true, nil
	}
	topic, cosine, err := c.byVector(ctx, words, near[:min(len(near), asked)])
	if err != nil || cosine < sameCosine {
		return 0, true, err
	}
	return topic, true, nil
}

// neighbour is a leader that shares bigrams with a message.
type neighbour struct {
	leader int
	dice   float64
	same   bool
}

// Told reports whether a surge is told already by one of those that are open: what goes round is worded in several ways, that have less in common
// than is asked of messages at other times. kin is the topic that its own is a part of, 0 where that is not sure.
func (c *Clusters) Told(ctx context.Context, s Surge, surges []Surge) (kin int64, told bool, err error) {
	at := slices.IndexFunc(c.leaders, func(l leader) bool { return l.self == s.Topic && !l.entry })
	if at < 0 {
		return 0, false, nil
	}
	open := map[int64]Surge{}
	for _, o := range surges {
		if o.Open(s.Found) {
			open[o.Topic] = o
		}
	}
	best := kinWithin
	var others []neighbour
	for i, l := range c.leaders {
		if _, told := open[l.topic]; !told || l.topic == c.leaders[at].topic {
			continue
		}
		shared := 0.0
		for b := range c.leaders[at].bigrams {
			if l.bigrams[b] {
				shared += c.rarity(b)
			}
		}
		if within := shared / min(c.weight(l.bigrams), c.weight(c.leaders[at].bigrams)); within >= best {
			best, kin = within, l.topic
		}
		others = append(others, neighbour{leader: i})
	}
	if kin != 0 {
		return kin, true, nil
	}
	topic, cosine, err := c.byVector(ctx, c.leaders[at].words, others)
	switch {
	case err != nil:
		return 0, false, err
	case cosine >= kinCosine:
		return topic, true, nil
	case cosine < alikeCosine:
		return 0, false, nil
	}
	if o := open[topic]; o.Readers < distinct && s.Found.Sub(o.Found) < CoolDown/12 {
		return topic, true, nil
	}
	return 0, s.Quick < distinct, nil
}

// Join makes a topic a part of another from now on.
func (c *Clusters) Join(topic, to int64) {
	for i, l := range c.leaders {
		if l.topic == topic {
			c.leaders[i].topic = to
		}
	}
}

// near are the leaders that may say the same as what has these bigrams, the nearest first.
func (c *Clusters) near(all map[[2]rune]bool) []neighbour {
	common, mine := map[int]float64{}, c.weight(all)
	for b := range all {
		rarity := c.rarity(b)
		for _, l := range c.index[b] {
			common[l] += rarity
		}
	}
	var out []neighbour
	for l, shared := range common {
		if 2*shared < perhapsDice*mine { // less than perhaps, however short the leader
			continue
		}
		theirs := c.weight(c.leaders[l].bigrams)
		dice, short := 2*shared/(mine+theirs), min(len(all), len(c.leaders[l].bigrams))
		same := dice >= sameDice || short >= longEnough && shared >= sameWithin*min(mine, theirs)
		if same || dice >= perhapsDice {
			out = append(out, neighbour{l, dice, same})
		}
	}
	slices.SortFunc(out, func(a, b neighbour) int {
		if a.same != b.same {
			if a.same {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(b.dice, a.dice), cmp.Compare(a.leader, b.leader)) // of equals the older topic
	})
	return out
}

// rarity is what a bigram says: 是真 and 真的 are in half of all questions, and say nothing of what they are about.
func (c *Clusters) rarity(b [2]rune) float64 {
	return math.Log(float64(len(c.leaders)+10) / float64(len(c.index[b])+1))
}

// weight is what they say together.
func (c *Clusters) weight(all map[[2]rune]bool) (sum float64) {
	for b := range all {
		sum += c.rarity(b)
	}
	return sum
}

// byVector is the topic among the leaders that says the most similar by the vectors, and how similar; 0 without vectors.
func (c *Clusters) byVector(ctx context.Context, words string, near []neighbour) (topic int64, best float64, err error) {
	if c.Embedder == nil || len(near) == 0 {
		return 0, 0, nil
	}
	texts := []string{words}
	for _, n := range near {
		texts = append(texts, c.leaders[n.leader].words)
	}
	vectors, err := c.Embedder.Embed(ctx, texts)
	if err != nil {
		return 0, 0, err
	}
	for i, n := range near {
		if cosine := dot(vectors[0], vectors[i+1]); cosine > best {
			best, topic = cosine, c.leaders[n.leader].topic
		}
	}
	return topic, best, nil
}

func dot(a, b []float32) (sum float64) {
	for i := range min(len(a), len(b)) {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// claim is what is compared: the message as matching sees it, without 紧急通知 and 转给家人, which all rumours have in common.
func claim(message string) string {
	said, _ := text.SplitForwarding(message)
	words := []rune(text.Normalize(said))
	return string(words[:min(len(words), mostRunes)])
}

// bigrams are the pairs of neighbouring characters within what a mark or a space divides.
func bigrams(words string) map[[2]rune]bool {
	out := map[[2]rune]bool{}
	var last rune
	for _, r := range words {
		if !isWord(r) {
			last = 0
			continue
		}
		if last != 0 {
			out[[2]rune{last, r}] = true
		}
		last = r
	}
	return out
}

func isWord(r rune) bool {
	return r >= 0x3400 && r < 0xa000 || r >= 0x20000 && r < 0x40000 || r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
}
