package stats

import (
	"cmp"
	"math"
	"slices"
)

// NDCG is the normalised discounted cumulative gain of the k best of a ranking, as trec_eval's ndcg_cut counts it (Järvelin and Kekäläinen 2002;
// linear gain, not 2^grade - 1):
//
//	Σ grade(i) / log2(i+1) for i = 1..k, over the same sum of the best possible order
//
// grades are of what was retrieved, best first; ideal are the grades of everything judged, in any order, so that what was not retrieved counts
// too. Grades of 0 and below gain nothing. 0 when nothing judged is relevant.
func NDCG(grades, ideal []float64, k int) float64 {
	best := gain(slices.SortedFunc(slices.Values(ideal), func(a, b float64) int { return cmp.Compare(b, a) }), k)
	if best == 0 {
		return 0
	}
	return gain(grades, k) / best
}

func gain(grades []float64, k int) float64 {
	sum := 0.0
	for i, g := range grades[:min(k, len(grades))] {
		sum += max(0, g) / math.Log2(float64(i+2)) // the first, i = 0, is divided by log2(2) = 1
	}
	return sum
}

// AUROC is the chance that a positive scores above a negative, ties half (Hanley and McNeil 1982). NaN when either is missing.
func AUROC(positive, negative []float64) float64 {
	sorted := slices.Sorted(slices.Values(negative))
	wins := 0.0
	for _, p := range positive {
		below, _ := slices.BinarySearch(sorted, p)
		upTo, _ := slices.BinarySearchFunc(sorted, p, func(e, t float64) int {
			if e <= t {
				return -1
			}
			return 1
		})
		wins += float64(below) + float64(upTo-below)/2
	}
	return wins / float64(len(positive)) / float64(len(negative))
}

// Point is what becomes of answering all that is scored Threshold or above.
type Point struct {
	Threshold float64 `json:"threshold"`
	Coverage  float64 `json:"coverage"` // share answered
	Risk      float64 `json:"risk"`     // share of these that is wrong
}

// RiskCoverage is the curve of one point for each score, highest first, and the area under it, the mean risk over every number of answers
// (Geifman and El-Yaniv 2017, 2019):
//
//	AURC = 1/n Σ for i = 1..n of (wrong among the i best)/i
//
// Of equal scores any order is as good: their wrong ones count as spread evenly, which is the mean over all orders. So the order of the input
// never matters. Of nothing: no points, NaN.
func RiskCoverage(score []float64, right []bool) (points []Point, aurc float64) {
	sameLength("scores and hits", len(score), len(right))
	order := make([]int, len(score))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(score[b], score[a]) })
	n, done, wrong := float64(len(score)), 0, 0.0
	for done < len(order) {
		end, errors := done, 0.0
		for ; end < len(order) && score[order[end]] == score[order[done]]; end++ {
			if !right[order[end]] {
				errors++
			}
		}
		for i := done + 1; i <= end; i++ {
			aurc += (wrong + errors*float64(i-done)/float64(end-done)) / float64(i)
		}
		wrong += errors
		points = append(points, Point{score[order[done]], float64(end) / n, wrong / float64(end)})
		done = end
	}
	return points, aurc / n
}

// Bin is the scores from Low up to, not with, High; the last one holds its High, 1, too.
type Bin struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	N    int     `json:"n"`
	Mean float64 `json:"mean"` // of the scores; 0 of none
	Rate float64 `json:"rate"` // share right; 0 of none
}

// Reliability puts P into equally wide bins of [0, 1] and says how often it was right (the reliability diagram of Murphy and Winkler 1977).
// P on an edge belongs to the bin above (numpy.histogram's rule; scikit-learn's calibration_curve puts it below); P outside to the outermost.
func Reliability(p []float64, right []bool, bins int) []Bin {
	sameLength("scores and hits", len(p), len(right))
	out := make([]Bin, bins)
	for i := range out {
		out[i].Low, out[i].High = float64(i)/float64(bins), float64(i+1)/float64(bins)
	}
	for i, v := range p {
		b := &out[bin(v, bins)]
		b.N++
		b.Mean += v
		if right[i] {
			b.Rate++
		}
	}
	for i := range out {
		if b := &out[i]; b.N > 0 {
			b.Mean /= float64(b.N)
			b.Rate /= float64(b.N)
		}
	}
	return out
}

// bin compares with the edges themselves: v*bins may be rounded over one.
func bin(v float64, bins int) int {
	i := min(bins-1, max(0, int(v*float64(bins))))
	for i > 0 && v < float64(i)/float64(bins) {
		i--
	}
	for i < bins-1 && v >= float64(i+1)/float64(bins) {
		i++
	}
	return i
}

// ECE is the expected calibration error (Naeini, Cooper and Hauskrecht 2015): Σ over the bins of Reliability of N/n |Rate - Mean|. 0 of nothing.
func ECE(p []float64, right []bool, bins int) float64 {
	sum := 0.0
	for _, b := range Reliability(p, right, bins) {
		sum += float64(b.N) * math.Abs(b.Rate-b.Mean)
	}
	return sum / float64(max(1, len(p)))
}
