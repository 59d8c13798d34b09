package cases

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"qiuzhen/eval/stats"
)

// Agreement is how far those who labelled the same cases agree on one field.
type Agreement struct {
	Field string `json:"field"`
	Cases int    `json:"cases"` // with two labels at least, that judge the field
	// Alike is the share of cases that all label the same, with its Wilson interval.
	Alike Interval `json:"alike"`
	// Measure is Cohen's kappa when the same two people labelled all these cases, else Krippendorff's alpha (nominal). Value is nil where it
	// is not defined: everybody chose the same for every case. Low and High are its 95% interval by families.
	Measure string   `json:"measure"`
	Value   *float64 `json:"value"`
	Low     *float64 `json:"low"`
	High    *float64 `json:"high"`
}

// agreementDraws is how many samples of families the interval of an agreement is from.
const agreementDraws = 400

// rated is a case's labels of one field, by rater.
type rated struct {
	family string
	by     map[string]string
}

// Agreements are those of every field. A field counts for the cases that are about it: whether to answer at all does not where the case leaves
// that open.
func Agreements(all []Reviewed) []Agreement {
	out := []Agreement{}
	for _, name := range []string{"decision", "entries", "verdict", "urgent", "live"} {
		var of []rated
		for _, r := range all {
			if len(r.Given) < 2 || name == "decision" && r.Case.Expect.Decision == "any" || name == "verdict" && !r.Case.judgesVerdict() {
				continue
			}
			one := rated{r.Case.Family, map[string]string{}}
			for _, g := range r.Given {
				one.by[g.Login] = "=" + labelField(r.Case, name, g.Label) // never empty, which is no label
			}
			of = append(of, one)
		}
		if len(of) > 0 {
			out = append(out, agreement(name, of))
		}
	}
	return out
}

func labelField(c Case, name string, l Label) string {
	if name == "entries" {
		return strings.Split(c.Judged(l), "|")[1]
	}
	return questionOf(name).of(l)
}

func agreement(field string, of []rated) Agreement {
	alike := 0
	people := map[string]bool{}
	for _, r := range of {
		first, same := "", true
		for who, label := range r.by {
			people[who] = true
			same = same && (first == "" || first == label)
			first = label
		}
		if same {
			alike++
		}
	}
	a := Agreement{Field: field, Cases: len(of), Measure: "Krippendorff α", Alike: Interval{N: len(of), Value: float64(alike) / float64(len(of))}}
	a.Alike.Low, a.Alike.High = stats.Wilson(alike, len(of))
	raters := sortedKeys(people)
	coefficient := func(of []rated) float64 { return stats.AlphaNominal(ratings(of, raters)) }
	if len(raters) == 2 {
		a.Measure = "Cohen κ"
		coefficient = func(of []rated) float64 {
			both := ratings(of, raters)
			return stats.Kappa(both[0], both[1])
		}
	}
	a.Value = defined(coefficient(of))
	a.Low, a.High = agreementInterval(of, coefficient)
	return a
}

// ratings has a line a rater, a column a case.
func ratings(of []rated, raters []string) [][]string {
	lines := make([][]string, len(raters))
	for i, who := range raters {
		for _, r := range of {
			lines[i] = append(lines[i], r.by[who])
		}
	}
	return lines
}

// agreementInterval is the percentile interval over samples of families, drawn whole and with replacement (stats.ClusterBootstrap does so for
// means). Samples without a value (everybody chose the same) are left out; one family alone tells nothing.
func agreementInterval(of []rated, coefficient func([]rated) float64) (low, high *float64) {
	families := map[string][]rated{}
	for _, r := range of {
		families[r.family] = append(families[r.family], r)
	}
	names := sortedKeys(families)
	if len(names) < 2 {
		return nil, nil
	}
	random := rand.New(rand.NewPCG(8, uint64(len(of)))) //nolint:gosec // repeatable on purpose
	var drawn []float64
	for range agreementDraws {
		var sample []rated
		for range names {
			sample = append(sample, families[names[random.IntN(len(names))]]...)
		}
		if v := coefficient(sample); !math.IsNaN(v) {
			drawn = append(drawn, v)
		}
	}
	if len(drawn) == 0 {
		return nil, nil
	}
	slices.Sort(drawn)
	cut := len(drawn) / 40
	return &drawn[cut], &drawn[len(drawn)-1-cut]
}

func defined(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}
