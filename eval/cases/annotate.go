package cases

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The experts' review of cases. Two people label each version of a case without seeing each other's labels or what the case expects; a third
// settles where they differ; an expert signs what is settled, provided that the case expects just that; then it can be locked. That
// nothing is left out is held by the database (migrations/00023).

// Label is what a person says has to come of a case.
type Label struct {
	Decision string   `json:"decision"` // answer, suggest, abstain
	Entries  []string `json:"entries"`  // that answer it
	Verdict  string   `json:"verdict"`  // empty: no claim is judged
	Urgent   string   `json:"urgent"`   // class of the danger; empty: none
	Live     string   `json:"live"`     // kind of current fact; empty: none
}

// Judged is the part of a label that the case is about, as one word to compare: two people agree on a case when it is the same. Where a
// case leaves the decision open, whether to answer or to say that nothing is known does not count, but an entry that does not answer does.
func (c Case) Judged(l Label) string {
	decision, verdict, entries := "any", "", slices.Clone(l.Entries)
	slices.Sort(entries)
	entries = slices.Compact(entries)
	if c.Expect.Decision != "any" {
		decision = l.Decision
	}
	if c.Expect.Decision != "answer" {
		entries = slices.DeleteFunc(entries, func(id string) bool { return slices.Contains(c.Expect.Entries, id) })
	}
	if c.judgesVerdict() {
		verdict = l.Verdict
	}
	return strings.Join([]string{decision, strings.Join(entries, ","), verdict, l.Urgent, l.Live}, "|")
}

// judgesVerdict: several entries have several verdicts, which one label does not hold.
func (c Case) judgesVerdict() bool {
	return c.Expect.Decision == "answer" && len(c.Expect.Entries) == 1
}

// Expected is what Judged has to be for the case to be right.
func (c Case) Expected() string {
	e := c.Expect
	return c.Judged(Label{e.Decision, e.Entries, e.Verdict, e.Urgent, e.Live})
}

// Annotation is a person's label of a case.
type Annotation struct {
	Case   Case
	Label  Label
	Remark string
}

// Given is a label with who gave it.
type Given struct {
	Login, Name string
	Label       Label
	Judged      string
	Remark      string // of a label that settles: the reason
	At          time.Time
}

// Signed is an expert's signature.
type Signed struct {
	Login, Name, Title, Institution string
	At                              time.Time
}

// Reviewed is the newest version of a case with all that was said of it.
type Reviewed struct {
	Case    Case
	Status  string // draft, annotated, adjudicated, approved, locked
	Given   []Given
	Settled *Given // by a third person; nil: not, or not needed
	Signed  []Signed
}

// Differ reports whether those who labelled the case differ.
func (r Reviewed) Differ() bool {
	return slices.ContainsFunc(r.Given, func(g Given) bool { return g.Judged != r.Given[0].Judged })
}

// Conclusion is what the experts conclude: of whoever settled it, else of all, when they are two at least and agree. Nil: nothing yet.
func (r Reviewed) Conclusion() *Given {
	switch {
	case r.Settled != nil:
		return r.Settled
	case len(r.Given) >= 2 && !r.Differ():
		return &r.Given[0]
	}
	return nil
}

// Wrong reports whether the experts conclude something else than the case expects: it has to be edited.
func (r Reviewed) Wrong() bool {
	c := r.Conclusion()
	return c != nil && c.Judged != r.Case.Expected()
}

// Carried are the labels of this version that hold for a newer one too, judged by what that one expects: when people saw the same words, asked the
// same way, and the newer one names no entry that they had not before them or named themselves. So a case that the experts found
// wrong is mended without asking them all again. Signatures are never carried: they are for every word of a version.
func (r Reviewed) Carried(c Case) []Given {
	was := r.Case
	if !slices.Equal(c.Turns, was.Turns) || c.Family != was.Family || c.Channel != was.Channel || c.Region != was.Region || c.AsOf != was.AsOf {
		return nil
	}
	seen := slices.Concat(was.Expect.Entries, was.Expect.Wrong, []string{was.Family})
	for _, g := range r.Given {
		seen = append(seen, g.Label.Entries...)
	}
	for _, id := range slices.Concat(c.Expect.Entries, c.Expect.Wrong) {
		if !slices.Contains(seen, id) {
			return nil
		}
	}
	carried := slices.Clone(r.Given)
	for i, g := range carried {
		carried[i].Judged = c.Judged(g.Label)
	}
	return carried
}

// ToSign reports whether an expert's signature is all that is lacking.
func (r Reviewed) ToSign() bool {
	return (r.Status == "annotated" || r.Status == "adjudicated") && r.Conclusion() != nil && !r.Wrong()
}

// Approved reports whether an expert has signed the case.
func (c Case) Approved() bool {
	return (c.Status == "approved" || c.Status == "locked") && len(c.Reviewers) > 0
}

// SignedShare counts the cases that an expert has signed: what a report says of its figures.
func SignedShare(all []Case) (signed, of int) {
	for _, c := range all {
		if c.Approved() {
			signed++
		}
	}
	return signed, len(all)
}

// WithReviews gives cases the status and the signers that the store has of them. What says something else than the version reviewed, or
// was not reviewed, counts as unsigned, whatever its file says: a signature is what the store has of it.
func WithReviews(all []Case, reviewed []Reviewed) []Case {
	known := map[string]Reviewed{}
	for _, r := range reviewed {
		known[r.Case.ID] = r
	}
	out := slices.Clone(all)
	for i, c := range out {
		r, ok := known[c.ID]
		if !ok || r.Case.Version != c.Version || r.Case.Hash() != c.Hash() {
			out[i].Status, out[i].Reviewers = "draft", []string{}
			continue
		}
		out[i].Status, out[i].Reviewers = r.Status, r.signers()
	}
	return out
}

// Unproven are the cases that say that they are reviewed, and of which the store does not have that.
func Unproven(all []Case, reviewed []Reviewed) []string {
	var ids []string
	for i, c := range WithReviews(all, reviewed) {
		if all[i].Approved() && !c.Approved() {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// signers are all whose names stand for the case's status: a case that is no draft names somebody.
func (r Reviewed) signers() []string {
	logins := []string{}
	for _, s := range r.Signed {
		logins = append(logins, s.Login)
	}
	if len(logins) == 0 && r.Status != "draft" {
		for _, g := range r.Given {
			logins = append(logins, g.Login)
		}
		if r.Settled != nil {
			logins = append(logins, r.Settled.Login)
		}
	}
	slices.Sort(logins)
	return slices.Compact(logins)
}

// Waiting are the cases that a person can still label, those with a label already first, so that cases are finished rather than begun. One's
// own are among them until the second label is there. Login empty: the cases that lack a label.
func Waiting(all []Reviewed, login string) []Reviewed {
	own := func(r Reviewed) bool {
		return slices.ContainsFunc(r.Given, func(g Given) bool { return g.Login == login })
	}
	left := slices.DeleteFunc(slices.Clone(all), func(r Reviewed) bool { return r.Status != "draft" })
	slices.SortStableFunc(left, func(a, b Reviewed) int {
		rank := func(r Reviewed) int {
			switch {
			case own(r):
				return 2
			case len(r.Given) > 0:
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Case.ID, b.Case.ID))
	})
	return left
}

// Settle is the label that settles a case: as one person gave it, else what all agree on, with what is said here instead ("none": nothing of the
// kind). Fields on which they differ have to be said.
func (r Reviewed) Settle(like string, said map[string]string, entries []string) (Label, error) {
	if len(r.Given) == 0 {
		return Label{}, fmt.Errorf("%s 还没有人标过", r.Case.ID)
	}
	at := max(0, slices.IndexFunc(r.Given, func(g Given) bool { return g.Login == like }))
	if like != "" && r.Given[at].Login != like {
		return Label{}, fmt.Errorf("%s 没有标过 %s", like, r.Case.ID)
	}
	l := r.Given[at].Label
	l.Entries = slices.Clone(l.Entries)
	for _, q := range questions {
		word := said[q.name]
		differ := slices.ContainsFunc(r.Given, func(g Given) bool { return q.of(g.Label) != q.of(l) })
		switch value, ok := q.value(word); {
		case word == "none" && q.name != "decision":
			q.set(&l, "")
		case word != "" && !ok:
			return l, fmt.Errorf("--%s %q：只能是 %s", q.name, word, strings.Join(q.values(), "、"))
		case word != "":
			q.set(&l, value)
		case differ && like == "":
			return l, fmt.Errorf("“%s”标得不同：请写 --%s，或者 --like 登录名", q.column, q.name)
		}
	}
	if differ := slices.ContainsFunc(r.Given, func(g Given) bool { return !slices.Equal(g.Label.Entries, l.Entries) }); len(entries) > 0 {
		l.Entries = slices.Sorted(slices.Values(entries))
	} else if l.Decision == "abstain" {
		l.Entries = []string{}
	} else if differ && like == "" {
		return l, fmt.Errorf("“%s”标得不同：请写 --entries，或者 --like 登录名", columnEntries)
	}
	return l, nil
}
