package retrieval

import (
	"fmt"
	"strings"
	"sync"
)

// Live is a question about a current fact, which no timeless entry can answer for sure.
type Live struct {
	Kind    string // weather, earthquake, outbreak, number, policy, service
	Channel string // who publishes the current fact: completes 请以……发布的为准
}

type liveRules struct {
	Kinds []struct {
		Kind, Channel string
		Patterns      patterns
	}
}

var loadLive = sync.OnceValue(func() liveRules {
	var r liveRules
	readPatterns("live.yaml", &r)
	return r
})

// places are those whose own offices the reply can name; others are 当地.
var places = []string{"南通", "启东", "海门", "如皋", "如东", "海安", "通州", "崇川", "江苏"}

var liveClassifier = sync.OnceValue(func() *Classifier {
	var c Classifier
	readModel("live.json", &c)
	c.Index()
	return &c
})

// DetectLive returns the current fact that a normalised message asks for, or nil: by the patterns of live.yaml, then
// by the classifier over its vector.
func DetectLive(normalised string, vector Vector) *Live {
	class := ""
	if r := liveClassifier().read(normalised, vector); r != nil && r.P >= liveClassifier().Threshold {
		class = r.Classes[0]
	}
	message := newSearched(normalised)
	for _, byPattern := range []bool{true, false} {
		for _, k := range loadLive().Kinds {
			if byPattern && k.Patterns.match(message) || !byPattern && k.Kind == class {
				return &Live{k.Kind, channelFor(k.Channel, normalised)}
			}
		}
	}
	return nil
}

func channelFor(channel, message string) string {
	if !strings.Contains(channel, "%s") {
		return channel
	}
	place := "当地"
	for _, p := range places {
		if strings.Contains(message, p) {
			place = p
			break
		}
	}
	return fmt.Sprintf(channel, place)
}
