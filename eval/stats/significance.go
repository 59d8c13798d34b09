package stats

import (
	"cmp"
	"math"
	"slices"
)

// McNemar is the exact two-sided p that the chances of the two kinds of discordant pairs are equal, b of one and c of the other: twice the
// lower tail of Binomial(b+c, 1/2) at min(b, c), at most 1 (McNemar 1947; Fagerland, Lydersen and Laake 2013). It holds its level at any n.
// Pairs are taken for independent.
func McNemar(b, c int) float64 {
	tail, _ := lowerTail(min(b, c), b+c)
	return min(1, 2*tail)
}

// McNemarMidP counts half of what was observed only: 2 P(X < m) + P(X = m), m = min(b, c) (Fagerland, Lydersen and Laake 2013). It has more
// power than McNemar and is over its level at most slightly.
func McNemarMidP(b, c int) float64 {
	tail, at := lowerTail(min(b, c), b+c)
	return min(1, 2*tail-at)
}

// lowerTail is P(X <= k) and P(X = k) of Binomial(n, 1/2).
func lowerTail(k, n int) (tail, at float64) {
	for i := 0; i <= k; i++ { // the small ones first
		at = math.Exp(logChoose(n, i) - float64(n)*math.Ln2)
		tail += at
	}
	return tail, at
}

func logChoose(n, k int) float64 {
	of := func(v int) float64 {
		l, _ := math.Lgamma(float64(v + 1))
		return l
	}
	return of(n) - of(k) - of(n-k)
}

// Holm is the p values adjusted for their number, in their order (Holm 1979): of the sorted ones p(1) <= ... <= p(m)
//
//	adjusted(i) = max over j <= i of min(1, (m-j+1) p(j))
//
// so that rejecting where adjusted <= .05 errs anywhere with chance at most .05, however they depend on each other.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	adjusted, least := make([]float64, len(p)), 0.0
	for rank, i := range order {
		least = max(least, min(1, float64(len(p)-rank)*p[i]))
		adjusted[i] = least
	}
	return adjusted
}
