package eval

import (
	"cmp"
	"maps"
	"slices"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// view is the pack as another collection might be: without half of its entries, or with a passage or two an entry. What is
// fitted on the full pack alone is over-sure where an entry is one short question and half of what is asked is not there.
type view struct {
	name string
	out  string // seeds which half of the entries is left out; empty: none
	thin string // seeds which passages are kept; empty: all
}

var (
	full  = view{name: "full"}
	views = []view{
		full,
		{name: "half 1", out: "h1"}, {name: "half 2", out: "h2"},
		{name: "thin 1", thin: "t1"}, {name: "thin 2", thin: "t2"},
		{name: "thin half 1", out: "h1", thin: "t3"}, {name: "thin half 2", out: "h2", thin: "t4"},
	}
)

// share is a repeatable number in [0, 1) for a seed and what it is drawn for.
func share(seed, of string) float64 { return float64(hash(seed+" "+of)) / (1 << 32) }

func (v view) leavesOut(id knowledge.ID) bool { return v.out != "" && share(v.out, string(id)) < 0.5 }

// of shows a piece as a reader's search of the view would find it, without passages of the given text: a wording is not to be found
// by itself.
func (v view) of(p retrieval.Piece, without string) retrieval.Piece {
	byEntry := map[knowledge.ID][]retrieval.Hit{}
	for _, h := range p.Hits {
		if !v.leavesOut(h.ID) && (without == "" || h.Text != without) {
			byEntry[h.ID] = append(byEntry[h.ID], h)
		}
	}
	shown := retrieval.Piece{Text: p.Text, Whole: p.Whole}
	for _, id := range slices.Sorted(maps.Keys(byEntry)) {
		hits := byEntry[id]
		if v.thin != "" {
			hits = v.thinned(id, hits)
		}
		shown.Hits = append(shown.Hits, hits...)
	}
	return shown.Best()
}

// thinned keeps one or two of an entry's wordings, of some entries with the body.
func (v view) thinned(id knowledge.ID, hits []retrieval.Hit) []retrieval.Hit {
	var wordings, body []retrieval.Hit
	for _, h := range hits {
		switch h.Kind {
		case knowledge.ClaimPassage, knowledge.QuestionPassage:
			wordings = append(wordings, h)
		case knowledge.BodyPassage, knowledge.WholePassage:
			body = append(body, h)
		}
	}
	slices.SortFunc(wordings, func(a, b retrieval.Hit) int {
		return cmp.Or(cmp.Compare(hash(v.thin+a.Text), hash(v.thin+b.Text)), cmp.Compare(a.Text, b.Text))
	})
	n, mode := 1, share(v.thin, string(id))
	if mode > 0.4 && mode < 0.6 || mode > 0.8 {
		n = 2
	}
	kept := wordings[:min(n, len(wordings))]
	if mode >= 0.6 {
		kept = append(kept, body...)
	}
	siblings := 0
	for _, h := range kept {
		if h.Kind.Answers() {
			siblings++
		}
	}
	for i := range kept {
		kept[i].Siblings = siblings
	}
	return kept
}
