package cases

import (
	"slices"
	"strings"

	"qiuzhen/text"
)

// nearCopy is the Jaccard similarity of character pairs over which two cases count as one, as for wordings (package eval).
const nearCopy = 0.6

// Copy is a case that nearly says what an earlier one says, and expects the same: it does not count.
type Copy struct {
	ID, Of  string
	Jaccard float64
}

// withoutCopies leaves out the later of two cases that nearly coincide, whatever their splits. A case and its perturbation are both
// kept, and so are two that expect different things: that they are alike is the point of them.
func withoutCopies(all []Case) (kept []Case, copies []Copy) {
	pairs := make([]map[[2]rune]bool, len(all))
	holders := map[[2]rune][]int{}
	for i, c := range all {
		pairs[i] = text.Pairs(strings.Join(c.Turns, "\n"), text.LetterOrDigit)
		best, nearest := 0.0, -1
		shared := map[int]int{}
		for p := range pairs[i] {
			for _, j := range holders[p] {
				shared[j]++
			}
		}
		for j, n := range shared {
			jaccard := float64(n) / float64(len(pairs[i])+len(pairs[j])-n)
			if jaccard > nearCopy && (jaccard > best || jaccard == best && j < nearest) && sameCase(all[j], c) {
				best, nearest = jaccard, j
			}
		}
		if nearest >= 0 && len(pairs[i]) >= 3 {
			copies = append(copies, Copy{c.ID, all[nearest].ID, best})
			continue
		}
		kept = append(kept, c)
		for p := range pairs[i] {
			holders[p] = append(holders[p], i)
		}
	}
	return kept, copies
}

// sameCase reports whether two cases that sound alike ask for the same, so that one of them is enough.
func sameCase(a, b Case) bool {
	related := a.Of == b.ID || b.Of == a.ID || a.Of != "" && a.Of == b.Of
	return !related && a.Expect.Urgent == b.Expect.Urgent && a.Expect.Live == b.Expect.Live &&
		slices.Equal(a.Expect.Entries, b.Expect.Entries) && slices.Equal(a.Expect.Wrong, b.Expect.Wrong)
}
