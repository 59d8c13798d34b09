package stats

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// reference is testdata/reference.json, made by testdata/reference.py.
type reference struct {
	Wilson []struct {
		K, N      int
		Low, High float64
	}
	Bootstrap []struct {
		A                        []float64
		B                        []*float64 // null: does not count
		Clusters                 []string
		Draws                    [][]int
		Low, High, Difference, P float64
		DifferenceLow            float64 `json:"difference_low"`
		DifferenceHigh           float64 `json:"difference_high"`
	}
	McNemar []struct {
		B, C       int
		Exact, Mid float64
	}
	Holm  []struct{ P, Adjusted []float64 }
	Kappa []struct {
		A, B  []string
		Kappa float64
	}
	Alpha []struct {
		Ratings          [][]string
		Nominal, Ordinal float64
	}
	NDCG []struct {
		Grades, Ideal []float64
		K             int
		NDCG          float64
	}
	RiskCoverage []struct {
		Score []float64
		Right []bool
		AURC  float64
	} `json:"risk_coverage"`
	Calibration []struct {
		P, Rate, Mean []float64
		Right         []bool
		Bins          int
		ECE           float64
	}
	AUROC []struct {
		Positive, Negative []float64
		AUROC              float64
	}
	Percentile []struct {
		Values   []float64
		Q, Value float64
	}
}

// TestReference holds every statistic to what scipy, statsmodels, scikit-learn, krippendorff and ir_measures say, to 1e-9.
func TestReference(t *testing.T) {
	ref := readReference(t)
	compared := map[string]int{}
	same := func(what string, i int, got, want float64) {
		t.Helper()
		compared[what]++
		if math.IsNaN(got) || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s %d is %.12g, want %.12g", what, i, got, want)
		}
	}
	for i, c := range ref.Wilson {
		low, high := Wilson(c.K, c.N)
		same("Wilson low", i, low, c.Low)
		same("Wilson high", i, high, c.High)
	}
	for i, c := range ref.Bootstrap {
		low, high := central(resample(group(c.A, c.Clusters), len(c.Draws), replay(c.Draws)))
		same("bootstrap low", i, low, c.Low)
		same("bootstrap high", i, high, c.High)
		b := make([]float64, len(c.B))
		for j, v := range c.B {
			if b[j] = math.NaN(); v != nil {
				b[j] = *v
			}
		}
		d := difference(group(c.A, c.Clusters), group(b, c.Clusters), len(c.Draws), replay(c.Draws))
		same("difference", i, d.Value, c.Difference)
		same("difference low", i, d.Low, c.DifferenceLow)
		same("difference high", i, d.High, c.DifferenceHigh)
		same("difference p", i, d.P, c.P)
	}
	for i, c := range ref.McNemar {
		same("McNemar exact", i, McNemar(c.B, c.C), c.Exact)
		same("McNemar mid-p", i, McNemarMidP(c.B, c.C), c.Mid)
	}
	for i, c := range ref.Holm {
		for j, p := range Holm(c.P) {
			same("Holm", i, p, c.Adjusted[j])
		}
	}
	for i, c := range ref.Kappa {
		same("kappa", i, Kappa(c.A, c.B), c.Kappa)
	}
	for i, c := range ref.Alpha {
		same("alpha nominal", i, AlphaNominal(c.Ratings), c.Nominal)
		same("alpha ordinal", i, AlphaOrdinal(c.Ratings, []string{"false", "misleading", "partly_true", "true"}), c.Ordinal)
	}
	for i, c := range ref.NDCG {
		same("nDCG", i, NDCG(c.Grades, c.Ideal, c.K), c.NDCG)
	}
	for i, c := range ref.RiskCoverage {
		_, aurc := RiskCoverage(c.Score, c.Right)
		same("AURC", i, aurc, c.AURC)
	}
	for i, c := range ref.Calibration {
		same("ECE", i, ECE(c.P, c.Right, c.Bins), c.ECE)
		at := 0
		for _, b := range Reliability(c.P, c.Right, c.Bins) {
			if c.Rate != nil && b.N > 0 {
				same("reliability rate", i, b.Rate, c.Rate[at])
				same("reliability mean", i, b.Mean, c.Mean[at])
				at++
			}
		}
		if at != len(c.Rate) {
			t.Errorf("calibration %d: %d bins with scores, want %d", i, at, len(c.Rate))
		}
	}
	for i, c := range ref.AUROC {
		same("AUROC", i, AUROC(c.Positive, c.Negative), c.AUROC)
	}
	for i, c := range ref.Percentile {
		same("percentile", i, Percentile(c.Values, c.Q), c.Value)
	}
	if len(compared) != 21 {
		t.Errorf("compared %d kinds of figures, want 21: %v", len(compared), compared)
	}
}

func readReference(t *testing.T) (ref reference) {
	data, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &ref); err != nil {
		t.Fatal(err)
	}
	return ref
}

// TestReferenceCatches: nDCG as it is often got wrong differs from the reference somewhere, so that such a defect cannot stay.
func TestReferenceCatches(t *testing.T) {
	dcg := func(grades []float64, k int, gain func(float64) float64, discount func(i int) float64) float64 {
		sum := 0.0
		for i, g := range grades[:min(k, len(grades))] {
			sum += gain(max(0, g)) / discount(i)
		}
		return sum
	}
	linear, log := func(g float64) float64 { return g }, func(i int) float64 { return math.Log2(float64(i + 2)) }
	for _, c := range []struct {
		name     string
		gain     func(float64) float64
		discount func(i int) float64
		cut      int // of the ranking beyond k
		idealCut int // of the ideal beyond k
	}{
		{"none", linear, log, 0, 0}, // the mutants' frame is right
		{"discount one rank late", linear, func(i int) float64 { return math.Log2(float64(i + 3)) }, 0, 0},
		{"first and second undiscounted", linear, func(i int) float64 { return max(1, math.Log2(float64(i+1))) }, 0, 0},
		{"natural logarithm from rank 2 on", linear, func(i int) float64 { return max(1, math.Log(float64(i+2))) }, 0, 0},
		{"cut one late", linear, log, 1, 0},
		{"cut one early", linear, log, -1, -1},
		{"ideal not cut", linear, log, 0, 1 << 10},
		{"exponential gain", func(g float64) float64 { return math.Exp2(g) - 1 }, log, 0, 0},
	} {
		off := 0.0
		for _, r := range readReference(t).NDCG {
			ideal := slices.Clone(r.Ideal)
			slices.SortFunc(ideal, func(a, b float64) int { return cmp.Compare(b, a) })
			got := dcg(r.Grades, r.K+c.cut, c.gain, c.discount) / dcg(ideal, r.K+c.idealCut, c.gain, c.discount)
			off = max(off, math.Abs(got-r.NDCG))
		}
		if caught := off > 1e-9; caught != (c.name != "none") {
			t.Errorf("%s: off by %g at most", c.name, off)
		}
	}
}

// replay hands out recorded draws one by one.
func replay(draws [][]int) func(int) int {
	row, column := 0, -1
	return func(int) int {
		if column++; column == len(draws[row]) {
			row, column = row+1, 0
		}
		return draws[row][column]
	}
}
