package retrieval

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// VerifierNames are what the verifier reads of a message and the entry to answer it with, in order. Each of
// pairNames is there twice: of the wording that matches best, and its mean over the jury.
var VerifierNames = slices.Concat(
	[]string{"log_odds"}, // of P(match)
	entryNames, pairNames, prefixed("mean_", pairNames), AlignedNames,
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

// jurySize is how many of the entry's best matching wordings the verifier reads.
const jurySize = 3

// Condensed is the evidence with its wordings read and all but the jury let go: what a fit over many messages keeps.
func (e Evidence) Condensed() Evidence {
	e.read, e.wordings, e.hits, e.said = e.wordingFeatures(), e.jury(), nil, tokens{}
	return e
}

// jury is the text of the entry's wordings that match best.
func (e Evidence) jury() []string {
	if e.wordings != nil {
		return e.wordings
	}
	texts := []string{}
	for _, w := range bestWordings(e.hits) {
		texts = append(texts, w.Text)
	}
	return texts
}

// VerifierFeatures are what the verifier sees of scored and aligned evidence, in the order of VerifierNames.
func VerifierFeatures(e Evidence) []float64 {
	return slices.Concat([]float64{logit(e.p)}, e.wordingFeatures(), e.aligned)
}

// wordingFeatures are entryNames and twice pairNames.
func (e Evidence) wordingFeatures() []float64 {
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
	message := readUtterance(e.segment)
	best, mean := make([]float64, len(pairNames)), make([]float64, len(pairNames))
	for i, w := range wordings {
		normalised := text.Normalize(w.Text)
		opposes, alike := Opposes(e.segment, normalised)
		pair := append(message.compare(readUtterance(normalised)), w.Cosine, flag(opposes), flag(alike))
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
			return of[:min(jurySize, len(of))]
		}
	}
	return nil
}

// Trust is the probability that the entry may answer the message: that it is what the message says, not the
// contrary, another number or another subject in the same words. The evidence must be aligned; without token states nothing is trusted,
// but for what an entry says word by word.
func (r Scorer) Trust(e Evidence) float64 {
	if e.verbatim() {
		return 1
	}
	return r.verified(e)
}

// verified is the trust in what is not said word by word.
func (r Scorer) verified(e Evidence) float64 {
	if len(r.Verifier.Trees) == 0 || e.aligned == nil {
		return 0
	}
	return sigmoid(-r.Verifier.LogOdds(VerifierFeatures(e)))
}

// Sure reports whether the entry may answer.
func (r Scorer) Sure(e Evidence, trust float64) bool { return e.p >= r.Suggest && trust >= r.Answer }

// verbatim reports whether the message, or a clause of one in which nothing denies, says one of the entry's wordings word by word but
// for little words.
func (e Evidence) verbatim() bool {
	wordings := map[string]bool{}
	for _, w := range e.allWordings() {
		wordings[contentWords(text.Normalize(w))] = true
	}
	all := wordings[contentWords(e.segment)]
	if all && !isPart(e.segment, e.whole) {
		return true
	}
	if rest := polarityOf(cmp.Or(e.whole, e.segment)); rest.negations > 0 || rest.dismissals > 0 {
		return false
	}
	return all || slices.ContainsFunc(clauseEnd.Split(e.segment, -1), func(clause string) bool {
		said := contentWords(clause)
		return utf8.RuneCountInString(said) >= leastClause && wordings[said]
	})
}

// allWordings are the claims and questions found of the entry; the jury alone of condensed evidence.
func (e Evidence) allWordings() []string {
	if e.wordings != nil {
		return e.wordings
	}
	var texts []string
	for _, h := range e.hits {
		if h.Kind == knowledge.ClaimPassage || h.Kind == knowledge.QuestionPassage {
			texts = append(texts, h.Text)
		}
	}
	return texts
}

// leastClause is how many characters a clause must say to be a claim by itself.
const leastClause = 5

// littleWords may be put in or left out without making it another claim: nothing that denies, counts or says how much.
const littleWords = "的了吗呢吧啊呀嘛么哦着就也还又要会能是在把被让给"

// contentWords is a normalised text without marks and little words. 可以 says what 能 says.
func contentWords(normalised string) string {
	return strings.Map(func(r rune) rune {
		if (unicode.IsLetter(r) || unicode.IsDigit(r)) && !strings.ContainsRune(littleWords, r) {
			return r
		}
		return -1
	}, strings.ReplaceAll(normalised, "可以", ""))
}

// logit keeps to what a probability near 0 or 1 still tells.
func logit(p float64) float64 {
	p = min(max(p, 1e-6), 1-1e-6)
	return math.Log(p / (1 - p))
}

// utterance is what a text says besides its words.
type utterance struct {
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

func readUtterance(normalised string) utterance {
	r := utterance{polarity: polarityOf(normalised), pairs: map[[2]rune]bool{}}
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
func (m utterance) compare(w utterance) []float64 {
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
