// Package embeddingtest holds what every embedding.Model must do, in one suite that each implementation runs.
package embeddingtest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/embedding"
)

// texts are of very different lengths and kinds, so that padding, order and cutting would show.
var texts = []string{
	"喝白酒能杀死病毒",
	"台风来了怎么办？\n门窗要不要贴胶带",
	"a",
	strings.Repeat("燃气泄漏先开窗通风，再关阀门，不要开灯。", 20),
	"COVID-19 mRNA疫苗安全吗？😀",
	"[SEP]",
	"  首尾有空白\t\n",
	"退休金要重新认证，点这个链接填银行卡号",
}

// Run runs the suite; open gives a fresh Model, which the suite closes.
func Run(t *testing.T, open func(t *testing.T) embedding.Model) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, embedding.Model)
	}{
		{"names itself", testIdentity},
		{"one unit vector a text", testShape},
		{"a vector does not depend on the others or on their order", testIndependence},
		{"similar texts are nearer", testSimilarity},
		{"the caller's texts stay as they are", testTextsUntouched},
		{"an empty list", testEmptyList},
		{"a text of nothing is an error", testNoText},
		{"a long text is cut", testLongText},
		{"foreign bytes", testForeignBytes},
		{"an ended context", testEndedContext},
		{"many callers at once", testConcurrency},
		{"closed", testClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			model := open(t)
			t.Cleanup(func() {
				if err := model.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			test.run(t, model)
		})
	}
}

func embed(t *testing.T, model embedding.Model, texts ...string) [][]float32 {
	t.Helper()
	vectors, err := model.Embed(t.Context(), texts)
	if err != nil {
		t.Fatalf("Embed(%q): %v", texts, err)
	}
	if len(vectors) != len(texts) {
		t.Fatalf("%d vectors for %d texts", len(vectors), len(texts))
	}
	return vectors
}

func testIdentity(t *testing.T, model embedding.Model) {
	if model.ID() == "" || model.Dimensions() < 1 {
		t.Errorf("ID %q, %d dimensions", model.ID(), model.Dimensions())
	}
}

func testShape(t *testing.T, model embedding.Model) {
	for i, v := range embed(t, model, texts...) {
		wantUnit(t, model, texts[i], v)
	}
}

// wantUnit allows for float32's rounding.
func wantUnit(t *testing.T, model embedding.Model, text string, v []float32) {
	t.Helper()
	if length := math.Sqrt(Cosine(v, v)); len(v) != model.Dimensions() || math.Abs(length-1) > 1e-5 {
		t.Errorf("%.20q: %d numbers of length %v, want %d of length 1", text, len(v), length, model.Dimensions())
	}
}

func testIndependence(t *testing.T, model embedding.Model) {
	together := embed(t, model, texts...)
	backwards := slices.Clone(texts)
	slices.Reverse(backwards)
	reversed := embed(t, model, backwards...)
	slices.Reverse(reversed)
	for i, text := range texts {
		alone := embed(t, model, text)[0]
		if !slices.Equal(alone, together[i]) || !slices.Equal(alone, reversed[i]) {
			t.Errorf("%.20q alone, among others, and among others backwards gives different vectors", text)
		}
		for k := range i {
			if slices.Equal(together[i], together[k]) {
				t.Errorf("%.20q and %.20q give the same vector", text, texts[k])
			}
		}
	}
}

func testSimilarity(t *testing.T, model embedding.Model) {
	v := embed(t, model, "喝白酒能杀死病毒", "喝白酒可以杀死病毒吗", "台风来了怎么办")
	if near, far := Cosine(v[0], v[1]), Cosine(v[0], v[2]); near <= far {
		t.Errorf("cosine to a paraphrase %.3f, to another matter %.3f", near, far)
	}
}

func testTextsUntouched(t *testing.T, model embedding.Model) {
	given := slices.Clone(texts)
	embed(t, model, given...)
	if !slices.Equal(given, texts) {
		t.Errorf("texts became %q", given)
	}
}

func testEmptyList(t *testing.T, model embedding.Model) {
	embed(t, model)
}

func testNoText(t *testing.T, model embedding.Model) {
	for _, nothing := range []string{"", " \t\n", "\u3000", "\x00", "\u200b\ufeff", "\xff\xfe"} {
		vectors, err := model.Embed(t.Context(), []string{"有字", nothing})
		if !errors.Is(err, embedding.ErrNoText) || !strings.Contains(err.Error(), "text 2 of 2") {
			t.Errorf("%q: %d vectors and error %v, want ErrNoText for text 2 of 2", nothing, len(vectors), err)
		}
	}
}

func testLongText(t *testing.T, model embedding.Model) {
	for _, long := range []string{strings.Repeat("紧急通知！", 20_000), strings.Repeat("a", 100_000)} {
		wantUnit(t, model, long, embed(t, model, long)[0])
	}
}

func testForeignBytes(t *testing.T, model embedding.Model) {
	for _, s := range []string{"喝\x00白酒", "喝\xff\xfe白酒", "\xe4\xb8喝", "\u202e反\u202c", "\U0010ffff字"} {
		wantUnit(t, model, s, embed(t, model, s)[0])
	}
}

func testEndedContext(t *testing.T, model embedding.Model) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancelLate := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancelLate()
	for _, c := range []struct {
		ctx  context.Context
		want error
	}{{cancelled, context.Canceled}, {late, context.DeadlineExceeded}} {
		if vectors, err := model.Embed(c.ctx, texts); !errors.Is(err, c.want) || vectors != nil {
			t.Errorf("%d vectors and error %v, want %v", len(vectors), err, c.want)
		}
	}
}

func testConcurrency(t *testing.T, model embedding.Model) {
	want := embed(t, model, texts...)
	var wg sync.WaitGroup
	for caller := range 8 {
		wg.Go(func() {
			mine := texts[caller%len(texts):]
			got, err := model.Embed(t.Context(), mine)
			if err != nil {
				t.Errorf("caller %d: %v", caller, err)
				return
			}
			for i := range got {
				if !slices.Equal(got[i], want[caller%len(texts)+i]) {
					t.Errorf("caller %d: %.20q has another vector than alone", caller, mine[i])
				}
			}
		})
	}
	wg.Wait()
}

func testClosed(t *testing.T, model embedding.Model) {
	if err := model.Close(); err != nil {
		t.Error(err)
	}
	if _, err := model.Embed(t.Context(), texts); !errors.Is(err, embedding.ErrClosed) {
		t.Errorf("error %v after Close, want ErrClosed", err)
	}
}

// Cosine is the inner product of two unit vectors of the same length.
func Cosine(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
