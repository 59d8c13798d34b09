// Package embedding turns text into vectors: in process by ONNX Runtime, by a remote endpoint, or by a documented fake
// for tests. One conformance suite (embeddingtest) holds for all of them.
package embedding

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// Model turns a text into a vector of unit length. It is safe for concurrent use.
type Model interface {
	// ID names model, quantisation and revision; vectors of different IDs never mix.
	ID() string
	Dimensions() int
	// Embed returns one L2-normalised vector a text, in order; a text's vector does not depend on the others. A text
	// longer than the model takes is cut, not refused; one that holds nothing to embed is ErrNoText. It ends early
	// with ctx's error when ctx ends, and never changes texts.
	Embed(ctx context.Context, texts []string) ([][]float32, error)
	// Close frees what the model holds; Embed then gives ErrClosed.
	Close() error
}

var (
	// ErrNoText is the error for a text of nothing but white space, controls and invisible characters: its vector would
	// mean nothing, yet lie near something.
	ErrNoText = errors.New("text holds nothing to embed")
	// ErrClosed is the error of a Model that has been closed.
	ErrClosed = errors.New("embedding model is closed")
)

// checkTexts is what every Model does first.
func checkTexts(ctx context.Context, texts []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, text := range texts {
		if !hasText(text) {
			return fmt.Errorf("text %d of %d: %w", i+1, len(texts), ErrNoText)
		}
	}
	return nil
}

// normalise scales v to unit length in place. It fails on what has no direction: zero, infinite or not a number.
func normalise(v []float32) error {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 || math.IsInf(sum, 0) || math.IsNaN(sum) {
		return fmt.Errorf("vector of %d numbers has the length %v", len(v), math.Sqrt(sum))
	}
	scale := 1 / math.Sqrt(sum)
	for i, x := range v {
		v[i] = float32(float64(x) * scale)
	}
	return nil
}
