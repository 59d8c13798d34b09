package retrieval

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// letters gives each character a direction of its own, and the characters of one pair in same nearly the same.
type letters struct {
	same  map[string]string
	asked [][]string
}

func (l *letters) EmbedTokens(_ context.Context, texts []string) (vectors [][]float32, pieces [][]string, states [][][]float32, err error) {
	l.asked = append(l.asked, texts)
	for _, t := range texts {
		var p []string
		var s [][]float32
		for _, r := range t {
			c := string(r)
			v := make([]float32, 64)
			if other, ok := l.same[c]; ok {
				v[[]rune(other)[0]%64], v[r%64] = 0.8, 0.6
			} else {
				v[r%64] = 1
			}
			p, s = append(p, c), append(s, v)
		}
		vectors, pieces, states = append(vectors, make([]float32, 64)), append(pieces, p), append(states, s)
	}
	return vectors, pieces, states, nil
}

func newAligner(t *testing.T) *Aligner {
	t.Helper()
	a, err := NewAligner(&letters{}, 8)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestAligned: worked by hand. 豆 is like 牛 by .8; 奶 and 浆 are in both; 的 is a function word.
func TestAligned(t *testing.T) {
	model := &letters{same: map[string]string{"豆": "牛"}}
	_, pieces, states, err := model.EmbedTokens(t.Context(), []string{"豆浆的", "牛浆"})
	if err != nil {
		t.Fatal(err)
	}
	got := aligned(tokens{pieces[0], states[0]}, tokens{pieces[1], states[1]})
	want := map[string]float64{
		"tokens_content": 0.9, "tokens_least": 0.8, "tokens_second_least": 1, "tokens_least3": 0.9, "tokens_strangers": 0,
		"tokens_others": 0.5, "tokens_others_mean": 0.8, "tokens_others_lowest": 0.8,
		"wording_tokens_likeness": 0.9, "wording_tokens_content": 0.9, "wording_tokens_others": 0.5, "wording_tokens_least": 0.8,
	}
	for name, w := range want {
		if v := got[slices.Index(AlignedNames, name)]; math.Abs(v-w) > 1e-6 {
			t.Errorf("%s is %g, want %g", name, v, w)
		}
	}
	if len(got) != len(AlignedNames) {
		t.Errorf("%d values for %d names", len(got), len(AlignedNames))
	}
}

// TestPacked: what is kept of a wording gives the same cosines, to five places.
func TestPacked(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a fixed seed
	states := make([][]float32, 40)
	for i := range states {
		v, square := make([]float32, 512), 0.0
		for k := range v {
			v[k] = float32(random.NormFloat64())
			square += float64(v[k]) * float64(v[k])
		}
		for k := range v {
			v[k] /= float32(math.Sqrt(square))
		}
		states[i] = v
	}
	states = append(states, make([]float32, 512)) // a fake's
	kept := pack(tokens{make([]string, len(states)), states}).unpack()
	for i, x := range states {
		for k, y := range states {
			if was, is := dot(x, y), dot(x, kept.states[k]); math.Abs(was-is) > 1e-5 {
				t.Fatalf("the cosine of %d and %d is %g, kept %g", i, k, was, is)
			}
		}
	}
	if empty := pack(tokens{}).unpack(); len(empty.states) != 0 {
		t.Errorf("nothing becomes %v", empty)
	}
}

// TestAlignerKeepsWordings: a wording is read once, a message each time and never kept.
func TestAlignerKeepsWordings(t *testing.T) {
	model := &letters{}
	a, err := NewAligner(model, 8)
	if err != nil {
		t.Fatal(err)
	}
	e := Evidence{segment: "豆浆", wordings: []string{"牛奶", "酸奶"}}
	for range 2 {
		if _, err := a.Align(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	_, said, err := a.read(t.Context(), "豆浆") // a search does
	if err != nil {
		t.Fatal(err)
	}
	e.said = said
	if _, err := a.Align(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if want := [][]string{{"牛奶", "酸奶", "豆浆"}, {"豆浆"}, {"豆浆"}}; !slices.EqualFunc(model.asked, want, slices.Equal[[]string]) {
		t.Errorf("asked for %v, want %v", model.asked, want)
	}
}

// TestTrustWithoutTokens: only what an entry says word by word is trusted when nothing could be aligned.
func TestTrustWithoutTokens(t *testing.T) {
	said := Evidence{segment: "喝白酒,能杀死病毒?", wordings: []string{"喝白酒能杀死病毒。"}}
	window, denied, other, little, much := said, said, said, said, said
	window.whole = "刚收到消息,喝白酒能杀死病毒!快转给家人"
	denied.whole = "喝白酒能杀死病毒,纯属扯淡"
	other.segment, little.segment, much.segment = "喝白酒不能杀死病毒", "喝白酒就可以杀死病毒了", "多喝白酒能杀死病毒"
	for _, c := range []struct {
		name string
		Evidence
		want float64
	}{{"word by word", said, 1}, {"a part of a message", window, 1}, {"a part that the rest denies", denied, 0}, {"other words", other, 0}, {"other little words", little, 1}, {"how much", much, 0}} {
		if got := DefaultScorer().Trust(c.Evidence); got != c.want {
			t.Errorf("%s: trust %g, want %g", c.name, got, c.want)
		}
	}
}
