package text

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestBigrams(t *testing.T) {
	for _, row := range readTable(t, "bigrams.tsv", 2) {
		if got := strings.Join(Bigrams(row[0]), " "); got != row[1] {
			t.Errorf("Bigrams(%q) = %s, want %s", row[0], got, row[1])
		}
	}
}

func TestBigramsAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		for _, term := range Bigrams(s) {
			n := utf8.RuneCountInString(term)
			if n == 0 || n > maxToken || n > 2 && isHan([]rune(term)[0]) {
				t.Fatalf("Bigrams(%q) has the term %q", s, term)
			}
		}
		if !slices.Equal(Bigrams(s), Bigrams(Normalize(s))) {
			t.Fatalf("Bigrams(%q) depends on whether the text was normalised", s)
		}
	})
}

func TestTerms(t *testing.T) {
	g := testSegmenter(t)
	got := Terms(g, "一氧化碳中毒，一氧化碳！CO浓度3.5")
	want := []Term{{"一氧", 2}, {"氧化", 2}, {"化碳", 2}, {"碳中", 1}, {"中毒", 1}, {"co", 1}, {"浓度", 1}, {"3.5", 1}, {"氧化碳", 2}, {"一氧化碳", 2}}
	if !slices.Equal(got, want) {
		t.Errorf("Terms = %v, want %v", got, want)
	}
	if got, want := Terms(nil, "一氧化碳"), []Term{{"一氧", 1}, {"氧化", 1}, {"化碳", 1}}; !slices.Equal(got, want) {
		t.Errorf("Terms without a segmenter = %v, want %v", got, want)
	}
	if got := Terms(g, " 。\xff\x00"); len(got) != 0 {
		t.Errorf("Terms of nothing = %v", got)
	}
}

// The ids are stored: a change here means that every index must be rebuilt.
func TestTermIDNeverChanges(t *testing.T) {
	for term, want := range map[string]int32{
		"": 346656038, "白酒": 264374585, "酒精": 614784413, "一氧化碳": 503599484, "120": 283474063, "3.5": 556995556,
		"covid": 411359503, "喝": 991501070, "安全账户": 159919041, "mmhg": 366830215, "𠮷野": 695127789,
	} {
		if got := TermID(term); got != want {
			t.Errorf("TermID(%q) = %d, want %d", term, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		if id := TermID(rapid.String().Draw(t, "term")); id < 1 || id > maxTermID {
			t.Fatalf("id %d is outside the sparsevec's dimensions", id)
		}
	})
}

func BenchmarkTerms(b *testing.B) {
	g := testSegmenter(b)
	s := "紧急通知！喝白酒能杀死病毒，转给家人。专家提醒，高血压患者每天血压应低于140/90，隔夜菜不能吃，会致癌！是真的吗？"
	for b.Loop() {
		Terms(g, s)
	}
}
