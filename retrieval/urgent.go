package retrieval

import "sync"

// Urgent is a danger seen in a message: the right number comes first, whatever else is answered.
type Urgent struct {
	Class  string // suicide, choking, poisoning, stroke, heart, electricity, drowning, gas, fire, disaster, missing, abuse, injury, scam
	Number string
	Line   string // the first line of the reply
	Then   string // what to do while waiting
}

type urgentRules struct {
	Asking  patterns
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

// DetectUrgent returns the danger that a normalised message speaks of, or nil. The patterns lie in urgent.yaml.
func DetectUrgent(normalised string) *Urgent {
	rules := loadUrgent()
	asking := rules.Asking.match(normalised)
	for _, c := range rules.Classes {
		if c.Now.match(normalised) && (!asking || c.Class == "suicide") || !asking && c.UnlessAsking.match(normalised) {
			return &Urgent{c.Class, c.Number, c.Line, c.Then}
		}
	}
	return nil
}
