package stats

import (
	"fmt"
	"math"
	"slices"
)

// Kappa is Cohen's kappa of two raters' labels of the same things (Cohen 1960): (po - pe) / (1 - pe), po the share labelled alike, pe what
// chance gives, from each rater's own shares. NaN when chance is certain to agree (both gave one label only) or there is nothing.
func Kappa(a, b []string) float64 {
	sameLength("labels of two raters", len(a), len(b))
	ofA, ofB, alike := map[string]int{}, map[string]int{}, 0
	for i := range a {
		ofA[a[i]]++
		ofB[b[i]]++
		if a[i] == b[i] {
			alike++
		}
	}
	n, chance := float64(len(a)), 0
	for label, k := range ofA {
		chance += k * ofB[label]
	}
	po, pe := float64(alike)/n, float64(chance)/(n*n)
	if pe == 1 {
		return math.NaN()
	}
	return (po - pe) / (1 - pe)
}

// AlphaNominal is Krippendorff's alpha of labels without an order (Krippendorff 2011, "Computing Krippendorff's alpha-reliability"):
//
//	1 - Do/De = 1 - (n-1) Σ o(c,k) δ(c,k) / Σ n(c) n(k) δ(c,k),  δ = 1 where c differs from k
//
// o are the coincidences: each pair of labels of one thing by different raters, weighed by 1/(labels of it - 1). ratings[r][u] is what rater r
// says of thing u; "": nothing. Things with fewer than two labels do not count. NaN when all that count have one label, or nothing counts.
func AlphaNominal(ratings [][]string) float64 {
	var labels []string
	for _, of := range ratings {
		for _, l := range of {
			if l != "" && !slices.Contains(labels, l) {
				labels = append(labels, l)
			}
		}
	}
	slices.Sort(labels) // sums in one order
	o := coincidences(ratings, labels)
	return alpha(o, func(c, k int, _ []float64) float64 {
		if c == k {
			return 0
		}
		return 1
	})
}

// AlphaOrdinal is Krippendorff's alpha of labels with an order, given lowest first: δ(c,k) = (Σ n(g) for g from c to k - (n(c)+n(k))/2)². Otherwise
// it is as AlphaNominal. A label that is not in order is a fault of the caller and panics.
func AlphaOrdinal(ratings [][]string, order []string) float64 {
	o := coincidences(ratings, order)
	return alpha(o, func(c, k int, n []float64) float64 {
		d := -(n[c] + n[k]) / 2
		for g := min(c, k); g <= max(c, k); g++ {
			d += n[g]
		}
		return d * d
	})
}

func coincidences(ratings [][]string, labels []string) [][]float64 {
	o := make([][]float64, len(labels))
	for c := range o {
		o[c] = make([]float64, len(labels))
	}
	if len(ratings) == 0 {
		return o
	}
	for u := range ratings[0] {
		count, m := make([]float64, len(labels)), 0.0
		for r := range ratings {
			sameLength("things that two raters labelled", len(ratings[0]), len(ratings[r]))
			l := ratings[r][u]
			if l == "" {
				continue
			}
			at := slices.Index(labels, l)
			if at < 0 {
				panic(fmt.Sprintf("stats: label %q has no place in the order", l))
			}
			count[at]++
			m++
		}
		if m < 2 {
			continue
		}
		for c := range count {
			for k := range count {
				pairs := count[c] * count[k]
				if c == k {
					pairs -= count[c]
				}
				o[c][k] += pairs / (m - 1)
			}
		}
	}
	return o
}

func alpha(o [][]float64, delta func(c, k int, n []float64) float64) float64 {
	n, total := make([]float64, len(o)), 0.0
	for c := range o {
		for k := range o {
			n[c] += o[c][k]
		}
		total += n[c]
	}
	observed, expected := 0.0, 0.0
	for c := range o {
		for k := range o {
			d := delta(c, k, n)
			observed += o[c][k] * d
			expected += n[c] * n[k] * d
		}
	}
	if expected == 0 {
		return math.NaN()
	}
	return 1 - (total-1)*observed/expected
}
