package retrieval

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
)

// Urgent is a danger seen in a message: the right number comes first, whatever else is answered.
type Urgent struct {
	Class  string // suicide, choking, poisoning, stroke, heart, electricity, drowning, gas, fire, disaster, missing, abuse, injury, scam, unsure
	Number string
	Line   string // the first line of the reply
	Then   string // what to do while waiting
}

type urgentRules struct {
	Asking, Happening patterns
	// Unsure is what is said when the kind of danger is not certain.
	Unsure  struct{ One, Two, Then string }
	Classes []struct {
		Class, Number, Line, Then string
		Now                       patterns
		UnlessAsking              patterns `yaml:"unless_asking"`
	}
}

var loadUrgent = sync.OnceValue(func() urgentRules {
	var r urgentRules
	readPatterns("urgent.yaml", &r)
	return r
})

var dangerClassifier = sync.OnceValue(func() *Classifier {
	var c Classifier
	readModel("danger.json", &c)
	c.Index()
	return &c
})

// Vector is a message's embedding and the model that it is by; the zero value is none.
type Vector struct {
	Model string
	V     []float32
}

// Unsure is the class of a danger whose kind is not: its line names the number, or the two, that it may need.
const Unsure = "unsure"

// DetectUrgent returns the danger that a normalised message speaks of, or nil. The classifier reads the message's vector
// and words, and knows phrasings that nobody listed; the patterns of urgent.yaml are evidence beside it: one that matches is believed
// unless the classifier is as good as certain that there is no danger. Without a vector the patterns alone decide.
func DetectUrgent(normalised string, vector Vector) *Urgent {
	rules, classifier := loadUrgent(), dangerClassifier()
	pattern := rules.match(normalised)
	r := classifier.read(normalised, vector)
	switch {
	case r == nil && pattern == "":
		return nil
	case r == nil || pattern == suicide && r.P < classifier.Threshold:
		return rules.urgent(pattern)
	case r.P < classifier.Threshold && (pattern == "" || r.P < classifier.Doubted):
		return nil
	case r.Shares[0] >= classifier.Certain || r.Classes[0] == pattern:
		return rules.urgent(r.Classes[0])
	}
	return rules.unsure(*r, pattern, classifier.Certain)
}

// suicide is never doubted: what somebody who wants to die writes is plain, and may sound calm.
const suicide = "suicide"

// match is the class of the first pattern that matches, or "".
func (r urgentRules) match(normalised string) string {
	message := newSearched(normalised)
	asking := r.Asking.match(message) && !r.Happening.match(message)
	for _, c := range r.Classes {
		if c.Now.match(message) && (!asking || c.Class == suicide) || !asking && c.UnlessAsking.match(message) {
			return c.Class
		}
	}
	return ""
}

// Happens reports whether a normalised message says that something is happening now.
func Happens(normalised string) bool { return loadUrgent().Happening.match(newSearched(normalised)) }

func (r urgentRules) urgent(class string) *Urgent {
	for _, c := range r.Classes {
		if c.Class == class {
			return &Urgent{c.Class, c.Number, c.Line, c.Then}
		}
	}
	return nil
}

// DangerLines are all lines that may be said of a danger: the service's own words, which no entry has.
func DangerLines() []string {
	r, lines, numbers := loadUrgent(), []string{}, map[string]bool{}
	for _, c := range r.Classes {
		lines = append(lines, c.Line, c.Then)
		numbers[c.Number] = true
	}
	for first := range numbers {
		lines = append(lines, fmt.Sprintf(r.Unsure.One, first))
		for second := range numbers {
			lines = append(lines, fmt.Sprintf(r.Unsure.Two, first, second))
		}
	}
	return append(lines, r.Unsure.Then)
}

// unsure names the number that most of the reading is for, and unless that is certain another: the pattern's, or the next.
func (r urgentRules) unsure(of Reading, pattern string, certain float64) *Urgent {
	share := map[string]float64{}
	var numbers []string
	for i, class := range of.Classes {
		number := r.urgent(class).Number
		if share[number] == 0 {
			numbers = append(numbers, number)
		}
		share[number] += of.Shares[i]
	}
	slices.SortStableFunc(numbers, func(a, b string) int { return cmp.Compare(share[b], share[a]) })
	first, second := numbers[0], numbers[1]
	if u := r.urgent(pattern); u != nil && u.Number != first {
		first, second = u.Number, first
	} else if share[first] >= certain {
		return &Urgent{Unsure, first, fmt.Sprintf(r.Unsure.One, first), r.Unsure.Then}
	}
	return &Urgent{Unsure, first, fmt.Sprintf(r.Unsure.Two, first, second), r.Unsure.Then}
}
