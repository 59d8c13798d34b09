package authoring

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// PairKind says what is the matter with two entries.
type PairKind string

// The kinds of pair, what matters most first.
const (
	Contradiction PairKind = "contradiction" // the same claim with another verdict, or the contrary claim with the same
	Opposed       PairKind = "opposed"       // much the same advice, one with 不 and one without
	Numbers       PairKind = "numbers"       // much the same sentence with another number
	Duplicate     PairKind = "duplicate"     // the same claim or question once more
)

var pairWords = map[PairKind]string{Contradiction: "结论矛盾", Opposed: "做法相反", Numbers: "数字不同", Duplicate: "重复"}

// Zh is the kind in words.
func (k PairKind) Zh() string { return pairWords[k] }

var pairOrder = []PairKind{Contradiction, Opposed, Numbers, Duplicate}

// Pair is a place of the version and one of another entry, to be looked at side by side.
type Pair struct {
	Kind         PairKind
	Mine, Theirs string // wordings, or sentences of what the reader is told
	Other        knowledge.ID
	Version      int
	Title        string
	Status       knowledge.Status
	Cosine       float64
	Why          string // in a sentence
}

// When two entries are about the same, fitted on what bge-small-zh makes of the starter pack and of readers' messages about it
// (docs/content-format.md has the figures). One pair of wordings that nearly coincide is enough; else several that are near, or all on average.
const (
	RelatedCosine = 0.75 // from here on wordings are looked at
	sameCosine    = 0.90
	sameThree     = 0.82
	sameMean      = 0.75
	// A contradiction stops a submission, so it takes more to call one: sprouted garlic (eat it) and sprouted potatoes (do not) are near too.
	firmCosine, firmMean, firmLeast = 0.88, 0.77, 0.85
	// sameShare is the share of the shorter sentence's character pairs that makes two sentences much the same, when they are of about one
	// length (halfShare of the longer one's) and have leastPairs.
	sameShare, halfShare, leastPairs = 0.6, 0.5, 6
)

// same reports whether the neighbour is about what the version is about.
func (n Neighbour) same() bool {
	three, sum := 0, 0.0
	seen := map[string]bool{}
	for _, w := range n.Near { // nearest first: of each wording its nearest
		if !seen[w.Mine] && three < 3 {
			seen[w.Mine] = true
			three, sum = three+1, sum+w.Cosine
		}
	}
	return len(n.Near) > 0 && (n.Near[0].Cosine >= sameCosine || n.Mean >= sameMean || three == 3 && sum/3 >= sameThree)
}

// pairs compares a version with one neighbour: at most one pair a kind, the nearest.
func (c Checker) pairs(e knowledge.Entry, n Neighbour) []Pair {
	if !n.same() || !sameSubject(e, n.Entry) {
		return nil
	}
	best := map[PairKind]Pair{}
	add := func(p Pair) {
		p.Other, p.Version, p.Title, p.Status = n.Entry.ID, n.Version, n.Entry.Title, n.Status
		if known, ok := best[p.Kind]; !ok || p.Cosine > known.Cosine {
			best[p.Kind] = p
		}
	}
	if p, ok := c.judge(e, n); ok {
		add(p)
	}
	for _, p := range c.advice(e, n.Entry) {
		add(p)
	}
	var out []Pair
	for _, kind := range pairOrder {
		if p, ok := best[kind]; ok {
			out = append(out, p)
		}
	}
	return out
}

// votes is how many of the nearest pairs of wordings say whether two entries' claims are contrary: four of five must, and the nearest.
const votes = 5

// polarity is what near wordings say of each other; neither agree nor contrary: they do not say clearly.
type polarity struct{ agree, contrary, otherNumbers bool }

func (c Checker) polarity(near []Near) polarity {
	near = near[:min(votes, len(near))]
	contrary, numbers, nearest := 0, 0, false
	for i, w := range near {
		opposed, other, _ := c.Compare(withoutCommon(text.Normalize(w.Mine), text.Normalize(w.Theirs)))
		if opposed {
			contrary++
			nearest = nearest || i == 0
		}
		if other {
			numbers++
		}
	}
	return polarity{
		agree: !nearest && 5*contrary <= len(near), contrary: nearest && 5*contrary >= 4*len(near), otherNumbers: 2*numbers > len(near),
	}
}

var clauseEnd = regexp.MustCompile(`[,.;:!?~ \n]+`)

// withoutCommon drops the clauses that stand in both normalised texts: what they differ in decides (天天吃素，血脂也会高; 天天吃素，血脂就不会高).
func withoutCommon(a, b string) (string, string) {
	as, bs := clauseEnd.Split(a, -1), clauseEnd.Split(b, -1)
	restA, restB := without(as, bs), without(bs, as)
	if restA == "" || restB == "" {
		return a, b
	}
	return restA, restB
}

func without(clauses, others []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(clauses), func(c string) bool { return slices.Contains(others, c) }), ",")
}

// judge says what two entries on the same thing make of each other.
func (c Checker) judge(mine knowledge.Entry, n Neighbour) (Pair, bool) {
	theirs, nearest := n.Entry, n.Near[0]
	p := Pair{Kind: Duplicate, Mine: nearest.Mine, Theirs: nearest.Theirs, Cosine: nearest.Cosine}
	said := c.polarity(n.Near)
	sameSide := side(mine.Verdict) == side(theirs.Verdict)
	firm := nearest.Cosine >= firmCosine || n.Mean >= firmMean && nearest.Cosine >= firmLeast
	switch {
	case said.otherNumbers:
		return p, false // another number is another claim
	case mine.Kind != knowledge.Rebuttal || theirs.Kind != knowledge.Rebuttal:
		p.Why = "同一件事已经有一条了"
	case firm && said.agree && !sameSide:
		p.Kind, p.Why = Contradiction, fmt.Sprintf("同一个说法，这里的结论是“%s”，那边是“%s”", mine.Verdict.Zh(), theirs.Verdict.Zh())
	case firm && said.contrary && sameSide && side(mine.Verdict) != undecided:
		p.Kind, p.Why = Contradiction, fmt.Sprintf("两个说法正好相反，结论却都是“%s”", mine.Verdict.Zh())
	case said.contrary && !sameSide:
		return p, false // the contrary with the contrary verdict agrees
	case mine.Verdict != theirs.Verdict:
		p.Why = fmt.Sprintf("差不多的说法，结论一个是“%s”，一个是“%s”，请对照", mine.Verdict.Zh(), theirs.Verdict.Zh())
	default:
		p.Why = "同一个说法已经有一条了"
	}
	return p, true
}

// The sides that a verdict takes.
const (
	against = iota - 1
	undecided
	infavour
)

func side(v knowledge.Verdict) int {
	switch v {
	case knowledge.False, knowledge.Misleading:
		return against
	case knowledge.True:
		return infavour
	}
	return undecided
}

// advice compares sentence by sentence what readers are told.
func (c Checker) advice(mine, theirs knowledge.Entry) []Pair {
	var out []Pair
	others := told(theirs)
	for _, a := range told(mine) {
		for _, b := range others {
			share, ofLonger := sharedPairs(a, b)
			if share < sameShare || ofLonger < halfShare {
				continue
			}
			switch contrary, numbers, _ := c.Compare(a.normal, b.normal); {
			case numbers:
				out = append(out, Pair{Kind: Numbers, Mine: a.text, Theirs: b.text, Cosine: share, Why: "差不多的一句话，数字不一样"})
			case contrary:
				out = append(out, Pair{Kind: Opposed, Mine: a.text, Theirs: b.text, Cosine: share, Why: "差不多的一句话，意思像是相反的"})
			}
		}
	}
	return out
}

// sentence is one with its pairs of characters, numbers and marks apart.
type sentence struct {
	text, normal string
	pairs        map[[2]rune]bool
}

func told(e knowledge.Entry) []sentence {
	var out []sentence
	for _, part := range append([]string{e.Summary, e.Body}, e.Actions...) {
		for _, s := range text.Sentences(part) {
			normal := text.Normalize(s)
			if pairs := text.Pairs(normal, unicode.IsLetter); len(pairs) >= leastPairs {
				out = append(out, sentence{s, normal, pairs})
			}
		}
	}
	return out
}

// sharedPairs is the share of the shorter sentence's pairs, and of the longer one's, that both hold.
func sharedPairs(a, b sentence) (ofShorter, ofLonger float64) {
	n := 0
	for p := range a.pairs {
		if b.pairs[p] {
			n++
		}
	}
	return float64(n) / float64(min(len(a.pairs), len(b.pairs))), float64(n) / float64(max(len(a.pairs), len(b.pairs)))
}

func sortPairs(pairs []Pair) {
	slices.SortStableFunc(pairs, func(a, b Pair) int {
		return cmp.Or(
			cmp.Compare(slices.Index(pairOrder, a.Kind), slices.Index(pairOrder, b.Kind)),
			cmp.Compare(b.Cosine, a.Cosine), strings.Compare(string(a.Other), string(b.Other)))
	})
}
