package console

import (
	"slices"
	"strings"

	"qiuzhen/knowledge"
)

// tick is a box that may be ticked.
type tick struct {
	Name, Value, Word string
	On                bool
}

func topicTicks(on []knowledge.Topic) (all []tick) {
	for _, t := range []knowledge.Topic{knowledge.Health, knowledge.Fraud, knowledge.Disaster, knowledge.Rumour} {
		all = append(all, tick{"topics", string(t), t.Word(), slices.Contains(on, t)})
	}
	return all
}

func groupTicks(on []string) (all []tick) {
	for _, g := range knowledge.AudienceGroups {
		all = append(all, tick{"groups", g, g, slices.Contains(on, g)})
	}
	return all
}

// channelTicks are the channels; WeChat's short text goes with WeChat.
func channelTicks(on []string) (all []tick) {
	for _, ch := range knowledge.BroadcastChannels {
		if ch.Name != knowledge.WeChatTemplate {
			all = append(all, tick{"channels", ch.Name, ch.Word, slices.Contains(on, ch.Name)})
		}
	}
	return all
}

// capView is a field of CAP's words.
type capView struct {
	knowledge.CAPField
	Now string
}

func capViews(c *knowledge.BroadcastContent) (all []capView) {
	for _, f := range knowledge.CAPFields() {
		all = append(all, capView{f, *c.CAPWord(f.Name)})
	}
	return all
}

// ownText is what is written by hand for one channel, beside the length of what it is sent now.
type ownText struct {
	knowledge.BroadcastChannel
	Own string
	Now int
}

func ownTexts(b knowledge.Broadcast) (all []ownText) {
	for _, ch := range knowledge.BroadcastChannels {
		all = append(all, ownText{ch, b.Content.Texts[ch.Name], ch.Length(b.Text(ch.Name))})
	}
	return all
}

// areaCity is a city with its counties, each with its towns.
type areaCity struct {
	City     string
	tick     // all of it
	Counties []areaCounty
	Open     bool // something in it is ticked, or readers are offered it
}

type areaCounty struct {
	tick
	Towns []tick
	Open  bool
}

// areaChoices are the regions as boxes. What is ticked and not known, of an imported list that is gone, stays ticked.
func areaChoices(on []string) (cities []areaCity) {
	left := slices.Clone(on)
	box := func(r knowledge.Region, word string) tick {
		ticked := slices.Contains(on, r.Code)
		left = slices.DeleteFunc(left, func(code string) bool { return code == r.Code })
		return tick{"areas", r.Code, word, ticked}
	}
	offered := knowledge.Counties()
	for _, r := range knowledge.Regions() { // by code: a city before its counties, a county before its towns
		switch {
		case strings.HasSuffix(r.Code, "00") && len(r.Code) == 6:
			home := slices.ContainsFunc(offered, func(code string) bool { return code[:4] == r.Code[:4] })
			cities = append(cities, areaCity{tick: box(r, r.Name+"全"+lastRune(r.Name)), City: r.Name, Open: home})
		case len(cities) == 0: // a list that begins with a county
			cities = append(cities, areaCity{tick: box(r, r.Name), City: r.Name})
		case len(r.Code) == 6:
			city := &cities[len(cities)-1]
			city.Counties = append(city.Counties, areaCounty{tick: box(r, r.Name)})
		default:
			city := &cities[len(cities)-1]
			if n := len(city.Counties); n > 0 {
				county := &city.Counties[n-1]
				county.Towns = append(county.Towns, box(r, strings.TrimPrefix(r.Name, county.Word)))
			}
		}
	}
	for _, code := range left {
		cities = append(cities, areaCity{tick: tick{"areas", code, knowledge.RegionName(code), true}, City: knowledge.RegionName(code)})
	}
	for i := range cities {
		openTicked(&cities[i])
	}
	slices.SortStableFunc(cities, func(a, b areaCity) int { return opened(b) - opened(a) })
	return cities
}

func openTicked(city *areaCity) {
	city.Open = city.Open || city.On
	for i := range city.Counties {
		county := &city.Counties[i]
		county.Open = slices.ContainsFunc(county.Towns, func(t tick) bool { return t.On })
		city.Open = city.Open || county.On || county.Open
	}
}

func opened(c areaCity) int {
	if c.Open {
		return 1
	}
	return 0
}

func lastRune(s string) string {
	r := []rune(s)
	return string(r[max(len(r)-1, 0):])
}
