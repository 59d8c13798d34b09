package embedding

import "testing"

// TestFakeMeaning holds the fake to its documentation, which other packages' tests build on.
func TestFakeMeaning(t *testing.T) {
	vectors, err := NewFake().Embed(t.Context(), []string{"喝白酒", "喝白酒吗", "喝 白\u200b酒", "台风"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ from, to float64 }{{.999, 1.001}, {.66, .68}, {.999, 1.001}, {0, .3}} {
		var cosine float64
		for k, x := range vectors[0] {
			cosine += float64(x) * float64(vectors[i][k])
		}
		if cosine < want.from || cosine > want.to {
			t.Errorf("text %d: cosine %.3f, want %v to %v", i, cosine, want.from, want.to)
		}
	}
}
