// Package embedding turns text into vectors: in process by ONNX Runtime, by a remote endpoint, or by a
// documented fake for tests.
package embedding

import (
	"context"
	"math"
)

// Model turns a text into a vector of unit length. It is safe for concurrent use.
type Model interface {
	// ID names model, quantisation and revision; vectors of different IDs never mix.
	ID() string
	Dimensions() int
	// Embed returns one vector a text, in order. It ends early with ctx's error when ctx ends.
	Embed(ctx context.Context, texts []string) ([][]float32, error)
	Close() error
}

// normalise scales v to unit length in place; a zero vector stays.
func normalise(v []float32) []float32 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return v
	}
	scale := float32(1 / math.Sqrt(sum))
	for i := range v {
		v[i] *= scale
	}
	return v
}
