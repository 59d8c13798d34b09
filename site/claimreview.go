package site

import (
	"time"

	"qiuzhen/knowledge"
)

// claimReview is schema.org's, as search engines read it. Required by their guidelines: claimReviewed, url and reviewRating with its alternateName.
type claimReview struct {
	Context       string       `json:"@context"`
	Type          string       `json:"@type"`
	URL           string       `json:"url"`
	ClaimReviewed string       `json:"claimReviewed"`
	ReviewRating  rating       `json:"reviewRating"`
	Author        organization `json:"author"`
	DatePublished string       `json:"datePublished"`
	DateModified  string       `json:"dateModified"`
	Expires       string       `json:"expires"`
	InLanguage    string       `json:"inLanguage"`
	ReviewBody    string       `json:"reviewBody"`
	ItemReviewed  claim        `json:"itemReviewed"`
	Citation      []citation   `json:"citation"`
}

// rating is a place from false (1) to true (5); what is not settled has none.
type rating struct {
	Type          string `json:"@type"`
	RatingValue   int    `json:"ratingValue,omitempty"`
	BestRating    int    `json:"bestRating,omitempty"`
	WorstRating   int    `json:"worstRating,omitempty"`
	AlternateName string `json:"alternateName"`
}

type organization struct {
	Type string `json:"@type"`
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
}

// claim is the claim itself. Who said it first is not known.
type claim struct {
	Type string `json:"@type"`
	Text string `json:"text"`
}

type citation struct {
	Type          string       `json:"@type"`
	Name          string       `json:"name"`
	Publisher     organization `json:"publisher"`
	DatePublished string       `json:"datePublished,omitempty"`
	URL           string       `json:"url,omitempty"`
}

var ratingValues = map[knowledge.Verdict]int{knowledge.False: 1, knowledge.Misleading: 2, knowledge.PartlyTrue: 3, knowledge.True: 5}

// newClaimReview is nil for a guide, and for what nobody has signed: that is no review.
func newClaimReview(p knowledge.Public, base string) *claimReview {
	if p.Entry.Kind != knowledge.Rebuttal || p.Standing != knowledge.Served {
		return nil
	}
	c := &claimReview{
		Context: "https://schema.org", Type: "ClaimReview", URL: base + entryPath(p.Entry.ID),
		ClaimReviewed: p.Entry.CanonicalClaim(), ReviewBody: p.Entry.FirstLine() + knowledge.Closed(p.Entry.Summary), InLanguage: "zh-CN",
		ReviewRating:  rating{Type: "Rating", AlternateName: p.Entry.Verdict.Zh()},
		Author:        organization{"Organization", siteName, base},
		DatePublished: stamp(p.PublishedAt), DateModified: stamp(p.UpdatedAt), Expires: stamp(p.ReviewBy),
		ItemReviewed: claim{"Claim", p.Entry.CanonicalClaim()}, Citation: []citation{},
	}
	if value := ratingValues[p.Entry.Verdict]; value > 0 {
		c.ReviewRating.RatingValue, c.ReviewRating.BestRating, c.ReviewRating.WorstRating = value, 5, 1
	}
	for _, s := range p.Entry.Sources {
		c.Citation = append(c.Citation, citation{"CreativeWork", s.Title, organization{"Organization", s.Institution, ""}, s.Date, webOnly(s.URL)})
	}
	return c
}

const siteName = "求真"

// stamp is an instant as it is read on this side of the world.
func stamp(t time.Time) string { return t.In(knowledge.China).Format(time.RFC3339) }
