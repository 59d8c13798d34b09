package read

import (
	"encoding/json"
	"fmt"
	"strings"

	"qiuzhen/ingest/office"
)

// maxNesting bounds how deep a ClaimReview is looked for.
const maxNesting = 8

// readJSONLD reads a JSON file of ClaimReviews.
func readJSONLD(s string) (*office.Document, error) {
	reviews, err := claimReviews(s)
	if err != nil {
		return nil, office.Problemf("JSON 读不懂（%v）", err)
	}
	if len(reviews) == 0 {
		return nil, office.Problem("JSON 里没有 ClaimReview")
	}
	return &office.Document{MediaType: "application/ld+json", Reviews: reviews}, nil
}

// claimReviews finds the ClaimReviews of a JSON-LD text: alone, in a list, or in a @graph.
func claimReviews(s string) ([]office.ClaimReview, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var root any
	if err := json.Unmarshal([]byte(s), &root); err != nil {
		return nil, err
	}
	var found []office.ClaimReview
	collectReviews(root, "", 0, &found)
	return found, nil
}

func collectReviews(v any, path string, depth int, found *[]office.ClaimReview) {
	if depth > maxNesting || len(*found) >= office.MaxRows {
		return
	}
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			collectReviews(item, fmt.Sprintf("%s[%d]", path, i), depth+1, found)
		}
	case map[string]any:
		if hasType(v["@type"], "ClaimReview") {
			*found = append(*found, claimReview(v, path))
			return
		}
		for _, key := range []string{"@graph", "itemListElement", "item", "mainEntity", "hasPart", "subjectOf"} {
			if inner, ok := v[key]; ok {
				collectReviews(inner, strings.TrimPrefix(path+"."+key, "."), depth+1, found)
			}
		}
	}
}

func hasType(v any, want string) bool {
	if list, ok := v.([]any); ok {
		for _, item := range list {
			if hasType(item, want) {
				return true
			}
		}
	}
	s, _ := v.(string)
	return strings.TrimPrefix(strings.TrimPrefix(s, "https://schema.org/"), "http://schema.org/") == want
}

func claimReview(v map[string]any, path string) office.ClaimReview {
	rating, _ := one(v["reviewRating"]).(map[string]any)
	author, _ := one(v["author"]).(map[string]any)
	item, _ := one(v["itemReviewed"]).(map[string]any)
	review := office.ClaimReview{
		Path: path, Claim: word(v, "claimReviewed"), Headline: firstOf(word(v, "headline"), word(v, "name")),
		Body: firstOf(text(v["reviewBody"]), text(v["description"])), URL: word(v, "url"), Date: isoDate(word(v, "datePublished")),
	}
	if review.Claim == "" {
		review.Claim = firstOf(word(item, "text"), word(item, "name"))
	}
	review.AlternateName = word(rating, "alternateName")
	review.Institution = word(author, "name")
	if name, ok := one(v["author"]).(string); ok {
		review.Institution = clean(name)
	}
	return review
}

// one is a value, or the first of a list of them.
func one(v any) any {
	if list, ok := v.([]any); ok {
		if len(list) == 0 {
			return nil
		}
		return list[0]
	}
	return v
}

// word is a field as one line.
func word(v map[string]any, key string) string {
	s, _ := one(v[key]).(string)
	return clean(mdTag.ReplaceAllString(s, ""))
}

// text is a value as lines, without HTML.
func text(v any) string {
	s, _ := one(v).(string)
	var lines []string
	for line := range strings.Lines(mdTag.ReplaceAllString(s, "\n")) {
		if line = clean(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
