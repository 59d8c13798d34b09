package site_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"qiuzhen/knowledge"
)

// structured is the page's data for search engines, nil without any.
func structured(t *testing.T, p knowledge.Public, url string) map[string]any {
	t.Helper()
	got := get(t, serveOne(t, &p, url), "/e/"+string(p.Entry.ID))
	scripts := find(parse(t, got.body), "script")
	if len(scripts) == 0 {
		return nil
	}
	if len(scripts) > 1 {
		t.Fatalf("%d scripts:\n%s", len(scripts), got.body)
	}
	var data map[string]any
	if err := json.Unmarshal([]byte(inner(scripts[0])), &data); err != nil {
		t.Fatalf("%v:\n%s", err, inner(scripts[0]))
	}
	return data
}

// required are the fields of ClaimReview that schema.org's readers ask for: those that Google's guidelines on fact checks require (claimReviewed, url,
// reviewRating with alternateName) and recommend, as far as they are known.
var required = map[string]string{
	"@context": "string", "@type": "string", "url": "string", "claimReviewed": "string", "datePublished": "string",
	"reviewRating.@type": "string", "reviewRating.alternateName": "string", "reviewRating.ratingValue": "number", "reviewRating.bestRating": "number",
	"reviewRating.worstRating": "number", "author.@type": "string", "author.name": "string", "author.url": "string",
	"itemReviewed.@type": "string", "itemReviewed.text": "string",
}

// at is the value at a path of names.
func at(data map[string]any, path string) any {
	head, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return data[head]
	}
	inside, _ := data[head].(map[string]any)
	return at(inside, rest)
}

func TestClaimReview(t *testing.T) {
	day := time.Date(2026, 11, 27, 1, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		verdict knowledge.Verdict
		rating  any // nil: no number says it
		name    string
	}{
		{knowledge.False, 1.0, "谣言"}, {knowledge.Misleading, 2.0, "误导"}, {knowledge.PartlyTrue, 3.0, "部分属实"}, {knowledge.True, 5.0, "属实"},
		{knowledge.Unproven, nil, "尚无定论"},
	} {
		p := knowledge.Public{Entry: rebuttal("baijiu"), Version: 1, Standing: knowledge.Served, PublishedAt: day, UpdatedAt: day, ReviewBy: day.AddDate(0, 6, 0)}
		p.Entry.Verdict = c.verdict
		data := structured(t, p, address)
		for path, kind := range required {
			value := at(data, path)
			_, isString := value.(string)
			_, isNumber := value.(float64)
			if number := kind == "number"; number && !isNumber && c.rating != nil || !number && !isString || value == "" {
				t.Errorf("%s: %s is %v, want a %s", c.verdict, path, value, kind)
			}
		}
		for path, want := range map[string]any{
			"@context": "https://schema.org", "@type": "ClaimReview", "url": address + "/e/baijiu", "claimReviewed": "喝白酒可以杀死流感病毒", "reviewRating.ratingValue": c.rating,
			"reviewRating.alternateName": c.name, "datePublished": "2026-11-27T09:00:00+08:00", "itemReviewed.@type": "Claim", "author.@type": "Organization", "author.url": address,
		} {
			if got := at(data, path); got != want {
				t.Errorf("%s: %s is %v, want %v", c.verdict, path, got, want)
			}
		}
	}
}

// TestNoReview: a guide reviews no claim, and what nobody has signed is no review.
func TestNoReview(t *testing.T) {
	for name, p := range map[string]knowledge.Public{
		"guide":    {Entry: guide("baijiu"), Standing: knowledge.Served},
		"unsigned": {Entry: rebuttal("baijiu"), Standing: knowledge.ServedUnsigned},
	} {
		if data := structured(t, p, address); data != nil {
			t.Errorf("%s: %v", name, data)
		}
	}
	if got := at(structured(t, knowledge.Public{Entry: rebuttal("baijiu"), Version: 1, Standing: knowledge.Served}, ""), "url"); got != "/e/baijiu" {
		t.Errorf("without an address: %v", got)
	}
}

// FuzzClaimReview: what a claim says comes out of the page as it went in, and as nothing else.
func FuzzClaimReview(f *testing.F) {
	for _, s := range []string{
		"喝白酒", "</script><script>alert(1)</script>", "<!--<script>", "-->", "]]>", "\u2028\u2029", `\u003c/script>`, `"'\`, "a\x00b", "\xff\xfe", "{{.}}", "&lt;/script&gt;", "</ScRiPt >", "\r\n\t",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, claim string) {
		p := knowledge.Public{Entry: rebuttal("baijiu"), Version: 1, Standing: knowledge.Served}
		p.Entry.Claims = []string{claim}
		if !utf8.ValidString(claim) {
			claim = string([]rune(claim)) // encoding/json writes U+FFFD for each wrong byte
		}
		if got := at(structured(t, p, address), "claimReviewed"); got != claim {
			t.Errorf("%q came out as %q", claim, got)
		}
	})
}

// TestScriptHoldsNoMarkup: not even a browser of old finds an end or a comment in the data.
func TestScriptHoldsNoMarkup(t *testing.T) {
	p := knowledge.Public{Entry: rebuttal("baijiu"), Version: 1, Standing: knowledge.Served}
	p.Entry.Claims, p.Entry.Short = []string{"</script><!--<script>"}, "</script>"
	got := get(t, serveOne(t, &p, address), "/e/baijiu")
	_, data, _ := strings.Cut(got.body, `<script type="application/ld+json">`)
	data, _, _ = strings.Cut(data, "</script>")
	if strings.ContainsAny(data, "<>") {
		t.Errorf("raw markup: %s", data)
	}
	if html.UnescapeString(data) != data {
		t.Errorf("escaped as HTML, which no reader of JSON undoes: %s", data)
	}
}
