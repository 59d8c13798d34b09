package learn

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestFitSparseIsFitMultinomial: the same examples, with their zeros and without, give the same probabilities.
func TestFitSparseIsFitMultinomial(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const features, classes = 6, 3
	var dense [][]float64
	var sparse []Sparse
	var y []int
	for i := range 90 {
		row := make([]float64, features)
		var s Sparse
		for j := range row {
			if random.IntN(2) == 0 {
				row[j] = random.NormFloat64()
				s.Index, s.Value = append(s.Index, j), append(s.Value, row[j])
			}
		}
		dense, sparse, y = append(dense, row), append(sparse, s), append(y, i%classes)
	}
	a, err := FitMultinomial(dense, y, classes, 1e-2)
	if err != nil {
		t.Fatal(err)
	}
	b, err := FitSparse(sparse, y, features, classes, 1e-2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range dense {
		p, q := a.Probabilities(dense[i]), b.Of(sparse[i])
		for c := range p {
			if math.Abs(p[c]-q[c]) > 1e-4 {
				t.Fatalf("example %d: %v and %v", i, p, q)
			}
		}
	}
	if _, err := FitSparse(sparse, y[1:], features, classes, 1); err == nil {
		t.Error("a class is missing and nothing is said")
	}
}
