package cases

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Difference is a case of which two runs had something else come, and what.
type Difference struct {
	Case string `json:"case"`
	What string `json:"what"`
	Was  string `json:"was"`
	Now  string `json:"now"`
}

// Differences says of each case what came the second time and not the first; how long it took does not count.
func Differences(was, now Run) []Difference {
	second := map[string]Outcome{}
	for _, o := range now.Outcomes {
		second[o.Case.ID] = o
	}
	var found []Difference
	for _, a := range was.Outcomes {
		b, ok := second[a.Case.ID]
		if !ok {
			found = append(found, Difference{a.Case.ID, "没有再问", a.Decision, ""})
			continue
		}
		for _, d := range []struct{ what, was, now string }{
			{"没有跑成", a.Error, b.Error},
			{"决定", a.Decision, b.Decision},
			{"危险", a.Urgent + " " + a.Number, b.Urgent + " " + b.Number},
			{"眼前的事", a.Live, b.Live},
			{"回答的条目", shown(a), shown(b)},
			{"回复", a.Reply, b.Reply},
		} {
			if d.was != d.now {
				found = append(found, Difference{a.Case.ID, d.what, d.was, d.now})
				break // the first says why the rest differs
			}
		}
	}
	return found
}

func shown(o Outcome) string {
	var parts []string
	for _, a := range o.Answers {
		parts = append(parts, fmt.Sprintf("%s 第%d版 %s", a.Entry, a.Version, zh(a.Verdict)))
	}
	return strings.Join(append(parts, o.Offered...), "，")
}

// Changed names what two manifests do not share, beside times and machine.
func Changed(a, b Manifest) []string {
	var names []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"用例", a.Cases == b.Cases},
		{"内容", a.Content == b.Content},
		{"模型", a.Model == b.Model},
		{"设置", maps.Equal(a.Settings, b.Settings)},
		{"程序", a.Commit == b.Commit},
	} {
		if !f.same {
			names = append(names, f.name)
		}
	}
	return slices.Clip(names)
}
