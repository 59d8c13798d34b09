package cases

// Group is a part of a summary: what a reviewer asks, and the figures that answer it.
type Group struct {
	Title   string
	Figures []string
}

// Groups are the parts of a summary, in the order of what a reviewer asks.
func Groups() []Group {
	out := make([]Group, len(groups))
	for i, g := range groups {
		out[i] = Group{g.title, g.figures}
	}
	return out
}

// Named is the figure of that name; of an unknown one only its name.
func Named(name string) Figure { return figure(name) }

// Number is a figure as staff read it: a share in percent.
func Number(figure string, v float64) string { return number(figure, v) }

// IsShare reports whether a figure lies between 0 and 1.
func IsShare(figure string) bool { return isShare(figure) }

// Hits is the count that a rate was made of.
func (i Interval) Hits() int { return hits(i) }

// DecisionZh is a decision as reviewers read it.
func DecisionZh(decision string) string { return decisionsZh[decision] }

// VerdictZh says whether the figure changed.
func (s Shift) VerdictZh() string { return shiftZh[s.Verdict] }

// ChangeOf is a difference of a figure as staff read it, of shares in percentage points.
func ChangeOf(figure string, d float64) string {
	if isShare(figure) {
		return change(figure, d) + "个百分点"
	}
	return change(figure, d)
}
