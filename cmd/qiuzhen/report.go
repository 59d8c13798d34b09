package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"qiuzhen/knowledge"
)

// reportContent counts a pack the ways its editors plan it.
func reportContent(out io.Writer, entries []knowledge.Entry) {
	counts := map[string]map[string]int{}
	add := func(what, value string) {
		if counts[what] == nil {
			counts[what] = map[string]int{}
		}
		counts[what][value]++
	}
	rebuttals, trueish, wordings, negatives := 0, 0, 0, 0
	for _, e := range entries {
		add("topic", string(e.Topic))
		add("kind", string(e.Kind))
		if e.Kind == knowledge.Rebuttal {
			add("verdict", string(e.Verdict))
			rebuttals++
			if e.Verdict == knowledge.True || e.Verdict == knowledge.PartlyTrue {
				trueish++
			}
		}
		for _, g := range e.Groups {
			add("group", string(g))
		}
		for _, r := range e.Regions {
			add("region", r+" "+knowledge.RegionName(r))
		}
		wordings += len(e.Claims) + len(e.Questions)
		negatives += len(e.Negatives)
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		for _, value := range slices.Sorted(maps.Keys(counts[what])) {
			fmt.Fprintf(out, "%-8s %-22s %4d\n", what, value, counts[what][value])
		}
	}
	fmt.Fprintf(out, "%-8s %-22s %4d (%.0f%% of rebuttals)\n", "claims", "true or partly true", trueish, 100*float64(trueish)/float64(max(rebuttals, 1)))
	fmt.Fprintf(out, "%-8s %-22s %4d\n%-8s %-22s %4d\n", "wordings", "claims and questions", wordings, "wordings", "negative", negatives)
}
