package retrieval

import (
	"testing"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// TestCompare: each of pairNames tells what its name says.
func TestCompare(t *testing.T) {
	at := map[string]int{}
	for i, n := range pairNames {
		at[n] = i
	}
	for _, c := range []struct {
		message, wording, name string
		want                   float64
	}{
		{"喝白酒能杀死病毒", "喝白酒可以杀死流感病毒", "parity", 0},
		{"喝白酒不能杀死病毒", "喝白酒可以杀死流感病毒", "parity", 1},
		{"喝白酒能不能杀死病毒", "喝白酒可以杀死流感病毒", "negations", 0},
		{"喝白酒杀病毒纯属谣言", "喝白酒可以杀死流感病毒", "dismissed", 1},
		{"喝白酒能杀死病毒吗", "喝白酒可以杀死流感病毒", "asks", 1},
		{"喝白酒能杀死病毒", "喝白酒可以杀死流感病毒", "asks", 0},
		{"千万不要喝白酒", "喝白酒可以杀死流感病毒", "advises", 2},
		{"味精能防癌", "味精会致癌", "antonym", 1},
		{"每天喝8杯水", "每天喝3杯水", "numbers_differ", 1},
		{"每天喝3杯水", "每天喝3杯水", "numbers_differ", 0},
		{"味精致癌", "味精致癌", "overlap", 1},
		{"味精致癌", "鸡精致癌", "overlap", 2. / 3},
	} {
		got := readUtterance(text.Normalize(c.message)).compare(readUtterance(text.Normalize(c.wording)))
		if v := got[at[c.name]]; v != c.want {
			t.Errorf("%s / %s: %s is %g, want %g", c.message, c.wording, c.name, v, c.want)
		}
	}
}

// TestVerifierFeaturesHaveNames, and what is condensed reads the same.
func TestVerifierFeaturesHaveNames(t *testing.T) {
	piece := Piece{Text: "喝白酒不能杀死病毒", Hits: []Hit{
		{Ref: Ref{"a", 1}, Kind: knowledge.ClaimPassage, Text: "喝白酒可以杀死流感病毒", Cosine: .9, Coverage: .6, Siblings: 3},
		{Ref: Ref{"a", 1}, Kind: knowledge.WholePassage, Cosine: .7, Siblings: 3},
		{Ref: Ref{"a", 1}, Kind: knowledge.NegativePassage, Text: "酒精擦手能杀死病毒", Cosine: .8, Coverage: .3, Siblings: 3},
		{Ref: Ref{"b", 1}, Kind: knowledge.QuestionPassage, Text: "流感了怎么办", Cosine: .5, Coverage: .1, Siblings: 1},
	}}
	aligner := newAligner(t)
	for _, e := range piece.Evidence() {
		whole, err := aligner.Align(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		small, err := aligner.Align(t.Context(), e.Condensed())
		if err != nil {
			t.Fatal(err)
		}
		full, condensed := VerifierFeatures(whole), VerifierFeatures(small)
		if len(full) != len(VerifierNames) || len(e.Features) != len(FeatureNames) {
			t.Fatalf("%s: %d values for %d names, %d features for %d", e.ID, len(full), len(VerifierNames), len(e.Features), len(FeatureNames))
		}
		for i := range full {
			if full[i] != condensed[i] {
				t.Errorf("%s: %s is %g, condensed %g", e.ID, VerifierNames[i], full[i], condensed[i])
			}
		}
	}
}

// TestEvidence: the whole counts half, negative wordings alone are no evidence, and an entry is measured against its rivals.
func TestEvidence(t *testing.T) {
	piece := Piece{Text: "味精致癌吗", Hits: []Hit{
		{Ref: Ref{"a", 1}, Kind: knowledge.ClaimPassage, Text: "味精会致癌", Cosine: .9, Siblings: 1},
		{Ref: Ref{"a", 1}, Kind: knowledge.WholePassage, Cosine: .7, Siblings: 1},
		{Ref: Ref{"b", 1}, Kind: knowledge.ClaimPassage, Text: "鸡精会致癌", Cosine: .8, Siblings: 1},
		{Ref: Ref{"c", 1}, Kind: knowledge.NegativePassage, Text: "味精致癌", Cosine: 1, Siblings: 1},
	}}
	all := piece.Evidence()
	if len(all) != 2 || all[0].ID != "a" && all[0].ID != "b" {
		t.Fatalf("evidence for %d entries, want a and b", len(all))
	}
	for _, e := range all {
		want := map[knowledge.ID]float64{"a": .8, "b": .8}[e.ID]
		if d := e.base - want; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s: base %g, want %g", e.ID, e.base, want)
		}
		if e.margin > 1e-9 || e.margin < -1e-9 {
			t.Errorf("%s: %g ahead of its equal", e.ID, e.margin)
		}
	}
}

// TestSeconds: a second answer is another window's best entry, when that window is not about the first.
func TestSeconds(t *testing.T) {
	at := func(id string, segment string, p float64) Evidence {
		return Evidence{Ref: Ref{knowledge.ID(id), 1}, segment: segment, p: p}
	}
	first := at("a", "一", .9)
	for _, c := range []struct {
		name   string
		window []Evidence
		want   int
	}{
		{"about the first", []Evidence{at("a", "二", .8)}, 0},
		{"about both", []Evidence{at("b", "二", .8), at("a", "二", .5)}, 0},
		{"about another", []Evidence{at("b", "二", .8), at("a", "二", .1)}, 1},
		{"the first's own window", []Evidence{at("b", "一", .95)}, 0},
		{"nothing found", nil, 0},
	} {
		whole := []Evidence{first}
		if got := Seconds(first, [][]Evidence{whole, c.window}); len(got) != c.want {
			t.Errorf("%s: %d seconds, want %d", c.name, len(got), c.want)
		}
	}
	if got := Seconds(first, nil); got != nil {
		t.Errorf("no pieces: %v", got)
	}
}

func TestNewAmounts(t *testing.T) {
	hits := []Hit{{Kind: knowledge.ClaimPassage, Text: "每天喝二两白酒防流感"}, {Kind: knowledge.NegativePassage, Text: "喝八杯水"}}
	for message, want := range map[string]int{"每天二两,病毒死光": 0, "每天八杯": 1, "千万不要喝": 0, "喝二两歇3天": 1, "喝酒": 0} {
		if got := (Evidence{segment: message, hits: hits}).newAmounts(); got != want {
			t.Errorf("%s: %d new amounts, want %d", message, got, want)
		}
	}
}
