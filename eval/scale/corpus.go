package scale

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"qiuzhen/ingest"
	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// Document is an entry with its passages, as ingest would cut them; no two passages of a corpus say the same.
type Document struct {
	Entry    knowledge.Entry
	Passages []knowledge.Passage
}

// Selective are the readers' regions whose filter keeps about that share of a corpus's passages. Every region but these holds
// the rest; a twentieth of a percent holds everywhere, and so passes each filter.
var Selective = []struct {
	Share  float64
	Region string
}{{0.001, "540000"}, {0.01, "310000"}, {0.1, "110000"}}

// otherRegions are the provinces of the entries that no measured filter keeps.
var otherRegions = []string{"320000", "330000", "370000", "410000", "420000", "430000", "440000", "500000", "510000", "610000"}

// maker makes one entry after the other; the same seed makes the same ones, so that a small corpus begins a large one.
type maker struct {
	r        *rand.Rand
	wordings []string
	bodies   [][]string // the sentences of each
	wording  int        // the next of the pool's wordings to be used as it is
	body     int
	made     int
	distinct map[string]bool
}

// Corpus yields entries until they have n passages.
func (p *Pool) Corpus(n int) iter.Seq[Document] {
	return func(yield func(Document) bool) {
		m := newMaker(p)
		for total := 0; total < n; {
			d := m.next()
			d.Passages = d.Passages[:min(len(d.Passages), n-total)]
			total += len(d.Passages)
			if !yield(d) {
				return
			}
		}
	}
}

// newMaker mixes the collections, so that a small corpus holds something of each.
func newMaker(p *Pool) *maker {
	m := &maker{
		r:        rand.New(rand.NewPCG(2026, 11)), //nolint:gosec // a fixed seed
		wordings: slices.Clone(p.wordings), distinct: map[string]bool{},
	}
	long := slices.Clone(p.long)
	m.r.Shuffle(len(long), func(i, j int) { long[i], long[j] = long[j], long[i] })
	m.r.Shuffle(len(m.wordings), func(i, j int) { m.wordings[i], m.wordings[j] = m.wordings[j], m.wordings[i] })
	m.bodies = cut(long)
	return m
}

// next makes one entry of 15 passages on average: wordings, a summary, a body and the whole.
func (m *maker) next() Document {
	sentences := m.sentences()
	e := knowledge.Entry{
		ID: knowledge.ID(fmt.Sprintf("scale-%07d", m.made)), Kind: knowledge.Rebuttal, Topic: knowledge.Rumour, Verdict: knowledge.False,
		Short: "规模测量", Actions: []string{"不要转发"}, Body: strings.Join(sentences, ""), Regions: m.regions(),
		Claims: m.wordingsOf(sentences, 2+m.r.IntN(4)), Questions: m.wordingsOf(sentences, 2+m.r.IntN(4)), Negatives: m.wordingsOf(sentences, m.r.IntN(2)),
	}
	e.Title = strings.TrimRight(e.Claims[0], "。，？！?!")
	e.Summary = clause(sentences[m.r.IntN(len(sentences))], 60)
	m.made++
	d := Document{Entry: e}
	for _, p := range ingest.Passages(e) {
		if key := text.Normalize(p.Text); !m.distinct[key] {
			m.distinct[key] = true
			d.Passages = append(d.Passages, p)
		}
	}
	return d
}

// regions deals them out evenly: multiples of the golden ratio leave no stretch of entries without.
func (m *maker) regions() []string {
	_, at := math.Modf(float64(m.made) * math.Phi)
	if at -= everywhere; at < 0 {
		return nil
	}
	for _, s := range Selective {
		if at -= s.Share - everywhere; at < 0 {
			return []string{s.Region}
		}
	}
	return []string{otherRegions[m.r.IntN(len(otherRegions))]}
}

// everywhere is the share of entries without a region.
const everywhere = 0.0005

// sentences are those of the next body: one of the pool's while they last, then two halves of different ones with a
// sentence of a third and without one clause.
func (m *maker) sentences() []string {
	if m.body++; m.body <= len(m.bodies) {
		return m.bodies[m.body-1]
	}
	a, b, c := m.anyBody(), m.anyBody(), m.anyBody()
	joined := slices.Concat(a[:(len(a)+1)/2], b[len(b)/2:])
	joined[m.r.IntN(len(joined))] = c[m.r.IntN(len(c))]
	cut := m.r.IntN(len(joined))
	joined[cut] = m.withoutClause(joined[cut])
	return joined
}

func (m *maker) anyBody() []string { return m.bodies[m.r.IntN(len(m.bodies))] }

// withoutClause drops one clause of a sentence that has several.
func (m *maker) withoutClause(s string) string {
	clauses := strings.SplitAfter(s, "，")
	if len(clauses) < 2 {
		return s
	}
	drop := m.r.IntN(len(clauses) - 1) // not the last: it ends the sentence
	return strings.Join(append(clauses[:drop:drop], clauses[drop+1:]...), "")
}

// wordingsOf are n wordings that no passage has yet: the pool's while they last, then clauses of the body and joins of two.
func (m *maker) wordingsOf(body []string, n int) []string {
	var out []string
	for len(out) < n {
		w := m.newWording(body)
		if key := text.Normalize(w); key != "" && !m.distinct[key] && utf8.RuneCountInString(w) >= 4 {
			out = append(out, w)
		}
	}
	return out
}

func (m *maker) newWording(body []string) string {
	switch use := m.r.IntN(2); {
	case use == 0:
		return clause(body[m.r.IntN(len(body))], 10+m.r.IntN(25))
	case m.wording < len(m.wordings):
		m.wording++
		return m.wordings[m.wording-1]
	}
	return strings.TrimRight(m.anyWording(), "。，？！?!") + "，" + m.anyWording()
}

func (m *maker) anyWording() string { return m.wordings[m.r.IntN(len(m.wordings))] }

// clause is the beginning of a sentence, to the comma before size characters where there is one.
func clause(sentence string, size int) string {
	runes := []rune(strings.TrimSpace(sentence))
	if len(runes) <= size {
		return string(runes)
	}
	head := string(runes[:size])
	if at := strings.LastIndex(head, "，"); at > len(head)/2 {
		return head[:at]
	}
	return head
}
