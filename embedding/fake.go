package embedding

import (
	"context"
	"hash/fnv"
	"sync/atomic"
)

const fakeDimensions = 256

// Fake is a Model for tests that need no meaning: texts that share character bigrams lie near each other, others at right
// angles but for hashes that meet by chance.
//
// Each pair of neighbouring characters, the text's two ends counted as characters, adds 1 to the dimension that its
// FNV-1a hash picks among 256; characters that the real tokenizer drops, white space among them, are passed over.
// So "喝白酒" and "喝白酒吗" share 3 of their 4 and 5 pairs: their cosine is 3/√20 = .67, were no two hashes equal.
type Fake struct{ closed atomic.Bool }

// NewFake returns a Fake.
func NewFake() *Fake { return &Fake{} }

// ID is "fake-bigram-256".
func (*Fake) ID() string { return "fake-bigram-256" }

// Dimensions is 256.
func (*Fake) Dimensions() int { return fakeDimensions }

// Close ends it.
func (f *Fake) Close() error {
	f.closed.Store(true)
	return nil
}

// Embed returns one unit vector a text.
func (f *Fake) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	if f.closed.Load() {
		return nil, ErrClosed
	}
	if err := checkTexts(ctx, texts); err != nil {
		return nil, err
	}
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		vectors[i] = bigramVector(text)
		if err := normalise(vectors[i]); err != nil {
			return nil, err
		}
	}
	return vectors, nil
}

// bigramVector counts; it never subtracts, so that no text cancels itself out.
func bigramVector(text string) []float32 {
	v := make([]float32, fakeDimensions)
	const end = '\x00'
	before := end
	for _, r := range text {
		if class := classOf(r); class == inWord || class == alone {
			v[bigramDimension(before, r)]++
			before = r
		}
	}
	v[bigramDimension(before, end)]++
	return v
}

func bigramDimension(a, b rune) uint32 {
	hash := fnv.New32a()
	hash.Write([]byte(string([]rune{a, b}))) //nolint:errcheck,gosec // a hash's Write cannot fail
	return hash.Sum32() % fakeDimensions
}
