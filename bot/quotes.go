package bot

import (
	"slices"
	"strings"

	"qiuzhen/retrieval"
)

// Quote is a version that a reply shows while it waits, with the words of the reply that go when it is not served any more, and what is said in their
// place. A version without words takes the whole reply with it.
type Quote struct {
	retrieval.Ref
	Words   string `json:",omitempty"`
	Instead string `json:",omitempty"`
}

// Quotes are the versions that a reply shows. What it answers goes as a whole, but for its head (what to do in a danger, where a current fact is to be had);
// each answer below that the reader waited for goes by itself, for it is told once.
func (k Kept) Quotes() []Quote {
	own, due := k.parts()
	quotes := []Quote{}
	for _, ref := range slices.Concat(k.Answered, k.Offered) {
		quotes = append(quotes, Quote{ref, own, k.gone(own)})
	}
	for i, ref := range k.Told {
		q := Quote{ref, "", k.gone(own)}
		if len(due) == len(k.Told) {
			q.Words, q.Instead = due[i], dueGone(due[i])
		}
		quotes = append(quotes, q)
	}
	return quotes
}

// parts are a reply's own words, and the answers below that the reader waited for.
func (k Kept) parts() (own string, due []string) {
	if len(k.Told) == 0 {
		return k.Text, nil
	}
	own, rest := CutDue(k.Text)
	for rest != "" {
		one, next := CutDue(rest[len("\n\n"):])
		due, rest = append(due, one), next
	}
	return own, due
}

// head is what Render puts before all that is quoted, and what holds without it: what to do in the danger that a reply speaks of, and where the current fact is
// to be had that was asked for. Empty when there is neither.
func (k Kept) head(own string) (head string) {
	for _, there := range []bool{k.Number != "", k.Live} {
		if !there || own == "" {
			continue
		}
		piece, rest, _ := strings.Cut(own, "\n\n")
		head, own = head+piece+"\n\n", rest
	}
	return head
}

// gone is what stands for a reply's own words when what they quote is away.
func (k Kept) gone(own string) string {
	if head := k.head(own); head != "" {
		return head + GoneBelow
	}
	return GoneLine
}

// IsGone reports whether a text stands for a reply that quoted what is not served any more.
func IsGone(text string) bool {
	return strings.Contains(text, GoneLine) || strings.Contains(text, GoneBelow)
}

// without is a reply without what shows a version that is away. It keeps its head, with the number.
func (k Kept) without(away func(retrieval.Ref) bool) Kept {
	text, left := Without(k.Text, k.Quotes(), away)
	if len(left) == len(k.Shown()) {
		return k
	}
	out := k
	if len(left) == 0 || slices.ContainsFunc(slices.Concat(k.Answered, k.Offered), away) {
		out = gone().Kept()
		out.Answer, out.Number, out.Live, out.Large = k.Answer, k.Number, k.Live, k.Large
	}
	out.Text, out.Told = text, nil
	for _, ref := range k.Told {
		if len(left) > 0 && !away(ref) {
			out.Told = append(out.Told, ref)
		}
	}
	return out
}

// Without is a text without the words of its quotes that are away, and the quotes that are left in it.
func Without(text string, quotes []Quote, away func(retrieval.Ref) bool) (string, []Quote) {
	replaced := map[string]bool{}
	for _, q := range quotes {
		switch {
		case !away(q.Ref) || replaced[q.Words]:
		case q.Words == "" || !strings.Contains(text, q.Words): // not told apart from the rest
			return insteadOfAll(quotes), []Quote{}
		default:
			text, replaced[q.Words] = strings.ReplaceAll(text, q.Words, q.Instead), true
		}
	}
	return text, slices.DeleteFunc(slices.Clone(quotes), func(q Quote) bool { return replaced[q.Words] })
}

// insteadOfAll is what stands for a reply of which nothing can be kept but its head.
func insteadOfAll(quotes []Quote) string {
	var lines []string
	for _, q := range quotes {
		if line := strings.TrimSpace(q.Instead); line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return GoneLine
	}
	return strings.Join(lines, "\n\n")
}
