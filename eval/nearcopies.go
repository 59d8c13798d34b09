package eval

import (
	"cmp"
	"slices"

	"qiuzhen/text"
)

// nearCopy is the Jaccard similarity of character pairs over which two messages count as one.
const nearCopy = 0.6

// Copy is two messages that nearly coincide.
type Copy struct {
	A, B    Wording
	Jaccard float64
}

// NearCopies returns the pairs of messages whose character pairs have a Jaccard similarity over 0.6: they count once.
// Marks and spaces do not count; messages of fewer than four characters are left out.
func NearCopies(all []Wording) []Copy {
	pairs := make([]map[[2]rune]bool, len(all))
	holders := map[[2]rune][]int{}
	for i, w := range all {
		pairs[i] = text.Pairs(w.Text, text.LetterOrDigit)
		for p := range pairs[i] {
			holders[p] = append(holders[p], i)
		}
	}
	var found []Copy
	for i := range all {
		shared := map[int]int{}
		for p := range pairs[i] {
			for _, j := range holders[p] {
				if j > i {
					shared[j]++
				}
			}
		}
		for j, n := range shared {
			jaccard := float64(n) / float64(len(pairs[i])+len(pairs[j])-n)
			if jaccard > nearCopy && min(len(pairs[i]), len(pairs[j])) >= 3 {
				found = append(found, Copy{all[i], all[j], jaccard})
			}
		}
	}
	slices.SortFunc(found, func(a, b Copy) int {
		return cmp.Or(cmp.Compare(b.Jaccard, a.Jaccard), cmp.Compare(a.A.ID, b.A.ID), cmp.Compare(a.B.ID, b.B.ID))
	})
	return found
}
