package stats

import (
	"math/rand/v2"
	"slices"
	"strconv"
)

// cluster is the values that are drawn together.
type cluster struct {
	sum float64
	n   int
}

// ClusterBootstrap is the 95% percentile interval of the mean of the values (Efron and Tibshirani 1993, chapter 13; clusters: Field and Welsh
// 2007). Each of reps times as many clusters as there are are drawn with replacement, with all their values; the mean is over the values drawn,
// so that a large cluster weighs more. Of the sorted means reps/40 are cut off at either end, and the outermost that remain are the interval.
// No clusters (nil): each value by itself. One seed, one result. No values panic.
func ClusterBootstrap(values []float64, clusters []string, seed uint64, reps int) (low, high float64) {
	means := resample(group(values, clusters), reps, generator(seed))
	cut := reps / 40
	return means[cut], means[reps-1-cut]
}

// Difference is by how much the mean of one list of values is above another's, with its 95% interval and two-sided p.
type Difference struct{ Value, Low, High, P float64 }

// PairedBootstrap compares two lists of values of the same things: b's mean less a's, with the interval of ClusterBootstrap over the
// differences. P is the level at which the interval begins to hold 0: 2 min(l, g), l and g the share of drawn differences at most and at
// least 0, the sample counted as one of them (Davison and Hinkley 1997, 4.2): P is at least 2/(reps+1).
func PairedBootstrap(a, b []float64, clusters []string, seed uint64, reps int) Difference {
	sameLength("values compared", len(a), len(b))
	return difference(a, b, clusters, reps, generator(seed))
}

func difference(a, b []float64, clusters []string, reps int, next func(n int) int) Difference {
	values := make([]float64, len(a))
	for i := range a {
		values[i] = b[i] - a[i]
	}
	means := resample(group(values, clusters), reps, next)
	below, above := 1, 1
	for _, m := range means {
		if m <= 0 {
			below++
		}
		if m >= 0 {
			above++
		}
	}
	cut := reps / 40
	return Difference{Mean(values), means[cut], means[reps-1-cut], min(1, 2*float64(min(below, above))/float64(reps+1))}
}

// group gathers values by cluster, clusters in the order in which they first come.
func group(values []float64, clusters []string) []cluster {
	if len(values) == 0 {
		panic("stats: bootstrap of no values")
	}
	if clusters != nil {
		sameLength("values and clusters", len(values), len(clusters))
	}
	index := map[string]int{}
	var out []cluster
	for i, v := range values {
		key := strconv.Itoa(i)
		if clusters != nil {
			key = clusters[i]
		}
		at, ok := index[key]
		if !ok {
			at = len(out)
			index[key] = at
			out = append(out, cluster{})
		}
		out[at].sum += v
		out[at].n++
	}
	return out
}

// resample returns the sorted means of reps draws; next gives an index below n.
func resample(of []cluster, reps int, next func(n int) int) []float64 {
	means := make([]float64, reps)
	for r := range means {
		var all cluster
		for range of {
			c := of[next(len(of))]
			all.sum, all.n = all.sum+c.sum, all.n+c.n
		}
		means[r] = all.sum / float64(all.n)
	}
	slices.Sort(means)
	return means
}

func generator(seed uint64) func(n int) int {
	return rand.New(rand.NewPCG(seed, 0)).IntN //nolint:gosec // repeatable on purpose
}
