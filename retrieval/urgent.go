package retrieval

import (
	"strings"
	"sync"
)

// Urgent is a danger seen in a message: the right number comes first, whatever else is answered.
type Urgent struct {
	Class  string // suicide, choking, poisoning, stroke, heart, electricity, drowning, gas, fire, disaster, missing, abuse, injury, scam
	Number string
	Line   string // the first line of the reply
	Then   string // what to do while waiting
}

type urgentRules struct {
	Asking, Happening patterns
	Classes           []struct {
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
	return &c
})

// Vector is a message's embedding and the model that it is by; the zero value is none.
type Vector struct {
	Model string
	V     []float32
}

// supposed marks a danger that has not come: nobody in one writes 万一. The classifier, which sees the subject, cannot know.
const supposed = "万一"

// DetectUrgent returns the danger that a normalised message speaks of, or nil: first by the patterns of urgent.yaml,
// then by the classifier over its vector, which knows phrasings that nobody listed.
func DetectUrgent(normalised string, vector Vector) *Urgent {
	rules := loadUrgent()
	asking := rules.Asking.match(normalised) && !rules.Happening.match(normalised)
	for _, c := range rules.Classes {
		if c.Now.match(normalised) && (!asking || c.Class == "suicide") || !asking && c.UnlessAsking.match(normalised) {
			return &Urgent{c.Class, c.Number, c.Line, c.Then}
		}
	}
	class, _ := dangerClassifier().classify(vector.Model, vector.V)
	if class != "suicide" && strings.Contains(normalised, supposed) {
		return nil
	}
	for _, c := range rules.Classes {
		if c.Class == class {
			return &Urgent{c.Class, c.Number, c.Line, c.Then}
		}
	}
	return nil
}
