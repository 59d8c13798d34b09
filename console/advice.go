package console

import (
	"context"
	"strconv"
	"strings"

	"qiuzhen/authoring"
	"qiuzhen/knowledge"
)

// advice is what authoring sees in a version: notes, of which only a contradiction stops a submission until somebody says why.
type advice struct {
	Against []authoring.Pair // a published verdict says the contrary
	Pairs   []authoring.Pair // what else is near, to be looked at side by side
	Notes   []readingNote
	// Uncompared says why the version was not held against the others; empty: it was.
	Uncompared string
}

// Count is of all that there is to look at.
func (a *advice) Count() int { return len(a.Against) + len(a.Pairs) + len(a.Notes) }

// readingNote is a place that could be easier to read.
type readingNote struct{ Where, What, Suggestion string }

// advise looks at a version that can still be mended.
func (c *Console) advise(ctx context.Context, p *entryPage) error {
	if p.V.Status != knowledge.Draft && p.V.Status != knowledge.InReview {
		return nil
	}
	report, err := c.Check(ctx, p.V.Entry, p.V.Number)
	if err != nil {
		return err
	}
	a := &advice{Against: report.Contradictions()}
	for _, pair := range report.Pairs {
		if pair.Kind != authoring.Contradiction || pair.Status != knowledge.Published {
			a.Pairs = append(a.Pairs, pair)
		}
	}
	for _, n := range report.Readability.Notes {
		a.Notes = append(a.Notes, readingNote{fieldWords(n.Field), n.What, n.Suggestion})
	}
	if !report.Compared {
		a.Uncompared = authoring.UncomparedWhy
	}
	if a.Count() > 0 || a.Uncompared != "" {
		p.Advice = a
	}
	return nil
}

// fieldWords names a field as the entry's page does.
func fieldWords(field string) string {
	name, index, _ := strings.Cut(strings.TrimSuffix(field, "]"), "[")
	words := map[string]string{"summary": "为什么", "actions": "怎么做", "tail": "结论后半句", "body": "正文"}[name]
	if words == "" {
		return field
	}
	if n, err := strconv.Atoi(index); err == nil {
		words += "第" + strconv.Itoa(n+1) + "条"
	}
	return words
}

// pairStatus says where the other entry stands.
func pairStatus(s knowledge.Status) string {
	return map[knowledge.Status]string{knowledge.Published: "已发布", knowledge.InReview: "审核中", knowledge.Draft: "草稿"}[s]
}
