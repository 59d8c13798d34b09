package stats

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestByHand pins the rules that are easy to get wrong to what they come to on paper.
func TestByHand(t *testing.T) {
	lowNone, highNone := Wilson(0, 0)
	lowZero, highZero := Wilson(0, 10)
	lowAll, highAll := Wilson(10, 10)
	_, tied := RiskCoverage([]float64{.5, .5}, []bool{true, false})
	points, oneWrong := RiskCoverage([]float64{.9, .8, .7}, []bool{false, true, true})
	const z2 = 3.841458820694124
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"Wilson of nothing, low", lowNone, 0}, {"Wilson of nothing, high", highNone, 1},
		{"Wilson of 0 in 10, low", lowZero, 0}, {"Wilson of 0 in 10, high", highZero, z2 / (10 + z2)},
		{"Wilson of 10 in 10, low", lowAll, 10 / (10 + z2)}, {"Wilson of 10 in 10, high", highAll, 1},

		{"McNemar without discordant pairs", McNemar(0, 0), 1}, {"mid-p without", McNemarMidP(0, 0), 1},
		{"McNemar, 5 to 0", McNemar(5, 0), 2. / 32}, {"mid-p, 5 to 0", McNemarMidP(5, 0), 1. / 32},
		{"McNemar, even", McNemar(3, 3), 1}, {"mid-p, even", McNemarMidP(3, 3), 1},

		{"kappa, 1 of 2 as by chance", Kappa([]string{"a", "b"}, []string{"a", "a"}), 0},
		{"kappa, always contrary", Kappa([]string{"a", "b"}, []string{"b", "a"}), -1},
		// Pairable: things 1 and 2. o(a,a) = 2, o(a,b) = o(b,a) = 1; n(a) = 3, n(b) = 1: 1 - 3*2/(2*3*1).
		{"alpha leaves out what one rater saw", AlphaNominal([][]string{{"a", "a", "b"}, {"a", "b", ""}}), 0},
		{"alpha of agreement", AlphaNominal([][]string{{"a", "b"}, {"a", "b"}}), 1},

		{"nDCG: the second is divided by log2 3", NDCG([]float64{0, 1}, []float64{1}, 10), 1 / math.Log2(3)},
		{"nDCG: gain is linear", NDCG([]float64{1, 3}, []float64{3, 1}, 10), (1 + 3/math.Log2(3)) / (3 + 1/math.Log2(3))},
		{"nDCG: beyond k nothing counts", NDCG([]float64{0, 0, 1}, []float64{1}, 2), 0},
		{"nDCG: the ideal is cut at k too", NDCG([]float64{1}, []float64{1, 1, 1}, 1), 1},
		{"nDCG: what was not retrieved counts", NDCG([]float64{1}, []float64{1, 1}, 10), 1 / (1 + 1/math.Log2(3))},
		{"nDCG: nothing relevant", NDCG([]float64{0}, []float64{0}, 10), 0},
		{"nDCG: negative grades gain nothing", NDCG([]float64{-1, 1}, []float64{1, -1}, 10), 1 / math.Log2(3)},

		{"AURC, the surest wrong", oneWrong, (1 + 1./2 + 1./3) / 3}, {"its last risk", points[2].Risk, 1. / 3},
		{"its last coverage", points[2].Coverage, 1}, {"AURC of a tie", tied, (.5 + .5) / 2},

		{"ECE: an edge belongs above", ECE([]float64{.1, .05}, []bool{false, true}, 10), (.1 + .95) / 2},
		{"ECE: 1 belongs to the last", ECE([]float64{1}, []bool{true}, 10), 0},
		{"ECE of nothing", ECE(nil, nil, 10), 0},

		{"percentile: one of the values", Percentile([]float64{4, 1, 2, 3}, .5), 2},
		{"percentile: just above a share", Percentile([]float64{1, 2, 3, 4}, .51), 3},
		{"percentile 0", Percentile([]float64{2, 1}, 0), 1}, {"percentile 1", Percentile([]float64{2, 1}, 1), 2},
		{"AUROC of a tie", AUROC([]float64{1}, []float64{1}), .5},
	} {
		if math.IsNaN(c.got) || math.Abs(c.got-c.want) > 1e-12 {
			t.Errorf("%s: %.15g, want %.15g", c.name, c.got, c.want)
		}
	}
	for name, got := range map[string]float64{
		"kappa of one label": Kappa([]string{"a"}, []string{"a"}), "kappa of nothing": Kappa(nil, nil),
		"alpha of one label": AlphaNominal([][]string{{"a"}, {"a"}}), "alpha of nothing": AlphaNominal(nil),
		"alpha without pairs": AlphaNominal([][]string{{"a", ""}, {"", "b"}}), "percentile of nothing": Percentile(nil, .5),
		"mean of nothing": Mean(nil), "AUROC without negatives": AUROC([]float64{1}, nil),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s is %v, want NaN", name, got)
		}
	}
	if got := Holm([]float64{.02, .01, .02}); !slices.Equal(got, []float64{.04, .03, .04}) { // never below a smaller one's
		t.Errorf("Holm %v", got)
	}
	for i, b := range Reliability([]float64{.3, .6, .7, -1, 2}, make([]bool, 5), 10) { // .7*10 and the like round over edges
		if want := map[int]int{0: 1, 3: 1, 6: 1, 7: 1, 9: 1}[i]; b.N != want {
			t.Errorf("bin %d has %d, want %d", i, b.N, want)
		}
	}
}

// TestBootstrapClusters: values that always agree within a cluster count as one; one seed gives one result; a constant shift is certain.
func TestBootstrapClusters(t *testing.T) {
	values, shifted, clusters := make([]float64, 400), make([]float64, 400), make([]string, 400)
	for i := range values {
		values[i] = float64(i / 20 % 2)
		shifted[i] = values[i] + .25
		clusters[i] = string(rune('a' + i/20))
	}
	low, high := ClusterBootstrap(values, nil, 1, 1000)
	wideLow, wideHigh := ClusterBootstrap(values, clusters, 1, 1000)
	if wideHigh-wideLow < 3*(high-low) {
		t.Errorf("alone %v to %v, in clusters %v to %v", low, high, wideLow, wideHigh)
	}
	if again, _ := ClusterBootstrap(values, clusters, 1, 1000); again != wideLow {
		t.Error("not repeatable")
	}
	if other, _ := ClusterBootstrap(values, nil, 2, 1000); other == low {
		t.Error("the seed changes nothing")
	}
	if d := PairedBootstrap(values, shifted, clusters, 1, 999); math.Abs(d.Value-.25)+math.Abs(d.Low-.25)+math.Abs(d.High-.25) > 1e-9 || d.P != 2./1000 {
		t.Errorf("a shift of .25: %+v", d)
	}
	nan := math.NaN() // of [0, -] and [-, 1]: both lists count one
	if d := PairedBootstrap([]float64{0, nan}, []float64{nan, 1}, nil, 1, 999); d.Value != 1 || d.Low != 1 || d.High != 1 || d.P > .005 {
		t.Errorf("what does not count: %+v", d)
	}
	if d := PairedBootstrap(values, values, clusters, 1, 999); d != (Difference{0, 0, 0, 1}) {
		t.Errorf("no difference: %+v", d)
	}
}

// TestProperties: bounds and symmetries that hold for any input.
func TestProperties(t *testing.T) {
	unit := rapid.Float64Range(0, 1)
	label := rapid.SampledFrom([]string{"a", "b", "c"})
	close := func(a, b float64) bool { return a == b || math.Abs(a-b) < 1e-9 || math.IsNaN(a) && math.IsNaN(b) }
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "n")
		k := rapid.IntRange(0, n).Draw(t, "k")
		low, high := Wilson(k, n)
		otherLow, otherHigh := Wilson(n-k, n)
		if p := float64(k) / float64(n); low < 0 || low > p || high < p || high > 1 || !close(low, 1-otherHigh) || !close(high, 1-otherLow) {
			t.Fatalf("Wilson(%d, %d) = %v, %v", k, n, low, high)
		}
		if p, mid := McNemar(k, n), McNemarMidP(k, n); p != McNemar(n, k) || mid != McNemarMidP(n, k) || mid > p || p > 1 || mid <= 0 {
			t.Fatalf("McNemar(%d, %d) = %v, mid %v", k, n, p, mid)
		}
		a, b := rapid.SliceOfN(label, n, n).Draw(t, "a"), rapid.SliceOfN(label, n, n).Draw(t, "b")
		if kappa := Kappa(a, b); !close(kappa, Kappa(b, a)) || kappa > 1+1e-9 || kappa < -1-1e-9 {
			t.Fatalf("kappa %v", kappa)
		}
		order := []string{"a", "b", "c"}
		if !close(AlphaNominal([][]string{a, b}), AlphaNominal([][]string{b, a})) ||
			!close(AlphaOrdinal([][]string{a, b}, order), AlphaOrdinal([][]string{b, a}, []string{"c", "b", "a"})) {
			t.Fatal("alpha depends on who is first, or on the direction of the order")
		}
		p, right := rapid.SliceOfN(unit, n, n).Draw(t, "p"), rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "right")
		if e := ECE(p, right, 10); e < 0 || e > 1 {
			t.Fatalf("ECE %v", e)
		}
		_, area := RiskCoverage(p, right)
		slices.Reverse(p)
		slices.Reverse(right)
		if _, again := RiskCoverage(p, right); !close(area, again) || area < 0 || area > 1 {
			t.Fatalf("AURC %v, in another order %v", area, again)
		}
		if v := NDCG(p, p, n); v < 0 || v > 1+1e-9 {
			t.Fatalf("nDCG %v", v)
		}
		if q := Percentile(p, rapid.Float64Range(0, 1).Draw(t, "q")); !slices.Contains(p, q) {
			t.Fatalf("percentile %v", q)
		}
		for i, adjusted := range Holm(p) {
			if adjusted < p[i] || adjusted > 1 {
				t.Fatalf("Holm of %v: %v", p[i], adjusted)
			}
		}
		low, high = ClusterBootstrap(p, a, 1, 40)
		if low < slices.Min(p)-1e-9 || high > slices.Max(p)+1e-9 || low > high {
			t.Fatalf("bootstrap %v to %v", low, high)
		}
	})
}
