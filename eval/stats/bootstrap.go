package stats

import (
	"math"
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
	return central(resample(group(values, clusters), reps, generator(seed)))
}

// Difference is by how much one mean is above another, with its 95% interval and two-sided p.
type Difference struct{ Value, Low, High, P float64 }

// PairedBootstrap compares two lists of values of the same things: b's mean less a's. NaN: the thing does not count in that list (a share of
// answers has no value where there was none), so the means may be over different things. Clusters are drawn as in ClusterBootstrap, both means
// are taken over what was drawn, and draws that leave a list without values are left out. P is the level at which the interval begins to
// hold 0: 2 min(l, g), l and g the share of drawn differences at most and at least 0, the sample counted as one of them (Davison and Hinkley
// 1997, 4.2), so at least 2/(reps+1). A list without any value panics.
func PairedBootstrap(a, b []float64, clusters []string, seed uint64, reps int) Difference {
	sameLength("values compared", len(a), len(b))
	return difference(group(a, clusters), group(b, clusters), reps, generator(seed))
}

func difference(a, b []cluster, reps int, next func(n int) int) Difference {
	whole := mean(b) - mean(a)
	if math.IsNaN(whole) {
		panic("stats: comparison of no values")
	}
	var drawn []float64
	below, above := 1, 1
	for range reps {
		var ofA, ofB cluster
		for range a {
			i := next(len(a))
			ofA, ofB = ofA.with(a[i]), ofB.with(b[i])
		}
		d := mean([]cluster{ofB}) - mean([]cluster{ofA})
		if math.IsNaN(d) {
			continue
		}
		drawn = append(drawn, d)
		if d <= 0 {
			below++
		}
		if d >= 0 {
			above++
		}
	}
	if len(drawn) == 0 { // hardly: the values lie in one cluster of many
		return Difference{whole, math.Inf(-1), math.Inf(1), 1}
	}
	slices.Sort(drawn)
	low, high := central(drawn)
	return Difference{whole, low, high, min(1, 2*float64(min(below, above))/float64(len(drawn)+1))}
}

// central is what remains outermost when a fortieth of the sorted values is cut off at either end.
func central(sorted []float64) (low, high float64) {
	cut := len(sorted) / 40
	return sorted[cut], sorted[len(sorted)-1-cut]
}

func (c cluster) with(d cluster) cluster { return cluster{c.sum + d.sum, c.n + d.n} }

func mean(of []cluster) float64 {
	var all cluster
	for _, c := range of {
		all = all.with(c)
	}
	return all.sum / float64(all.n)
}

// group gathers values by cluster, clusters in the order in which they first come; NaN counts for nothing.
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
		if !math.IsNaN(v) {
			out[at] = out[at].with(cluster{v, 1})
		}
	}
	return out
}

// resample returns the sorted means of reps draws; next gives an index below n.
func resample(of []cluster, reps int, next func(n int) int) []float64 {
	means := make([]float64, reps)
	for r := range means {
		var all cluster
		for range of {
			all = all.with(of[next(len(of))])
		}
		means[r] = all.sum / float64(all.n)
	}
	slices.Sort(means)
	return means
}

func generator(seed uint64) func(n int) int {
	return rand.New(rand.NewPCG(seed, 0)).IntN //nolint:gosec // repeatable on purpose
}
