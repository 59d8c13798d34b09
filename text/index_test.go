package text

import (
	"slices"
	"testing"
)

// 一氧化碳 gives three bigrams and, with the segmenter, the words 氧化碳 and 一氧化碳.
func TestIndexTerms(t *testing.T) {
	got := testSegmenter(t).IndexTerms("一氧化碳，一氧化碳")
	if len(got) != 5 || !slices.IsSortedFunc(got, func(a, b IndexTerm) int { return int(a.ID) - int(b.ID) }) {
		t.Fatalf("IndexTerms = %v, want five by ascending id", got)
	}
	for _, term := range got {
		if term.Count != 2 {
			t.Errorf("IndexTerms = %v, want each twice", got)
		}
	}
	if !slices.Contains(got, IndexTerm{TermID("一氧化碳"), 2}) {
		t.Errorf("IndexTerms = %v lacks 一氧化碳", got)
	}
}
