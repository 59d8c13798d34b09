// Package stats has the statistics that evaluations report, standard library only, each with its formula and source. testdata/reference.json
// holds what scipy, statsmodels, scikit-learn, krippendorff and ir_measures say of the same input; the tests ask for equality to 1e-9.
//
// Lists that belong together (values and clusters, scores and hits) have to be of one length: anything else is a fault of the caller, and panics.
package stats

import (
	"fmt"
	"math"
	"slices"
)

// z95 is the .975 quantile of the standard normal distribution.
const z95 = 1.9599639845400542

// Mean is the arithmetic mean; of no values NaN.
func Mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// Percentile is the least value that at least a share q of the values does not exceed: of the sorted values the one at ceil(q n), counted
// from 1. It is always one of them (Hyndman and Fan 1996, type 1; numpy's inverted_cdf). Of no values NaN.
func Percentile(values []float64, q float64) float64 {
	n := len(values)
	if n == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(n-1, max(0, int(math.Ceil(q*float64(n)))-1))]
}

// Wilson is the 95% score interval of k successes in n trials (Wilson 1927; Brown, Cai and DasGupta 2001): with p = k/n
//
//	(p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)
//
// It is never empty: 0 of n has an upper bound above 0. Of no trials nothing is known: 0 to 1.
func Wilson(k, n int) (low, high float64) {
	if k < 0 || k > n {
		panic(fmt.Sprintf("stats: %d successes in %d trials", k, n))
	}
	if n == 0 {
		return 0, 1
	}
	trials, p := float64(n), float64(k)/float64(n)
	scale := 1 + z95*z95/trials
	centre := (p + z95*z95/(2*trials)) / scale
	half := z95 / scale * math.Sqrt(p*(1-p)/trials+z95*z95/(4*trials*trials))
	low, high = max(0, centre-half), min(1, centre+half)
	if k == 0 {
		low = 0 // rounding apart
	}
	if k == n {
		high = 1
	}
	return low, high
}

func sameLength(what string, a, b int) {
	if a != b {
		panic(fmt.Sprintf("stats: %s: %d and %d", what, a, b))
	}
}
