package eval

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

// Figure is a mean with its 95% interval over n values.
type Figure struct {
	Value, Low, High float64
	N                int
}

const (
	bootstrapSamples = 1000
	bootstrapSeed    = 20261125
)

// Mean is the mean of the values with a percentile bootstrap interval. Values of one cluster are drawn together, since
// they are not independent; cluster may be nil: each value by itself. No values give nil.
func Mean(values []float64, cluster func(i int) string) *Figure {
	if len(values) == 0 {
		return nil
	}
	type group struct{ sum, n float64 }
	index := map[string]int{}
	var groups []group
	sum := 0.0
	for i, v := range values {
		key := strconv.Itoa(i)
		if cluster != nil {
			key = cluster(i)
		}
		at, ok := index[key]
		if !ok {
			at = len(groups)
			index[key] = at
			groups = append(groups, group{})
		}
		groups[at].sum += v
		groups[at].n++
		sum += v
	}
	random := rand.New(rand.NewPCG(bootstrapSeed, 0)) //nolint:gosec // repeatable on purpose
	means := make([]float64, bootstrapSamples)
	for s := range means {
		var total group
		for range groups {
			g := groups[random.IntN(len(groups))]
			total.sum, total.n = total.sum+g.sum, total.n+g.n
		}
		means[s] = total.sum / total.n
	}
	slices.Sort(means)
	return &Figure{sum / float64(len(values)), means[bootstrapSamples*25/1000], means[bootstrapSamples*975/1000-1], len(values)}
}

// auroc is the chance that a present query's score is above an absent one's, ties half.
func auroc(present, absent []float64) float64 {
	sorted := slices.Sorted(slices.Values(absent))
	wins := 0.0
	for _, p := range present {
		below, _ := slices.BinarySearch(sorted, p)
		upTo, _ := slices.BinarySearchFunc(sorted, p, func(e, t float64) int {
			if e <= t {
				return -1
			}
			return 1
		})
		wins += float64(below) + float64(upTo-below)/2
	}
	return wins / float64(len(present)) / float64(len(absent))
}

// eceBins is the number of equally wide bins of P for the calibration error.
const eceBins = 10

// calibrationError is the expected calibration error of P against what was right: the mean over bins, weighed by size, of
// the distance between mean P and share right.
func calibrationError(p []float64, right []bool) float64 {
	var sum, hits, n [eceBins]float64
	for i, v := range p {
		b := min(eceBins-1, max(0, int(v*eceBins)))
		sum[b] += v
		n[b]++
		if right[i] {
			hits[b]++
		}
	}
	total := 0.0
	for b := range n {
		total += math.Abs(sum[b] - hits[b])
	}
	return total / float64(max(len(p), 1))
}

// quantile is the value that a share q of the sorted copy does not exceed: element ceil(q n) counted from 1.
func quantile(values []float64, q float64) float64 {
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare[float64])
	return sorted[min(len(sorted)-1, max(0, int(math.Ceil(q*float64(len(sorted))))-1))]
}
