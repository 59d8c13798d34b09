package retrieval

import "fmt"

// EveryDanger are all that may be said of a danger, each kind and each pair of numbers.
func EveryDanger() (out []Urgent) {
	r := loadUrgent()
	for _, c := range r.Classes {
		out = append(out, Urgent{c.Class, c.Number, c.Line, c.Then}, Urgent{Unsure, c.Number, fmt.Sprintf(r.Unsure.One, c.Number), r.Unsure.Then})
		for _, other := range r.Classes {
			if other.Number != c.Number {
				out = append(out, Urgent{Unsure, c.Number, fmt.Sprintf(r.Unsure.Two, c.Number, other.Number), r.Unsure.Then})
			}
		}
	}
	return out
}

// EveryLive are all current facts that are told from others, with every place that is named and none.
func EveryLive() (out []Live) {
	for _, k := range loadLive().Kinds {
		for _, place := range append([]string{""}, places...) {
			out = append(out, Live{k.Kind, channelFor(k.Channel, place)})
		}
	}
	return out
}
