package retrieval

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// VerifierNames are what the verifier reads of a message and the entry to answer it with, in order. Each of
// pairNames is there twice: of the wording that matches best, and its mean over the jury.
var VerifierNames = slices.Concat(
	[]string{"log_odds"}, // of P(match)
	entryNames, pairNames, prefixed("mean_", pairNames),
)

var entryNames = []string{
	"base", "distinct", "margin", "rivals", "wordings", "mean3", "coverage", "level", // see Evidence
	"pairs", "characters", // shares of the message's that any passage of the entry holds
	"negative",    // how much better a wording marked "is not this" matches
	"numbers_new", // numbers with their units that the message holds and no passage of the entry
	"claim",       // 1 when the entry makes claims, 0 when it is asked questions alone
}

// pairNames compare a message with one wording.
var pairNames = []string{
	"negations", "negations_wording", "parity", // parity: 1 when one count is odd and the other even
	"dismissed", "dismissed_wording", // words that call something untrue or useless
	"asks", "asks_wording", // a question takes no side
	"advises",         // words of advice, more in the message than in the wording
	"antonym",         // 1 when they hold the two sides of a pair of antonyms
	"numbers_differ",  // 1 when both number the same unit and share no number
	"overlap",         // share of the message's character pairs that the wording holds
	"overlap_wording", // share of the wording's that the message holds
	"cosine",
	"opposes", "alike", // see Opposes
}

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + n
	}
	return out
}

// jury is how many of the entry's best matching wordings the verifier reads.
const jury = 3

// Condensed is the evidence with its wordings read and let go: what a fit over many messages keeps.
func (e Evidence) Condensed() Evidence {
	e.read, e.hits = e.reading(), nil
	return e
}

// Reading is what the verifier sees of scored evidence, in the order of VerifierNames.
func Reading(e Evidence) []float64 {
	return append([]float64{logit(e.p)}, e.reading()...)
}

// reading is all of it but P(match).
func (e Evidence) reading() []float64 {
	if e.read != nil {
		return e.read
	}
	wordings := bestWordings(e.hits)
	claim := 0.0
	if len(wordings) > 0 && wordings[0].Kind == knowledge.ClaimPassage {
		claim = 1
	}
	out := append(make([]float64, 0, len(VerifierNames)),
		e.base, e.base-e.level, e.margin, e.rivals, math.Log(float64(max(1, e.hits[0].Siblings))), e.mean3, e.coverage, e.level,
		e.cover.pairs, e.cover.characters, e.negative, float64(e.newAmounts()), claim)
	message := readPolarity(e.segment)
	best, mean := make([]float64, len(pairNames)), make([]float64, len(pairNames))
	for i, w := range wordings {
		normalised := text.Normalize(w.Text)
		opposes, alike := Opposes(e.segment, normalised)
		pair := append(message.compare(readPolarity(normalised)), w.Cosine, flag(opposes), flag(alike))
		if i == 0 {
			copy(best, pair)
		}
		for j, v := range pair {
			mean[j] += v / float64(len(wordings))
		}
	}
	return append(append(out, best...), mean...)
}

// newAmounts counts the amounts of the message that no passage of the entry holds.
func (e Evidence) newAmounts() int {
	unknown := amount.FindAllString(e.segment, -1)
	if len(unknown) == 0 {
		return 0
	}
	for _, h := range e.hits {
		if h.Kind.Answers() {
			known := text.Normalize(h.Text)
			unknown = slices.DeleteFunc(unknown, func(a string) bool { return strings.Contains(known, a) })
		}
	}
	return len(unknown)
}

// bestWordings are the claims that match best, or the questions of an entry without claims found.
func bestWordings(hits []Hit) []Hit {
	for _, kind := range []knowledge.PassageKind{knowledge.ClaimPassage, knowledge.QuestionPassage} {
		of := slices.DeleteFunc(slices.Clone(hits), func(h Hit) bool { return h.Kind != kind })
		slices.SortStableFunc(of, func(a, b Hit) int { return cmp.Compare(passageScore(b), passageScore(a)) })
		if len(of) > 0 {
			return of[:min(jury, len(of))]
		}
	}
	return nil
}

// Trust is the probability that the entry may answer the message: that it is what the message says, not the
// contrary, another number or another subject in the same words.
func (r Scorer) Trust(e Evidence) float64 {
	if len(r.Verifier.Trees) == 0 {
		return 0
	}
	return sigmoid(-r.Verifier.LogOdds(Reading(e)))
}

// Sure reports whether the entry may answer: the verifier trusts it, or half trusts it and the match is plain.
func (r Scorer) Sure(e Evidence, trust float64) bool {
	return e.p >= r.Suggest && (trust >= r.Answer || trust >= r.Answer/2 && e.plain())
}

// A match is plain from this P and this much ahead of every other entry, of an entry with wordings enough to compare: few
// messages that say something else get there.
const plainP, plainMargin, plainWordings = 0.98, 0.12, 3

// plain: a very likely match, far ahead, and nothing in the entry's best wordings speaks against it.
func (e Evidence) plain() bool {
	if e.p < plainP || e.margin < plainMargin || e.negative > -0.03 {
		return false
	}
	read := Reading(e)
	at := func(name string) float64 { return read[slices.Index(VerifierNames, name)] }
	if at("wordings") < math.Log(plainWordings)-1e-9 {
		return false
	}
	for _, name := range []string{"parity", "dismissed", "antonym", "numbers_differ", "numbers_new", "opposes"} {
		if at(name) != 0 {
			return false
		}
	}
	return true
}

// logit keeps to what a probability near 0 or 1 still tells.
func logit(p float64) float64 {
	p = min(max(p, 1e-6), 1-1e-6)
	return math.Log(p / (1 - p))
}

// reading is what a text says besides its words.
type reading struct {
	polarity
	pairs   map[[2]rune]bool
	asks    bool
	advises int
}

var (
	question = regexp.MustCompile(`[吗么呢嘛?]|是不是|能不能|会不会|可不可以|要不要|有没有|行不行|该不该|真的假的|咋|怎么|啥|什么|哪|几|多少|[不没] *$|伐|吧[?]?$`)
	advice   = regexp.MustCompile(`千万|别|不要|不能|应该|必须|赶紧|要先|得先|最好|才对|要紧`)
	amount   = regexp.MustCompile(`(?:\d+(?:\.\d+)?|[一二两三四五六七八九十百千万半]+)(?:多|来|把)?(?:个|岁|天|年|月|日|号|点|小时|分钟|秒|周|次|遍|斤|两|克|公斤|毫克|毫升|升|杯|瓶|片|粒|颗|勺|口|块|元|度|米|公里|里|层|楼|倍|成|%|针|顿|种|条|只|头|亩|盒|包)`)
)

func readPolarity(normalised string) reading {
	r := reading{polarity: polarityOf(normalised), pairs: map[[2]rune]bool{}}
	var last rune
	for _, c := range normalised {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			last = 0
			continue
		}
		if last != 0 {
			r.pairs[[2]rune{last, c}] = true
		}
		last = c
	}
	r.asks = question.MatchString(normalised)
	r.advises = len(advice.FindAllString(r.text, -1))
	return r
}

// compare gives pairNames of a message and a wording, from the first to the last that needs nothing but the texts.
func (m reading) compare(w reading) []float64 {
	both := shared(m.pairs, w.pairs)
	return []float64{
		float64(m.negations), float64(w.negations), flag(m.negations%2 != w.negations%2),
		float64(m.dismissals), float64(w.dismissals), flag(m.asks), flag(w.asks), float64(m.advises - w.advises),
		flag(m.antonym(w.polarity)), flag(numbersDiffer(m.numbers, w.numbers)),
		both / float64(max(1, len(m.pairs))), both / float64(max(1, len(w.pairs))),
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
